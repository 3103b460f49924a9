"""The chat of an order."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "chat_messages",
        _number("id"),
        _number("retailer_id"),
        _text("order_id"),
        _text("sender"),  # customer or shopper
        _number("shopper_id"),  # the retailer's shopper who wrote the message, or to whom the customer wrote it
        _number("person_id", nullable=True),
        _text("act_id", nullable=True),
        _text("phrase", nullable=True),
        _text("body", nullable=True),
        _text("picture", nullable=True),  # the subject of the picture in the table `pictures`
        _number("sent_at"),
        _number("read_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["retailer_id", "order_id"], ["orders.retailer_id", "orders.order_id"]),
    )
    op.create_index("chat_messages_of_order", "chat_messages", ["retailer_id", "order_id", "id"])
    op.create_index(
        "chat_messages_of_act", "chat_messages", ["retailer_id", "order_id", "sender", "act_id"], unique=True
    )
