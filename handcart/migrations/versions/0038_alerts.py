"""Alerts to the operator."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("mailed_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject", "began_at"),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "one_live_alert", "alerts", ["kind", "subject"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_index("alerts_ended", "alerts", ["ended_at"])
