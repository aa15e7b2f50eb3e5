"""What lines need, from what one part costs: cores, machines, disk, commits and network, and which limit comes first.

Arithmetic, no measurement: everything is linear in parts. `measured.sizing` measures the costs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LINES = (1, 3, 10, 30, 100, 300, 1000)
FULL = 0.7
"""Share of a limit that is planned with: above it, queues grow long before the limit is reached."""
CORES = 16
"""Of a machine."""
DISK = 4e12
"""Bytes of a machine's disk."""
NETWORK = 1e9
"""Bits a second of a machine."""
DAYS = 90
SHORT = 7
"""Days that pictures and maps of accepted parts are kept where rejected ones are kept for `DAYS`."""
REJECTED = 0.05
"""Share of parts that is rejected (assumed)."""
DAY = 86400
SERVER, SQLITE, MACHINE, SPACE, SHORTER, POSTGRESQL, WIRE = (
    "one judging worker",
    "SQLite's one writer",
    "one machine",
    "its disk",
    "its disk, accepted parts for 7 days",
    "PostgreSQL's commits",
    "its network",
)
CHANGES = {
    SERVER: "a second `specsight serve` on the same database, or a faster encoder or runtime",
    SQLITE: "PostgreSQL",
    MACHINE: "more machines, one PostgreSQL; batches with `--engine ray`",
    SPACE: f"accepted parts for {SHORT} days (`line retain`)",
    SHORTER: "more disk, or fewer days",
    POSTGRESQL: "one PostgreSQL for each group of lines",
    WIRE: "servers next to their lines, one PostgreSQL for each group",
}
"""Limit → what to change when it is reached."""


@dataclass(frozen=True)
class Costs:
    """What one part costs, and how many parts a second a database takes."""

    core_seconds: float
    """Of one core, from bytes to the stored record."""
    picture: float
    """Bytes of the picture as sent."""
    answer: float
    """Bytes of the record as JSON."""
    stored: float
    """Bytes on record, with picture and map."""
    record: float
    """Bytes on record without them."""
    sqlite: float
    """Commits a second, one part each."""
    postgresql: float | None
    """The same of lines that write at once; None: not measured."""


def limits(costs: Costs, rate: float) -> dict[str, float]:
    """Limit → lines at `rate` parts a minute that reach it at `FULL`, the fewest first."""
    second = rate / 60
    bits = 8 * second * max(costs.picture + costs.answer, costs.stored)
    found = {
        SERVER: 1 / costs.core_seconds / second,
        SQLITE: costs.sqlite / second,
        MACHINE: CORES / costs.core_seconds / second,
        SPACE: DISK / (second * DAY * DAYS * costs.stored),
        SHORTER: DISK / (second * DAY * _short(costs)),
        WIRE: NETWORK / bits,
    }
    if costs.postgresql is not None:
        found[POSTGRESQL] = costs.postgresql / second
    return dict(sorted(((name, FULL * lines) for name, lines in found.items()), key=lambda one: one[1]))


def _short(costs: Costs) -> float:
    """Bytes kept of a part a day after `DAYS`, where pictures and maps of accepted parts go after `SHORT`."""
    blobs = costs.stored - costs.record
    return DAYS * costs.record + blobs * (REJECTED * DAYS + (1 - REJECTED) * SHORT)


def table(costs: Costs, rate: float = 60.0) -> str:
    """The table in Markdown, for lines of `rate` parts a minute."""
    rows = [
        "| lines | cores (= servers) | machines | GB a day | TB in 90 days, all kept | TB, accepted 7 days | "
        "commits/s | Mbit/s in | Mbit/s to the database | reached since the last row, first to last: what to change |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    reached: set[str] = set()
    for lines in LINES:
        new = [name for name, most in limits(costs, rate).items() if most < lines and name not in reached]
        reached.update(new)
        rows.append(_row(costs, lines, rate, new))
    return "\n".join(rows)


def _row(costs: Costs, lines: int, rate: float, new: list[str]) -> str:
    second = lines * rate / 60
    cores = max(1, math.ceil(second * costs.core_seconds / FULL))
    cells = (
        lines,
        cores,
        math.ceil(cores / CORES),
        f"{second * DAY * costs.stored / 1e9:.1f}",
        f"{second * DAY * DAYS * costs.stored / 1e12:.2f}",
        f"{second * DAY * _short(costs) / 1e12:.2f}",
        f"{second:g}",
        f"{8 * second * (costs.picture + costs.answer) / 1e6:.1f}",
        f"{8 * second * costs.stored / 1e6:.1f}",
        "; ".join(f"**{name}**: {CHANGES[name]}" for name in new) or "–",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def described(costs: Costs, rate: float = 60.0) -> str:
    """The costs and, for each limit, the lines that reach it, in Markdown."""
    postgresql = "not measured" if costs.postgresql is None else f"{costs.postgresql:.0f}"
    found = "".join(f"| {name} | {most:.3g} |\n" for name, most in limits(costs, rate).items())
    return (
        "| of one part | |\n|---|---|\n"
        f"| seconds of one core, bytes to stored record | {costs.core_seconds:.3f} |\n"
        f"| KB of the picture, of the answer | {costs.picture / 1e3:.1f}, {costs.answer / 1e3:.1f} |\n"
        f"| KB on record, of these the record and its entry | {costs.stored / 1e3:.1f}, {costs.record / 1e3:.1f} |\n"
        f"| commits a second, SQLite, PostgreSQL | {costs.sqlite:.0f}, {postgresql} |\n\n"
        f"| limit, planned at {FULL:.0%} | lines that reach it |\n|---|---|\n{found}"
    )
