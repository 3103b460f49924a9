"""Kept answers say what they are about, so that a deletion finds them by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # Null in rows from before: the worker drops those within a day.
    op.add_column("idempotency_keys", sa.Column("subject", sa.Text, nullable=True))
    op.create_index("idempotency_keys_of_subject", "idempotency_keys", ["client_id", "subject"])
