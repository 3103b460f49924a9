"""Revoke all tokens and codes of a client at once: each carries the generation of its client."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for table in ("clients", "tokens", "authorization_codes"):
        op.add_column(table, sa.Column("generation", sa.BigInteger, nullable=False, server_default="0"))
