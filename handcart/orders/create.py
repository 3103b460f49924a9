"""Create orders: book the place, decide the benefit, store the order. A repeated creation returns the stored order."""

import contextlib
from collections.abc import Sequence

from msgspec import Struct, structs

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError, invalid, raise_any
from handcart.linking import ops as linking
from handcart.orders import checks, customers, errors, lines, payloads, storage
from handcart.orders.models import DELIVERY, LAST_MILE, PICKUP, HistoryStep, Order, OrderDetails
from handcart.orders.states import BRAND_NEW, CREATED, WORKFLOWS
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller, Retailer
from handcart.slots import errors as slot_errors
from handcart.slots import ledger, listing, windows
from handcart.slots import ops as slots
from handcart.slots import rules as slot_rules
from handcart.slots.models import Booking, Slot
from handcart.stores import carts
from handcart.stores import queries as stores
from handcart.stores.carts import OrderItem
from handcart.stores.models import Store
from handcart.users import ops as users
from handcart.users.models import User

# Windows locked for an order that takes the soonest one: more than one, since windows may fill up meanwhile.
_SOONEST = 3


class NewOrder(Struct, frozen=True):
    """The order of any kind that a request asks for.

    `hold_id`: the hold whose slot it takes; a dispatch order has none. `window`: the window within the slot, if the
    caller names one.
    """

    order_id: str
    kind: str
    details: OrderDetails
    fingerprint: bytes
    hold_id: int | None = None
    location_code: str | None = None
    items: Sequence[OrderItem] = ()
    window: tuple[int, int] | None = None
    tip_cents: int = 0
    alcoholic: bool = False
    leave_unattended: bool = False


async def create_shopped(tx: Tx, caller: Caller, user_id: str, wanted: NewOrder) -> Order:
    """Create a delivery or pickup order for the slot that the user holds."""
    user = await users.require(tx, caller.isolation_id, user_id)
    there = await repeated(tx, caller.retailer_id, wanted)
    if there is not None:
        return there
    assert wanted.hold_id is not None
    slot = await _held_slot(tx, caller, user_id, wanted.hold_id, wanted)
    retailer = await retailers.retailer(tx, caller.retailer_id)
    cart = await carts.read(tx, retailer, slot.store, wanted.kind, wanted.items)
    phone_number = wanted.details.phone_number or user.phone_number
    is_on_file = wanted.details.phone_number is None and user.phone_number is not None
    refusals = [None if is_on_file else customers.phone_refusal(retailer, phone_number, "user.phone_number")]
    cart, age_refusal = checks.of_age(retailer, slot.store, cart, wanted.details.birthday)
    refusals += [age_refusal, *cart.refusals, *checks.metadata(wanted.details.metadata, wanted.items)]
    if wanted.details.paid_with_ebt and slot.store.country != "US":
        refusals.append(invalid("paid_with_ebt"))
    raise_any(refusals)
    if wanted.kind == DELIVERY and wanted.details.address is not None:
        await stores.locate(tx, retailer, DELIVERY, slot.store, wanted.details.address)
    if cart.has_alcohol and not slot_rules.allows_alcohol(retailer.rules, slot.store, slot.window):
        raise slot_errors.not_available(slot_errors.HOLD_KEY)
    replacements = await lines.replacements(tx, caller.retailer_id, cart, ebt_only=wanted.details.paid_with_ebt)
    booking = await slots.claim(tx, caller, user_id, wanted.hold_id, slot)
    order = await _new(tx, caller, user, wanted, booking, has_alcohol=cart.has_alcohol)
    order.lines = lines.of_cart(cart, replacements)
    order.details = structs.replace(
        order.details, phone_number=phone_number, warnings=[warning.body() for warning in cart.warnings]
    )
    return await _insert(tx, caller, wanted, order)


async def create_last_mile(tx: Tx, caller: Caller, user_id: str, wanted: NewOrder) -> Order:
    """Create a last mile order for the slot that the user holds."""
    user = await users.require(tx, caller.isolation_id, user_id)
    there = await repeated(tx, caller.retailer_id, wanted)
    if there is not None:
        return there
    assert wanted.hold_id is not None
    slot = await _held_slot(tx, caller, user_id, wanted.hold_id, wanted)
    retailer = await retailers.retailer(tx, caller.retailer_id)
    raise_any(
        [
            customers.phone_refusal(retailer, wanted.details.phone_number, "user_phone"),
            errors.alcohol_not_enabled() if wanted.alcoholic and not slot.store.sells_alcohol else None,
            checks.outside(slot.window.starts_at, slot.window.ends_at, wanted.window),
            *checks.metadata(wanted.details.metadata),
        ]
    )
    if wanted.details.address is not None:
        await stores.locate(tx, retailer, LAST_MILE, slot.store, wanted.details.address)
    if wanted.alcoholic and not slot_rules.allows_alcohol(retailer.rules, slot.store, slot.window):
        raise slot_errors.not_available(slot_errors.HOLD_KEY)
    booking = await slots.claim(tx, caller, user_id, wanted.hold_id, slot)
    return await _insert(
        tx, caller, wanted, await _new(tx, caller, user, wanted, booking, has_alcohol=wanted.alcoholic)
    )


async def create_dispatch(tx: Tx, caller: Caller, user_id: str | None, wanted: NewOrder, *, or_soonest: bool) -> Order:
    """Create a dispatch order in the given window, or (`or_soonest`) in the soonest free one of that day."""
    user = await users.require(tx, caller.isolation_id, user_id) if user_id is not None else None
    there = await repeated(tx, caller.retailer_id, wanted)
    if there is not None:
        return there
    assert wanted.location_code is not None
    assert wanted.window is not None
    store = await stores.store(tx, caller.retailer_id, wanted.location_code)
    if store is None:
        raise invalid("location_code")
    retailer = await retailers.retailer(tx, caller.retailer_id)
    raise_any(
        [
            customers.phone_refusal(retailer, wanted.details.phone_number, "user_phone"),
            None if customers.is_name(wanted.details.last_name or "") else errors.invalid_last_name(),
            errors.alcohol_not_enabled() if wanted.alcoholic and not store.sells_alcohol else None,
            None if slot_rules.is_desirable(store, *wanted.window) else invalid("start_at"),
            None if store.takes_last_mile else errors.store_closed(),
            *checks.metadata(wanted.details.metadata),
        ]
    )
    if wanted.details.address is not None:
        await stores.locate(tx, retailer, LAST_MILE, store, wanted.details.address)
    try:
        booking = await _book_window(
            tx, retailer, store, wanted.window, or_soonest=or_soonest, has_alcohol=wanted.alcoholic
        )
    except ApiError:
        # A concurrent duplicate of this request may have taken the last place.
        there = await repeated(tx, caller.retailer_id, wanted)
        if there is None:
            raise
        return there
    return await _insert(
        tx, caller, wanted, await _new(tx, caller, user, wanted, booking, has_alcohol=wanted.alcoholic)
    )


async def repeated(tx: Tx, retailer_id: int, wanted: NewOrder) -> Order | None:
    """The existing order if this is a repeated creation; raises if the order with this id is a different one."""
    there = await storage.find(tx, retailer_id, wanted.order_id)
    if there is not None and there.fingerprint != wanted.fingerprint:
        raise errors.order_id_taken()
    return there


async def _new(
    tx: Tx, caller: Caller, user: User | None, wanted: NewOrder, booking: Booking, *, has_alcohol: bool
) -> Order:
    window = wanted.window if wanted.kind == LAST_MILE and wanted.window else None
    starts_at, ends_at = window or (booking.window.starts_at, booking.window.ends_at)
    period = None
    if user is not None and wanted.kind != PICKUP:
        period = await linking.benefit(tx, caller.isolation_id, user.user_id)
    return Order(
        order_id=wanted.order_id,
        number=ids.new_id(),
        isolation_id=caller.isolation_id,
        user_id=user.user_id if user else None,
        kind=wanted.kind,
        status=BRAND_NEW,
        created_at=clock.now(),
        store_number=booking.store.number,
        window_starts_at=starts_at,
        window_ends_at=ends_at,
        window_type=booking.window.type,
        place=booking.place,
        tip_cents=wanted.tip_cents,
        has_alcohol=has_alcohol,
        # Alcohol is handed to an adult, never left at the door.
        leave_unattended=wanted.leave_unattended and not has_alcohol,
        member_since=period[0] if period else None,
        member_until=period[1] if period else None,
        details=structs.replace(
            wanted.details,
            locale=customers.locale(wanted.details.locale or (user.locale if user else None), booking.store),
        ),
        fingerprint=wanted.fingerprint,
    )


async def _insert(tx: Tx, caller: Caller, wanted: NewOrder, order: Order) -> Order:
    raise_any([checks.size(order)])
    created = HistoryStep(order.status, CREATED, WORKFLOWS[order.kind].events[CREATED])
    if await storage.insert(tx, caller.retailer_id, order, created):
        await payloads.emit(tx, caller.retailer_id, order, created.events)
        return order
    # A concurrent duplicate was first: release this one's place and answer as a repetition.
    there = await repeated(tx, caller.retailer_id, wanted)
    assert there is not None
    assert order.place is not None
    await slots.release(tx, caller.retailer_id, order.place)
    return there


async def _held_slot(tx: Tx, caller: Caller, user_id: str, hold_id: int, wanted: NewOrder) -> Slot:
    slot = await checks.held_slot(tx, caller, user_id, hold_id, wanted.kind)
    if wanted.location_code is not None and wanted.location_code != slot.store.location_code:
        raise invalid("location_code")
    return slot


async def _book_window(
    tx: Tx, retailer: Retailer, store: Store, window: tuple[int, int], *, or_soonest: bool, has_alcohol: bool
) -> Booking:
    wanted = slots.unlisted(store, LAST_MILE, *window)
    found = [wanted]
    if or_soonest:
        day = windows.start_of(store.time_zone, window[0]).date
        offered = await listing.offers(tx, retailer, store, LAST_MILE, listing.Wishes(has_alcohol=has_alcohol))
        free = [slot for slot in offered.all() if not slot.reasons]
        found += [slot for slot in free if windows.start_of(store.time_zone, slot.window.starts_at).date == day][
            :_SOONEST
        ]
        await ledger.lock(tx, retailer.id, [slots.place_of(slot) for slot in found])
    for slot in found:
        with contextlib.suppress(ApiError):
            return await slots.book(tx, retailer.id, slot, "start_at", has_alcohol=has_alcohol)
    raise errors.no_windows_available() if or_soonest else errors.window_not_available()
