"""Webhooks, events and deliveries in the form that the API and the command line return."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from handcart.callbacks.models import DeliveryRow, EventStory, NewWebhook, Webhook
from handcart.callbacks.wire import (
    AttemptAnswer,
    CreatedWebhookAnswer,
    DeliveryAnswer,
    EventAnswer,
    EventResponse,
    WebhookAnswer,
)
from handcart.core import clock
from handcart.events.models import Event


def webhook(one: Webhook) -> WebhookAnswer:
    """A webhook, without its secrets."""
    return WebhookAnswer(**_shown(one))


def new_webhook(made: NewWebhook) -> CreatedWebhookAnswer:
    """A webhook with its new signing secret; no other response has one."""
    return CreatedWebhookAnswer(**_shown(made.webhook), signing_secret=made.signing_secret)


def event(one: Event) -> EventAnswer:
    """An event with the body that is sent."""
    return EventAnswer(
        event_id=one.event_id,
        event_name=one.name,
        order_id=one.subject,
        created_at=clock.to_wire(one.created_at),
        body=one.body,
    )


def story(one: EventStory) -> EventResponse:
    """An event with its deliveries and attempts."""
    return EventResponse(
        event=event(one.event),
        deliveries=[delivery(row) for row in one.deliveries],
        attempts=[attempt(row) for row in one.attempts],
    )


def delivery(row: DeliveryRow) -> DeliveryAnswer:
    """The state of an event's delivery to a webhook."""
    return DeliveryAnswer(
        event_id=row.event_id,
        webhook_id=row.webhook_id,
        order_id=row.subject,
        state=row.state,  # type: ignore[arg-type]
        tries=row.tries,
        attempts=row.attempts,
        is_replay=row.is_replay,
        created_at=clock.to_wire(row.created_at),
        attempted_at=_moment(row.attempted_at),
        next_at=_moment(row.next_at),
    )


def attempt(row: Mapping[str, Any]) -> AttemptAnswer:
    """An attempt, given its row."""
    there = {name: row[name] for name in AttemptAnswer.__struct_fields__}
    return AttemptAnswer(**{**there, "at": clock.to_wire(row["at"])})


def _shown(one: Webhook) -> dict[str, Any]:
    there = structs.asdict(one)
    return {
        **{name: there[name] for name in WebhookAnswer.__struct_fields__ if name in there},
        "verified_at": _moment(one.verified_at),
        "failing_since": _moment(one.failing_since),
        "old_signing_secret_until": _moment(one.old_signing_until),
        "created_at": clock.to_wire(one.created_at),
        "updated_at": clock.to_wire(one.updated_at),
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else clock.to_wire(at)
