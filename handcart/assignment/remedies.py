"""What a person does about an order that is not all right: tell people, push it forward, bring it back, refund lines.

Each operation checks the role, locks the order, refuses by name what is not possible now, and records the reason in the
audit log. `ops` has the others: give, take away, cancel, move. `seen` is as there.
"""

from collections.abc import Mapping, Sequence

from msgspec import structs

from handcart.acts import verbs
from handcart.acts.errors import ActRefused
from handcart.acts.verbs import VERBS, Work
from handcart.assignment import checks, ops, queries
from handcart.assignment.errors import WorkRefused
from handcart.assignment.models import Row
from handcart.batches import ops as batches
from handcart.batches import picking
from handcart.batches import states as batch_states
from handcart.batches.models import Batch
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.messages import ops as messages
from handcart.messages.models import MAIL, SMS, Letter
from handcart.orders import ops as orders
from handcart.orders import proof, states
from handcart.orders import queries as stored
from handcart.orders.models import PICKUP, SHOPPED, TO_REFUND, Order, OrderLine
from handcart.retailers import ops as retailers
from handcart.shoppers import queries as shoppers
from handcart.staff import queries as staff
from handcart.staff import roles
from handcart.staff.models import Actor

#: Why a dispatcher lets an order be brought back; `alcohol_only` takes only its alcohol back.
_ALCOHOL = "alcohol_only"
BACK = (*verbs.CANCELLATIONS, _ALCOHOL)
# A customer is told by hand that the order is late at most once in this time.
_TOLD = 10 * clock.MINUTE
# In these states the customer waits for nothing yet, or the order waits for its customer.
_NOT_LATE = (states.STAGED, states.RUNNER_AWAITING, states.USER_AT_STORE, *states.TERMINAL)
# From these states an order may be pushed forward: its goods, or its shopper, are at the store, or nearly there.
_AT_STORE = (
    *(states.ACKNOWLEDGED, states.PICKING, states.VERIFYING_REPLACEMENTS, states.CHECKOUT, states.BAGS_CHECK),
    *(states.RUNNER_AWAITING, states.USER_AT_STORE),
    *(states.ACKNOWLEDGED_FOR_DELIVERY, states.AT_STORE, states.BAGS_VERIFIED),
)
# In these states nothing is picked yet, or the order has ended.
_NOT_REFUNDABLE = (states.BRAND_NEW, states.ACKNOWLEDGED, *states.TERMINAL)
_MOST_TEXT = 300


async def tell_late(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, reason: str, *, seen: str | None = None
) -> Order:
    """Tell the customer that the order is late: `late_delivery` or `late_pickup` is sent, with a new time."""
    order, row = await _order(tx, actor, "tell_people", retailer_id, order_id, seen)
    reason = checks.reason_of(reason)
    if not may_be_late(order):
        raise WorkRefused("not_late")
    told = [step.at for step in await stored.history(tx, retailer_id, order_id) if step.what == states.LATE]
    if told and clock.now() - told[-1] < _TOLD:
        raise WorkRefused("told_before")
    await orders.note(tx, retailer_id, order, states.LATE)
    await checks.record(tx, actor, "tell_late", row, reason, {})
    return order


def may_be_late(order: Order) -> bool:
    """Whether a customer waits for an order that a shopper works on, or that nobody has taken."""
    return order.status not in _NOT_LATE


async def write_shopper(
    tx: Tx,
    actor: Actor,
    retailer_id: int,
    order_id: str,
    text: str,
    *,
    after: int | None = None,
    seen: str | None = None,
) -> str:
    """Send a text message to the shopper of an order, or a mail if the phone number is unknown; returns the channel.

    `after`: what `last_written` was when the person saw the order; refused if somebody has written since.
    """
    _, row = await _order(tx, actor, "tell_people", retailer_id, order_id, seen)
    text = checks.reason_of(text)[:_MOST_TEXT]
    if after is not None and after != await last_written(tx, row):
        raise WorkRefused("written_before")
    person = None if row.person_id is None else await shoppers.person(tx, row.person_id)
    if person is None:
        raise WorkRefused("has_none")
    channel, address = (SMS, person.phone) if person.phone is not None else (MAIL, person.email)
    if address is None:
        raise WorkRefused("unreachable")
    letter = Letter(
        recipient=f"shopper/{person.id}",
        channel=channel,
        address=address,
        template="from_dispatcher",
        locale=person.locale,
        subject=order_id,
        body=f"{order_id}: {text}",
        order_id=order_id,
        retailer_id=retailer_id,
    )
    await messages.write(tx, letter)
    told = {"shopper": person.id, "name": person.name, "channel": channel}
    await checks.record(tx, actor, "write_shopper", row, text, told)
    return channel


async def last_written(tx: Tx, row: Row) -> int:
    """Which entry of the audit log is the last message to the shopper of an order; 0 if there is none."""
    found = await staff.entries(tx, subject=f"order/{row.slug}/{row.order_id}", operation="write_shopper", limit=1)
    return found[0].id if found else 0


async def hand_over(
    tx: Tx,
    actor: Actor,
    retailer_id: int,
    order_id: str,
    person_id: int,
    reason: str,
    *,
    keeps_picked: bool = False,
    seen: str | None = None,
) -> Batch:
    """Take an order from its shopper, with the whole batch, and give all of it to another shopper at once."""
    roles.require(actor, "assign_orders", retailer_id, actor.store_number)
    await shoppers.lock(tx, person_id)  # a shopper is always locked before the batch, as `ops.assign` does
    before = await batches.lock_of_order(tx, retailer_id, order_id)
    row = await queries.order(tx, retailer_id, order_id)
    if before is None or row is None or row.batch_id is None:
        raise WorkRefused("has_none")
    if row.person_id == person_id:
        raise WorkRefused("same_shopper")
    together = before.order_ids
    await ops.unassign(tx, actor, retailer_id, order_id, reason, keeps_picked=keeps_picked, seen=seen)
    return await ops.assign(tx, actor, retailer_id, together, person_id)


async def push(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, state: str, reason: str, *, seen: str | None = None
) -> Batch:
    """Move an order forward to a state of its batch, with the other orders of the batch, while it is at the store.

    All events of the states between are sent, as if the shopper had done the steps.
    """
    batch, locked, rows = await _batch(tx, actor, "push_orders", retailer_id, order_id, seen)
    reason = checks.reason_of(reason)
    if batch is None or next(row for row in rows if row.order_id == order_id).batch_id is None:
        raise WorkRefused("has_none")
    if any(order.status not in _AT_STORE for order in locked):
        raise WorkRefused("not_at_store")
    if state not in ahead(batch):
        raise WorkRefused("not_ahead")
    passed = _passed(batch, state)
    for order in locked:
        order.details = structs.replace(
            order.details,
            staged_at=clock.now() if states.STAGED in passed else order.details.staged_at,
            verified_at=clock.now() if states.BAGS_VERIFIED in passed else order.details.verified_at,
        )
        await orders.keep(tx, retailer_id, order)
    left = batch.workflow_state
    await batches.bring(tx, retailer_id, batch, state)
    for row in rows:
        await checks.record(tx, actor, "push_orders", row, reason, {"from": left, "to": state, "batch": batch.id})
    return batch


def ahead(batch: Batch) -> Sequence[str]:
    """The states to which a batch can be pushed: those after its own, but never `completed`, which needs a proof."""
    names = list(batch_states.TYPES[batch.type].states)
    return [one for one in names[names.index(batch.workflow_state) + 1 :] if one != states.COMPLETED]


def may_push(row: Row) -> bool:
    """Whether an order is in a state from which it can be pushed forward."""
    return row.batch_id is not None and row.status in _AT_STORE


async def allow_leaving(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, reason: str, *, seen: str | None = None
) -> Order:
    """Let the shopper leave an order at the door of a customer who is not there."""
    order, row = await _order(tx, actor, "return_orders", retailer_id, order_id, seen)
    reason = checks.reason_of(reason)
    if order.status != states.DELIVERING:
        raise WorkRefused("not_on_the_way")
    if order.details.returning is not None:
        raise WorkRefused("returning")
    if not await may_leave(tx, retailer_id, order):
        raise WorkRefused("must_hand_over")
    if order.leave_unattended:
        raise WorkRefused("left_before")
    order.leave_unattended = True
    await orders.keep(tx, retailer_id, order)
    await checks.record(tx, actor, "allow_leaving", row, reason, {})
    return order


async def may_leave(tx: Tx, retailer_id: int, order: Order) -> bool:
    """Whether an order may be left at the door: without alcohol, PIN and signature."""
    rules = (await retailers.retailer(tx, retailer_id)).rules
    return not (
        order.kind == PICKUP
        or verbs.has_alcohol(order)
        or await proof.code(tx, rules, order) is not None
        or await proof.needs_signature(tx, retailer_id, rules, order)
    )


async def turn_back(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, why: str, reason: str, *, seen: str | None = None
) -> None:
    """Let the shopper bring an order back to the store that cannot be handed over; `why`: one of `BACK`."""
    batch, locked, rows = await _batch(tx, actor, "return_orders", retailer_id, order_id, seen)
    reason = checks.reason_of(reason)
    order = next(one for one in locked if one.order_id == order_id)
    if why not in BACK:
        raise WorkRefused("unknown_reason")
    if batch is None or order.status != states.DELIVERING:
        raise WorkRefused("not_on_the_way")
    if order.details.returning is not None:
        raise WorkRefused("returning")
    try:
        await _do(tx, "bring_back", retailer_id, batch, {"order": order_id, "reason": why})
    except ActRefused:
        raise WorkRefused("no_alcohol") from None
    row = next(one for one in rows if one.order_id == order_id)
    await checks.record(tx, actor, "turn_back", row, reason, {"why": why})


def reasons(order: Order) -> Sequence[str]:
    """The reasons of `BACK` for which an order can be brought back."""
    takes_alcohol = order.kind in SHOPPED and verbs.has_alcohol(order)
    return [one for one in BACK if one != _ALCOHOL or takes_alcohol]


async def take_back(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, reason: str, *, seen: str | None = None
) -> None:
    """Record that the goods of an order are back at the store: it is canceled, for the reason that brought it back."""
    batch, locked, rows = await _batch(tx, actor, "return_orders", retailer_id, order_id, seen)
    reason = checks.reason_of(reason)
    order = next(one for one in locked if one.order_id == order_id)
    if batch is None or order.status in states.TERMINAL or order.details.returning is None:
        raise WorkRefused("not_returning")
    why = order.details.returning
    await _do(tx, "returned", retailer_id, batch, {"order": order_id})
    row = next(one for one in rows if one.order_id == order_id)
    await checks.record(tx, actor, "take_back", row, reason, {"why": why})


async def refund(
    tx: Tx,
    actor: Actor,
    retailer_id: int,
    order_id: str,
    line_nums: Sequence[str],
    reason: str,
    *,
    seen: str | None = None,
) -> Order:
    """Refund lines that the customer does not get, such as those of a bag that is missing."""
    order, row = await _order(tx, actor, "refund_lines", retailer_id, order_id, seen)
    reason = checks.reason_of(reason)
    if not _is_refundable(order):
        raise WorkRefused("not_refundable")
    known = {line.line_num for line in refundable(order)}
    if not line_nums or not set(line_nums) <= known:
        raise WorkRefused("unknown_line")
    await picking.refund(tx, retailer_id, order, line_nums)
    await checks.record(tx, actor, "refund_lines", row, reason, {"lines": list(line_nums)})
    return order


def refundable(order: Order) -> Sequence[OrderLine]:
    """The lines of an order that can be refunded in its state."""
    lines = order.lines if _is_refundable(order) else []
    return [line for line in lines if not line.is_removed and line.status != TO_REFUND]


def _is_refundable(order: Order) -> bool:
    return order.kind in SHOPPED and order.status not in _NOT_REFUNDABLE


async def _order(
    tx: Tx, actor: Actor, operation: str, retailer_id: int, order_id: str, seen: str | None
) -> tuple[Order, Row]:
    roles.require(actor, operation, retailer_id, actor.store_number)
    order = await checks.lock(tx, actor, operation, retailer_id, order_id)
    return order, await checks.row(tx, retailer_id, order, seen)


async def _batch(
    tx: Tx, actor: Actor, operation: str, retailer_id: int, order_id: str, seen: str | None
) -> tuple[Batch | None, Sequence[Order], Sequence[Row]]:
    """The live batch of an order, its orders and their rows, all locked; without a batch, the order alone."""
    roles.require(actor, operation, retailer_id, actor.store_number)
    batch = await batches.lock_of_order(tx, retailer_id, order_id)  # a batch is always locked before its orders
    together = [order_id] if batch is None else batch.order_ids
    locked = [await checks.lock(tx, actor, operation, retailer_id, one) for one in together]
    going = [one for one in locked if one.status not in states.TERMINAL or one.order_id == order_id]
    rows = [await checks.row(tx, retailer_id, one, seen if one.order_id == order_id else None) for one in going]
    return batch, going, rows


async def _do(tx: Tx, verb: str, retailer_id: int, batch: Batch, body: Mapping[str, str]) -> None:
    """Do for the shopper what the app would do."""
    try:
        await VERBS[verb].do(tx, Work(retailer_id, batch), verbs.read(VERBS[verb], body))
    except ActRefused:
        raise
    except ApiError:
        raise WorkRefused("too_late") from None


def _passed(batch: Batch, state: str) -> Sequence[str]:
    names = list(batch_states.TYPES[batch.type].states)
    return names[names.index(batch.workflow_state) + 1 : names.index(state) + 1]
