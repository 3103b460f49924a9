"""Holds keep the type of their window: slot ids are made with the installation's key now, and older ids say nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("holds", sa.Column("window_type", sa.Text, nullable=False, server_default="scheduled"))
    # A window that begins with the order draws on the hours around its end, so it does not begin with them.
    op.execute("UPDATE holds SET window_type = 'eta' WHERE window_starts_at <> ledger_starts_at")
