"""Shoppers, their batches, and the events that each step of an order owes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.add_column("order_history", sa.Column("events", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "shoppers",
        _number("retailer_id"),
        _number("id"),
        _text("email", nullable=True),
        _text("phone", nullable=True),
        _number("created_at"),
        sa.PrimaryKeyConstraint("retailer_id", "id"),
        sa.UniqueConstraint("retailer_id", "phone", name="one_shopper_for_each_phone"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_table(
        "batches",
        _number("retailer_id"),
        _number("id"),
        _text("type"),
        _text("workflow_state"),
        _number("shopper_id"),
        _number("created_at"),
        _number("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("retailer_id", "id"),
        sa.ForeignKeyConstraint(["retailer_id", "shopper_id"], ["shoppers.retailer_id", "shoppers.id"]),
    )
    op.create_index("batches_of_shopper", "batches", ["retailer_id", "shopper_id"])
    op.create_table(
        "batch_orders",
        _number("retailer_id"),
        _number("batch_id"),
        _text("order_id"),
        sa.Column("is_live", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "batch_id", "order_id"),
        sa.ForeignKeyConstraint(["retailer_id", "batch_id"], ["batches.retailer_id", "batches.id"]),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    live = sa.text("is_live")
    op.create_index(
        "one_live_batch_for_each_order",
        "batch_orders",
        ["retailer_id", "order_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    # Accounts that an integrator made without a browser, and may use so.
    op.create_table(
        "sandbox_users",
        _number("organization_id"),
        _number("account_id"),
        sa.PrimaryKeyConstraint("organization_id", "account_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    )
