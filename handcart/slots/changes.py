"""Changes of a store's plan and exceptions by people: what a change does to its windows, shown first and then saved.

A preview makes the change in a transaction that is undone, so that it shows exactly what saving does.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web.versions import check, version_of
from handcart.retailers import ops as retailers
from handcart.slots import ledger, planning, plans, queries, windows
from handcart.slots.errors import PlanRefused
from handcart.slots.plans import SlotException, StorePlan
from handcart.slots.queries import Occupancy
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores.models import Store

PLAN, NO_PLAN, EXCEPTION, NO_EXCEPTION = "change_plan", "remove_plan", "change_exception", "remove_exception"
OPERATIONS = (PLAN, NO_PLAN, EXCEPTION, NO_EXCEPTION)


class Change(Struct, frozen=True, kw_only=True):
    """What a person wants to change for some kinds of orders. `operation`: one of `OPERATIONS`.

    `plan`: the fields of the plan that change. `day`, `hours` and `capacity` are those of an exception.
    """

    operation: str
    kinds: Sequence[str]
    plan: Mapping[str, Any] = {}
    day: str = ""
    hours: Sequence[int] = ()
    capacity: int = 0


class Difference(Struct, frozen=True):
    """A window of a kind before and after a change."""

    kind: str
    before: Occupancy
    after: Occupancy

    @property
    def effect(self) -> str | None:
        """What happens to the window: `oversold`, `appears`, `vanishes`, `more` or `fewer` places; None: nothing."""
        before, after = self.before, self.after
        if after.capacity < min(before.capacity, after.held + after.booked):
            return "oversold"
        was, is_ = _is_offered(before), _is_offered(after)
        if was != is_:
            return "appears" if is_ else "vanishes"
        if before.capacity == after.capacity:
            return None
        return "more" if before.capacity < after.capacity else "fewer"


class Undone(Exception):
    """The result of a preview, which is raised so that nothing is changed."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        super().__init__("a preview changes nothing")
        self.differences = differences


class Settings(Struct, frozen=True):
    """What a store has of its own: plans, and exceptions from today on; `version` changes with them."""

    plans: Sequence[StorePlan]
    exceptions: Sequence[SlotException]

    @property
    def version(self) -> str:
        """The version that `preview` and `save` compare."""
        return version_of(self.plans, self.exceptions)


async def settings(tx: Tx, retailer_id: int, location_code: str) -> Settings:
    """The plans and exceptions of a store, with those for every store (location code: empty)."""
    codes = (plans.EVERY_STORE, location_code)
    return Settings(
        [one for one in await plans.plans(tx, retailer_id) if one.location_code in codes],
        [one for one in await planning.exceptions(tx, retailer_id) if one.location_code in codes],
    )


async def preview(
    tx: Tx, actor: Actor, retailer_id: int, location_code: str, change: Change, seen: str
) -> Sequence[Difference]:
    """Raise `Undone` with what a change would do, oversold windows included. Raises `PlanRefused` and `Changed`."""
    raise Undone(await _apply(tx, actor, retailer_id, location_code, change, seen))


async def save(
    tx: Tx, actor: Actor, retailer_id: int, location_code: str, change: Change, seen: str
) -> Sequence[Difference]:
    """Make a change, unless a window would be oversold; returns what it does. Raises `PlanRefused` and `Changed`."""
    found = await _apply(tx, actor, retailer_id, location_code, change, seen)
    if any(one.effect == "oversold" for one in found):
        raise PlanRefused("oversold")
    slug = (await retailers.retailer(tx, retailer_id)).slug
    detail: dict[str, Any] = {"kinds": change.kinds}
    if change.operation == PLAN:
        detail |= {name: value for name, value in change.plan.items() if name not in ("weekly", "shoppers")}
    elif change.operation != NO_PLAN:
        detail |= {"day": change.day, "hours": list(change.hours)}
        detail |= {"capacity": change.capacity} if change.operation == EXCEPTION else {}
    subject = f"store/{slug}/{location_code}"
    await audit.record(tx, actor, change.operation, subject, retailer_id=retailer_id, detail=detail)
    return found


async def _apply(
    tx: Tx, actor: Actor, retailer_id: int, location_code: str, change: Change, seen: str
) -> Sequence[Difference]:
    # One change of a retailer's stores at a time.
    await tx.one("SELECT id FROM retailers WHERE id = $1 FOR NO KEY UPDATE", retailer_id)
    try:
        store = await planning.store(tx, retailer_id, location_code, change.kinds)
    except Refused:
        raise PlanRefused("kind") from None
    roles.require(actor, "change_slots", retailer_id, store.number)
    if not change.kinds:
        raise PlanRefused("kind")
    there = await settings(tx, retailer_id, location_code)
    check(seen, there.plans, there.exceptions)
    for kind in sorted(change.kinds):
        await ledger.lock_span(tx, retailer_id, store.number, kind, *_span(store, change))
    before = await _windows(tx, retailer_id, store, change)
    await _write(tx, retailer_id, store, change)
    after = await _windows(tx, retailer_id, store, change)
    differences = (Difference(kind, one, after[kind, at]) for (kind, at), one in before.items() if (kind, at) in after)
    return [one for one in differences if one.effect is not None]


def _is_offered(window: Occupancy) -> bool:
    """Whether the window is in lists, be it full or not."""
    return window.capacity > 0 and (window.reason is None or window.reason == "no_capacity")


async def _windows(tx: Tx, retailer_id: int, store: Store, change: Change) -> dict[tuple[str, int], Occupancy]:
    """The windows that have not begun, of the day of an exception or of the longest horizon."""
    day = date.fromisoformat(change.day) if change.day else None
    now, until = clock.now(), _span(store, change)[1]
    found: dict[tuple[str, int], Occupancy] = {}
    for kind in change.kinds:
        seen = await queries.occupancy(tx, retailer_id, store.location_code, kind, day, until)
        found |= {(kind, one.start.at): one for one in seen.windows if one.start.at >= now}
    return found


async def _write(tx: Tx, retailer_id: int, store: Store, change: Change) -> None:
    given = (tx, retailer_id, store.location_code, change.kinds)
    try:
        if change.operation == PLAN:
            await planning.change_plans(*given, change.plan)
        elif change.operation == NO_PLAN:
            await planning.remove_plans(*given)
        elif change.operation == EXCEPTION:
            await planning.change_exceptions(*given, change.day, change.hours, change.capacity)
        else:
            await planning.remove_exceptions(*given, change.day, change.hours)
    except Refused:
        reasons = {PLAN: "number", EXCEPTION: "day"}
        raise PlanRefused(reasons.get(change.operation, "none")) from None


def _span(store: Store, change: Change) -> tuple[int, int]:
    """The time that a change may concern: the day of an exception, else until the longest horizon."""
    if change.day:
        day = date.fromisoformat(change.day)
        return windows.midnight(store.time_zone, day), windows.midnight(store.time_zone, day + timedelta(days=1))
    now = clock.now()
    return now, windows.horizon(store.time_zone, now, plans.MOST_HORIZON_DAYS)
