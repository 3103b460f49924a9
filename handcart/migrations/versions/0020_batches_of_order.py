"""Find all batches of an order, also the ended ones."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_index("batches_of_order", "batch_orders", ["retailer_id", "order_id", "batch_id"])
