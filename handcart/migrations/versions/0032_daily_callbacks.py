"""How many callbacks of a day arrived, for reports."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.create_table(
        "daily_callbacks",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "day"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
