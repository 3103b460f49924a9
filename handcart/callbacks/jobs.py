"""Delete old deliveries, attempts and webhooks, in small steps run by the worker."""

from handcart.core import clock
from handcart.core.db import Tx
from handcart.events import expiry

# How long deliveries and attempts can be read. Their events are deleted earlier.
KEEP = 90 * clock.DAY


async def delete_waiting(tx: Tx, retailer_id: int, until: int) -> int:
    """Delete the waiting deliveries of a retailer's events with ids up to `until`; returns their number."""
    return await tx.run(
        "DELETE FROM deliveries WHERE retailer_id = $1 AND event_id <= $2 AND state IN ('pending', 'sending')",
        retailer_id,
        until,
    )


async def purge_deliveries(tx: Tx, most: int) -> int:
    """Delete deliveries of events older than 90 days; returns their number."""
    return await expiry.delete_older(tx, "deliveries", KEEP, most)


async def purge_attempts(tx: Tx, most: int) -> int:
    """Delete attempts to deliver events older than 90 days; returns their number."""
    return await expiry.delete_older(tx, "attempts", KEEP, most)


async def purge_webhooks(tx: Tx, most: int) -> int:
    """Remove the rows of deleted webhooks without deliveries and attempts; returns their number."""
    # By then `attempts`, which has no index for this query, has no such rows.
    return await tx.run(
        "DELETE FROM webhooks WHERE (retailer_id, id) IN (SELECT w.retailer_id, w.id FROM webhooks w"
        " WHERE w.status = 'deleted' AND w.updated_at < $1"
        " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.retailer_id = w.retailer_id AND d.webhook_id = w.id)"
        " AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.retailer_id = w.retailer_id AND a.webhook_id = w.id)"
        " LIMIT $2)",
        clock.of_process() - KEEP,
        most,
    )


PURGES = (purge_deliveries, purge_attempts, purge_webhooks)
