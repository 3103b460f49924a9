"""When shoppers are planned to work, and when they did."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "shifts",
        _number("id"),
        _number("person_id"),
        _number("starts_at"),
        _number("ends_at"),
        _number("break_starts_at", nullable=True),
        _number("break_ends_at", nullable=True),
        _number("retailer_id", nullable=True),
        _number("store_number", nullable=True),
        sa.Column("area", sa.Text, nullable=False),
        _number("started_at", nullable=True),
        _number("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["person_id"], ["shoppers.id"]),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("shifts_of_person", "shifts", ["person_id", "starts_at"])
    op.create_index("shifts_by_time", "shifts", ["starts_at"])
