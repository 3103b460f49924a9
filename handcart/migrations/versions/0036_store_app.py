"""Tablets of stores, the PINs with which people use them, and batches of a store's people."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "store_tablets",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("store_number", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("joined_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("person_id", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
        sa.ForeignKeyConstraint(["retailer_id", "store_number"], ["stores.retailer_id", "stores.number"]),
        sa.ForeignKeyConstraint(["person_id"], ["staff.id"]),
    )
    op.create_index("tablets_of_store", "store_tablets", ["retailer_id", "store_number"])
    op.create_index("tablets_of_person", "store_tablets", ["person_id"])
    op.create_table(
        "staff_pins",
        sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("pin_hash", sa.Text, nullable=False),
        sa.Column("wrong_pins", sa.Integer, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["staff.id"]),
    )
    op.add_column("retailer_shoppers", sa.Column("staff_id", sa.BigInteger, nullable=True))
    op.create_index(
        "one_shadow_of_staff_for_each_retailer", "retailer_shoppers", ["retailer_id", "staff_id"], unique=True
    )
    is_open = sa.text("status NOT IN ('completed', 'canceled')")
    op.create_index(
        "orders_open_of_store",
        "orders",
        ["retailer_id", "store_number", "updated_at"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
