"""Hold, book and release places. The module `listing` lists slots."""

from msgspec import structs

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.slots import errors, ledger, option_ids, plans, rules
from handcart.slots.models import (
    SCHEDULED,
    Booking,
    Hold,
    Place,
    Slot,
    Window,
)
from handcart.slots.plans import Calendar
from handcart.stores import queries as stores
from handcart.stores.models import Store
from handcart.users import ops as users

HOLD = 10 * clock.MINUTE


async def hold(
    tx: Tx, caller: Caller, user_id: str, option_id: int, *, has_alcohol: bool | None = None
) -> Hold | ApiError:
    """Hold a place for a user for ten minutes; the user's earlier hold is deleted first.

    It stays deleted when the new place is not available: the refusal is returned, not raised, so that the deletion is
    committed.
    `has_alcohol`: whether the cart has alcohol; None: as in the list that the slot comes from.
    """
    await users.require(tx, caller.isolation_id, user_id)
    slot = await find(tx, caller.retailer_id, option_id)
    place = place_of(slot)
    calendar = await plans.calendar(tx, caller.retailer_id, slot.store, slot.kind)
    retailer = await retailers.retailer(tx, caller.retailer_id)
    with_alcohol = slot.has_alcohol if has_alcohol is None else has_alcohol
    has_lead = not (slot.ignores_lead and retailer.rules.offers_eta)
    refusal = rules.refusal(
        calendar, retailer.rules, slot, "service_option_id", has_alcohol=with_alcohol, has_lead=has_lead
    )
    await _delete_hold(tx, caller.isolation_id, user_id, None if refusal else (caller.retailer_id, place))
    if refusal is not None:
        return refusal
    if not await _take(tx, caller.retailer_id, slot, "held", calendar):
        return errors.not_available("service_option_id")
    made = Hold(ids.new_id(), clock.now() + HOLD, slot)
    await tx.run(
        "INSERT INTO holds (isolation_id, user_id, id, retailer_id, option_id, store_number, kind, window_starts_at,"
        " window_ends_at, window_type, ledger_starts_at, expires_at, is_counted)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, true)",
        caller.isolation_id,
        user_id,
        made.id,
        caller.retailer_id,
        option_id,
        slot.store.number,
        slot.kind,
        slot.window.starts_at,
        slot.window.ends_at,
        slot.window.type,
        slot.window.ledger_starts_at,
        made.expires_at,
    )
    return made


async def held_slot(tx: Tx, caller: Caller, user_id: str, hold_id: int) -> Slot:
    """The slot of a user's hold; raises `is invalid` if the hold does not exist or belongs to another user."""
    row = await tx.one(
        "SELECT id, retailer_id, option_id, store_number, kind, window_type, window_starts_at, window_ends_at,"
        " ledger_starts_at FROM holds WHERE isolation_id = $1 AND user_id = $2",
        caller.isolation_id,
        user_id,
    )
    if row is None or row["id"] != hold_id or row["retailer_id"] != caller.retailer_id:
        raise errors.invalid_hold()
    store = await stores.store_by_number(tx, caller.retailer_id, row["store_number"])
    if store is None:
        raise errors.invalid_hold()
    window = Window(row["window_type"], row["window_starts_at"], row["window_ends_at"], row["ledger_starts_at"])
    return Slot(row["option_id"], store, row["kind"], window)


async def claim(tx: Tx, caller: Caller, user_id: str, hold_id: int, slot: Slot) -> Booking:
    """Turn a user's hold for `slot` into a booking.

    An expired hold books only before its window begins. If the ledger still counts its place, no other rule is checked.
    If its place was freed, another must be free, and all rules apply but the lead time and the hours of alcohol.
    The caller has already locked the user, and any other ledger rows that it needs.
    """
    place = place_of(slot)
    await ledger.lock(tx, caller.retailer_id, [place])
    row = await tx.one(
        "DELETE FROM holds WHERE isolation_id = $1 AND user_id = $2 AND id = $3 RETURNING is_counted, expires_at",
        caller.isolation_id,
        user_id,
        hold_id,
    )
    if row is None:
        raise errors.invalid_hold()
    now = clock.now()
    if row["expires_at"] <= now and rules.has_begun(slot.window, now):
        raise errors.expired(errors.HOLD_KEY)
    if row["is_counted"]:
        await ledger.book_held(tx, caller.retailer_id, place)
        return Booking(slot.store, _booked(slot), place)
    return await book(tx, caller.retailer_id, slot, errors.HOLD_KEY, has_lead=False)


async def book(
    tx: Tx, retailer_id: int, slot: Slot, key: str, *, has_alcohol: bool = False, has_lead: bool = True
) -> Booking:
    """Book a place without a hold; errors name `key`. `has_lead`: whether the lead time applies."""
    calendar = await plans.calendar(tx, retailer_id, slot.store, slot.kind)
    retailer = await retailers.retailer(tx, retailer_id)
    refusal = rules.refusal(calendar, retailer.rules, slot, key, has_alcohol=has_alcohol, has_lead=has_lead)
    if refusal is not None:
        raise refusal
    if not await _take(tx, retailer_id, slot, "booked", calendar):
        raise errors.not_available(key)
    return Booking(slot.store, _booked(slot), place_of(slot))


async def release(tx: Tx, retailer_id: int, place: Place) -> None:
    """Free a booked place."""
    await ledger.give_back(tx, retailer_id, place, "booked")


async def forget_user(tx: Tx, isolation_id: int, user_id: str) -> None:
    """Delete a user's hold."""
    await _delete_hold(tx, isolation_id, user_id)


async def find(tx: Tx, retailer_id: int, option_id: int) -> Slot:
    """A slot by its id; raises `Service option is not available` for an id that the retailer never offers."""
    option = option_ids.decode(tx.keys.slot_key, retailer_id, option_id, clock.now())
    store = await stores.store_by_number(tx, retailer_id, option.store_number) if option else None
    if option is None or store is None:
        raise errors.not_available("service_option_id")
    return rules.slot_of(option_id, store, option.offer, rules.window_of(store, option))


def unlisted(store: Store, kind: str, starts_at: int, ends_at: int) -> Slot:
    """A slot for any window that starts and ends on the hour; it is in no list."""
    return Slot(0, store, kind, Window(SCHEDULED, starts_at, ends_at, starts_at))


def place_of(slot: Slot) -> Place:
    """The place in the ledger that a slot uses."""
    return Place(slot.store.number, slot.kind, slot.window.ledger_starts_at)


def _booked(slot: Slot) -> Window:
    """The window of an order for a slot. A window that begins with the order starts now or later."""
    if slot.window.type == SCHEDULED:
        return slot.window
    return structs.replace(slot.window, starts_at=max(slot.window.starts_at, rules.soon(clock.now())))


async def _take(tx: Tx, retailer_id: int, slot: Slot, counter: str, calendar: Calendar) -> bool:
    async def current() -> int:
        return rules.capacity(await plans.calendar(tx, retailer_id, slot.store, slot.kind), slot.window)

    return await ledger.take(tx, retailer_id, place_of(slot), counter, rules.capacity(calendar, slot.window), current)


async def _delete_hold(tx: Tx, isolation_id: int, user_id: str, wanted: tuple[int, Place] | None = None) -> None:
    """Delete the hold of a locked user and free its place.

    `wanted` is the place that the user needs next, with its retailer.
    """
    row = await tx.one(
        "SELECT id, retailer_id, store_number, kind, ledger_starts_at FROM holds"
        " WHERE isolation_id = $1 AND user_id = $2",
        isolation_id,
        user_id,
    )
    if row is None:
        return
    place = Place(row["store_number"], row["kind"], row["ledger_starts_at"])
    places = [(row["retailer_id"], place), *([wanted] if wanted else [])]  # may be two banners that share users
    for retailer_id in sorted({retailer_id for retailer_id, _ in places}):
        await ledger.lock(tx, retailer_id, [one for owner, one in places if owner == retailer_id])
    deleted = await tx.one(
        "DELETE FROM holds WHERE isolation_id = $1 AND user_id = $2 RETURNING is_counted", isolation_id, user_id
    )
    if deleted is not None and deleted["is_counted"]:
        await ledger.give_back(tx, row["retailer_id"], place, "held")
