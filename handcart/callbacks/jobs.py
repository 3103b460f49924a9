"""Delete old events, deliveries, attempts and webhooks, in small steps run by the worker.

Event ids rise with the real time, so a retailer's oldest rows come first.
"""

from collections.abc import Sequence

from handcart.core import clock, ids
from handcart.core.db import Tx

# How long an event can be sent and replayed. Its deliveries can be read for longer.
KEEP_EVENTS = 30 * clock.DAY
KEEP_ATTEMPTS = 90 * clock.DAY

# The first row of each retailer, by the primary key: fast with any number of rows.
_WITH_OLDER = (
    "SELECT id FROM (SELECT r.id, (SELECT min(o.event_id) FROM {table} o WHERE o.retailer_id = r.id) AS oldest"
    " FROM retailers r) AS first_rows WHERE oldest < $1"
)
_OLDEST = "SELECT event_id FROM {table} WHERE retailer_id = $1 AND event_id < $2 ORDER BY event_id LIMIT $3"
_DELETE = "DELETE FROM {table} WHERE retailer_id = $1 AND event_id <= $2"


async def purge_events(tx: Tx, most: int) -> int:
    """Delete events older than 30 days and their waiting deliveries; returns the number of rows."""
    until = ids.event_ids_from(clock.of_process() - KEEP_EVENTS)
    waiting = _DELETE.format(table="deliveries") + " AND state IN ('pending', 'sending')"
    return await _purge(tx, "events", until, most, waiting)


async def purge_deliveries(tx: Tx, most: int) -> int:
    """Delete deliveries of events older than 90 days; returns their number."""
    return await _purge(tx, "deliveries", ids.event_ids_from(clock.of_process() - KEEP_ATTEMPTS), most)


async def purge_attempts(tx: Tx, most: int) -> int:
    """Delete attempts to deliver events older than 90 days; returns their number."""
    return await _purge(tx, "attempts", ids.event_ids_from(clock.of_process() - KEEP_ATTEMPTS), most)


async def purge_webhooks(tx: Tx, most: int) -> int:
    """Remove the rows of deleted webhooks without deliveries and attempts; returns their number."""
    # By then `attempts`, which has no index for this query, has no such rows.
    return await tx.run(
        "DELETE FROM webhooks WHERE (retailer_id, id) IN (SELECT w.retailer_id, w.id FROM webhooks w"
        " WHERE w.status = 'deleted' AND w.updated_at < $1"
        " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.retailer_id = w.retailer_id AND d.webhook_id = w.id)"
        " AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.retailer_id = w.retailer_id AND a.webhook_id = w.id)"
        " LIMIT $2)",
        clock.of_process() - KEEP_ATTEMPTS,
        most,
    )


async def _purge(tx: Tx, table: str, until: int, most: int, *before: str) -> int:
    """Delete about `most` of the oldest rows below an id; `before`: statements to run first, same arguments."""
    dropped = 0
    for retailer in await tx.all(_WITH_OLDER.format(table=table), until):
        oldest: Sequence[int] = [
            row["event_id"] for row in await tx.all(_OLDEST.format(table=table), retailer["id"], until, most - dropped)
        ]
        for statement in (*before, _DELETE.format(table=table)):
            dropped += await tx.run(statement, retailer["id"], oldest[-1])
        if dropped >= most:
            break
    return dropped
