"""Files of stores and items that people sent and have not imported yet."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("uploads_of_person", "uploads", ["person_id", "what"])
    op.create_index("uploads_expire", "uploads", ["expires_at"])
