"""Who is on an order that needs a person; an index for orders whose events could not be delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "order_claims",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "order_id"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    op.create_index("order_claims_until", "order_claims", ["until"])
    has_failed = sa.text("state = 'failed'")
    op.create_index(
        "deliveries_failed_of_subject",
        "deliveries",
        ["retailer_id", "subject"],
        sqlite_where=has_failed,
        postgresql_where=has_failed,
    )
