"""Webhook configurations, the events that are owed, their deliveries and every attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _sealed(name: str, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    # A process that creates deliveries of new events locks this row.
    op.execute("INSERT INTO installation (name, value) VALUES ('callbacks', '')")
    op.create_table(
        "webhooks",
        _number("retailer_id"),
        _number("id"),
        _text("name"),
        _text("environment"),
        _text("callback_url"),
        _text("auth_uri"),
        _text("client_id"),
        _sealed("client_secret"),
        _text("scope", nullable=True),
        _text("resource", nullable=True),
        _text("events"),
        _text("status"),
        _text("status_reason", nullable=True),
        _sealed("signing_secret"),
        _sealed("old_signing_secret", nullable=True),
        _number("old_signing_until", nullable=True),
        _number("failures"),
        _number("first_failure_at", nullable=True),
        _number("failing_since", nullable=True),
        _number("caught_up_to", nullable=True),
        _number("created_at"),
        _number("updated_at"),
        sa.PrimaryKeyConstraint("retailer_id", "id"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_table(
        "events",
        _number("retailer_id"),
        _number("event_id"),
        _text("name"),
        _text("subject"),
        _text("body"),
        _number("created_at"),
        _flag("is_queued"),
        sa.PrimaryKeyConstraint("retailer_id", "event_id"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("events_of_subject", "events", ["retailer_id", "subject", "event_id"])
    _partial("events_to_queue", "events", ["retailer_id", "event_id"], "NOT is_queued")
    # The payload is deleted before the record of its deliveries, so nothing refers to `events`.
    op.create_table(
        "deliveries",
        _number("retailer_id"),
        _number("event_id"),
        _number("webhook_id"),
        _text("subject"),
        _text("state"),
        _number("tries"),
        _number("attempts"),
        _flag("is_replay"),
        _number("created_at"),
        _number("due_at"),
        _number("planned_at"),
        _number("attempted_at"),
        _number("leased_until", nullable=True),
        sa.PrimaryKeyConstraint("retailer_id", "event_id", "webhook_id"),
        sa.ForeignKeyConstraint(["retailer_id", "webhook_id"], ["webhooks.retailer_id", "webhooks.id"]),
    )
    _partial("deliveries_failed", "deliveries", ["retailer_id", "webhook_id", "event_id"], "state = 'failed'")
    _partial(
        "deliveries_pending", "deliveries", ["retailer_id", "webhook_id", "due_at", "event_id"], "state = 'pending'"
    )
    _partial(
        "deliveries_open",
        "deliveries",
        ["retailer_id", "webhook_id", "subject", "event_id"],
        "state IN ('pending', 'sending')",
    )
    _partial("deliveries_leased", "deliveries", ["leased_until"], "state = 'sending'")
    op.create_table(
        "attempts",
        _number("retailer_id"),
        _number("event_id"),
        _number("webhook_id"),
        _number("number"),
        _number("at"),
        _number("milliseconds"),
        _flag("is_replay"),
        _number("status", nullable=True),
        _text("cause", nullable=True),
        _text("url"),
        _text("request_head"),
        _text("response_head", nullable=True),
        _text("response_body", nullable=True),
        sa.PrimaryKeyConstraint("retailer_id", "event_id", "webhook_id", "number"),
        sa.ForeignKeyConstraint(["retailer_id", "webhook_id"], ["webhooks.retailer_id", "webhooks.id"]),
    )
    op.create_index("attempts_by_time", "attempts", ["retailer_id", "at"])
