"""Further channels of parts: their digests with the record, and by digest."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

REFUSED = "records of a line are never changed"
TABLE = "part_signal"


def upgrade() -> None:
    """Parts that are on record have none."""
    op.add_column("part", sa.Column("signals", sa.JSON(), server_default="{}", nullable=False))
    op.create_table(
        TABLE,
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("inspection", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_part_signal_inspection", TABLE, ["inspection"], unique=False)
    op.create_index("ix_part_signal_digest", TABLE, ["digest"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f'CREATE TRIGGER {TABLE}_keeps_update BEFORE UPDATE ON "{TABLE}" '
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    else:
        op.execute(
            f'CREATE TRIGGER {TABLE}_keeps BEFORE UPDATE ON "{TABLE}" FOR EACH ROW EXECUTE FUNCTION refuse()'
        )
