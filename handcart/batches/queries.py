"""Read the batches of the operator's shoppers, at all retailers."""

from collections.abc import Sequence
from typing import Any

from handcart.batches.models import PersonsBatch
from handcart.core.db import Tx
from handcart.orders import queries as orders
from handcart.orders.models import Order

# Maximum number of ended batches that are read for a person.
_MOST_ENDED = 20
# A person works as a different shopper of each retailer.
_OF_PERSON = (
    "SELECT b.retailer_id, b.id, b.type, b.workflow_state, b.accepted_at, b.ended_at, b.end_kind, b.end_reason,"
    " b.ended_by FROM retailer_shoppers s JOIN batches b ON b.retailer_id = s.retailer_id AND b.shopper_id = s.id"
    " WHERE s.person_id = $1"
)
_LIVE = f"{_OF_PERSON} AND b.ended_at IS NULL ORDER BY b.created_at, b.id"
_ENDED_EARLY = f"{_OF_PERSON} AND b.ended_at >= $2 AND b.end_kind IS NOT NULL ORDER BY b.ended_at DESC, b.id LIMIT $3"


async def live(tx: Tx, person_id: int) -> Sequence[PersonsBatch]:
    """The batches of a person that have not ended, the oldest first."""
    return [await _batch(tx, row) for row in await tx.all(_LIVE, person_id)]


async def ended_early(tx: Tx, person_id: int, since: int) -> Sequence[PersonsBatch]:
    """The batches of a person that ended before their last state, at `since` or later: the latest first."""
    return [await _batch(tx, row) for row in await tx.all(_ENDED_EARLY, person_id, since, _MOST_ENDED)]


async def retailer_ids(tx: Tx, person_id: int) -> Sequence[int]:
    """The retailers at which a person has batches that have not ended."""
    return sorted({row["retailer_id"] for row in await tx.all(_LIVE, person_id)})


async def _batch(tx: Tx, row: Any) -> PersonsBatch:
    found = await tx.all(
        "SELECT order_id FROM batch_orders WHERE retailer_id = $1 AND batch_id = $2 AND is_live = $3",
        row["retailer_id"],
        row["id"],
        row["ended_at"] is None,
    )
    stored = [await _order(tx, row["retailer_id"], one["order_id"]) for one in found]
    return PersonsBatch(**dict(row), orders=sorted(stored, key=lambda order: order.order_id))


async def _order(tx: Tx, retailer_id: int, order_id: str) -> Order:
    order = await orders.find(tx, retailer_id, order_id)
    assert order is not None
    return order
