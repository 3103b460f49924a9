"""Read deliveries and attempts."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from handcart.callbacks import bodies, webhooks
from handcart.callbacks.errors import UnknownWebhook
from handcart.callbacks.models import (
    ENABLED,
    PENDING,
    STATES,
    DeliveryRow,
    EventDeliveries,
    EventStory,
    NewAttempts,
    PastAttempt,
    Webhook,
    WebhookState,
)
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.events import queries as log
from handcart.events.models import Event

Row = TypeVar("Row")

# Maximum listed per event: each has up to 8 KiB, and every replay adds one.
MOST_ATTEMPTS = 100
# An attempt is stored some time after it began.
_LOOK_BACK = 60 * clock.SECOND
_MOST_NEW_ATTEMPTS = 10_000

_DELIVERY = (
    "SELECT d.*, w.status FROM deliveries d JOIN webhooks w ON w.retailer_id = d.retailer_id AND w.id = d.webhook_id"
    " WHERE d.retailer_id = $1"
)
_ATTEMPT = (
    "SELECT event_id, webhook_id, number, at, milliseconds, is_replay, status, cause, url, request_head,"
    " response_head, response_body FROM attempts WHERE retailer_id = $1"
)


async def deliveries(tx: Tx, retailer_id: int, event_id: int) -> Sequence[DeliveryRow]:
    """The deliveries of an event, one for each webhook."""
    rows = await tx.all(f"{_DELIVERY} AND d.event_id = $2 ORDER BY d.webhook_id", retailer_id, event_id)
    return [_delivery(row) for row in rows]


async def results(tx: Tx, retailer_id: int, since: int, until: int) -> tuple[int, int]:
    """How many deliveries of the events of a span of time arrived, and how many failed for good."""
    rows = await tx.all(
        "SELECT state, count(*) AS many FROM deliveries WHERE retailer_id = $1 AND event_id >= $2 AND event_id < $3"
        " GROUP BY state",
        *(retailer_id, ids.event_ids_from(since), ids.event_ids_from(until)),
    )
    found = {row["state"]: row["many"] for row in rows}
    return found.get("delivered", 0), found.get("failed", 0)


async def deliveries_to(
    tx: Tx,
    retailer_id: int,
    webhook_id: int,
    *,
    after: int | None = None,
    before: int = log.LAST_ID,
    state: str | None = None,
    limit: int = 100,
) -> Sequence[DeliveryRow]:
    """The deliveries to a webhook with event ids over `after` (None: the newest) and below `before`, sorted by id.

    Raises `UnknownWebhook`.
    """
    await webhooks.get(tx, retailer_id, webhook_id)
    assert state in (None, *STATES)  # written into the SQL, so that the database can use its partial indexes
    in_state = "" if state is None else f" AND d.state = '{state}'"
    rows = await tx.all(
        f"{_DELIVERY} AND d.webhook_id = $2{in_state} AND d.event_id > $3 AND d.event_id < $5"
        f" ORDER BY d.event_id{_first(after)} LIMIT $4",
        *(retailer_id, webhook_id, after or 0, limit, before),
    )
    return _in_order([_delivery(row) for row in rows], after)


async def failed_to(tx: Tx, retailer_id: int, subject: str) -> Sequence[Webhook]:
    """The webhooks to which an event about a subject could not be delivered; deleted ones are left out."""
    rows = await tx.all(
        "SELECT webhook_id FROM deliveries WHERE retailer_id = $1 AND subject = $2 AND state = 'failed'",
        *(retailer_id, subject),
    )
    failed = {row["webhook_id"] for row in rows}
    return [one for one in await webhooks.list_all(tx, retailer_id) if one.id in failed] if failed else []


async def attempts(tx: Tx, retailer_id: int, event_id: int) -> Sequence[Mapping[str, Any]]:
    """The newest `MOST_ATTEMPTS` attempts to deliver an event, sorted by webhook, oldest first."""
    rows = await tx.all(
        f"{_ATTEMPT} AND event_id = $2 ORDER BY at DESC, number DESC LIMIT {MOST_ATTEMPTS}", retailer_id, event_id
    )
    return [_attempt(row) for row in sorted(rows, key=lambda row: (row["webhook_id"], row["number"]))]


async def attempts_of(tx: Tx, retailer_id: int, event_ids: Sequence[int]) -> Sequence[PastAttempt]:
    """The newest `MOST_ATTEMPTS` attempts to deliver some events, the latest first."""
    if not event_ids:
        return []
    named = ", ".join(f"${place}" for place in range(2, len(event_ids) + 2))
    rows = await tx.all(
        "SELECT event_id, webhook_id, number, at, milliseconds, status, cause FROM attempts"  # noqa: S608 (places)
        f" WHERE retailer_id = $1 AND event_id IN ({named}) ORDER BY at DESC, number DESC LIMIT {MOST_ATTEMPTS}",
        *(retailer_id, *event_ids),
    )
    return [PastAttempt(**dict(row)) for row in rows]


async def new_attempts(tx: Tx, retailer_id: int, last: NewAttempts | None = None) -> NewAttempts:
    """The attempts since the last look, earliest first; none at the first look.

    By the retailer's clock, which may have been set back since.
    """
    now = clock.now()
    since = now - _LOOK_BACK if last is None else min(last.until, now) - _LOOK_BACK
    found = await _attempts_since(tx, retailer_id, since)
    new = [] if last is None else [one for one in found if _key(one) not in last.seen]
    return NewAttempts(new, now, frozenset(map(_key, found)))


async def listed(
    tx: Tx, retailer_id: int, *, after: int | None = None, subject: str | None = None, limit: int = 100
) -> Sequence[Event]:
    """A retailer's events as `events.queries.events` lists them, with the bodies that are sent."""
    return await bodies.shown(
        tx, retailer_id, await log.events(tx, retailer_id, after=after, subject=subject, limit=limit)
    )


async def events(
    tx: Tx, retailer_id: int, *, after: int | None = None, subject: str | None = None, limit: int = 100
) -> Sequence[EventDeliveries]:
    """A retailer's events with their deliveries, in the order and with the limits of `events.queries.events`."""
    found = await listed(tx, retailer_id, after=after, subject=subject, limit=limit)
    return [EventDeliveries(one, await deliveries(tx, retailer_id, one.event_id)) for one in found]


async def event(tx: Tx, retailer_id: int, event_id: int) -> EventStory:
    """An event with its deliveries and attempts; raises `UnknownEvent`."""
    (found,) = await bodies.shown(tx, retailer_id, [await log.event(tx, retailer_id, event_id)])
    sent = await deliveries(tx, retailer_id, event_id)
    return EventStory(found, sent, await attempts(tx, retailer_id, event_id))


async def webhook_or_event(tx: Tx, retailer_id: int, number: int) -> WebhookState | EventStory:
    """The webhook or the event with this id; raises `UnknownEvent` if there is neither."""
    try:
        webhook = await webhooks.get(tx, retailer_id, number)
    except UnknownWebhook:
        return await event(tx, retailer_id, number)
    return WebhookState(webhook, *await _open_deliveries(tx, retailer_id, number))


async def _attempts_since(tx: Tx, retailer_id: int, at: int) -> Sequence[Mapping[str, Any]]:
    """The newest attempts since a time of the retailer's clock, earliest first, with the names of their events."""
    rows = await tx.all(
        "SELECT a.*, e.name, e.subject FROM attempts a JOIN events e ON e.retailer_id = a.retailer_id"
        " AND e.event_id = a.event_id WHERE a.retailer_id = $1 AND a.at >= $2 ORDER BY a.at DESC LIMIT $3",
        *(retailer_id, at, _MOST_NEW_ATTEMPTS),
    )
    return [_attempt(row) for row in rows[::-1]]


async def _open_deliveries(tx: Tx, retailer_id: int, webhook_id: int) -> tuple[int, int]:
    row = await tx.one(
        "SELECT (SELECT count(*) FROM deliveries WHERE retailer_id = $1 AND webhook_id = $2"
        " AND state IN ('pending', 'sending')) AS waiting, (SELECT count(*) FROM deliveries WHERE retailer_id = $1"
        " AND webhook_id = $2 AND state = 'failed') AS failed",
        *(retailer_id, webhook_id),
    )
    return (0, 0) if row is None else (int(row["waiting"]), int(row["failed"]))


def _first(after: int | None) -> str:
    return " DESC" if after is None else ""


def _in_order(rows: list[Row], after: int | None) -> Sequence[Row]:
    return rows[::-1] if after is None else rows


def _key(attempt: Mapping[str, Any]) -> tuple[int, int, int]:
    return attempt["event_id"], attempt["webhook_id"], attempt["number"]


def _attempt(row: Any) -> Mapping[str, Any]:
    return {**dict(row), "is_replay": bool(row["is_replay"])}


def _delivery(row: Any) -> DeliveryRow:
    goes_out = row["state"] == PENDING and row["status"] == ENABLED
    return DeliveryRow(
        event_id=row["event_id"],
        webhook_id=row["webhook_id"],
        subject=row["subject"],
        state=row["state"],
        tries=row["tries"],
        attempts=row["attempts"],
        is_replay=bool(row["is_replay"]),
        created_at=row["created_at"],
        attempted_at=row["attempted_at"] or None,
        next_at=max(row["due_at"], clock.now()) if goes_out else None,
    )
