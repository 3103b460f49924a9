"""List the slots of a store."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.retailers.models import Retailer
from handcart.slots import ledger, option_ids, plans, rules, windows
from handcart.slots.models import (
    ALCOHOL_NOT_ALLOWED,
    ETA,
    ETAS,
    IMMEDIATE,
    IMMEDIATES,
    NO_CAPACITY,
    PRIORITY_ETA,
    PRIORITY_ETAS,
    SCHEDULED,
    WINDOW,
    Offers,
    Slot,
    Window,
    two_hours,
)
from handcart.slots.option_ids import Offer, Option
from handcart.slots.plans import Calendar
from handcart.slots.windows import Start
from handcart.stores.models import Store

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
    begin = max(lead_ends_at if has_lead else now, wishes.earliest_start)
    starts, each = windows.starts(store.time_zone, begin, end), windows.times(store.time_zone, begin, end)
    early = bisect_left(each, lead_ends_at)
    numbers = board.ids(each[early:], ignores_lead=False)
    if early:
        numbers = board.ids(each[:early], ignores_lead=True) + numbers
    return Offers(store, kind, first, each, numbers, board.against(starts))


class _Board(Struct, frozen=True):
    """Everything that the slots of one list depend on."""

    key: bytes
    retailer: Retailer
    calendar: Calendar
    kind: str
    wishes: Wishes
    now: int
    taken: Mapping[int, int]

    def ids(self, starts: tuple[int, ...], *, ignores_lead: bool) -> tuple[int, ...]:
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
        window = rules.window_of(self.calendar.store, option)
        start = windows.start_of(self.calendar.store.time_zone, begin)
        return self._slot(option, window, self._reasons(window, start, has_lead=True))

    def soon(self) -> list[Slot]:
        """Immediate or ETA slots, if the retailer offers them; full ones are left out."""
        found: list[Slot] = []
        offered = self.retailer.rules
        if offered.offers_eta and self.wishes.with_priority_eta:
            found += self._eta(PRIORITY_ETA, PRIORITY_ETAS)
        if offered.offers_eta and self.wishes.with_eta:
            earliest = 0
            if found:
                earliest = found[0].window.ends_at - found[0].window.starts_at + _BETWEEN_ETAS
            found += self._eta(ETA, [length for length in ETAS if length >= earliest])
        wants_eta = self.wishes.with_eta or self.wishes.with_priority_eta
        if offered.offers_immediate and not wants_eta:
            found += [slot for length in IMMEDIATES for slot in self._eta(IMMEDIATE, [length])]
        return [slot for slot in found if slot.window.starts_at >= self.wishes.earliest_start - rules.GRACE]

    def _eta(self, type_: str, lengths: Sequence[int]) -> list[Slot]:
        """The first of these lengths, from now, that has a free place."""
        begin = rules.soon(self.now)
        for length in lengths:
            option = self._option(type_, begin, length)
            window = rules.window_of(self.calendar.store, option)
            start = windows.start_of(self.calendar.store.time_zone, window.ledger_starts_at)
            if not self._reasons(window, start):
                return [self._slot(option, window)]
        return []

    def _option(self, type_: str, begin: int, length: int) -> Option:
        return Option(self.calendar.store.number, Offer(self.kind, type_, length, self.wishes.has_alcohol), begin)

    def _slot(self, option: Option, window: Window, reasons: Sequence[str] = ()) -> Slot:
        option_id = option_ids.encode(self.key, self.retailer.id, option)
        return rules.slot_of(option_id, self.calendar.store, option.offer, window, reasons)

    def _reasons(self, window: Window, start: Start, *, has_lead: bool = False) -> list[str]:
        reasons: list[str] = []
        against = self.calendar.reason(start, self.now, has_lead=has_lead)
        if against:
            reasons.append(against)
        elif self.taken.get(start.at, 0) >= self.calendar.capacity(start):
            reasons.append(NO_CAPACITY)
        if self.wishes.has_alcohol and not rules.allows_alcohol(self.retailer.rules, self.calendar.store, window):
            reasons.append(ALCOHOL_NOT_ALLOWED)
        return reasons
