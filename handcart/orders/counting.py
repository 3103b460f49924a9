"""Which ended orders a reader has still to count: each once after its end, and again after each later change."""

from collections.abc import Sequence

from handcart.core.db import Tx

_ENDED = "status IN ('completed', 'canceled') AND NOT is_counted"


async def waiting(tx: Tx, most: int) -> Sequence[tuple[int, str]]:
    """Retailer and order id of ended orders that are not counted, or changed after they were."""
    # Retailer by retailer: SQLite would read and sort all ended orders otherwise.
    rows = await tx.all(
        "SELECT o.retailer_id, o.order_id FROM retailers r CROSS JOIN orders o"  # noqa: S608
        f" WHERE o.retailer_id = r.id AND {_ENDED} ORDER BY r.id, o.number LIMIT $1",
        most,
    )
    return [(row["retailer_id"], row["order_id"]) for row in rows]


async def is_waiting(tx: Tx, retailer_id: int) -> bool:
    """Whether a retailer has an ended order that is not counted."""
    found = await tx.one(f"SELECT 1 FROM orders WHERE retailer_id = $1 AND {_ENDED} LIMIT 1", retailer_id)  # noqa: S608
    return found is not None


async def mark(tx: Tx, retailer_id: int, order_id: str) -> None:
    """Note that a locked order is counted. `storage.save` takes the note away."""
    await tx.run("UPDATE orders SET is_counted = TRUE WHERE retailer_id = $1 AND order_id = $2", retailer_id, order_id)


async def again(tx: Tx, retailer_id: int, order_ids: Sequence[str]) -> None:
    """Have orders counted once more."""
    await tx.many(
        "UPDATE orders SET is_counted = FALSE WHERE retailer_id = $1 AND order_id = $2",
        [(retailer_id, one) for one in order_ids],
    )
