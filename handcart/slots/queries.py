"""Read the windows of a store: capacity, held, booked and free places of each."""

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.slots import ledger, planning, plans, windows
from handcart.slots.models import NO_CAPACITY
from handcart.slots.windows import Start
from handcart.stores.models import Store


class Occupancy(Struct, frozen=True):
    """One window's places. `reason`: why it is no longer available, or None. `shoppers`: how many are planned."""

    start: Start
    capacity: int
    held: int
    booked: int
    reason: str | None
    shoppers: float | None = None

    @property
    def free(self) -> int:
        """Free places; 0 if more are taken than a lowered capacity allows."""
        return max(self.capacity - self.held - self.booked, 0)


class StoreOccupancy(Struct, frozen=True):
    """A store and its windows for one kind of orders."""

    store: Store
    windows: Sequence[Occupancy]


async def occupancy(
    tx: Tx, retailer_id: int, location_code: str, kind: str, day: date | None = None, until: int = 0
) -> StoreOccupancy:
    """All windows of a day in the store's time zone; without a day, from this hour to the plan's horizon, or `until`.

    Raises `Refused` if the retailer has no such store, or it takes no orders of this kind.
    """
    store = await planning.store(tx, retailer_id, location_code, [kind])
    calendar = await plans.calendar(tx, retailer_id, store, kind)
    now = clock.now()
    if day is None:
        since = windows.start_of(store.time_zone, now).at
        until = max(until, windows.horizon(store.time_zone, now, calendar.plan.horizon_days))
    else:
        since, until = (windows.midnight(store.time_zone, one) for one in (day, day + timedelta(days=1)))
    counts = await ledger.counts(tx, retailer_id, store.number, kind, since, until)
    found = []
    for start in windows.starts(store.time_zone, since, until):
        held, booked = counts.get(start.at, (0, 0))
        capacity = calendar.capacity(start)
        reason = calendar.reason(start, now) or (NO_CAPACITY if held + booked >= capacity else None)
        shoppers = None if calendar.plan.shoppers is None else calendar.plan.shoppers[start.weekday][start.hour]
        found.append(Occupancy(start, capacity, held, booked, reason, shoppers))
    return StoreOccupancy(store, found)


class Taken(Struct, frozen=True):
    """The places of the windows of all kinds of orders that start at an hour."""

    start: Start
    capacity: int
    booked: int


async def taken(tx: Tx, retailer_id: int, store: Store, since: int, until: int) -> Sequence[Taken]:
    """The places of a store's windows by their hour, by the plans as they are now."""
    hours = windows.starts(store.time_zone, since, until)
    capacity, booked = dict.fromkeys([start.at for start in hours], 0), dict.fromkeys([start.at for start in hours], 0)
    for kind in store.kinds:
        calendar = await plans.calendar(tx, retailer_id, store, kind)
        counts = await ledger.counts(tx, retailer_id, store.number, kind, since, until, least=1)
        for start in hours:
            capacity[start.at] += calendar.capacity(start)
            booked[start.at] += counts.get(start.at, (0, 0))[1]
    return [Taken(start, capacity[start.at], booked[start.at]) for start in hours]
