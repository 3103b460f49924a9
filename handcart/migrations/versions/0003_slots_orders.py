"""Rules of a retailer, time slots with their capacity, holds, orders and their history, idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    op.add_column("retailers", sa.Column("rules", sa.Text, nullable=False, server_default="{}"))
    _slots()
    _orders()
    op.create_table(
        "idempotency_keys",
        _text("client_id"),
        _text("idempotency_key"),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        _number("expires_at"),
        sa.PrimaryKeyConstraint("client_id", "idempotency_key"),
    )
    op.create_index("idempotency_keys_by_end", "idempotency_keys", ["expires_at"])


def _slots() -> None:
    op.create_table(
        "slot_plans",
        _number("retailer_id"),
        _text("location_code"),  # empty: for every store without a plan of its own
        _text("kind"),
        _text("plan"),
        sa.PrimaryKeyConstraint("retailer_id", "location_code", "kind"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_table(
        "slot_exceptions",
        _number("retailer_id"),
        _text("location_code"),  # empty: for every store
        _text("kind"),
        _text("date"),
        _number("hour"),  # -1: the whole day
        _number("capacity"),
        sa.PrimaryKeyConstraint("retailer_id", "location_code", "kind", "date", "hour"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_table(
        "slot_ledger",
        _number("retailer_id"),
        _number("store_number"),
        _text("kind"),
        _number("starts_at"),
        _number("capacity"),
        _number("held"),
        _number("booked"),
        sa.PrimaryKeyConstraint("retailer_id", "store_number", "kind", "starts_at"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
        sa.CheckConstraint("held >= 0 AND booked >= 0 AND held + booked <= capacity", name="never_oversold"),
    )
    op.create_table(
        "holds",
        _number("isolation_id"),
        _text("user_id"),
        _number("id"),
        _number("retailer_id"),
        _number("option_id"),
        _number("store_number"),
        _text("kind"),
        _number("window_starts_at"),
        _number("window_ends_at"),
        _number("ledger_starts_at"),
        _number("expires_at"),
        _flag("is_counted"),
        sa.PrimaryKeyConstraint("isolation_id", "user_id"),
    )
    counted = sa.text("is_counted")
    op.create_index(
        "holds_by_window",
        "holds",
        ["retailer_id", "store_number", "kind", "ledger_starts_at", "expires_at"],
        sqlite_where=counted,
        postgresql_where=counted,
    )


def _orders() -> None:
    op.create_table(
        "orders",
        _number("retailer_id"),
        _text("order_id"),
        _number("number"),
        _number("isolation_id"),
        _text("user_id", nullable=True),
        _text("kind"),
        _text("status"),
        _number("created_at"),
        _number("updated_at"),
        _text("cancellation_reason", nullable=True),
        _number("store_number"),
        _number("window_starts_at"),
        _number("window_ends_at"),
        _text("window_type"),
        _number("ledger_starts_at", nullable=True),  # the place that is booked; none once it was given back
        _number("delivered_at", nullable=True),
        _number("bag_count", nullable=True),
        _number("tip_cents"),
        _flag("has_alcohol"),
        _flag("leave_unattended"),
        _number("member_since", nullable=True),  # the membership period that gave the benefit
        _number("member_until", nullable=True),
        _text("items"),
        _text("details"),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "order_id"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("orders_of_user", "orders", ["isolation_id", "user_id", "number"])
    op.create_index("orders_by_age", "orders", ["retailer_id", "created_at"])
    booked = sa.text("ledger_starts_at IS NOT NULL")
    op.create_index(
        "orders_by_window",
        "orders",
        ["retailer_id", "store_number", "kind", "ledger_starts_at"],
        sqlite_where=booked,
        postgresql_where=booked,
    )
    op.create_table(
        "order_history",
        _number("retailer_id"),
        _text("order_id"),
        _number("number"),  # of the step, from 1
        _number("at"),
        _text("status"),
        _text("what"),
        sa.PrimaryKeyConstraint("retailer_id", "order_id", "number"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
