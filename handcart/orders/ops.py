"""Change, stage and cancel orders. The module `create` creates them."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import invalid, raise_any
from handcart.core.web import idempotency
from handcart.events import ops as event_ops
from handcart.messages import ops as messages
from handcart.messages.models import of_order
from handcart.orders import checks, customers, errors, later, lines, payloads, signatures, states, storage
from handcart.orders.models import (
    CARRIED,
    HIGHLIGHTS,
    LAST_MILE,
    RATINGS,
    SHOPPED,
    HistoryStep,
    Order,
    OrderDetails,
    Rating,
)
from handcart.pictures import ops as pictures
from handcart.pictures.models import subject_of_act
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller, Retailer
from handcart.slots import errors as slot_errors
from handcart.slots import ledger
from handcart.slots import ops as slots
from handcart.slots import rules as slot_rules
from handcart.slots.models import WINDOW, Booking, Slot, Window
from handcart.stores import carts
from handcart.stores import queries as stores
from handcart.stores.carts import OrderItem
from handcart.stores.models import Store
from handcart.users import ops as users

# Maximum number of orders in one step of a user's deletion.
MOST_FORGOTTEN = 20
_CUSTOMER = "customer_driven"
_EARLY = "customer requested since order is early"  # over the API an order is canceled before shopping begins


class Changes(Struct, frozen=True):
    """Changes of an order; None leaves a field unchanged. `details`: fields of `OrderDetails`."""

    details: Mapping[str, Any]
    hold_id: int | None = None
    option_id: int | None = None
    window: tuple[int, int] | None = None
    tip_cents: int | None = None
    items: Sequence[OrderItem] | None = None
    alcoholic: bool | None = None


async def update_shopped(tx: Tx, caller: Caller, user_id: str, order_id: str, changes: Changes) -> Order:
    """Change a delivery or pickup order in state brand_new: slot, tip, instructions, customer, items."""
    await users.require(tx, caller.isolation_id, user_id)
    order = _allowing(
        states.UPDATE, checks.of_user(user_id, await storage.lock(tx, caller.retailer_id, order_id), SHOPPED)
    )
    store = await _store_of(tx, caller, order)
    retailer = await retailers.retailer(tx, caller.retailer_id)
    details = structs.replace(order.details, **changes.details)
    refusals = []
    if "phone_number" in changes.details:
        refusals.append(customers.phone_refusal(retailer, details.phone_number, "user.phone_number"))
    asked = lines.merged(order.lines, changes.items) if changes.items is not None else lines.asked(order.lines)
    cart = await carts.read(tx, retailer, store, order.kind, asked)
    if changes.items is not None or "birthday" in changes.details:
        cart, refusal = checks.of_age(retailer, store, cart, details.birthday)
        refusals.append(refusal)
    if changes.items is not None:
        refusals += cart.refusals
        refusals.append(lines.renumbered(order.lines, cart))
        refusals += checks.metadata(None, changes.items)
    raise_any(refusals)
    slot = None
    if changes.hold_id is not None:
        slot = await checks.held_slot(tx, caller, user_id, changes.hold_id, order.kind)
        if slot.store.number != order.store_number:
            raise slot_errors.invalid_hold()
    if cart.has_alcohol and not _may_have_alcohol(retailer, store, order, slot):
        raise errors.alcohol_not_allowed("items")
    if changes.items is not None:
        replacements = await lines.replacements(tx, caller.retailer_id, cart, ebt_only=details.paid_with_ebt)
        order.lines = lines.kept(order.lines, lines.of_cart(cart, replacements))
    else:
        order.lines = lines.kept(order.lines, lines.still_in(order.lines, cart))
    if changes.items is not None or len(cart.lines) < len(asked):
        details = structs.replace(details, warnings=[warning.body() for warning in cart.warnings])
    if slot is not None and changes.hold_id is not None:
        old = [order.place] if order.place else []
        await ledger.lock(tx, caller.retailer_id, [*old, slots.place_of(slot)])
        await rebook(tx, caller.retailer_id, order, await slots.claim(tx, caller, user_id, changes.hold_id, slot))
    order.has_alcohol = cart.has_alcohol
    order.leave_unattended = order.leave_unattended and not cart.has_alcohol
    order.tip_cents = order.tip_cents if changes.tip_cents is None else changes.tip_cents
    order.details = details
    raise_any([checks.size(order)])
    await note(tx, caller.retailer_id, order, states.UPDATED)
    return order


async def update_carried(tx: Tx, caller: Caller, user_id: str | None, order_id: str, changes: Changes) -> Order:
    """Change a last mile or dispatch order in state brand_new: window, tip, totals, instructions."""
    if user_id is not None:
        await users.require(tx, caller.isolation_id, user_id)
    order = _allowing(states.UPDATE, checks.carried(await storage.lock(tx, caller.retailer_id, order_id), user_id))
    store = await _store_of(tx, caller, order)
    retailer = await retailers.retailer(tx, caller.retailer_id)
    has_alcohol = order.has_alcohol if changes.alcoholic is None else changes.alcoholic
    if changes.alcoholic and not store.sells_alcohol:
        raise errors.alcohol_not_enabled()
    before = _window(order)
    await _move_carried(tx, caller, store, order, changes, has_alcohol=has_alcohol)
    is_new = has_alcohol and (not order.has_alcohol or _window(order) != before)
    if is_new and not _may_have_alcohol(retailer, store, order, None):
        raise errors.alcohol_not_allowed("alcoholic")
    order.has_alcohol = has_alcohol
    order.leave_unattended = order.leave_unattended and not has_alcohol
    order.tip_cents = order.tip_cents if changes.tip_cents is None else changes.tip_cents
    order.details = structs.replace(order.details, **changes.details)
    await note(tx, caller.retailer_id, order, states.UPDATED)
    return order


async def update_tip(tx: Tx, caller: Caller, user_id: str, order_id: str, tip_cents: int) -> Order:
    """Change the tip of a completed order."""
    await users.require(tx, caller.isolation_id, user_id)
    order = checks.of_user(user_id, await storage.lock(tx, caller.retailer_id, order_id))
    await set_tip(tx, caller.retailer_id, order, tip_cents)
    return order


async def set_tip(tx: Tx, retailer_id: int, order: Order, tip_cents: int) -> None:
    """Change the tip of a locked order that is completed."""
    if tip_cents < 0:
        raise errors.negative_tip()
    if not states.may(order.kind, order.status, states.TIP):
        raise errors.too_early()
    order.tip_cents = tip_cents
    await note(tx, retailer_id, order, states.TIP_UPDATED)


async def rate(tx: Tx, retailer_id: int, order: Order, rating: Rating) -> None:
    """Store the customer's rating of a locked order that is completed. The same rating again changes nothing."""
    if rating.value not in RATINGS:
        raise errors.not_included("rating_value")
    if not set(rating.highlights) <= set(HIGHLIGHTS):
        raise errors.not_included("highlights")
    if not states.may(order.kind, order.status, states.RATE):
        raise errors.too_early()
    before = order.details.rating
    chosen = tuple(one for one in HIGHLIGHTS if one in rating.highlights)
    rating = Rating(rating.value, chosen, _readable(rating.thank_you_note), clock.now())
    if before is not None and _said(rating) == _said(before):
        return
    order.details = structs.replace(order.details, rating=rating)
    await note(tx, retailer_id, order, states.RATED)


async def stage(tx: Tx, caller: Caller, user_id: str | None, order_id: str, details: Mapping[str, Any]) -> Order:
    """Record that a last mile or dispatch order is in the staging area; a second call replaces the details."""
    if user_id is not None:
        await users.require(tx, caller.isolation_id, user_id)
        order = checks.of_user(user_id, await storage.lock(tx, caller.retailer_id, order_id))
    else:
        order = checks.carried(await storage.lock(tx, caller.retailer_id, order_id), None)
    await set_staged(tx, caller.retailer_id, order, details)
    return order


async def set_staged(tx: Tx, retailer_id: int, order: Order, details: Mapping[str, Any]) -> None:
    """Record that a locked last mile or dispatch order is in the staging area. `details`: fields of `OrderDetails`."""
    if order.kind not in CARRIED:
        raise errors.not_carried()
    _allowing(states.STAGE, order)
    order.details = structs.replace(order.details, staged_at=clock.now(), **details)
    await note(tx, retailer_id, order, states.STAGED)


async def cancel(tx: Tx, caller: Caller, user_id: str, order_id: str) -> Order:
    """Cancel an order in state brand_new and release its place."""
    await users.require(tx, caller.isolation_id, user_id)
    return await _cancel(tx, caller, checks.of_user(user_id, await storage.lock(tx, caller.retailer_id, order_id)))


async def cancel_carried(tx: Tx, caller: Caller, order_id: str, user_id: str | None) -> Order:
    """Cancel a dispatch order, or (deprecated) a last mile one."""
    if user_id is not None:
        await users.require(tx, caller.isolation_id, user_id)
    return await _cancel(tx, caller, checks.carried(await storage.lock(tx, caller.retailer_id, order_id), user_id))


async def lock(tx: Tx, retailer_id: int, order_id: str) -> Order:
    """An order of any user, locked until this transaction ends; raises the documented error."""
    order = await storage.lock(tx, retailer_id, order_id)
    if order is None:
        raise errors.order_not_found()
    return order


async def move(tx: Tx, retailer_id: int, order: Order, to: str, *, keeps_picked: bool = False) -> None:
    """Move a locked order to another state, through all states between, each with its events; raises `too_late`.

    An order that goes back to brand_new loses what its shopper picked, unless `keeps_picked`. Every change of status
    goes through here; `states` has the table of allowed changes.
    """
    way = states.way(order.kind, order.status, to)
    if not way:
        raise errors.too_late()
    left = states.WORKFLOWS[order.kind].states[order.status]
    steps: list[HistoryStep] = []
    for state, events in way:
        steps += await _enter(tx, retailer_id, order, state.name, keeps_picked=keeps_picked)
        steps.append(HistoryStep(state.name, state.name, events))
    await _save(tx, retailer_id, order, steps)
    await later.plan(tx, retailer_id, order, left, way[-1][0])


async def cancel_for(tx: Tx, retailer_id: int, order: Order, reason: str, cancellation_type: str) -> None:
    """Cancel a locked order and release its place; reason and type come from `states.CANCELLATIONS`."""
    if cancellation_type not in states.CANCELLATIONS[reason]:
        raise ValueError(f"{cancellation_type!r} is no type of {reason!r}")
    order.cancellation_reason = reason
    order.details = structs.replace(order.details, cancellation_type=cancellation_type)
    await move(tx, retailer_id, order, states.CANCELED)


async def note(tx: Tx, retailer_id: int, order: Order, what: str, about: Sequence[str] = ()) -> None:
    """Save a locked order whose status does not change; record what happened and emit its events.

    `what`: a key of the order's `states.Workflow.events`. `about`: the numbers of the lines concerned.
    """
    events = states.WORKFLOWS[order.kind].events[what]
    await _save(tx, retailer_id, order, [HistoryStep(order.status, what, events, about)])


async def keep(tx: Tx, retailer_id: int, order: Order) -> None:
    """Save a locked order whose change nobody is told of."""
    await _save(tx, retailer_id, order, [])


async def rebook(
    tx: Tx, retailer_id: int, order: Order, booking: Booking, window: tuple[int, int] | None = None
) -> None:
    """Move a locked order to another place and release its own; the rows of both in the ledger are already locked.

    The caller saves the order with `note`.
    """
    if order.place is not None:
        await slots.release(tx, retailer_id, order.place)
    order.place = booking.place
    order.window_starts_at, order.window_ends_at = window or (booking.window.starts_at, booking.window.ends_at)
    order.window_type = booking.window.type


async def forget_user(tx: Tx, isolation_id: int, user_id: str) -> bool:
    """Remove a deleted user from their orders: cancel those that can be canceled, delete the personal data of all.

    Handles the oldest `MOST_FORGOTTEN` orders; returns whether there may be more.
    """
    locked = await lock_of_user(tx, isolation_id, user_id)
    for retailer_id, order in locked:
        if states.may(order.kind, order.status, states.CANCEL):
            await cancel_for(tx, retailer_id, order, _CUSTOMER, _EARLY)
        order.user_id = None
        if (proof := order.details.proof) is not None and proof.person_id is not None:
            await pictures.forget(tx, subject_of_act(proof.person_id, proof.act_id))
        await signatures.forget(tx, retailer_id, order.order_id)
        await messages.forget(tx, of_order(retailer_id, order.order_id))
        await event_ops.forget(tx, retailer_id, order.order_id, payloads.PERSONAL)
        order.details = OrderDetails(
            items_count=order.details.items_count,
            bags_count=order.details.bags_count,
            items_weight=order.details.items_weight,
            cart_total=order.details.cart_total,
            receipt_cents=order.details.receipt_cents,
            cancellation_type=order.details.cancellation_type,
            canceled_at=order.details.canceled_at,
        )
        for line in order.lines:
            line.special_instructions, line.metadata = "", None
        await note(tx, retailer_id, order, states.USER_DELETED)
        if order.created_at > clock.now() - idempotency.KEPT:
            for client_id in await storage.clients_of(tx, retailer_id):
                await idempotency.forget(tx, client_id, order.order_id)
    return len(locked) == MOST_FORGOTTEN


async def lock_of_user(tx: Tx, isolation_id: int, user_id: str) -> Sequence[tuple[int, Order]]:
    """A user's oldest orders with their retailers, locked; so are the places of those that can be canceled."""
    # Several orders are always locked in this sequence, so that no two transactions deadlock.
    ids_of_user = sorted(await storage.ids_of_user(tx, isolation_id, user_id, MOST_FORGOTTEN))
    found = [(retailer_id, await storage.lock(tx, retailer_id, order_id)) for retailer_id, order_id in ids_of_user]
    locked = [(retailer_id, order) for retailer_id, order in found if order is not None]
    for retailer_id in sorted({retailer_id for retailer_id, _ in locked}):
        orders = [
            order
            for owner, order in locked
            if owner == retailer_id and states.may(order.kind, order.status, states.CANCEL)
        ]
        await ledger.lock(tx, retailer_id, [order.place for order in orders if order.place is not None])
    return locked


async def _save(tx: Tx, retailer_id: int, order: Order, steps: Sequence[HistoryStep]) -> None:
    """Save a locked order and its steps, and emit their events. Every change of a stored order goes through here."""
    steps = [structs.replace(step, events=await payloads.told(tx, retailer_id, order, step.events)) for step in steps]
    await storage.save(tx, retailer_id, order, *steps)
    for step in steps:
        await payloads.emit(tx, retailer_id, order, step.events, step.about)


async def _enter(tx: Tx, retailer_id: int, order: Order, status: str, *, keeps_picked: bool) -> Sequence[HistoryStep]:
    """Give an order a state; returns what happens to its lines before that."""
    before, order.status = order.status, status
    if status == states.CHECKOUT:
        refunded = lines.take_the_rest(order.lines)
        order.bag_count = lines.bags(order.lines)
        if refunded:
            events = states.WORKFLOWS[order.kind].events[states.REFUNDED]
            return [HistoryStep(before, states.REFUNDED, events, [line.line_num for line in refunded])]
    elif status == states.COMPLETED:
        order.delivered_at = clock.now()
    elif status == states.BRAND_NEW and not keeps_picked:
        order.lines = lines.unpicked(order.lines)
    elif status == states.CANCELED:
        order.details = structs.replace(order.details, canceled_at=clock.now())
        if order.place is not None:
            await slots.release(tx, retailer_id, order.place)
            order.place = None
    return ()


async def _move_carried(
    tx: Tx, caller: Caller, store: Store, order: Order, changes: Changes, *, has_alcohol: bool
) -> None:
    if changes.option_id is not None:
        slot = await slots.find(tx, caller.retailer_id, changes.option_id)
        if slot.kind != LAST_MILE or slot.store.number != order.store_number:
            raise invalid("service_option_id")
        raise_any([checks.outside(slot.window.starts_at, slot.window.ends_at, changes.window)])
    elif changes.window is None:
        return
    elif order.kind == LAST_MILE:
        # Without a new slot, the window may only move within the booked one.
        booked = order.place.ledger_starts_at if order.place else order.window_starts_at
        begin, end = min(booked, order.window_starts_at), max(booked + WINDOW, order.window_ends_at)
        raise_any([checks.outside(begin, end, changes.window)])
        order.window_starts_at, order.window_ends_at = changes.window
        return
    elif not slot_rules.is_desirable(store, *changes.window):
        raise invalid("start_at")
    else:
        slot = slots.unlisted(store, LAST_MILE, *changes.window)
    place = slots.place_of(slot)
    if place == order.place:
        order.window_starts_at, order.window_ends_at = changes.window or (slot.window.starts_at, slot.window.ends_at)
        return
    await ledger.lock(tx, caller.retailer_id, [place, *([order.place] if order.place else [])])
    key = "service_option_id" if changes.option_id is not None else "start_at"
    booking = await slots.book(tx, caller.retailer_id, slot, key, has_alcohol=has_alcohol)
    await rebook(tx, caller.retailer_id, order, booking, changes.window)


async def _cancel(tx: Tx, caller: Caller, order: Order) -> Order:
    await cancel_for(tx, caller.retailer_id, _allowing(states.CANCEL, order), _CUSTOMER, _EARLY)
    return order


async def _store_of(tx: Tx, caller: Caller, order: Order) -> Store:
    found = await stores.store_by_number(tx, caller.retailer_id, order.store_number)
    assert found is not None
    return found


def _allowing(action: str, order: Order) -> Order:
    if not states.may(order.kind, order.status, action):
        raise errors.too_late()
    return order


def _said(rating: Rating) -> tuple[str, Sequence[str], str]:
    return rating.value, tuple(rating.highlights), rating.thank_you_note


def _readable(text: str) -> str:
    """A text of several lines without invisible characters, except the one that joins signs to one emoji."""
    return "".join(one for one in text.strip() if one.isprintable() or one in "\n\u200d")


def _may_have_alcohol(retailer: Retailer, store: Store, order: Order, slot: Slot | None) -> bool:
    window = slot.window if slot else _window(order)
    return slot_rules.allows_alcohol(retailer.rules, store, window)


def _window(order: Order) -> Window:
    return Window(order.window_type, order.window_starts_at, order.window_ends_at, order.window_starts_at)
