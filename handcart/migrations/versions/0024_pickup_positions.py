"""How customers pick up at a store; where shoppers are."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "pickup_instructions",
        _number("retailer_id"),
        _text("location_code"),  # empty: for every store without its own
        _text("category"),  # curbside, locker or in_store
        _text("instruction"),
        _text("images"),
        sa.PrimaryKeyConstraint("retailer_id", "location_code", "category"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_table(
        "shopper_positions",
        _number("person_id"),
        _number("at"),
        _number("received_at"),
        sa.Column("latitude", sa.Double, nullable=False),
        sa.Column("longitude", sa.Double, nullable=False),
        sa.Column("accuracy", sa.Double, nullable=True),  # meters
        sa.PrimaryKeyConstraint("person_id", "at"),
        sa.ForeignKeyConstraint(["person_id"], ["shoppers.id"]),
    )
    op.create_index("shopper_positions_received", "shopper_positions", ["received_at"])
