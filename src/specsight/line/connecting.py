"""The URL of a line's database → an engine on it, whose tables are those of this version (Alembic)."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from specsight.errors import SpecsightError, require
from specsight.storage.database import connect, writing

if TYPE_CHECKING:
    import sqlalchemy

MIGRATING = 5_160_016
"""The lock that servers starting at once on one PostgreSQL wait for."""


def open_database(url: str) -> sqlalchemy.Engine:
    """An engine on the database at `url`, its tables made or brought to this version, whoever else does so at once.

    Raises SpecsightError where it cannot be reached, where a later version wrote it, and where it is another one.
    """
    require("alembic", "serve")
    engine = connect(url)
    try:
        _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


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
