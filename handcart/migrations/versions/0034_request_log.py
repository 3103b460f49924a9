"""The log of API calls, and when each client was last used."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "request_log",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("status", sa.BigInteger, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sa.Column("retailer_id", sa.BigInteger, nullable=True),
        sa.Column("client_id", sa.Text, nullable=True),
        sa.Column("rule", sa.Text, nullable=True),
        sa.Column("codes", sa.Text, nullable=True),
        sa.Column("shape", sa.Text, nullable=True),
    )
    for name in ("request_id", "route", "status", "retailer_id", "client_id", "rule"):
        op.create_index(f"request_log_{name}", "request_log", [name, "id"])
    op.create_table(
        "client_uses",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("used_at", sa.BigInteger, nullable=False),
    )
