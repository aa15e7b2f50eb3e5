"""Servers in processes of their own, under load and under faults; the whole measurements are `python -m steady`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
from steady.__main__ import fine
from steady.faults import full_disk, killed, without_database
from steady.fuzzing import fuzzed
from steady.load import many_clients, swapped, two_servers
from steady.parts import make_models
from tests.support.postgresql import why_absent

pytestmark = pytest.mark.long
SIDE = 64


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return make_models(tmp_path, SIDE, "filters")


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/line.db"


def right(figures: dict[str, Any]) -> bool:
    assert fine(figures), figures
    return bool(figures["acknowledged"] > 0)


def test_many_clients_get_right_answers(models: Path, db: str) -> None:
    assert right(many_clients(models, db, SIDE, 5, 12))


def test_nothing_acknowledged_is_lost_or_twice_where_the_server_is_killed(models: Path, db: str) -> None:
    assert right(killed(models, db, SIDE, 3))


def test_two_servers_share_a_database(models: Path, db: str) -> None:
    figures = two_servers(models, db, SIDE, 4)
    assert right(figures)
    assert figures["followers of both saw the same"]


def test_a_swapped_model_answers_as_the_version_it_names(models: Path, db: str) -> None:
    figures = swapped(models, db, SIDE, 5)
    assert right(figures)
    assert figures["swaps"] >= 2


def test_a_full_disk_is_said_and_survived(models: Path, tmp_path: Path) -> None:
    figures = full_disk(models, tmp_path, SIDE)
    assert right(figures)
    assert figures["refused while full"] > 0


@pytest.mark.skipif(bool(why_absent()), reason=why_absent() or "there")
def test_a_database_that_comes_back_is_used_again(models: Path) -> None:
    figures = without_database(models, SIDE, 1)
    assert right(figures)
    assert figures["statuses"]["503"] > 0


def test_the_interface_survives_requests_that_nobody_would_send(models: Path, db: str) -> None:
    pytest.importorskip("schemathesis")
    figures = fuzzed(models, db, 5)
    assert figures["wrong"] == figures["server ended"] == 0, figures["report"]
