"""Receivers are asked whether they want callbacks, before callbacks go to them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    # Webhooks that are enabled stay so: their receivers get callbacks already.
    op.add_column("webhooks", sa.Column("verified_at", sa.BigInteger, nullable=True))
    op.add_column("webhooks", sa.Column("asked_at", sa.BigInteger, nullable=False, server_default="0"))
    condition = sa.text("status = 'verifying'")
    op.create_index(
        "webhooks_to_verify",
        "webhooks",
        ["environment", "asked_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
