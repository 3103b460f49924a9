"""Figures of a day and store without shoppers, for reports over many days; an index in the order of a statement."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

_COUNTS = (
    "orders, canceled, late, lines, found, replaced, refunded, refund_cents, units, picked_units, picking,"
    " store_waits, store_wait, pickup_waits, pickup_wait, door_waits, door_wait"
)


def upgrade() -> None:
    sums = ", ".join(f"sum({name})" for name in _COUNTS.split(", "))
    op.execute(
        f"INSERT INTO daily_figures (retailer_id, day, store_number, person_id, {_COUNTS})"  # noqa: S608
        f" SELECT retailer_id, day, store_number, -1, {sums} FROM daily_figures GROUP BY retailer_id, day, store_number"
    )
    op.drop_index("daily_figures_by_day", "daily_figures")
    of_all = sa.text("person_id = -1")
    op.create_index(
        "daily_totals", "daily_figures", ["day", "retailer_id"], sqlite_where=of_all, postgresql_where=of_all
    )
    op.create_index("daily_figures_of_shoppers", "daily_figures", ["day", "person_id"])
    op.drop_index("money_lines_of_month", "money_lines")
    op.create_index(
        "money_lines_of_month",
        "money_lines",
        ["retailer_id", "month", "at", "order_id", "kind", "person_id", "batch_id"],
    )
