"""Create and advance batches, complete their orders one by one, and take work away from shoppers."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, structs

from handcart.batches import errors, queries, states
from handcart.batches.models import Batch
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError, invalid, raise_any
from handcart.orders import ops as orders
from handcart.orders import pickup
from handcart.orders import states as order_states
from handcart.orders.errors import order_not_found, too_late
from handcart.orders.models import PICKUP, Order, Proof
from handcart.shoppers import ops as shopper_ops
from handcart.shoppers import queries as shoppers
from handcart.shoppers.models import NOBODY


class AskedOrder(Struct, frozen=True):
    """An order to put into a batch; `user_id`, if given, must be the order's user."""

    id: str
    user_id: str | None = None


class _Waits(Struct, frozen=True):
    """What a batch in a state waits for, order by order, and the state after it."""

    next_state: str
    is_done: Callable[[Order], bool]


_WAITS: Mapping[str, _Waits] = {
    order_states.CHECKOUT: _Waits(
        states.RECEIPT_SANITY_CHECK, lambda order: bool(order.details.bags) or not order.bag_count
    ),
    order_states.BAGS_CHECK: _Waits(order_states.STAGED, lambda order: order.details.staged_at is not None),
    states.AT_STORE: _Waits(order_states.BAGS_VERIFIED, lambda order: order.details.verified_at is not None),
}


# The states of a pickup order whose customer has arrived.
_OUT = (order_states.RUNNER_AWAITING, order_states.USER_AT_STORE, order_states.BAGS_VERIFIED)


async def generate(
    tx: Tx,
    retailer_id: int,
    shopper_id: int,
    asked: Sequence[AskedOrder],
    batch_type: str | None = None,
    workflow_state: str | None = None,
) -> Batch:
    """Put orders into a new batch of a shopper. Default type: the one that the first order waits for.

    Paid orders that were taken away from their shopper go on where they are, and a batch that waits for somebody
    becomes the shopper's. Raises 404 for an unknown order, otherwise one error with all problems.
    """
    if len({one.id for one in asked}) < len(asked):
        raise invalid("orders")
    waiting = await _waiting(tx, retailer_id, asked)
    locked = [await _lock_order(tx, retailer_id, one) for one in sorted(asked, key=lambda one: one.id)]
    first = next(order for order in locked if order.order_id == asked[0].id)
    batch_type = batch_type or (waiting.type if waiting else _type_for(first))
    is_shopper = await shoppers.exists(tx, retailer_id, shopper_id)
    if waiting is not None and waiting.type == batch_type and is_shopper:
        return await _give(tx, retailer_id, waiting, shopper_id, workflow_state)
    begins = _begins(batch_type, first, workflow_state)
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


async def arrive(tx: Tx, retailer_id: int, order: Order, *, is_delegate: bool = False) -> None:
    """Record that the customer of a locked order, or the delegate, is at the store.

    Somebody has to bring the order out: it gets a batch that waits until a dispatcher gives it to a shopper. A customer
    who has already arrived changes nothing. Raises the documented errors.
    """
    if order.kind == PICKUP and order.status in _OUT:
        return
    await pickup.arrive(tx, retailer_id, order, is_delegate=is_delegate)
    nobody = await shopper_ops.shadow(tx, retailer_id, NOBODY)
    await generate(tx, retailer_id, nobody, [AskedOrder(order.order_id)])


async def accept(tx: Tx, retailer_id: int, batch: Batch) -> None:
    """Record that the shopper of a locked batch takes it; a brand new one becomes acknowledged."""
    batch.accepted_at = clock.now()
    await tx.run(
        "UPDATE batches SET accepted_at = $3 WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        batch.id,
        batch.accepted_at,
    )
    if batch.workflow_state == states.BRAND_NEW and states.ACKNOWLEDGED in states.TYPES[batch.type].states:
        await bring(tx, retailer_id, batch, states.ACKNOWLEDGED)


async def advance(tx: Tx, retailer_id: int, batch_id: int, workflow_state: str | None = None) -> Batch:
    """Move a batch to its next state, or through all states up to `workflow_state`; its orders move with it."""
    batch = await lock(tx, retailer_id, batch_id)
    target = states.next_state(batch.type, batch.workflow_state)
    if workflow_state is not None:
        target = states.state_of(batch.type, workflow_state)
        if target is None:
            raise invalid("workflow_state")
    if target is None:
        raise errors.finished()
    await bring(tx, retailer_id, batch, target)
    return batch


async def bring(tx: Tx, retailer_id: int, batch: Batch, target: str) -> None:
    """Move a locked batch forward to a state of its type; its orders move with it."""
    going = await lock_orders(tx, retailer_id, batch)
    if not batch.is_live or not going:
        raise errors.finished()
    if not states.is_ahead(batch.type, batch.workflow_state, target):
        raise errors.not_ahead()
    await _set_state(tx, retailer_id, batch, target)
    await _bring(tx, retailer_id, batch, going)


async def settle(tx: Tx, retailer_id: int, batch: Batch) -> None:
    """Move a locked batch on if each of its orders has what the batch waited for: labels, a place, a check of bags."""
    going = await lock_orders(tx, retailer_id, batch)
    waits = _WAITS.get(batch.workflow_state)
    if waits is not None and going and all(waits.is_done(order) for order in going):
        await bring(tx, retailer_id, batch, waits.next_state)


async def complete(tx: Tx, retailer_id: int, batch: Batch, order_id: str, proof: Proof) -> Order:
    """Complete one order of a locked batch, with its proof; the batch ends with its last order."""
    going = await lock_orders(tx, retailer_id, batch)
    order = next((one for one in going if one.order_id == order_id), None)
    if not batch.is_live or order is None:
        raise errors.finished()
    order.details = structs.replace(order.details, proof=proof)
    await orders.move(tx, retailer_id, order, order_states.COMPLETED)
    await _leave(tx, retailer_id, batch, order_id, states.COMPLETED, states.NOTHING)
    if len(going) == 1:
        await _set_state(tx, retailer_id, batch, order_states.COMPLETED)
        await _end(tx, retailer_id, batch)
    return order


async def cancel(
    tx: Tx, retailer_id: int, order_id: str, reason: str, cancellation_type: str, by: str | None = None
) -> Order:
    """Cancel an order, for a reason of `orders.states.CANCELLATIONS`, and take it out of its batch.

    The batch ends with its last order. Raises 404 and `too_late`.
    """
    batch = await lock_of_order(tx, retailer_id, order_id)
    going = [] if batch is None else await lock_orders(tx, retailer_id, batch)
    order = next((one for one in going if one.order_id == order_id), None)
    order = order or await orders.lock(tx, retailer_id, order_id)
    goods = states.goods(order.status)
    await orders.cancel_for(tx, retailer_id, order, reason, cancellation_type)
    if batch is not None and order_id in batch.order_ids:
        await _leave(tx, retailer_id, batch, order_id, states.CANCELED, goods, cancellation_type, by)
        if all(one.order_id == order_id for one in going):
            await _end(tx, retailer_id, batch)
        else:
            await settle(tx, retailer_id, batch)
    return order


async def drop_out(tx: Tx, retailer_id: int, batch_id: int) -> Batch:
    """Let a shopper drop a batch: it ends, and its orders wait for another. Raises `too_late` after checkout."""
    return await end_early(tx, retailer_id, batch_id, states.DROPPED_OUT)


async def end_early(
    tx: Tx,
    retailer_id: int,
    batch_id: int,
    kind: str,
    reason: str | None = None,
    by: str | None = None,
    *,
    keeps_picked: bool = False,
) -> Batch:
    """Take a batch away from its shopper: it ends, and its orders wait for another.

    `kind`: `states.DROPPED_OUT` or `states.UNASSIGNED`. `keeps_picked`: the next shopper goes on with the picked items;
    otherwise each order is as it was before. Paid orders are never reset: a dispatcher who unassigns them leaves them
    in their state, and the bags are handed to the store. Raises `too_late` if the batch is on its way to the customer,
    and for a shopper who drops out after checkout.
    """
    batch = await lock(tx, retailer_id, batch_id)
    if not batch.is_live:
        raise errors.finished()
    takes = states.TYPES[batch.type].takes
    for order in await lock_orders(tx, retailer_id, batch):
        goods = states.goods(order.status, keeps_picked=keeps_picked)
        if order.status != takes and not (kind == states.UNASSIGNED and order.status in states.HANDED_ON):
            if order_states.WORKFLOWS[order.kind].states[order.status].back != takes:
                raise too_late()
            order.details = structs.replace(order.details, verified_at=None, missing_at=None)
            await orders.move(tx, retailer_id, order, takes, keeps_picked=keeps_picked)
        await _leave(tx, retailer_id, batch, order.order_id, kind, goods, reason, by)
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
        f"SELECT {queries.COLUMNS} FROM batches"  # noqa: S608 (the names of columns)
        " WHERE retailer_id = $1 AND id = $2 FOR UPDATE",
        retailer_id,
        batch_id,
    )
    if row is None:
        raise errors.batch_not_found()
    return await queries.read(tx, retailer_id, row)


async def lock_of_order(tx: Tx, retailer_id: int, order_id: str) -> Batch | None:
    """The live batch of an order, locked."""
    row = await tx.one(
        "SELECT batch_id FROM batch_orders WHERE retailer_id = $1 AND order_id = $2 AND is_live", retailer_id, order_id
    )
    return None if row is None else await lock(tx, retailer_id, row["batch_id"])


async def lock_orders(tx: Tx, retailer_id: int, batch: Batch) -> list[Order]:
    """The orders of a locked batch that were not canceled, locked."""
    locked = [await orders.lock(tx, retailer_id, order_id) for order_id in batch.order_ids]
    return [order for order in locked if order.status != order_states.CANCELED]


def _type_for(order: Order) -> str:
    """The type of batch that takes an order in its current state; if none does, the first type for its kind."""
    fitting = [name for name, one in states.TYPES.items() if order.kind in one.kinds]
    return next((name for name in fitting if states.TYPES[name].takes == order.status), fitting[0])


def _begins(batch_type: str, first: Order, asked: str | None) -> str | None:
    """The first state of a batch; None if it cannot begin in the state that was asked for."""
    one = states.TYPES[batch_type]
    if first.status not in states.HANDED_ON or first.status not in one.states.values():
        return states.state_of(batch_type, one.initial if asked is None else asked)
    place = [state for state, status in one.states.items() if status == first.status]
    reached = place[-1] if first.details.bags else place[0]
    if asked is None:
        return reached
    begins = states.state_of(batch_type, asked)
    return begins if begins == reached or (begins and states.is_ahead(batch_type, reached, begins)) else None


def _wrong_orders(batch_type: str, locked: Sequence[Order], *, is_taken: bool) -> ApiError | None:
    """The error if the orders cannot be in a batch of this type."""
    one = states.TYPES[batch_type]
    if any(order.kind not in one.kinds for order in locked):
        return invalid("batch_type")
    if is_taken:
        return errors.already_in_batch()
    first = locked[0].status
    may_begin = first == one.takes or (first in states.HANDED_ON and first in one.states.values())
    return None if may_begin and all(order.status == first for order in locked) else errors.not_waiting()


async def _waiting(tx: Tx, retailer_id: int, asked: Sequence[AskedOrder]) -> Batch | None:
    """The batch, locked, that has just these orders and waits for somebody."""
    batch = await lock_of_order(tx, retailer_id, asked[0].id)
    if batch is None or sorted(one.id for one in asked) != batch.order_ids:
        return None
    return batch if await shoppers.is_nobody(tx, retailer_id, batch.shopper_id) else None


async def _give(tx: Tx, retailer_id: int, batch: Batch, shopper_id: int, workflow_state: str | None) -> Batch:
    """Give a locked batch that waits for somebody to a shopper, and move it on to a state if one is named."""
    target = batch.workflow_state if workflow_state is None else states.state_of(batch.type, workflow_state)
    if target is None:
        raise invalid("workflow_state")
    batch.shopper_id = shopper_id
    await tx.run(
        "UPDATE batches SET shopper_id = $3 WHERE retailer_id = $1 AND id = $2", retailer_id, batch.id, shopper_id
    )
    if target != batch.workflow_state:
        await bring(tx, retailer_id, batch, target)
    return batch


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


async def _set_state(tx: Tx, retailer_id: int, batch: Batch, state: str) -> None:
    batch.workflow_state = state
    await tx.run(
        "UPDATE batches SET workflow_state = $3 WHERE retailer_id = $1 AND id = $2", retailer_id, batch.id, state
    )


async def _bring(tx: Tx, retailer_id: int, batch: Batch, locked: Sequence[Order]) -> None:
    """Move locked orders to the state of their batch; end the batch if that is its last state."""
    status = states.TYPES[batch.type].states[batch.workflow_state]
    courier = await queries.courier_of(tx, retailer_id, batch.shopper_id)
    for order in locked:
        if order.status != status:
            order.courier = courier
            await orders.move(tx, retailer_id, order, status)
    if states.is_last(batch.type, batch.workflow_state):
        for order in locked:
            await _leave(tx, retailer_id, batch, order.order_id, states.COMPLETED, states.NOTHING)
        await _end(tx, retailer_id, batch)


async def _leave(
    tx: Tx,
    retailer_id: int,
    batch: Batch,
    order_id: str,
    kind: str,
    goods: str,
    reason: str | None = None,
    by: str | None = None,
) -> None:
    """Take an order out of a locked batch."""
    batch.order_ids = [one for one in batch.order_ids if one != order_id]
    await tx.run(
        "UPDATE batch_orders SET is_live = $4, left_at = $5, left_kind = $6, goods = $7, left_reason = $8, left_by = $9"
        " WHERE retailer_id = $1 AND batch_id = $2 AND order_id = $3",
        *(retailer_id, batch.id, order_id, False, clock.now(), kind, goods, reason, by),
    )


async def _end(tx: Tx, retailer_id: int, batch: Batch) -> None:
    """End a locked batch. Orders that are still in it were canceled without its knowledge, before any picking."""
    for order_id in batch.order_ids:
        await _leave(tx, retailer_id, batch, order_id, states.CANCELED, states.NOTHING)
    batch.is_live = False
    await tx.run(
        "UPDATE batches SET ended_at = $3 WHERE retailer_id = $1 AND id = $2", retailer_id, batch.id, clock.now()
    )
