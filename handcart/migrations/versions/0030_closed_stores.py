"""The span in which a store is closed outside its usual hours."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("stores", sa.Column("closed_from", sa.BigInteger, nullable=True))
    op.add_column("stores", sa.Column("closed_until", sa.BigInteger, nullable=True))
    op.add_column("stores", sa.Column("closed_reason", sa.Text, nullable=True))
