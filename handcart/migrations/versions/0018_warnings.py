"""Warnings to dispatchers about orders that nobody takes, or that are late."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "order_warnings",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("warned_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("retailer_id", "order_id", "kind"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "order_warnings_live", "order_warnings", ["retailer_id", "warned_at"], sqlite_where=live, postgresql_where=live
    )
