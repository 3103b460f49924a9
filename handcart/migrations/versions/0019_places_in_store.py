"""Where a product is in its store, and its picture."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    for name in ("department", "aisle", "shelf", "temperature", "image_url"):
        op.add_column("items", sa.Column(name, sa.Text, nullable=True))
    op.create_index("items_by_department", "items", ["retailer_id", "department"])
    # A shopper has few batches that have not ended, and thousands that have.
    op.drop_index("batches_of_shopper", "batches")
    op.create_index("batches_of_shopper", "batches", ["retailer_id", "shopper_id", "ended_at"])
