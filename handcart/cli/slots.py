"""`handcart slots`: how many orders each window takes, and how many it has."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import click

from handcart.cli import exception, plan
from handcart.cli.options import database_options, json_option, of_retailer, read, retailer_option, show, table
from handcart.stores.models import KINDS


@click.group()
def slots() -> None:
    """Set how many orders each time window takes, and list the windows."""


slots.add_command(plan.plan)
slots.add_command(exception.exception)


@slots.command("list")
@database_options
@json_option
@retailer_option
@click.option("--store", "location_code", required=True, metavar="CODE", help="Location code of the store.")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="Kind of orders.")
@click.option(
    "--date",
    "day",
    metavar="YYYY-MM-DD",
    help="Date by the store's clock. Default: from this hour to the plan's horizon.",
)
def list_slots(retailer: str, location_code: str, kind: str, day: str | None, as_json: bool, **database: Any) -> None:
    """List the windows of a store with their places.

    `capacity` is the number of places; `held`, `booked` and `free` are parts of it. `reason` is the API's reason why a
    window is not available.
    """
    from handcart.slots import planning, queries

    chosen = None if day is None else date.fromisoformat(planning.day_of(day))
    found = read(database, of_retailer(retailer, queries.occupancy, location_code, kind, chosen))
    _show_occupancy(as_json, kind, found.store, found.windows)


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
