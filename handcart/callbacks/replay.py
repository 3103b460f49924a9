"""Send events again."""

from handcart.callbacks import webhooks
from handcart.callbacks.models import EVERY, Webhook
from handcart.callbacks.schedule import AFTER_NEW
from handcart.core.db import Tx
from handcart.events import queries as events
from handcart.events.models import Event

# Limited, because a replay blocks other writes meanwhile.
MOST_REPLAYED = 500


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
            if one.name in webhook.events or EVERY in webhook.events:
                count += await _deliver_again(tx, webhook, one)
    return count, found[-1].event_id if len(found) == limit and found[-1].event_id < until else None


async def _deliver_again(tx: Tx, webhook: Webhook, event: Event) -> int:
    return await tx.run(
        "INSERT INTO deliveries (retailer_id, event_id, webhook_id, subject, state, tries, attempts, is_replay,"
        " created_at, due_at, planned_at, attempted_at) VALUES ($1, $2, $3, $4, 'pending', 0, 0, $5, $6, $7, 0, 0)"
        " ON CONFLICT (retailer_id, event_id, webhook_id) DO UPDATE SET state = 'pending', tries = 0,"
        " is_replay = excluded.is_replay, due_at = excluded.due_at, planned_at = 0"
        " WHERE deliveries.state <> 'sending'",
        *(webhook.retailer_id, event.event_id, webhook.id, event.subject, True, event.created_at, AFTER_NEW),
    )
