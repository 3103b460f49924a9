"""The operator's shoppers. What was called a shopper becomes the shopper as one retailer's client sees it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def _text(name: str, nullable: bool = False, **more: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, **more)  # type: ignore[arg-type]


def _number(name: str, nullable: bool = False, **more: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, **more)  # type: ignore[arg-type]


def upgrade() -> None:
    op.rename_table("shoppers", "retailer_shoppers")
    op.add_column("retailer_shoppers", _number("person_id", nullable=True))
    op.create_index("one_shadow_for_each_retailer", "retailer_shoppers", ["retailer_id", "person_id"], unique=True)
    op.create_index("shadows_of_person", "retailer_shoppers", ["person_id"])
    op.create_table(
        "shoppers",
        _number("id"),
        _text("name"),
        _text("phone", nullable=True),
        _text("email", nullable=True),
        _text("locale", server_default="en-US"),
        _text("languages", server_default="[]"),
        _text("skills", server_default="[]"),
        _text("vehicle", server_default="car"),
        _number("most_orders", server_default="3"),
        _number("home_retailer_id", nullable=True),
        _number("home_store_number", nullable=True),
        _text("pin_hash", nullable=True),
        _number("created_at"),
        _number("blocked_at", nullable=True),
        _text("blocked_reason", nullable=True),
        _number("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["home_retailer_id"], ["retailers.id"]),
    )
    is_open = sa.text("closed_at IS NULL AND phone IS NOT NULL")
    op.create_index(
        "one_open_shopper_for_each_phone",
        "shoppers",
        ["phone"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
