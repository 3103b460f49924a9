"""The engine of assignment: its areas with their plans and leases, decisions about orders, pins."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.create_table(
        "assignment_areas",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=True),
        sa.Column("held_until", sa.BigInteger, nullable=False),
        sa.Column("planned_at", sa.BigInteger, nullable=False),
        sa.Column("plan", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("area"),
    )
    op.create_table(
        "assignment_decisions",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=True),
        sa.Column("starts_by", sa.BigInteger, nullable=True),
        sa.Column("given_at", sa.BigInteger, nullable=True),
        sa.Column("refused", sa.Text, nullable=True),
        sa.Column("ruled_out", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "order_id", "at"),
    )
    op.create_index("assignment_decisions_made", "assignment_decisions", ["made_at"])
    op.create_table(
        "assignment_pins",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "order_id"),
    )
