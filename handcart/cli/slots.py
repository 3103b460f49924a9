"""Commands for operators: how many orders each window takes, and how many it has."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from handcart.cli.options import json_option, read, retailer_option, show, store_options, table, write
from handcart.core import clock
from handcart.core.db import Tx
from handcart.retailers.errors import Refused
from handcart.stores.models import KINDS

_HOURS = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?")

_kinds_option = click.option(
    "--kind",
    "kinds",
    required=True,
    multiple=True,
    type=click.Choice(KINDS),
    help="Kind of orders; may be given several times.",
)
_hours_option = click.option(
    "--hours", metavar="9-17", help="Windows that start at 9:00 or later, and before 17:00. Default: the whole day."
)
_file_type = click.Path(path_type=Path)


def _store_option(help_text: str) -> Callable[..., Any]:
    return click.option("--store", "location_code", metavar="CODE", help=help_text)


@click.group()
def slots() -> None:
    """Set how many orders each window takes, and list them."""


@slots.group()
def plan() -> None:
    """Set, list and remove the weekly plans of stores."""


@plan.command("set")
@store_options
@json_option
@retailer_option
@_store_option("Only for this store. Default: for every store without a plan of its own.")
@_kinds_option
@click.option("--capacity", type=click.IntRange(0, 1_000_000), metavar="N", help="Orders for each window.")
@click.option("--weekly", type=_file_type, metavar="FILE", help="Or orders by weekday and hour.")
@click.option("--shoppers", type=_file_type, metavar="FILE", help="Or shoppers on shift by weekday and hour.")
@click.option("--orders-per-hour", type=float, metavar="X", help="Orders that one shopper can do in an hour.")
@click.option(
    "--same-day-only",
    type=click.IntRange(0, 1_000_000),
    metavar="N",
    help="Number of these orders that are kept for same-day orders.",
)
@click.option(
    "--lead-minutes",
    type=click.IntRange(0, 10_080),
    metavar="N",
    help="Offer a window until N minutes before it starts.",
)
@click.option(
    "--cutoff-hour",
    type=click.IntRange(0, 24),
    metavar="H",
    help="Hour from which no same-day orders are taken; 24: no cutoff.",
)
@click.option("--horizon-days", type=click.IntRange(1, 60), metavar="N", help="Days that are offered, today included.")
def set_plan(retailer: str, location_code: str | None, kinds: Sequence[str], as_json: bool, **options: Any) -> None:
    """Set the plan of a store. Only the options given are changed.

    A window is two hours long, and one starts every hour. FILE is CSV: 7 rows from Monday to Sunday, each with 24
    numbers, for the windows that start at 0:00, 1:00 and so on by the store's clock.
    """
    from handcart.slots import plans

    store = {name: options.pop(name) for name in ("database", "data")}
    changes = _plan_changes(options)

    async def change(tx: Tx) -> Any:
        retailer_id, code = await _place(tx, retailer, location_code, kinds)
        for kind in kinds:
            now = await plans.plan_for(tx, retailer_id, code, kind)
            await plans.set_plan(tx, retailer_id, code, kind, _changed(now, changes))
        return [one for one in await plans.plans(tx, retailer_id) if one[0] == code and one[1] in kinds]

    _show_plans(as_json, write(store, change))


@plan.command("list")
@store_options
@json_option
@retailer_option
def list_plans(retailer: str, as_json: bool, **store: Any) -> None:
    """List the plans of a retailer."""
    from handcart.retailers import ops as retailers
    from handcart.slots import plans

    async def find(tx: Tx) -> Any:
        return await plans.plans(tx, (await retailers.require(tx, retailer)).id)

    _show_plans(as_json, read(store, find))


@plan.command("remove")
@store_options
@json_option
@retailer_option
@_store_option("Plan of this store. Default: the plan for every store.")
@_kinds_option
def remove_plan(retailer: str, location_code: str | None, kinds: Sequence[str], as_json: bool, **store: Any) -> None:
    """Remove a plan. Then the plan for every store applies, or the default."""
    from handcart.slots import plans

    async def remove(tx: Tx) -> Any:
        retailer_id, code = await _place(tx, retailer, location_code)
        for kind in kinds:
            if not await plans.remove_plan(tx, retailer_id, code, kind):
                raise Refused(
                    f"{_store_words(code)} has no plan for {kind}: `handcart slots plan list` shows the plans"
                )
        return await plans.plans(tx, retailer_id)

    _show_plans(as_json, write(store, remove))


@slots.group()
def exception() -> None:
    """Set, list and remove exceptions for single days."""


@exception.command("set")
@store_options
@json_option
@retailer_option
@_store_option("Only for this store. Default: for every store.")
@_kinds_option
@click.option("--date", "day", required=True, metavar="YYYY-MM-DD", help="Date by the store's clock.")
@_hours_option
@click.option(
    "--capacity", required=True, type=click.IntRange(0, 1_000_000), metavar="N", help="Orders for each window."
)
def set_exception(
    retailer: str,
    location_code: str | None,
    kinds: Sequence[str],
    day: str,
    hours: str | None,
    capacity: int,
    as_json: bool,
    **store: Any,
) -> None:
    """Change how many orders the windows of a day take. Booked orders stay.

    An exception for the whole day replaces earlier ones for its hours. A later one for hours overrides it.
    """
    from handcart.slots import plans

    chosen, of_day = _hours(hours), _day(day)
    if of_day < _today():
        raise Refused(f"{of_day} is in the past: write today's date or a later one")

    async def change(tx: Tx) -> Any:
        retailer_id, code = await _place(tx, retailer, location_code, kinds)
        for kind in kinds:
            await plans.remove_exceptions(tx, retailer_id, code, kind, of_day, chosen)
            await plans.set_exception(tx, retailer_id, code, kind, of_day, chosen, capacity)
        found = await plans.exceptions(tx, retailer_id, of_day)
        return [one for one in found if one.date == of_day and one.location_code == code and one.kind in kinds]

    _show_exceptions(as_json, write(store, change))


@exception.command("list")
@store_options
@json_option
@retailer_option
def list_exceptions(retailer: str, as_json: bool, **store: Any) -> None:
    """List the exceptions of a retailer from today on."""
    from handcart.retailers import ops as retailers
    from handcart.slots import plans

    async def find(tx: Tx) -> Any:
        return await plans.exceptions(tx, (await retailers.require(tx, retailer)).id, _today())

    _show_exceptions(as_json, read(store, find))


@exception.command("remove")
@store_options
@json_option
@retailer_option
@_store_option("Exceptions of this store. Default: those for every store.")
@_kinds_option
@click.option("--date", "day", required=True, metavar="YYYY-MM-DD", help="Date by the store's clock.")
@_hours_option
def remove_exception(
    retailer: str,
    location_code: str | None,
    kinds: Sequence[str],
    day: str,
    hours: str | None,
    as_json: bool,
    **store: Any,
) -> None:
    """Remove the exceptions of a day. Then the plan applies."""
    from handcart.slots import plans

    chosen, of_day = _hours(hours), _day(day)

    async def remove(tx: Tx) -> Any:
        retailer_id, code = await _place(tx, retailer, location_code)
        removed = 0
        for kind in kinds:
            removed += await plans.remove_exceptions(tx, retailer_id, code, kind, of_day, chosen)
        if not removed:
            raise Refused(
                f"{_store_words(code)} has no such exception on {of_day}: `handcart slots exception list` shows them"
            )
        return await plans.exceptions(tx, retailer_id, _today())

    _show_exceptions(as_json, write(store, remove))


@slots.command("list")
@store_options
@json_option
@retailer_option
@click.option("--store", "location_code", required=True, metavar="CODE", help="Location code of the store.")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="Kind of orders.")
@click.option("--date", "day", metavar="YYYY-MM-DD", help="Date by the store's clock. Default: from now on.")
def list_slots(retailer: str, location_code: str, kind: str, day: str | None, as_json: bool, **store: Any) -> None:
    """List a store's windows and how full they are.

    `reason` says why a window is not available, in the words of the API.
    """
    from handcart.slots import occupancy
    from handcart.stores import ops as stores

    of_day = None if day is None else date.fromisoformat(_day(day))

    async def find(tx: Tx) -> Any:
        retailer_id, code = await _place(tx, retailer, location_code, [kind])
        found = await stores.store(tx, retailer_id, code)
        assert found is not None
        return found, await occupancy.read(tx, retailer_id, found, kind, of_day)

    _show_occupancy(as_json, kind, *read(store, find))


async def _place(tx: Tx, slug: str, location_code: str | None, kinds: Sequence[str] = ()) -> tuple[int, str]:
    """Retailer id and location code (for every store: `EVERY_STORE`); refuses a store that takes no such orders."""
    from handcart.retailers import ops as retailers
    from handcart.slots.plans import EVERY_STORE
    from handcart.stores import ops as stores

    retailer_id = (await retailers.require(tx, slug)).id
    if location_code is None:
        return retailer_id, EVERY_STORE
    found = await stores.store(tx, retailer_id, location_code)
    if found is None:
        raise Refused(f"{slug} has no store {location_code!r}: `handcart store list` shows its stores")
    for kind in kinds:
        if not getattr(found, f"takes_{kind}"):
            raise Refused(
                f"the store {location_code!r} takes no {kind} orders: `handcart store import` can change that"
            )
    return retailer_id, location_code


def _plan_changes(options: dict[str, Any]) -> dict[str, Any]:
    """The given options as fields of a plan. --capacity, --weekly and --shoppers replace each other."""
    from handcart.slots import files

    changes = {name: value for name, value in options.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what to set: --capacity, --lead-minutes, ...")
    counts = changes.keys() & {"capacity", "weekly", "shoppers"}
    if len(counts) > 1:
        raise click.UsageError("Give one of --capacity, --weekly and --shoppers.")
    for name in ("weekly", "shoppers"):
        if name in changes:
            changes[name] = files.week(changes[name], are_whole=name == "weekly")
        elif counts:
            changes[name] = None
    if changes.get("cutoff_hour") == 24:
        changes["cutoff_hour"] = None
    return changes


def _changed(plan: Any, changes: dict[str, Any]) -> Any:
    import msgspec

    if "orders_per_hour" in changes and changes.get("shoppers", plan.shoppers) is None:
        raise Refused("--orders-per-hour needs shoppers: give --shoppers too")
    try:
        return msgspec.convert({**msgspec.structs.asdict(plan), **changes}, type(plan))
    except msgspec.ValidationError:
        raise Refused("--orders-per-hour must be a number above 0, and at most 1000") from None


def _day(text: str) -> str:
    """A date as it is kept."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2100:
        raise Refused(f"{text!r} is not a date: write YYYY-MM-DD, from 2000 to 2099")
    return day.isoformat()


def _today() -> str:
    """The earliest current date on earth: every earlier date has passed everywhere."""
    from handcart.slots import windows

    return windows.start_of("Etc/GMT+12", clock.now()).date


def _hours(text: str | None) -> Sequence[int]:
    from handcart.slots.plans import WHOLE_DAY

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


def _store_words(location_code: str) -> str:
    return f"the store {location_code!r}" if location_code else "the retailer as a whole"


def _show_plans(as_json: bool, plans: Sequence[tuple[str, str, Any]]) -> None:
    from msgspec.structs import asdict

    shown = [{"store": code or None, "kind": kind, **asdict(plan)} for code, kind, plan in plans]
    rows = [
        [
            code or "(every)",
            kind,
            str(plan.lead_minutes),
            "-" if plan.cutoff_hour is None else str(plan.cutoff_hour),
            str(plan.horizon_days),
            _orders_words(plan),
        ]
        for code, kind, plan in plans
    ]
    numbers = ("lead minutes", "cut-off hour", "horizon days")
    lines = table(("store", "kind", *numbers, "orders a window"), rows, numbers=numbers)
    show(as_json, {"plans": shown}, lines if rows else f"There are no plans: {_default_words()}.")


def _orders_words(plan: Any) -> str:
    if plan.shoppers is not None:
        words = f"{_span(plan.shoppers)} shoppers x {plan.orders_per_hour:g} an hour"
    else:
        words = str(plan.capacity) if plan.weekly is None else f"{_span(plan.weekly)} by the week"
    return f"{words}, {plan.same_day_only} for same-day orders" if plan.same_day_only else words


def _span(week: Sequence[Sequence[float]]) -> str:
    least, most = min(map(min, week)), max(map(max, week))
    return f"{most:g}" if least == most else f"{least:g} to {most:g}"


def _default_words() -> str:
    from handcart.slots.plans import Plan

    plan = Plan()
    return (
        f"each window takes {plan.capacity} orders, until {plan.lead_minutes} minutes before it,"
        f" {plan.horizon_days} days ahead"
    )


def _show_exceptions(as_json: bool, exceptions: Sequence[Any]) -> None:
    shown = []
    # Hours in a row with the same capacity are shown as they were set.
    together = groupby(
        enumerate(exceptions),
        lambda at: (at[1].date, at[1].location_code, at[1].kind, at[1].capacity, at[1].hour < 0, at[1].hour - at[0]),
    )
    for (day, code, kind, capacity, is_whole_day, _), found in together:
        hours = [one.hour for _, one in found]
        span = None if is_whole_day else f"{hours[0]}-{hours[-1] + 1}"
        shown.append({"date": day, "hours": span, "store": code or None, "kind": kind, "capacity": capacity})
    rows = [
        [one["date"], one["hours"] or "all day", one["store"] or "(every)", one["kind"], str(one["capacity"])]
        for one in shown
    ]
    lines = table(("date", "hours", "store", "kind", "orders a window"), rows, numbers=("orders a window",))
    show(as_json, {"exceptions": shown}, lines if rows else "There are no exceptions.")


def _show_occupancy(as_json: bool, kind: str, store: Any, found: Sequence[Any]) -> None:
    from handcart.slots import windows
    from handcart.slots.models import WINDOW

    shown = [
        {
            "starts_at": windows.to_wire(store.time_zone, one.start.at),
            "ends_at": windows.to_wire(store.time_zone, one.start.at + WINDOW),
            "capacity": one.capacity,
            "held": one.held,
            "booked": one.booked,
            "free": one.free,
            "reason": one.reason,
        }
        for one in found
    ]
    numbers = ("capacity", "held", "booked", "free")
    rows = [
        [
            one["starts_at"][:10],
            f"{one['starts_at'][11:16]}-{one['ends_at'][11:16]}",
            *[str(one[name]) for name in numbers],
            one["reason"] or "",
        ]
        for one in shown
    ]
    lines = table(("date", "window", *numbers, "reason"), rows, numbers=numbers)
    about = f"{kind} from {store.location_code}, {store.name}; times of {store.time_zone}"
    slots = {"store": store.location_code, "kind": kind, "time_zone": store.time_zone, "slots": shown}
    show(as_json, slots, f"{about}\n\n{lines}" if rows else "There are no windows.")
