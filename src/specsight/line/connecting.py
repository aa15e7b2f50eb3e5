"""The URL of a line's database → an engine on it, whose tables are those of this version (Alembic); and locks that one
of all programs on a database holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from specsight.errors import SpecsightError, require
from specsight.storage.database import SQLITE, connect, reading, session, writing
from specsight.storage.locks import locked

if TYPE_CHECKING:
    import sqlalchemy

MIGRATING = 5_160_016
"""The lock that servers starting at once on one PostgreSQL wait for."""
VERSION_TABLE = "alembic_version"
OPEN = "give with --db, or SPECSIGHT_DB, the one that 'specsight serve' or 'specsight watch' writes"


class NoDatabase(SpecsightError):
    """There are no records of a line where they are looked for."""


def open_database(url: str, create: bool = True) -> sqlalchemy.Engine:
    """An engine on the database at `url`, its tables brought to this version, and made where there are none and
    `create`, whoever else does so at once.

    Raises NoDatabase where there are none, and SpecsightError where it cannot be reached, where a later version wrote
    it, and where it is another one.
    """
    require("alembic", "serve")
    engine = connect(url)
    try:
        if not create:
            _check_there(engine)
        _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def alone(engine: sqlalchemy.Engine, name: str) -> Iterator[bool]:
    """Hold the lock `name` of a database; yields False where another program, thread or machine holds it.

    It is let go with the process or its connection, whatever clocks say. On SQLite it is a file beside the database.
    """
    import sqlalchemy as sa

    if engine.dialect.name != "postgresql":
        with locked(Path(f"{engine.url.database}.{name}")) as held:
            yield held
        return
    values = {"name": f"specsight {name}"}
    with session(engine) as connection:  # no transaction, which would stay open as long as the lock is held
        taken = sa.text("SELECT pg_try_advisory_lock(hashtextextended(:name, 516))")
        held = bool(connection.execute(taken, values).scalar_one())
        try:
            yield held
        finally:
            if held:
                connection.execute(sa.text("SELECT pg_advisory_unlock(hashtextextended(:name, 516))"), values)


def _check_there(engine: sqlalchemy.Engine) -> None:
    """Raise NoDatabase where nobody has made it; connecting to a file of SQLite would."""
    import sqlalchemy as sa

    address = engine.url.render_as_string()
    if engine.dialect.name == SQLITE and not Path(str(engine.url.database)).exists():
        raise NoDatabase(f"there is no database '{address}': {OPEN}")
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table(VERSION_TABLE):
            raise NoDatabase(f"the database '{address}' holds no records of a line: {OPEN}")


def _migrate(engine: sqlalchemy.Engine) -> None:
    """Run the migrations that are missing, in one transaction."""
    import sqlalchemy as sa
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(resources.files("specsight.line").joinpath("migrations")))
    known = [one.revision for one in scripts.walk_revisions()]
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
        context = MigrationContext.configure(connection)
        current = context.get_current_revision()
        if current is None and sa.inspect(connection).has_table("part"):
            raise SpecsightError(
                f"'{engine.url.database}' holds tables of another program: give the line a database of its own"
            )
        if current is not None and current not in known:
            raise SpecsightError(
                f"'{engine.url.database}' was written by a later version of specsight ({current}): update this one"
            )
        missing = list(scripts.iterate_revisions("head", current or "base"))
        with Operations.context(context):
            for script in reversed(missing):
                script.module.upgrade()
        if missing:
            context.stamp(scripts, "head")
