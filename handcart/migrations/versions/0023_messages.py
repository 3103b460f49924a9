"""Messages to people, attempts to send them, texts of the operator, and who wants none."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    op.create_table(
        "messages",
        _number("id"),
        _number("retailer_id"),  # 0: of the platform
        _text("recipient"),  # messages to one recipient by one channel are sent in their order
        _text("channel"),  # mail, sms or push
        _bytes("address"),  # sealed
        _bytes("address_hash"),
        _text("template"),
        _text("locale"),
        _bytes("content"),  # sealed
        _text("order_id", nullable=True),
        sa.Column("is_answer", sa.Boolean, nullable=False),
        _text("state"),
        _number("tries"),
        _number("doubts"),  # attempts that may have sent it
        _number("created_at"),
        _number("due_at"),
        _number("expires_at"),
        _number("leased_until", nullable=True),
        _number("ended_at", nullable=True),
        _text("reason", nullable=True),
        _text("receipt", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("messages_to_recipient", "messages", ["recipient", "id"])
    op.create_index("messages_to_address", "messages", ["channel", "address_hash", "id"])
    op.create_index("messages_of_retailer", "messages", ["retailer_id", "id"])
    op.create_index("messages_ended", "messages", ["ended_at"])
    _partial("messages_pending", "messages", ["retailer_id", "channel", "due_at", "id"], "state = 'pending'")
    _partial("messages_open", "messages", ["recipient", "channel", "id"], "state IN ('pending', 'sending')")
    _partial("messages_leased", "messages", ["leased_until"], "state = 'sending'")
    op.create_table(
        "message_attempts",
        _number("message_id"),
        _number("number"),
        _number("at"),
        _number("milliseconds"),
        _text("gateway"),
        _text("outcome"),
        _text("detail", nullable=True),
        sa.PrimaryKeyConstraint("message_id", "number"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
    )
    op.create_table(
        "message_texts",
        _number("retailer_id"),  # 0: of the operator
        _text("template"),
        _text("locale"),
        _text("channel"),
        _text("text"),
        _number("changed_at"),
        sa.PrimaryKeyConstraint("retailer_id", "template", "locale", "channel"),
    )
    op.create_table(
        "suppressions",
        _text("channel"),
        _bytes("address_hash"),
        _text("source"),
        _text("said", nullable=True),
        _number("at"),
        sa.PrimaryKeyConstraint("channel", "address_hash"),
    )
    op.create_table(
        "push_subscriptions",
        _number("id"),
        _text("recipient"),
        _bytes("subscription"),  # sealed
        _bytes("endpoint_hash"),
        _number("created_at"),
        _number("expires_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("recipient", "endpoint_hash"),
    )
    op.create_table(
        "replies",
        _text("gateway"),
        _text("id"),
        _number("received_at"),
        _bytes("address_hash"),
        _bytes("content"),  # sealed
        _text("outcome"),
        sa.PrimaryKeyConstraint("gateway", "id"),
    )
    op.create_index("replies_from_address", "replies", ["address_hash"])
    # The key by which push services know this installation. It stays, because browsers subscribe to it.
    op.create_table(
        "vapid_keys",
        _number("id"),
        _bytes("private_key"),  # sealed
        _text("public_key"),
        sa.PrimaryKeyConstraint("id"),
    )
