"""What stores do not have of their retailer's catalog, and their own prices."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.create_table(
        "store_items",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("rrc", sa.Text, nullable=False),
        sa.Column("store_number", sa.BigInteger, nullable=False),
        sa.Column("is_available", sa.Boolean, nullable=False),
        sa.Column("price_cents", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("retailer_id", "rrc", "store_number"),
        sa.ForeignKeyConstraint(["retailer_id", "rrc"], ["items.retailer_id", "items.rrc"]),
        sa.ForeignKeyConstraint(["retailer_id", "store_number"], ["stores.retailer_id", "stores.number"]),
    )
