"""List slots; hold, book and release places."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller, Retailer, Rules
from handcart.slots import errors, ledger, option_ids, plans, windows
from handcart.slots.models import (
    ALCOHOL_NOT_ALLOWED,
    DESIRED,
    ETA,
    ETAS,
    IMMEDIATE,
    IMMEDIATES,
    NO_CAPACITY,
    PRIORITY_ETA,
    PRIORITY_ETAS,
    SCHEDULED,
    SOON_STEP,
    WINDOW,
    Booking,
    Hold,
    Offers,
    Place,
    Slot,
    Window,
    two_hours,
)
from handcart.slots.option_ids import Offer, Option
from handcart.slots.plans import Calendar
from handcart.slots.windows import Start
from handcart.stores import queries as stores
from handcart.stores.models import Store
from handcart.users import ops as users

HOLD = 10 * clock.MINUTE
# Maximum age of the list for a slot that begins with the order, or whose lead time has passed since.
GRACE = 15 * clock.MINUTE
_BETWEEN_ETAS = 30 * clock.MINUTE


class Wishes(Struct, frozen=True):
    """What to list. `desired`: list these windows (start, end) in place of the store's own."""

    with_eta: bool = False
    with_priority_eta: bool = False
    has_alcohol: bool = False
    earliest_start: int = 0
    desired: Sequence[tuple[int, int]] = ()


async def offers(
    tx: Tx, retailer: Retailer, store: Store, kind: str, wishes: Wishes, user: tuple[int, str] | None = None
) -> Offers:
    """The slots of a store, sorted by start; unavailable ones have reasons.

    `user` (isolation, id): the user the list is for; a place that the user already holds counts as free.
    """
    calendar = await plans.calendar(tx, retailer.id, store, kind)
    now = clock.now()
    end = windows.horizon(store.time_zone, now, calendar.plan.horizon_days)
    taken = await ledger.taken(
        tx, retailer.id, store.number, kind, now - WINDOW, end, least=calendar.least(), user=user
    )
    board = _Board(tx.keys.slot_key, retailer, calendar, kind, wishes, now, taken)
    if wishes.desired:
        return Offers(store, kind, [board.desired(begin, end) for begin, end in wishes.desired])
    first = board.soon()
    # When no ETA is available, scheduled slots begin with the next hour.
    has_lead = not retailer.rules.offers_eta or bool(first) or not (wishes.with_eta or wishes.with_priority_eta)
    lead_ends_at = now + calendar.plan.lead_minutes * clock.MINUTE
    starts = windows.starts(store.time_zone, max(lead_ends_at if has_lead else now, wishes.earliest_start), end)
    each = [start.at for start in starts]
    early = bisect_left(each, lead_ends_at)
    numbers = board.ids(each[early:], ignores_lead=False)
    if early:
        numbers = board.ids(each[:early], ignores_lead=True) + numbers
    return Offers(store, kind, first, each, numbers, board.against(starts))


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
    rules = (await retailers.retailer(tx, caller.retailer_id)).rules
    with_alcohol = slot.has_alcohol if has_alcohol is None else has_alcohol
    has_lead = not (slot.ignores_lead and rules.offers_eta)
    refusal = _refusal(calendar, rules, slot, "service_option_id", has_alcohol=with_alcohol, has_lead=has_lead)
    await _delete_hold(tx, caller.isolation_id, user_id, None if refusal else (caller.retailer_id, place))
    if refusal is not None:
        return refusal
    if not await ledger.take(tx, caller.retailer_id, place, "held", _capacity(calendar, slot.window)):
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
    if row["expires_at"] <= now and _has_begun(slot.window, now):
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
    rules = (await retailers.retailer(tx, retailer_id)).rules
    refusal = _refusal(calendar, rules, slot, key, has_alcohol=has_alcohol, has_lead=has_lead)
    if refusal is not None:
        raise refusal
    place = place_of(slot)
    if not await ledger.take(tx, retailer_id, place, "booked", _capacity(calendar, slot.window)):
        raise errors.not_available(key)
    return Booking(slot.store, _booked(slot), place)


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
    return _slot(option_id, store, option.offer, _window(store, option))


def unlisted(store: Store, kind: str, starts_at: int, ends_at: int) -> Slot:
    """A slot for any window that starts and ends on the hour; it is in no list."""
    return Slot(0, store, kind, Window(SCHEDULED, starts_at, ends_at, starts_at))


def place_of(slot: Slot) -> Place:
    """The place in the ledger that a slot uses."""
    return Place(slot.store.number, slot.kind, slot.window.ledger_starts_at)


def is_desirable(store: Store, starts_at: int, ends_at: int) -> bool:
    """Whether a window is a valid desired window: at least an hour, on the hour at both ends.

    https://docs.instacart.com/connect/fulfillment_guide/concepts/desired_windows
    """
    return windows.start_of(store.time_zone, starts_at).at == starts_at and ends_at - starts_at in DESIRED


def allows_alcohol(rules: Rules, store: Store, window: Window) -> bool:
    """Whether alcohol may be delivered during the whole window, in the store's local time."""
    begin = windows.start_of(store.time_zone, window.starts_at).at
    hours = (windows.start_of(store.time_zone, at).hour for at in range(begin, window.ends_at, clock.HOUR))
    since, until = rules.alcohol_from_hour, rules.alcohol_until_hour
    if since > until:  # over midnight
        return all(hour >= since or hour < until for hour in hours)
    return all(since <= hour < until for hour in hours)


def _window(store: Store, option: Option) -> Window:
    """The window of an option. A window with only an end time uses the two hours around that end."""
    offer, starts_at = option.offer, option.starts_at
    if offer.type == SCHEDULED:
        starts_at = windows.start_of(store.time_zone, starts_at + clock.HOUR - 1).at
        return Window(SCHEDULED, starts_at, starts_at + offer.length, starts_at)
    ledger_starts_at = windows.start_of(store.time_zone, starts_at + offer.length - 1).at - clock.HOUR
    return Window(offer.type, starts_at, starts_at + offer.length, ledger_starts_at)


def _slot(option_id: int, store: Store, offer: Offer, window: Window, reasons: Sequence[str] = ()) -> Slot:
    return Slot(option_id, store, offer.kind, window, reasons, offer.has_alcohol, offer.ignores_lead)


class _Board(Struct, frozen=True):
    """Everything that the slots of one list depend on."""

    key: bytes
    retailer: Retailer
    calendar: Calendar
    kind: str
    wishes: Wishes
    now: int
    taken: Mapping[int, int]

    def ids(self, starts: Sequence[int], *, ignores_lead: bool) -> list[int]:
        """The ids of the two-hour slots with these starts."""
        offer = Offer(self.kind, SCHEDULED, WINDOW, self.wishes.has_alcohol, ignores_lead)
        return option_ids.series(self.key, self.retailer.id, self.calendar.store.number, offer, starts)

    def against(self, starts: Sequence[Start]) -> dict[int, Sequence[str]]:
        """The reasons against the two-hour slots with these starts; available slots are left out."""
        reasons = {start.at: self._reasons(two_hours(start.at), start) for start in self._doubtful(starts)}
        return {at: found for at, found in reasons.items() if found}

    def _doubtful(self, starts: Sequence[Start]) -> Iterable[Start]:
        """The starts to check one by one: the list begins after the lead time and ends at the horizon."""
        if self.wishes.has_alcohol or self.calendar.plan.cutoff_hour is not None:
            return starts
        if self.calendar.is_even:
            return (start for start in starts if start.at in self.taken)
        taken, capacity_at = self.taken, self.calendar.capacity
        return (start for start in starts if taken.get(start.at, 0) >= capacity_at(start))

    def desired(self, begin: int, end: int) -> Slot:
        option = self._option(SCHEDULED, begin, end - begin)
        window = _window(self.calendar.store, option)
        start = windows.start_of(self.calendar.store.time_zone, begin)
        return self._slot(option, window, self._reasons(window, start, has_lead=True))

    def soon(self) -> list[Slot]:
        """Immediate or ETA slots, if the retailer offers them; full ones are left out."""
        found: list[Slot] = []
        rules = self.retailer.rules
        if rules.offers_eta and self.wishes.with_priority_eta:
            found += self._eta(PRIORITY_ETA, PRIORITY_ETAS)
        if rules.offers_eta and self.wishes.with_eta:
            earliest = 0
            if found:
                earliest = found[0].window.ends_at - found[0].window.starts_at + _BETWEEN_ETAS
            found += self._eta(ETA, [length for length in ETAS if length >= earliest])
        wants_eta = self.wishes.with_eta or self.wishes.with_priority_eta
        if rules.offers_immediate and not wants_eta:
            found += [slot for length in IMMEDIATES for slot in self._eta(IMMEDIATE, [length])]
        return [slot for slot in found if slot.window.starts_at >= self.wishes.earliest_start - GRACE]

    def _eta(self, type_: str, lengths: Sequence[int]) -> list[Slot]:
        """The first of these lengths, from now, that has a free place."""
        begin = _soon(self.now)
        for length in lengths:
            option = self._option(type_, begin, length)
            window = _window(self.calendar.store, option)
            start = windows.start_of(self.calendar.store.time_zone, window.ledger_starts_at)
            if not self._reasons(window, start):
                return [self._slot(option, window)]
        return []

    def _option(self, type_: str, begin: int, length: int) -> Option:
        return Option(self.calendar.store.number, Offer(self.kind, type_, length, self.wishes.has_alcohol), begin)

    def _slot(self, option: Option, window: Window, reasons: Sequence[str] = ()) -> Slot:
        option_id = option_ids.encode(self.key, self.retailer.id, option)
        return _slot(option_id, self.calendar.store, option.offer, window, reasons)

    def _reasons(self, window: Window, start: Start, *, has_lead: bool = False) -> list[str]:
        reasons: list[str] = []
        against = self.calendar.reason(start, self.now, has_lead=has_lead)
        if against:
            reasons.append(against)
        elif self.taken.get(start.at, 0) >= self.calendar.capacity(start):
            reasons.append(NO_CAPACITY)
        if self.wishes.has_alcohol and not allows_alcohol(self.retailer.rules, self.calendar.store, window):
            reasons.append(ALCOHOL_NOT_ALLOWED)
        return reasons


def _capacity(calendar: Calendar, window: Window) -> int:
    return calendar.capacity(windows.start_of(calendar.store.time_zone, window.ledger_starts_at))


def _refusal(
    calendar: Calendar, rules: Rules, slot: Slot, key: str, *, has_alcohol: bool, has_lead: bool
) -> ApiError | None:
    """The error if a rule forbids a slot; places are not checked. Same rules as in a list.

    A slot that was listed within `GRACE` is not refused when its lead time or cutoff has passed since.
    """
    now = clock.now()
    if _has_begun(slot.window, now):
        return errors.expired(key)
    if not stores.takes(slot.store, slot.kind) or not _is_offered(rules, slot.window, now):
        return errors.not_available(key)
    start = windows.start_of(slot.store.time_zone, slot.window.ledger_starts_at)
    has_lead = has_lead and slot.window.type == SCHEDULED
    if calendar.reason(start, now, grace=GRACE, has_lead=has_lead):
        return errors.not_available(key)
    if has_alcohol and not allows_alcohol(rules, slot.store, slot.window):
        return errors.not_available(key)
    return None


def _is_offered(rules: Rules, window: Window, now: int) -> bool:
    """Whether the retailer offers windows of this type, and a list could contain this one now."""
    if window.type == SCHEDULED:
        return True
    is_on = rules.offers_immediate if window.type == IMMEDIATE else rules.offers_eta
    return is_on and window.starts_at <= _soon(now)


def _soon(now: int) -> int:
    """The start of a window that begins with the order, rounded up: never before the order."""
    return -(-now // SOON_STEP) * SOON_STEP


def _booked(slot: Slot) -> Window:
    """The window of an order for a slot. A window that begins with the order starts now or later."""
    if slot.window.type == SCHEDULED:
        return slot.window
    return structs.replace(slot.window, starts_at=max(slot.window.starts_at, _soon(clock.now())))


def _has_begun(window: Window, now: int) -> bool:
    """Whether it is too late for a window; one that begins with the order stays available a little longer."""
    return window.starts_at < (now if window.type == SCHEDULED else now - GRACE)


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
