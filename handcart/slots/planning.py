"""Change and list the plans and exceptions of a retailer's stores, as its operators decide them.

A location code of None means every store without its own.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.retailers import ops as retailers
from handcart.slots import ledger, plans, windows
from handcart.slots.models import WINDOW
from handcart.slots.plans import EVERY_STORE, WHOLE_DAY, Plan, SlotException, StorePlan
from handcart.stores import queries as stores
from handcart.stores.models import Store

# Fields of a plan that say how many orders a window takes: one replaces the others.
_COUNTS = ("capacity", "weekly", "shoppers")
_NO_CUTOFF = 24
_FURTHEST = (plans.MOST_HORIZON_DAYS + 1) * clock.DAY
_HOURS = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?")


async def change_plans(
    tx: Tx, retailer_id: int, location_code: str | None, kinds: Sequence[str], changes: Mapping[str, Any]
) -> Sequence[StorePlan]:
    """Change fields of the plans of a store for some kinds of orders; returns these plans. Raises `Refused`.

    Of `capacity`, `weekly` and `shoppers` at most one is given; it replaces the others. A `cutoff_hour` of 24 is none.
    """
    code = await _code(tx, retailer_id, location_code, kinds)
    for kind in kinds:
        plan = await plans.plan_for(tx, retailer_id, code, kind)
        await plans.set_plan(tx, retailer_id, code, kind, _changed(plan, changes))
    await _renew(tx, retailer_id, code, kinds)
    return [one for one in await plans.plans(tx, retailer_id) if one.location_code == code and one.kind in kinds]


async def remove_plans(
    tx: Tx, retailer_id: int, location_code: str | None, kinds: Sequence[str]
) -> Sequence[StorePlan]:
    """Remove the plans of a store for some kinds; returns the plans that are left. Raises `Refused`."""
    code = await _code(tx, retailer_id, location_code)
    for kind in kinds:
        if not await plans.remove_plan(tx, retailer_id, code, kind):
            raise Refused(f"{_words(code)} has no plan for {kind}: `handcart slots plan list` shows the plans")
    await _renew(tx, retailer_id, code, kinds)
    return await plans.plans(tx, retailer_id)


async def exceptions(tx: Tx, retailer_id: int) -> Sequence[SlotException]:
    """The exceptions of a retailer from today on."""
    return await plans.exceptions(tx, retailer_id, _today())


async def change_exceptions(
    tx: Tx,
    retailer_id: int,
    location_code: str | None,
    kinds: Sequence[str],
    day: str,
    hours: Sequence[int],
    capacity: int,
) -> Sequence[SlotException]:
    """Set the capacity of windows of a day, in place of earlier exceptions for them; returns the day's exceptions.

    `day` is a date that `day_of` returned, `hours` are from `hours_of`. Raises `Refused` for a day in the past.
    """
    if day < _today():
        raise Refused(f"{day} is in the past: write today's date or a later one")
    code = await _code(tx, retailer_id, location_code, kinds)
    for kind in kinds:
        await plans.remove_exceptions(tx, retailer_id, code, kind, day, hours)
        await plans.set_exception(tx, retailer_id, code, kind, day, hours, capacity)
    await _renew(tx, retailer_id, code, kinds, day)
    found = await plans.exceptions(tx, retailer_id, day)
    return [one for one in found if one.date == day and one.location_code == code and one.kind in kinds]


async def remove_exceptions(
    tx: Tx, retailer_id: int, location_code: str | None, kinds: Sequence[str], day: str, hours: Sequence[int]
) -> Sequence[SlotException]:
    """Remove exceptions of a day; returns those of the retailer that are left. Raises `Refused` if there are none."""
    code = await _code(tx, retailer_id, location_code)
    removed = 0
    for kind in kinds:
        removed += await plans.remove_exceptions(tx, retailer_id, code, kind, day, hours)
    if not removed:
        raise Refused(f"{_words(code)} has no such exception on {day}: `handcart slots exception list` shows them")
    await _renew(tx, retailer_id, code, kinds, day)
    return await exceptions(tx, retailer_id)


async def store(tx: Tx, retailer_id: int, location_code: str, kinds: Sequence[str] = ()) -> Store:
    """A store that takes orders of these kinds; raises `Refused`."""
    found = await stores.store(tx, retailer_id, location_code)
    if found is None:
        slug = (await retailers.retailer(tx, retailer_id)).slug
        raise Refused(f"{slug} has no store {location_code!r}: `handcart store list` shows its stores")
    for kind in kinds:
        if kind not in found.kinds:
            raise Refused(
                f"the store {location_code!r} takes no {kind} orders: `handcart store import` can change that"
            )
    return found


def day_of(text: str) -> str:
    """A date in the form in which exceptions have it; raises `Refused`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2100:
        raise Refused(f"{text!r} is not a date: write YYYY-MM-DD, from 2000 to 2099")
    return day.isoformat()


def hours_of(text: str | None) -> Sequence[int]:
    """The hours of a span such as 9-17 or 9, or the whole day for None; raises `Refused`."""
    if text is None:
        return [WHOLE_DAY]
    found = _HOURS.fullmatch(text)
    if found:
        first = int(found[1])
        end = int(found[2]) if found[2] else first + 1
        if first < end <= 24:
            return range(first, end)
    raise Refused(
        f"{text!r} is not a span of hours: write 9-17 for windows that start at 9:00 to 16:00, or 9 for one window"
    )


async def _code(tx: Tx, retailer_id: int, location_code: str | None, kinds: Sequence[str] = ()) -> str:
    """The location code under which plans and exceptions are stored. The store must take orders of these kinds."""
    if location_code is None:
        return EVERY_STORE
    return (await store(tx, retailer_id, location_code, kinds)).location_code


async def _renew(tx: Tx, retailer_id: int, code: str, kinds: Sequence[str], day: str | None = None) -> None:
    """Let bookings that have read the plans before a change read them again. `day`: the only one that it is for."""
    since, until = clock.now() - WINDOW, clock.now() + _FURTHEST
    if day is not None:  # everywhere on earth
        since = windows.midnight("Etc/UTC", date.fromisoformat(day) - timedelta(days=1))
        until = since + 3 * clock.DAY
    found = None if code == EVERY_STORE else await store(tx, retailer_id, code)
    await ledger.renew(tx, retailer_id, None if found is None else found.number, kinds, since, until)


def _changed(plan: Plan, changes: Mapping[str, Any]) -> Plan:
    changed = dict(changes)
    if changed.keys() & set(_COUNTS):
        changed = {"weekly": None, "shoppers": None, **changed}
    if changed.get("cutoff_hour") == _NO_CUTOFF:
        changed["cutoff_hour"] = None
    if "orders_per_hour" in changed and changed.get("shoppers", plan.shoppers) is None:
        raise Refused("--orders-per-hour needs shoppers: give --shoppers too")
    try:
        return msgspec.convert({**msgspec.structs.asdict(plan), **changed}, Plan)
    except msgspec.ValidationError:
        raise Refused("--orders-per-hour must be a number above 0, and at most 1000") from None


def _today() -> str:
    """The earliest current date on earth: every earlier date has passed everywhere."""
    return windows.start_of("Etc/GMT+12", clock.now()).date


def _words(code: str) -> str:
    return f"the store {code!r}" if code else "the retailer as a whole"
