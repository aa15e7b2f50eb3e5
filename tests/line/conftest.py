"""Databases of both kinds, and a model with parts that it judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.factory import FITTED, photograph, specsight
from tests.support.postgresql import Postgres, postgres, why_absent

pytest.importorskip("sqlalchemy")
pytest.importorskip("alembic")

from specsight.line.store import LineStore
from specsight.storage import database


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    if why := why_absent():
        pytest.skip(why)
    with postgres() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/line.db"
    server = request.getfixturevalue("server")
    assert isinstance(server, Postgres)
    return server.database()


@pytest.fixture
def store(url: str) -> Iterator[LineStore]:
    one = LineStore.open(url)
    yield one
    one.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[LineStore]:
    one = LineStore.open(f"sqlite:///{tmp_path}/line.db")
    yield one
    one.close()


@pytest.fixture(scope="session")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `models/plate`, fitted, and `new/`: plates 40 to 45, of which 41 and 44 are scratched."""
    folder = tmp_path_factory.mktemp("plates")
    photograph(folder / "good", 24)
    photograph(folder / "new", 6, 40, (41, 44))
    specsight(
        "fit",
        "--good",
        folder / "good",
        "-o",
        folder / "models" / "plate",
        *FITTED,
        "--holdout",
        12,
        "--false-reject-rate",
        0.3,
    )
    return folder


@pytest.fixture(autouse=True)
def _no_power_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SYNCHRONOUS", "OFF")
