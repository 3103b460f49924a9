"""Customers confirm their address when they sign up."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("confirmed_at", sa.BigInteger, nullable=True))
    op.execute("UPDATE accounts SET confirmed_at = created_at")
