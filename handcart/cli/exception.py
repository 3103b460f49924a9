"""`handcart slots exception`: the capacity of single days."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import click

from handcart.cli.options import (
    database_options,
    json_option,
    of_retailer,
    read,
    retailer_option,
    show,
    table,
    write,
)
from handcart.cli.plan import kinds_option, store_option

_hours_option = click.option(
    "--hours", metavar="9-17", help="Windows that start at 9:00 or later and before 17:00. Default: the whole day."
)


@click.group()
def exception() -> None:
    """Set, list and remove exceptions for single days."""


@exception.command("set")
@database_options
@json_option
@retailer_option
@store_option("Location code of the store. Default: every store.")
@kinds_option
@click.option("--date", "day", required=True, metavar="YYYY-MM-DD", help="Date by the store's clock.")
@_hours_option
@click.option(
    "--capacity",
    required=True,
    type=click.IntRange(0, 1_000_000),
    metavar="N",
    help="Number of orders for each window.",
)
def set_exception(
    retailer: str,
    location_code: str | None,
    kinds: Sequence[str],
    day: str,
    hours: str | None,
    capacity: int,
    as_json: bool,
    **database: Any,
) -> None:
    """Change how many orders the windows of a day take. Booked orders stay.

    An exception for the whole day replaces earlier exceptions for hours of that day. An exception for single
    hours that is set later overrides the exception for the day.
    """
    from handcart.slots import planning

    when = (planning.day_of(day), planning.hours_of(hours))
    change = of_retailer(retailer, planning.change_exceptions, location_code, kinds, *when, capacity)
    _show_exceptions(as_json, write(database, change))


@exception.command("list")
@database_options
@json_option
@retailer_option
def list_exceptions(retailer: str, as_json: bool, **database: Any) -> None:
    """List the exceptions of a retailer from today on."""
    from handcart.slots import planning

    _show_exceptions(as_json, read(database, of_retailer(retailer, planning.exceptions)))


@exception.command("remove")
@database_options
@json_option
@retailer_option
@store_option("Location code of the store. Default: the exceptions for every store.")
@kinds_option
@click.option("--date", "day", required=True, metavar="YYYY-MM-DD", help="Date by the store's clock.")
@_hours_option
def remove_exception(
    retailer: str,
    location_code: str | None,
    kinds: Sequence[str],
    day: str,
    hours: str | None,
    as_json: bool,
    **database: Any,
) -> None:
    """Remove the exceptions of a day. The plan applies to that day again."""
    from handcart.slots import planning

    when = (planning.day_of(day), planning.hours_of(hours))
    _show_exceptions(
        as_json, write(database, of_retailer(retailer, planning.remove_exceptions, location_code, kinds, *when))
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
