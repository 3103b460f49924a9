"""Figures of ended orders, their sums by day, and money: fees, pay, lines and closed months."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

COUNTS = (
    *("orders", "canceled", "late", "lines", "found", "replaced", "refunded", "refund_cents", "units", "picked_units"),
    *("picking", "store_waits", "store_wait", "pickup_waits", "pickup_wait", "door_waits", "door_wait"),
)
_FEES = ("delivery_cents", "pickup_cents", "last_mile_cents", "dispatch_cents", "goods_basis_points", "minimum_cents")
_PAY = (
    *("delivery_cents", "pickup_cents", "delivery_only_cents", "runner_customer_cents"),
    *("item_cents", "mile_cents"),
)


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.add_column("orders", sa.Column("is_counted", sa.Boolean, nullable=False, server_default=sa.false()))
    waits = sa.text("status IN ('completed', 'canceled') AND NOT is_counted")
    op.create_index("orders_uncounted", "orders", ["retailer_id", "number"], sqlite_where=waits, postgresql_where=waits)
    op.create_table(
        "ended_orders",
        _number("retailer_id"),
        _text("order_id"),
        _number("store_number"),
        _number("person_id"),
        _text("kind"),
        _number("ended_at"),
        _text("day"),
        _number("tip_cents"),
        _number("goods_cents", nullable=True),
        _number("miles", nullable=True),  # hundredths of a mile
        *map(_number, COUNTS),
        sa.PrimaryKeyConstraint("retailer_id", "order_id"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    op.create_index("ended_orders_by_time", "ended_orders", ["retailer_id", "ended_at", "order_id"])
    op.create_table(
        "daily_figures",
        _number("retailer_id"),
        _text("day"),
        _number("store_number"),
        _number("person_id"),
        *map(_number, COUNTS),
        sa.PrimaryKeyConstraint("retailer_id", "day", "store_number", "person_id"),
    )
    op.create_index("daily_figures_by_day", "daily_figures", ["day"])
    op.create_table(
        "fees",
        _number("retailer_id"),
        _text("valid_from"),
        _number("set_at"),
        _text("set_by"),
        *map(_number, _FEES),
        sa.PrimaryKeyConstraint("retailer_id", "valid_from", "set_at"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_table(
        "pay_rates",
        _number("person_id"),  # 0: of all shoppers without rates of their own
        _text("valid_from"),
        _number("set_at"),
        _text("set_by"),
        *map(_number, _PAY),
        sa.PrimaryKeyConstraint("person_id", "valid_from", "set_at"),
    )
    op.create_table(
        "money_lines",
        _number("retailer_id"),
        _text("order_id"),  # empty: of the month, of no order
        _text("month"),
        _text("kind"),
        _number("person_id"),  # 0: nobody
        _number("batch_id"),  # 0: of no batch
        _number("at"),
        _number("quantity"),
        _number("cents"),
        sa.Column("is_correction", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "order_id", "month", "kind", "person_id", "batch_id"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("money_lines_of_month", "money_lines", ["retailer_id", "month", "at", "order_id"])
    has_person = sa.text("person_id <> 0")
    op.create_index(
        "money_lines_of_person",
        "money_lines",
        ["person_id", "at", "retailer_id", "order_id"],
        sqlite_where=has_person,
        postgresql_where=has_person,
    )
    of_batch = sa.text("kind = 'pay_batch'")
    op.create_index(
        "money_lines_of_batch",
        "money_lines",
        ["retailer_id", "batch_id"],
        sqlite_where=of_batch,
        postgresql_where=of_batch,
    )
    op.create_table(
        "month_sums",
        _number("retailer_id"),
        _text("month"),
        _text("kind"),
        _number("person_id"),
        _number("quantity"),
        _number("cents"),
        sa.PrimaryKeyConstraint("retailer_id", "month", "kind", "person_id"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("month_sums_of_month", "month_sums", ["month", "person_id"])
    op.create_table(
        "closed_months",
        _number("retailer_id"),
        _text("month"),
        _number("closed_at"),
        _text("closed_by"),
        sa.PrimaryKeyConstraint("retailer_id", "month"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
