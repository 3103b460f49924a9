"""Store the warnings about an order, and end what nobody took in time: move the order once, or cancel it."""

from collections.abc import Sequence

from handcart.assignment import warnings
from handcart.assignment.models import LATE, UNTAKEN
from handcart.assignment.warnings import Facts
from handcart.batches import ops as batches
from handcart.batches import states as batch_states
from handcart.batches.models import Batch
from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx
from handcart.orders import ops as orders
from handcart.orders import queries as stored
from handcart.orders import reschedule, states
from handcart.orders.models import Order
from handcart.retailers import ops as retailers
from handcart.staff import audit
from handcart.staff.models import SYSTEM

_UNBATCHABLE = "unbatchable"
_NO_OPTION = "unable to reschedule as no option found"
MOVED = "moved"
CANCELED = "canceled"
INSIDE = "asked to come inside"

_END = "UPDATE order_warnings SET ended_at = $4 WHERE retailer_id = $1 AND order_id = $2 AND kind = $3"


async def settle(tx: Tx, retailer_id: int, order_id: str, now: int, *, only_warns: bool = False) -> Sequence[str]:
    """Begin and end the warnings about an order as its facts are at `now` of its retailer's clock.

    If nobody took the order in time, it leaves its batch, and is moved to the next slot or canceled, by the retailer's
    rule `untaken`. A customer at the store to whom nobody brings the order is asked to come inside. Returns what
    happened: the kinds of the warnings that began, `MOVED`, `CANCELED` or `INSIDE`; a second call for the same time
    changes nothing. `only_warns`: no order changes, and no events are sent.
    """
    with clock.using(VirtualClock(frozen_at=now)):
        # A batch is always locked before its orders, and orders in the sequence of their ids.
        batch = await batches.lock_of_order(tx, retailer_id, order_id)
        together = [order_id] if batch is None else batch.order_ids
        order = {one: await orders.lock(tx, retailer_id, one) for one in together}[order_id]
        facts = await warnings.of_order(tx, retailer_id, order_id)
        rules = (await retailers.retailer(tx, retailer_id)).rules
        wanted = warnings.wanted(facts, now, rules.warn_minutes)
        for kind in sorted(facts.live.keys() - wanted):
            await tx.run(_END, retailer_id, order_id, kind, now)
        begun = sorted(wanted - facts.live.keys())
        for kind in begun:
            await _begin(tx, retailer_id, order, kind, only_warns=only_warns)
        if only_warns or not warnings.is_timed_out(facts, now):
            return begun
        if order.status == states.RUNNER_AWAITING and batch is not None:
            await batches.end_early(tx, retailer_id, batch.id, batch_states.UNASSIGNED, "no runner", SYSTEM.name)
            return [*begun, INSIDE]
        if facts.batch_id != (batch.id if batch else None):
            return begun
        return [*begun, await _time_out(tx, facts, order, batch, moves=rules.untaken == "reschedule")]


async def _begin(tx: Tx, retailer_id: int, order: Order, kind: str, *, only_warns: bool) -> None:
    """Begin a warning. The first time that an order is late, its event is sent, unless a dispatcher has sent it."""
    is_first = await tx.run(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (retailer_id, order_id, kind) DO NOTHING",
        *(retailer_id, order.order_id, kind, clock.now()),
    )
    if not is_first:
        await tx.run(
            "UPDATE order_warnings SET warned_at = $4, ended_at = NULL"
            " WHERE retailer_id = $1 AND order_id = $2 AND kind = $3",
            *(retailer_id, order.order_id, kind, clock.now()),
        )
    elif kind == LATE and not only_warns and not await _is_told(tx, retailer_id, order):
        await orders.note(tx, retailer_id, order, states.LATE)


async def _is_told(tx: Tx, retailer_id: int, order: Order) -> bool:
    """Whether a dispatcher has told the customer already that the order is late."""
    return any(step.what == states.LATE for step in await stored.history(tx, retailer_id, order.order_id))


async def _time_out(tx: Tx, facts: Facts, order: Order, batch: Batch | None, *, moves: bool) -> str:
    retailer_id, now = facts.retailer_id, clock.now()
    if batch is not None:  # it was given to a shopper who has not accepted it
        reason = "not accepted in time"
        await batches.end_early(tx, retailer_id, batch.id, batch_states.UNASSIGNED, reason, SYSTEM.name)
    await tx.run(_END, retailer_id, order.order_id, UNTAKEN, now)
    subject = f"order/{facts.slug}/{order.order_id}"
    if moves and facts.moved_at is None and await reschedule.to_next(tx, retailer_id, order):
        await tx.run(
            "UPDATE order_warnings SET moved_at = $4 WHERE retailer_id = $1 AND order_id = $2 AND kind = $3",
            *(retailer_id, order.order_id, UNTAKEN, now),
        )
        await audit.record(tx, SYSTEM, "reschedule_orders", subject, retailer_id=retailer_id, reason=UNTAKEN)
        return MOVED
    await orders.cancel_for(tx, retailer_id, order, _UNBATCHABLE, _NO_OPTION if moves else _UNBATCHABLE)
    await audit.record(tx, SYSTEM, "cancel_orders", subject, retailer_id=retailer_id, reason=UNTAKEN)
    return CANCELED
