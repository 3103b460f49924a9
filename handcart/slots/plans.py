"""Plans: the capacity of windows, as a weekly template per store and kind, with exceptions for single days."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.slots import windows
from handcart.slots.models import CUTOFF_PASSED, NO_CAPACITY, STORE_CLOSED, TOO_FAR, TOO_SOON, WINDOW
from handcart.slots.windows import Start
from handcart.stores.models import Store

WHOLE_DAY = -1
EVERY_STORE = ""
MOST_HORIZON_DAYS = 60

Orders = Annotated[int, Meta(ge=0, le=1_000_000)]
_Week = Annotated[
    list[Annotated[list[Annotated[float, Meta(ge=0, le=1_000_000)]], Meta(min_length=24, max_length=24)]],
    Meta(min_length=7, max_length=7),
]


class Plan(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The plan of a store for one kind of orders.

    `capacity`: orders for each two-hour window while the store is open. `weekly`: the same for each weekday (from
    Monday) and each hour a window starts at. `shoppers`: as `weekly`, people on shift; with `orders_per_hour` the
    capacity is derived from them. `same_day_only`: how many of these orders are offered only on the day itself. A
    window is offered until `lead_minutes` before it starts, windows of the same day until `cutoff_hour` by the store's
    clock; `horizon_days`: days ahead that are offered, today included.
    """

    capacity: Orders = 10
    weekly: _Week | None = None
    shoppers: _Week | None = None
    orders_per_hour: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    same_day_only: Orders = 0
    lead_minutes: Annotated[int, Meta(ge=0, le=10_080)] = 60
    cutoff_hour: Annotated[int, Meta(ge=0, le=24)] | None = None
    horizon_days: Annotated[int, Meta(ge=1, le=MOST_HORIZON_DAYS)] = 7

    @property
    def is_even(self) -> bool:
        """Whether all windows have the same capacity."""
        return self.weekly is None and self.shoppers is None and not self.same_day_only

    def orders(self, start: Start) -> int:
        """The capacity of the window at this hour in the template."""
        if self.shoppers is not None:
            # Rounded first, because 100 x 0.29 is 28.999999999999996.
            return int(round(self.shoppers[start.weekday][start.hour] * self.orders_per_hour, 6))
        return self.capacity if self.weekly is None else int(self.weekly[start.weekday][start.hour])


_WEEK = [Start(0, "", weekday, hour) for weekday in range(7) for hour in range(24)]


class Calendar(Struct, frozen=True):
    """A plan with its exceptions, for one store and kind. `today`: the date in the store's time zone."""

    store: Store
    plan: Plan
    exceptions: Mapping[tuple[str, int], int]
    today: str = ""

    @property
    def is_even(self) -> bool:
        """Whether all windows have the capacity `plan.capacity`."""
        is_open = self.store.opening_hours is None and self.store.closed_until is None
        return is_open and self.plan.is_even and self.plan.capacity > 0 and not self.exceptions

    def is_open(self, start: Start) -> bool:
        """Whether the store is open during the window."""
        if self.store.is_closed(start.at, start.at + WINDOW):
            return False
        return windows.is_open(self.store.time_zone, self.store.opening_hours, start)

    def capacity(self, start: Start) -> int:
        """The capacity of the window."""
        has_hours = self.store.opening_hours is not None or self.store.closed_until is not None
        if has_hours and not self.is_open(start):
            return 0
        if self.exceptions:
            for hour in (start.hour, WHOLE_DAY):
                if (start.date, hour) in self.exceptions:
                    return self.exceptions[start.date, hour]
        orders = self.plan.orders(start)
        return max(0, orders - self.plan.same_day_only) if start.date > self.today else orders

    def least(self) -> int:
        """The smallest non-zero capacity of any window."""
        template = [self.plan.capacity] if self.plan.is_even else [self.plan.orders(hour) for hour in _WEEK]
        before_the_day = [orders - self.plan.same_day_only for orders in template]
        found = (*template, *before_the_day, *self.exceptions.values())
        return min((orders for orders in found if orders > 0), default=1)

    def reason(self, start: Start, now: int, *, grace: int = 0, has_lead: bool = True) -> str | None:
        """Why the window is not available, apart from its capacity; None if it is."""
        if not self.capacity(start):
            return NO_CAPACITY if self.is_open(start) else STORE_CLOSED
        if has_lead and start.at < now - grace + self.plan.lead_minutes * clock.MINUTE:
            return TOO_SOON
        if self.plan.cutoff_hour is not None:
            here = windows.start_of(self.store.time_zone, now - grace)
            if start.date == here.date and here.hour >= self.plan.cutoff_hour:
                return CUTOFF_PASSED
        if start.at >= windows.horizon(self.store.time_zone, now, self.plan.horizon_days):
            return TOO_FAR
        return None


class StorePlan(Struct, frozen=True):
    """The plan of a store (`EVERY_STORE`: of all stores without their own) for one kind of orders."""

    location_code: str
    kind: str
    plan: Plan


class SlotException(Struct, frozen=True):
    """The capacity of a date's windows that start at `hour` (`WHOLE_DAY`: all), in place of the plan's."""

    date: str
    location_code: str
    kind: str
    hour: int
    capacity: int


async def calendar(tx: Tx, retailer_id: int, store: Store, kind: str) -> Calendar:
    """The calendar of a store for a kind: from its own plan, else from the plan for all stores, else the default."""
    plan = await plan_for(tx, retailer_id, store.location_code, kind)
    if store.closed_until is not None and store.closed_until <= clock.now() - WINDOW:  # so that it costs nothing more
        store = msgspec.structs.replace(store, closed_from=None, closed_until=None, closed_reason=None)
    today = windows.start_of(store.time_zone, clock.now()).date
    return Calendar(store, plan, await _exceptions(tx, retailer_id, store, kind), today)


async def _exceptions(tx: Tx, retailer_id: int, store: Store, kind: str) -> Mapping[tuple[str, int], int]:
    """Exceptions for the store win over those for all stores, and those for an hour over those for the whole day."""
    # Windows that have started, but not ended, may still be requested.
    since = windows.start_of(store.time_zone, clock.now() - WINDOW).date
    rows = await tx.all(
        "SELECT location_code, date, hour, capacity FROM slot_exceptions"
        " WHERE retailer_id = $1 AND location_code IN ('', $2) AND kind = $3 AND date >= $4"
        " ORDER BY location_code, date, hour",
        retailer_id,
        store.location_code,
        kind,
        since,
    )
    found: dict[tuple[str, int], int] = {}
    for row in rows:
        if row["location_code"] != EVERY_STORE and row["hour"] == WHOLE_DAY:
            found = {key: capacity for key, capacity in found.items() if key[0] != row["date"]}
        found[row["date"], row["hour"]] = row["capacity"]
    return found


async def plan_for(tx: Tx, retailer_id: int, location_code: str, kind: str) -> Plan:
    """The plan that applies to a store: its own, else the one for all stores, else the default."""
    rows = await tx.all(
        "SELECT plan FROM slot_plans WHERE retailer_id = $1 AND location_code IN ('', $2) AND kind = $3"
        " ORDER BY location_code DESC LIMIT 1",
        retailer_id,
        location_code,
        kind,
    )
    return _plan(rows[0]["plan"]) if rows else Plan()


async def set_plan(tx: Tx, retailer_id: int, location_code: str, kind: str, plan: Plan) -> None:
    """Set the plan for a kind: of a store, or (empty code) of all stores without their own."""
    await tx.run(
        "INSERT INTO slot_plans (retailer_id, location_code, kind, plan) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (retailer_id, location_code, kind) DO UPDATE SET plan = excluded.plan",
        retailer_id,
        location_code,
        kind,
        msgspec.json.encode(plan).decode(),
    )


async def remove_plan(tx: Tx, retailer_id: int, location_code: str, kind: str) -> bool:
    """Remove a plan, so that the next general one applies; False if there was none."""
    removed = await tx.run(
        "DELETE FROM slot_plans WHERE retailer_id = $1 AND location_code = $2 AND kind = $3",
        retailer_id,
        location_code,
        kind,
    )
    return bool(removed)


async def set_exception(
    tx: Tx, retailer_id: int, location_code: str, kind: str, date: str, hours: Iterable[int], capacity: int
) -> None:
    """Set the capacity of a date's windows that start at these hours (`WHOLE_DAY`: all)."""
    for hour in hours:
        await tx.run(
            "INSERT INTO slot_exceptions (retailer_id, location_code, kind, date, hour, capacity)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (retailer_id, location_code, kind, date, hour)"
            " DO UPDATE SET capacity = excluded.capacity",
            retailer_id,
            location_code,
            kind,
            date,
            hour,
            capacity,
        )


async def remove_exceptions(
    tx: Tx, retailer_id: int, location_code: str, kind: str, date: str, hours: Iterable[int]
) -> int:
    """Remove a date's exceptions for these hours, or (`WHOLE_DAY`) all; returns the number removed."""
    removed = 0
    for hour in hours:
        removed += await tx.run(
            "DELETE FROM slot_exceptions WHERE retailer_id = $1 AND location_code = $2 AND kind = $3 AND date = $4"
            " AND ($5 = -1 OR hour = $5)",
            retailer_id,
            location_code,
            kind,
            date,
            hour,
        )
    return removed


async def exceptions(tx: Tx, retailer_id: int, since: str) -> Sequence[SlotException]:
    """The exceptions of a retailer from a date on, sorted by date."""
    rows = await tx.all(
        "SELECT date, location_code, kind, hour, capacity FROM slot_exceptions"
        " WHERE retailer_id = $1 AND date >= $2 ORDER BY date, location_code, kind, hour",
        retailer_id,
        since,
    )
    return [SlotException(*row) for row in rows]


async def plans(tx: Tx, retailer_id: int) -> Sequence[StorePlan]:
    """All plans of a retailer, sorted by location code and kind."""
    rows = await tx.all(
        "SELECT location_code, kind, plan FROM slot_plans WHERE retailer_id = $1 ORDER BY location_code, kind",
        retailer_id,
    )
    return [StorePlan(row["location_code"], row["kind"], _plan(row["plan"])) for row in rows]


@lru_cache(10_000)
def _plan(text: str) -> Plan:
    return msgspec.json.decode(text, type=Plan)
