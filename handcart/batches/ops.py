"""Create and advance batches, and let shoppers drop out."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.batches import errors, states
from handcart.batches.models import Batch
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError, invalid, raise_any
from handcart.orders import ops as orders
from handcart.orders import states as order_states
from handcart.orders.errors import order_not_found
from handcart.orders.models import Order
from handcart.shoppers import queries as shoppers


class AskedOrder(Struct, frozen=True):
    """An order to put into a batch; `user_id`, if given, must be the order's user."""

    id: str
    user_id: str | None = None


async def generate(
    tx: Tx,
    retailer_id: int,
    shopper_id: int,
    asked: Sequence[AskedOrder],
    batch_type: str | None = None,
    workflow_state: str | None = None,
) -> Batch:
    """Put orders into a new batch of a shopper. Default type: the one that the first order waits for.

    Raises 404 for an unknown order, otherwise one error with all problems.
    """
    if len({one.id for one in asked}) < len(asked):
        raise invalid("orders")
    locked = [await _lock_order(tx, retailer_id, one) for one in sorted(asked, key=lambda one: one.id)]
    first = next(order for order in locked if order.order_id == asked[0].id)
    batch_type = batch_type or _type_for(first)
    is_shopper = await shoppers.exists(tx, retailer_id, shopper_id)
    initial = states.TYPES[batch_type].initial
    begins = states.state_of(batch_type, initial if workflow_state is None else workflow_state)
    is_taken = await _is_any_live(tx, retailer_id, locked)
    wrong = [
        None if is_shopper else invalid("shopper_id"),
        _wrong_orders(batch_type, locked, is_taken=is_taken),
        invalid("workflow_state") if begins is None else None,
    ]
    raise_any(wrong)
    assert begins is not None
    batch = Batch(ids.new_id(), batch_type, begins, shopper_id, [order.order_id for order in locked], is_live=True)
    await _insert(tx, retailer_id, batch)
    await _bring(tx, retailer_id, batch, locked)
    return batch


async def advance(tx: Tx, retailer_id: int, batch_id: int, workflow_state: str | None = None) -> Batch:
    """Move a batch to its next state, or through all states up to `workflow_state`; its orders move with it."""
    batch = await lock(tx, retailer_id, batch_id)
    target = states.next_state(batch.type, batch.workflow_state)
    if workflow_state is not None:
        target = states.state_of(batch.type, workflow_state)
        if target is None:
            raise invalid("workflow_state")
    locked = [await orders.lock(tx, retailer_id, order_id) for order_id in batch.order_ids]
    going = [order for order in locked if order.status != order_states.CANCELED]
    if not batch.is_live or target is None or not going:
        raise errors.finished()
    if not states.is_ahead(batch.type, batch.workflow_state, target):
        raise errors.not_ahead()
    batch.workflow_state = target
    await tx.run(
        "UPDATE batches SET workflow_state = $3 WHERE retailer_id = $1 AND id = $2", retailer_id, batch_id, target
    )
    await _bring(tx, retailer_id, batch, going)
    return batch


async def drop_out(tx: Tx, retailer_id: int, batch_id: int) -> Batch:
    """Let a shopper drop a batch: it ends, and its orders wait for another. Raises `too_late` after checkout."""
    batch = await lock(tx, retailer_id, batch_id)
    if not batch.is_live:
        raise errors.finished()
    for order_id in batch.order_ids:
        order = await orders.lock(tx, retailer_id, order_id)
        takes = states.TYPES[batch.type].takes
        if order.status not in (takes, order_states.CANCELED):
            await orders.move(tx, retailer_id, order, takes)
    await _end(tx, retailer_id, batch)
    return batch


async def unbatch(tx: Tx, retailer_id: int, order_id: str) -> Order:
    """Cancel an order because no shopper can be found."""
    order = await orders.lock(tx, retailer_id, order_id)
    if order.status != order_states.BRAND_NEW or await _is_any_live(tx, retailer_id, [order]):
        raise errors.not_waiting()
    await orders.cancel_for(tx, retailer_id, order, "unbatchable", "unbatchable")
    return order


async def lock(tx: Tx, retailer_id: int, batch_id: int) -> Batch:
    """A batch, locked until this transaction ends; raises 404."""
    row = await tx.one(
        "SELECT id, type, workflow_state, shopper_id, ended_at FROM batches"
        " WHERE retailer_id = $1 AND id = $2 FOR UPDATE",
        retailer_id,
        batch_id,
    )
    if row is None:
        raise errors.batch_not_found()
    found = await tx.all(
        "SELECT order_id FROM batch_orders WHERE retailer_id = $1 AND batch_id = $2 ORDER BY order_id",
        retailer_id,
        batch_id,
    )
    order_ids = sorted(one["order_id"] for one in found)
    return Batch(row["id"], row["type"], row["workflow_state"], row["shopper_id"], order_ids, row["ended_at"] is None)


async def lock_of_order(tx: Tx, retailer_id: int, order_id: str) -> Batch | None:
    """The live batch of an order, locked."""
    row = await tx.one(
        "SELECT batch_id FROM batch_orders WHERE retailer_id = $1 AND order_id = $2 AND is_live", retailer_id, order_id
    )
    return None if row is None else await lock(tx, retailer_id, row["batch_id"])


def _type_for(order: Order) -> str:
    """The type of batch that takes an order in its current state; if none does, the first type for its kind."""
    fitting = [name for name, one in states.TYPES.items() if order.kind in one.kinds]
    return next((name for name in fitting if states.TYPES[name].takes == order.status), fitting[0])


def _wrong_orders(batch_type: str, locked: Sequence[Order], *, is_taken: bool) -> ApiError | None:
    """The error if the orders cannot be in a batch of this type."""
    if any(order.kind not in states.TYPES[batch_type].kinds for order in locked):
        return invalid("batch_type")
    if is_taken:
        return errors.already_in_batch()
    is_waiting = all(order.status == states.TYPES[batch_type].takes for order in locked)
    return None if is_waiting else errors.not_waiting()


async def _lock_order(tx: Tx, retailer_id: int, asked: AskedOrder) -> Order:
    order = await orders.lock(tx, retailer_id, asked.id)
    if asked.user_id is not None and order.user_id != asked.user_id:
        raise order_not_found()
    return order


async def _is_any_live(tx: Tx, retailer_id: int, locked: Sequence[Order]) -> bool:
    for order in locked:
        live = await tx.one(
            "SELECT batch_id FROM batch_orders WHERE retailer_id = $1 AND order_id = $2 AND is_live",
            retailer_id,
            order.order_id,
        )
        if live is not None and order.status != order_states.CANCELED:
            return True
    return False


async def _insert(tx: Tx, retailer_id: int, batch: Batch) -> None:
    while not await tx.run(
        "INSERT INTO batches (retailer_id, id, type, workflow_state, shopper_id, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (retailer_id, id) DO NOTHING",
        retailer_id,
        batch.id,
        batch.type,
        batch.workflow_state,
        batch.shopper_id,
        clock.now(),
    ):
        batch.id = ids.new_id()
    for order_id in batch.order_ids:
        await tx.run(
            "INSERT INTO batch_orders (retailer_id, batch_id, order_id, is_live) VALUES ($1, $2, $3, $4)",
            retailer_id,
            batch.id,
            order_id,
            True,
        )


async def _bring(tx: Tx, retailer_id: int, batch: Batch, locked: Sequence[Order]) -> None:
    """Move locked orders to the state of their batch; end the batch if that is its last state."""
    status = states.TYPES[batch.type].states[batch.workflow_state]
    for order in locked:
        if order.status != status:
            await orders.move(tx, retailer_id, order, status)
    if states.is_last(batch.type, batch.workflow_state):
        await _end(tx, retailer_id, batch)


async def _end(tx: Tx, retailer_id: int, batch: Batch) -> None:
    batch.is_live = False
    await tx.run(
        "UPDATE batches SET ended_at = $3 WHERE retailer_id = $1 AND id = $2", retailer_id, batch.id, clock.now()
    )
    await tx.run(
        "UPDATE batch_orders SET is_live = $3 WHERE retailer_id = $1 AND batch_id = $2", retailer_id, batch.id, False
    )
