"""Send events again."""

import contextlib

from handcart.callbacks import webhooks
from handcart.callbacks.models import EVERY, Webhook
from handcart.callbacks.schedule import AFTER_NEW
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.events import queries as events
from handcart.events.kinds import KINDS
from handcart.events.models import Event

# Limited, because a replay blocks other writes meanwhile.
MOST_REPLAYED = 500
MOST_LOOKED_AT = 100


async def send_again(
    tx: Tx,
    retailer_id: int,
    webhook_id: int | None,
    *,
    after: int = 0,
    until: int | None = None,
    event_id: int | None = None,
    subject: str | None = None,
    limit: int = MOST_REPLAYED,
) -> tuple[int, int | None]:
    """Send events again, whether delivered or not: one `event_id`, those of a `subject`, or all.

    Sends to one webhook, or to all if `webhook_id` is None. Skips events that a webhook is not subscribed to, and
    deliveries that are being sent now. Takes ids over `after`, up to `until`, at most `limit` (maximum:
    `MOST_REPLAYED`). Returns the number of deliveries, and the last event's id if there may be more.
    Raises `UnknownWebhook`, `UnknownEvent`.
    """
    if event_id is not None:
        await events.event(tx, retailer_id, event_id)
        after, until = event_id - 1, event_id
    if webhook_id is None:
        to = await webhooks.list_all(tx, retailer_id)
    else:
        to = [await webhooks.get(tx, retailer_id, webhook_id)]
    limit = max(1, min(limit, MOST_REPLAYED) // max(1, len(to)))
    until = events.LAST_ID if until is None else until
    found = await events.without_bodies(tx, retailer_id, after, until, subject, limit)
    count = 0
    for one in found:
        for webhook in to:
            if _is_wanted(webhook, one):
                count += await _deliver_again(tx, webhook, one)
    return count, found[-1].event_id if len(found) == limit and found[-1].event_id < until else None


async def send_newest(tx: Tx, retailer_id: int, webhook_id: int) -> int | None:
    """Send the newest event of a webhook's events to it again, as a test; returns its id, None if there is none.

    Looks among the newest `MOST_LOOKED_AT` events. Raises `UnknownWebhook`.
    """
    webhook = await webhooks.get(tx, retailer_id, webhook_id)
    for one in reversed(await events.events(tx, retailer_id, limit=MOST_LOOKED_AT)):
        if _is_wanted(webhook, one):
            await _deliver_again(tx, webhook, one)
            return one.event_id
    return None


def _is_wanted(webhook: Webhook, event: Event) -> bool:
    return event.name in webhook.events or (EVERY in webhook.events and not KINDS[event.name].is_own)


async def failed_of(tx: Tx, retailer_id: int, subject: str) -> int:
    """Send the events about a subject again that could not be delivered, to the webhooks that did not get them."""
    rows = await tx.all(
        "SELECT event_id, webhook_id FROM deliveries WHERE retailer_id = $1 AND subject = $2 AND state = 'failed'"
        " ORDER BY event_id, webhook_id LIMIT $3",
        *(retailer_id, subject, MOST_REPLAYED),
    )
    count = 0
    for row in rows:
        with contextlib.suppress(Refused):  # deleted meanwhile
            sent, _ = await send_again(tx, retailer_id, row["webhook_id"], event_id=row["event_id"])
            count += sent
    return count


async def _deliver_again(tx: Tx, webhook: Webhook, event: Event) -> int:
    return await tx.run(
        "INSERT INTO deliveries (retailer_id, event_id, webhook_id, subject, state, tries, attempts, is_replay,"
        " created_at, due_at, planned_at, attempted_at) VALUES ($1, $2, $3, $4, 'pending', 0, 0, $5, $6, $7, 0, 0)"
        " ON CONFLICT (retailer_id, event_id, webhook_id) DO UPDATE SET state = 'pending', tries = 0,"
        " is_replay = excluded.is_replay, due_at = excluded.due_at, planned_at = 0"
        " WHERE deliveries.state <> 'sending'",
        *(webhook.retailer_id, event.event_id, webhook.id, event.subject, True, event.created_at, AFTER_NEW),
    )
