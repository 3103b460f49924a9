"""Read batches: by their ids, and those of the operator's shoppers at all retailers."""

from collections.abc import Sequence
from typing import Any

from handcart.batches import states
from handcart.batches.models import Batch, Finished, PersonsBatch, Removed
from handcart.core.db import Tx
from handcart.orders import queries as orders
from handcart.orders.models import Courier, Order
from handcart.shoppers import positions
from handcart.shoppers import queries as shoppers
from handcart.shoppers.models import Person
from handcart.stores.models import Point

COLUMNS = "id, type, workflow_state, shopper_id, ended_at, accepted_at"
# Maximum number of orders taken away that are read for a person.
_MOST_REMOVED = 100
# A person works as a different shopper of each retailer.
_OF_PERSON = (
    " FROM retailer_shoppers s JOIN batches b ON b.retailer_id = s.retailer_id AND b.shopper_id = s.id{}"
    " WHERE s.person_id = $1"
)
_LIVE = (
    "SELECT b.retailer_id, b.id, b.type, b.workflow_state, b.accepted_at"
    + _OF_PERSON.format("")
    + " AND b.ended_at IS NULL ORDER BY b.created_at, b.id"
)
_REMOVED = (
    "SELECT o.retailer_id, o.batch_id, o.order_id, o.left_kind AS kind, o.left_reason AS reason, o.left_by AS by,"
    " o.left_at AS at, o.goods"
    + _OF_PERSON.format(" JOIN batch_orders o ON o.retailer_id = b.retailer_id AND o.batch_id = b.id")
    + " AND o.left_at >= $2 AND o.left_kind <> $3 ORDER BY o.left_at DESC, o.batch_id, o.order_id LIMIT $4"
)


async def find(tx: Tx, retailer_id: int, batch_id: int) -> Batch | None:
    """A batch, without a lock."""
    row = await tx.one(
        f"SELECT {COLUMNS} FROM batches WHERE retailer_id = $1 AND id = $2",  # noqa: S608 (the names above)
        retailer_id,
        batch_id,
    )
    return None if row is None else await read(tx, retailer_id, row)


async def read(tx: Tx, retailer_id: int, row: Any) -> Batch:
    """The batch of a row with the columns `COLUMNS`."""
    found = await tx.all(
        "SELECT order_id FROM batch_orders WHERE retailer_id = $1 AND batch_id = $2 AND is_live",
        retailer_id,
        row["id"],
    )
    return Batch(
        row["id"],
        row["type"],
        row["workflow_state"],
        row["shopper_id"],
        sorted(one["order_id"] for one in found),
        row["ended_at"] is None,
        row["accepted_at"],
    )


async def of_order(tx: Tx, retailer_id: int, order_id: str) -> Sequence[int]:
    """The ids of the batches that an order is in, or was in, the oldest first."""
    rows = await tx.all(
        "SELECT batch_id FROM batch_orders WHERE retailer_id = $1 AND order_id = $2 ORDER BY batch_id",
        *(retailer_id, order_id),
    )
    return [row["batch_id"] for row in rows]


async def finished(tx: Tx, retailer_id: int, order_id: str) -> Sequence[Finished]:
    """The batches in which shoppers did their part of an order, the first one first."""
    rows = await tx.all(
        "SELECT b.id AS batch_id, b.type, coalesce(s.person_id, 0) AS person_id, o.left_at AS at FROM batch_orders o"
        " JOIN batches b ON b.retailer_id = o.retailer_id AND b.id = o.batch_id"
        " JOIN retailer_shoppers s ON s.retailer_id = b.retailer_id AND s.id = b.shopper_id"
        " WHERE o.retailer_id = $1 AND o.order_id = $2 AND o.left_kind = $3 ORDER BY o.left_at, b.id",
        *(retailer_id, order_id, states.COMPLETED),
    )
    return [Finished(**dict(row)) for row in rows]


async def live_of_order(tx: Tx, retailer_id: int, order_id: str) -> Batch | None:
    """The live batch that an order is in, without a lock."""
    row = await tx.one(
        "SELECT batch_id FROM batch_orders WHERE retailer_id = $1 AND order_id = $2 AND is_live", retailer_id, order_id
    )
    return None if row is None else await find(tx, retailer_id, row["batch_id"])


async def shopper_of_order(tx: Tx, retailer_id: int, order_id: str) -> Person | None:
    """The operator's shopper who has an order now; None before anybody accepted it, and after its end."""
    batch = await live_of_order(tx, retailer_id, order_id)
    if batch is None or (batch.accepted_at is None and batch.workflow_state == states.BRAND_NEW):
        return None
    return await shoppers.person_of(tx, retailer_id, batch.shopper_id)


async def courier(tx: Tx, retailer_id: int, order_id: str) -> Courier | None:
    """The shopper who has an order now, and where the shopper is; None if nobody has it."""
    batch = await live_of_order(tx, retailer_id, order_id)
    return None if batch is None else await courier_of(tx, retailer_id, batch.shopper_id)


async def courier_of(tx: Tx, retailer_id: int, shopper_id: int) -> Courier:
    """A retailer's shopper as the shopper of an order."""
    person = await shoppers.person_of(tx, retailer_id, shopper_id)
    if person is None:
        of_store = await shoppers.staff_of(tx, retailer_id, shopper_id)
        return Courier() if of_store is None else Courier(of_store.name.split()[0], is_person=True)
    at = await positions.latest(tx, person.id)
    return Courier(person.first_name, Point(at.latitude, at.longitude) if at else None, is_person=True)


async def left(tx: Tx, retailer_id: int, batch_id: int) -> Sequence[Removed]:
    """The orders that have left a batch, also the completed ones; the latest first."""
    rows = await tx.all(
        "SELECT retailer_id, batch_id, order_id, left_kind AS kind, left_reason AS reason, left_by AS by,"
        " left_at AS at, goods FROM batch_orders"
        " WHERE retailer_id = $1 AND batch_id = $2 AND left_at IS NOT NULL ORDER BY left_at DESC, order_id",
        retailer_id,
        batch_id,
    )
    return [Removed(**dict(row)) for row in rows]


async def live(tx: Tx, person_id: int) -> Sequence[PersonsBatch]:
    """The batches of a person that have not ended, the oldest first."""
    return [await _batch(tx, row) for row in await tx.all(_LIVE, person_id)]


async def removed(tx: Tx, person_id: int, since: int) -> Sequence[Removed]:
    """The orders that were taken away from a person at `since` or later, the latest first.

    An order that was canceled without its batch's knowledge is not among them: its batch still has it.
    """
    rows = await tx.all(_REMOVED, person_id, since, states.COMPLETED, _MOST_REMOVED)
    return [Removed(**dict(row)) for row in rows]


async def retailer_ids(tx: Tx, person_id: int) -> Sequence[int]:
    """The retailers at which a person has batches that have not ended."""
    return sorted({row["retailer_id"] for row in await tx.all(_LIVE, person_id)})


async def _batch(tx: Tx, row: Any) -> PersonsBatch:
    found = await tx.all(
        "SELECT order_id, is_live FROM batch_orders WHERE retailer_id = $1 AND batch_id = $2",
        row["retailer_id"],
        row["id"],
    )
    stored = [await _order(tx, row["retailer_id"], one["order_id"]) for one in found]
    return PersonsBatch(
        **dict(row),
        orders=sorted(stored, key=lambda order: order.order_id),
        order_ids=sorted(one["order_id"] for one in found if one["is_live"]),
    )


async def _order(tx: Tx, retailer_id: int, order_id: str) -> Order:
    order = await orders.find(tx, retailer_id, order_id)
    assert order is not None
    return order
