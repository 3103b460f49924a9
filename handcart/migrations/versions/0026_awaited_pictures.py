"""Pictures that shoppers took, and that have not come yet."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "awaited_pictures",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),  # by the retailer's clock
        sa.Column("expires_at", sa.BigInteger, nullable=False),  # by the process's clock
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_index("awaited_pictures_of_order", "awaited_pictures", ["retailer_id", "order_id"])
    op.create_index("awaited_pictures_expiring", "awaited_pictures", ["expires_at"])
