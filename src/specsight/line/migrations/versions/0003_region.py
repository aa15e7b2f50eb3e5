"""Where a person says that a defect lies, with their review."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Reviews that are on record say nothing of it."""
    op.add_column("review", sa.Column("region", sa.JSON(), nullable=True))
