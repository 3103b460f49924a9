"""Acts of shoppers, with the ids that their devices gave them; how orders leave their batches."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.add_column("batches", _number("accepted_at", nullable=True))
    op.add_column("batch_orders", _number("left_at", nullable=True))
    for name in ("left_kind", "left_reason", "left_by", "goods"):
        op.add_column("batch_orders", _text(name, nullable=True))
    op.create_table(
        "acts",
        _number("person_id"),
        _text("id"),
        _number("number"),
        _number("session_id", nullable=True),
        _number("received_at"),
        _number("at"),
        _number("retailer_id", nullable=True),
        _text("subject"),
        _text("after_id", nullable=True),
        _text("verb"),
        _text("body"),
        _number("seen_version", nullable=True),
        _text("outcome"),
        _text("rule", nullable=True),
        _text("message", nullable=True),
        _text("goods", nullable=True),
        sa.PrimaryKeyConstraint("person_id", "id"),
    )
    op.create_index("acts_of_subject", "acts", ["retailer_id", "subject", "number"])
    op.create_index("acts_of_person", "acts", ["person_id", "subject", "number"])
    op.create_index("acts_received", "acts", ["received_at"])
