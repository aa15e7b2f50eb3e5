"""The first tables, and the triggers that keep records as they were written."""

from alembic import op

from specsight.line.schema import APPEND_ONLY, metadata

revision = "0001"
down_revision = None

REFUSED = "records of a line are never changed"


def upgrade() -> None:
    """Make all tables and triggers."""
    connection = op.get_bind()
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":
        for table in APPEND_ONLY:
            op.execute(_sqlite(table, "UPDATE"))
        op.execute(_sqlite("audit", "DELETE"))
    elif connection.dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
        for table in APPEND_ONLY:
            op.execute(_postgresql(table, "UPDATE OR DELETE" if table == "audit" else "UPDATE"))


def _sqlite(table: str, what: str) -> str:
    return (
        f'CREATE TRIGGER {table}_keeps_{what.lower()} BEFORE {what} ON "{table}" '
        f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )


def _postgresql(table: str, what: str) -> str:
    return f'CREATE TRIGGER {table}_keeps BEFORE {what} ON "{table}" FOR EACH ROW EXECUTE FUNCTION refuse()'
