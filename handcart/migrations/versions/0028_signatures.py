"""What customers draw when they sign for an order."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "signatures",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("strokes", sa.LargeBinary, nullable=False),  # sealed
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "order_id"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    op.create_index("signatures_expires", "signatures", ["expires_at"])
