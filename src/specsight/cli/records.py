"""The database of a line, opened for a verb: one that is there, or, for verbs that begin a line, a new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specsight import screen
from specsight.errors import require

if TYPE_CHECKING:
    from specsight.line.store import LineStore


@contextmanager
def records_at(url: str) -> Iterator[LineStore]:
    """The store at `url`. Raises SpecsightError where there is none: a mistyped address makes no empty one."""
    require("sqlalchemy", "serve")
    from specsight.line.store import LineStore

    store = LineStore.open(url, create=False)
    try:
        yield store
    finally:
        store.close()


def begun_records(url: str) -> LineStore:
    """The store at `url`; where there is none it is made, and said so."""
    require("sqlalchemy", "serve")
    from specsight.line.connecting import NoDatabase
    from specsight.line.store import LineStore

    try:
        return LineStore.open(url, create=False)
    except NoDatabase:
        store = LineStore.open(url)
        screen.say(f"new database: {store.engine.url.render_as_string()}", err=True)
        return store
