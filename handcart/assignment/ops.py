"""What dispatchers do: give orders to shoppers, take them away, cancel and move them, unlock PINs.

Each operation is for a person of the console, or for a command. It checks the role, records the reason in the audit
log, and changes the order through `batches.ops` and `orders`. A refusal is raised, so that nothing is changed. `seen`:
the order's state as the person saw it (`queries.Row.seen`); if that is no longer true, the operation is refused.
"""

from collections.abc import Sequence

from handcart.acts import verbs
from handcart.assignment import checks, fitting
from handcart.assignment.errors import WorkRefused
from handcart.batches import ops as batches
from handcart.batches import states as batch_states
from handcart.batches.models import Batch
from handcart.batches.ops import AskedOrder
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.orders import ops as orders
from handcart.orders import reschedule as moves
from handcart.orders import states
from handcart.orders.models import Order
from handcart.shoppers import ops as shoppers
from handcart.shoppers import queries as people
from handcart.staff import roles
from handcart.staff.models import Actor


async def assign(
    tx: Tx, actor: Actor, retailer_id: int, order_ids: Sequence[str], person_id: int, seen: str | None = None
) -> Batch:
    """Give orders of one retailer to one of the operator's shoppers, as a batch that they have to accept.

    Its type is the one that the orders wait for; paid orders that were taken away from a shopper go on where they are.
    """
    roles.require(actor, "assign_orders", retailer_id, actor.store_number)
    # Locked first, so that two batches given at once count each other's orders.
    await people.lock(tx, person_id)
    person = await people.person(tx, person_id)
    if person is None:
        raise WorkRefused("unknown_shopper")
    for one in sorted(set(order_ids)):
        await batches.lock_of_order(tx, retailer_id, one)  # a batch is always locked before its orders
    locked = [await checks.lock(tx, actor, "assign_orders", retailer_id, one) for one in sorted(set(order_ids))]
    rows = [await checks.row(tx, retailer_id, order, seen) for order in locked]
    if any(row.batch_id is not None for row in rows):
        raise WorkRefused("has_shopper")
    wanted = [await fitting.needs(tx, retailer_id, order) for order in locked]
    rule = fitting.misfit(person, wanted, (await fitting.loads(tx, person_id)).get(person_id, 0))
    if rule is not None:
        raise WorkRefused(rule)
    shopper_id = await shoppers.shadow(tx, retailer_id, person_id)
    begins = None if locked[0].status in batch_states.HANDED_ON else batch_states.BRAND_NEW
    try:
        batch = await batches.generate(
            tx, retailer_id, shopper_id, [AskedOrder(one) for one in order_ids], workflow_state=begins
        )
    except ApiError:
        raise WorkRefused("not_waiting" if len(locked) == 1 else "not_together") from None
    for row in rows:
        given = {"shopper": person_id, "name": person.name, "batch": batch.id}
        await checks.record(tx, actor, "assign_orders", row, None, given)
    return batch


async def unassign(
    tx: Tx,
    actor: Actor,
    retailer_id: int,
    order_id: str,
    reason: str,
    *,
    keeps_picked: bool = False,
    seen: str | None = None,
) -> Batch:
    """Take an order away from its shopper, with the whole batch that it is in; returns the batch as it ended.

    `keeps_picked`: the next shopper goes on with the picked items; else they are put back. Refused when the goods are
    on their way to the customer.
    """
    roles.require(actor, "assign_orders", retailer_id, actor.store_number)
    reason = checks.reason_of(reason)
    batch = await batches.lock_of_order(tx, retailer_id, order_id)  # a batch is always locked before its orders
    together = [order_id] if batch is None else batch.order_ids
    locked = [await checks.lock(tx, actor, "assign_orders", retailer_id, one) for one in together]
    rows = [await checks.row(tx, retailer_id, order, seen if order.order_id == order_id else None) for order in locked]
    if batch is None:
        raise WorkRefused("has_none")
    try:
        ended = await batches.end_early(
            tx, retailer_id, batch.id, batch_states.UNASSIGNED, reason, actor.name, keeps_picked=keeps_picked
        )
    except ApiError:
        raise WorkRefused("too_late") from None
    for row in rows:
        taken = {"shopper": row.person_id, "name": row.person, "batch": batch.id, "keeps_picked": keeps_picked}
        await checks.record(tx, actor, "assign_orders", row, reason, taken)
    return ended


async def cancel(
    tx: Tx,
    actor: Actor,
    retailer_id: int,
    order_id: str,
    reason: str,
    cancellation: tuple[str, str],
    *,
    seen: str | None = None,
) -> Order:
    """Cancel an order, take it out of its batch and give its place back.

    `reason`: for colleagues. `cancellation`: the reason and the type that the retailer's client gets, from
    `orders.states.CANCELLATIONS`.
    """
    roles.require(actor, "cancel_orders", retailer_id, actor.store_number)
    reason = checks.reason_of(reason)
    if cancellation[1] not in states.CANCELLATIONS.get(cancellation[0], ()):
        raise WorkRefused("unknown_reason")
    await batches.lock_of_order(tx, retailer_id, order_id)
    order = await checks.lock(tx, actor, "cancel_orders", retailer_id, order_id)
    row = await checks.row(tx, retailer_id, order, seen)
    try:
        canceled = await batches.cancel(tx, retailer_id, order_id, *cancellation, by=actor.name)
    except ApiError:
        raise WorkRefused("too_late") from None
    told = dict(zip(("cancellation_reason", "cancellation_type"), cancellation, strict=True))
    await checks.record(tx, actor, "cancel_orders", row, reason, told)
    return canceled


async def reschedule(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, option_id: int, reason: str, *, seen: str | None = None
) -> Order:
    """Move a brand new order to another slot of its store, one of `orders.reschedule.offers`."""
    roles.require(actor, "reschedule_orders", retailer_id, actor.store_number)
    reason = checks.reason_of(reason)
    order = await checks.lock(tx, actor, "reschedule_orders", retailer_id, order_id)
    row = await checks.row(tx, retailer_id, order, seen)
    if not states.may(order.kind, order.status, states.UPDATE):
        raise WorkRefused("too_late")
    try:
        await moves.to_slot(tx, retailer_id, order, option_id)
    except ApiError:
        raise WorkRefused("slot_taken") from None
    window = {"from": row.window_starts_at, "to": order.window_starts_at}
    await checks.record(tx, actor, "reschedule_orders", row, reason, window)
    return order


async def unlock_pin(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, reason: str, *, seen: str | None = None
) -> Order:
    """Let the shopper of an order try PINs again, after too many wrong ones locked it."""
    roles.require(actor, "unlock_pins", retailer_id, actor.store_number)
    reason = checks.reason_of(reason)
    order = await checks.lock(tx, actor, "unlock_pins", retailer_id, order_id)
    row = await checks.row(tx, retailer_id, order, seen)
    if order.status in states.TERMINAL:
        raise WorkRefused("too_late")
    if not verbs.is_pin_locked(order):
        raise WorkRefused("pin_not_locked")
    wrong_pins, order.details.wrong_pins = order.details.wrong_pins, 0
    await orders.keep(tx, retailer_id, order)
    await checks.record(tx, actor, "unlock_pins", row, reason, {"wrong_pins": wrong_pins})
    return order
