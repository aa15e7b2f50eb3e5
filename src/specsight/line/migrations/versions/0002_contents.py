"""Whose depth and map content is can be asked: retention does, before it deletes any."""

from alembic import op

from specsight.line.schema import parts

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make both indexes, where the first migration, which knows today's tables, did not."""
    for index in parts.indexes:
        if index.name in ("part_depth", "part_map"):
            index.create(op.get_bind(), checkfirst=True)
