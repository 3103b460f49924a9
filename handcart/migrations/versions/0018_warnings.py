"""Warnings to dispatchers about orders that nobody takes, or that are late; indexes for lists of orders."""

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
        sa.Column("moved_at", sa.BigInteger, nullable=True),  # when the order was moved because nobody took it
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("retailer_id", "order_id", "kind"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "order_warnings_live", "order_warnings", ["retailer_id", "warned_at"], sqlite_where=live, postgresql_where=live
    )
    # Each order is in one of the two: what is open is listed by its promised time, what has ended by its state first.
    is_open = sa.text("status NOT IN ('completed', 'canceled')")
    op.create_index(
        "orders_open",
        "orders",
        ["window_ends_at", "number", "retailer_id", "store_number", "kind", "status"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    has_ended = sa.text("status IN ('completed', 'canceled')")
    op.create_index(
        "orders_ended",
        "orders",
        ["status", "window_ends_at", "number", "retailer_id"],
        sqlite_where=has_ended,
        postgresql_where=has_ended,
    )
