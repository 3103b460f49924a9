"""Orders that a sandbox's robot shopper serves."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "robot_runs",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("retailer_id", "order_id"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    op.create_index("robot_runs_due", "robot_runs", ["retailer_id", "due_at"])
