"""A line's server on a fitted model, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("limits")
from tests.line.conftest import plates, server, sqlite_store, store, url
from tests.support.lines import ServedLine, served_line

from specsight.line.store import LineStore

__all__ = ["plates", "server", "sqlite_store", "store", "url"]


@pytest.fixture
def line(plates: Path, sqlite_store: LineStore) -> Iterator[ServedLine]:
    with served_line(plates / "models", sqlite_store) as one:
        yield one


@pytest.fixture
def any_line(plates: Path, store: LineStore) -> Iterator[ServedLine]:
    """The same, once on SQLite and once on PostgreSQL."""
    with served_line(plates / "models", store) as one:
        yield one
