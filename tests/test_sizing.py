"""The sizing table is arithmetic on measured costs."""

from __future__ import annotations

import re

from measured.sizing_table import (
    CHANGES,
    LINES,
    MACHINE,
    POSTGRESQL,
    SERVER,
    SQLITE,
    WIRE,
    Costs,
    described,
    limits,
    table,
)

COSTS = Costs(
    core_seconds=0.135, picture=90e3, answer=10e3, stored=200e3, record=20e3, sqlite=40, postgresql=100
)


def rows(costs: Costs) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table(costs).splitlines()[2:]]


def test_a_row_is_what_its_lines_cost() -> None:
    found = {int(row[0]): row for row in rows(COSTS)}
    assert tuple(found) == LINES
    # 100 parts a second: 13.5 cores, and 70 % of each is planned with.
    assert found[100][1:9] == ["20", "2", "1728.0", "155.52", "32.89", "100", "80.0", "160.0"]
    assert float(found[1000][3]) == 10 * float(found[100][3])


def test_each_limit_is_reached_once_and_says_what_to_change() -> None:
    reached = [name for row in rows(COSTS) for name in re.findall(r"\*\*(.*?)\*\*", row[-1])]
    assert sorted(reached) == sorted(CHANGES)
    assert [name for name in limits(COSTS, 60) if name in reached] == reached, "the fewest lines first"
    assert limits(COSTS, 60)[SERVER] == limits(COSTS, 30)[SERVER] / 2
    assert limits(COSTS, 60)[MACHINE] == 16 * limits(COSTS, 60)[SERVER]
    assert round(limits(COSTS, 60)[SQLITE]) == 28
    assert round(limits(COSTS, 60)[WIRE]) == 438


def test_what_was_not_measured_is_no_limit() -> None:
    costs = Costs(**{**vars(COSTS), "postgresql": None})
    assert POSTGRESQL not in limits(costs, 60)
    assert "not measured" in described(costs)
