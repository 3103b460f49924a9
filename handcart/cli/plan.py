"""`handcart slots plan`: the weekly plans of stores."""

from collections.abc import Callable, Sequence
from pathlib import Path
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
from handcart.stores.models import KINDS

kinds_option = click.option(
    "--kind",
    "kinds",
    required=True,
    multiple=True,
    type=click.Choice(KINDS),
    help="Kind of orders; the option may be repeated.",
)
_FILE = click.Path(path_type=Path)


def store_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--store", "location_code", metavar="CODE", help=help_text)


@click.group()
def plan() -> None:
    """Set, list and remove the weekly plans of stores."""


@plan.command("set")
@database_options
@json_option
@retailer_option
@store_option("Location code of the store. Default: every store without a plan of its own.")
@kinds_option
@click.option("--capacity", type=click.IntRange(0, 1_000_000), metavar="N", help="Number of orders for each window.")
@click.option(
    "--weekly", type=_FILE, metavar="FILE", help="In place of --capacity: numbers of orders by weekday and hour."
)
@click.option(
    "--shoppers",
    type=_FILE,
    metavar="FILE",
    help="In place of --capacity: numbers of shoppers on shift by weekday and hour.",
)
@click.option(
    "--orders-per-hour",
    type=float,
    metavar="X",
    help="Number of orders that one shopper can do in an hour, for --shoppers.",
)
@click.option(
    "--same-day-only",
    type=click.IntRange(0, 1_000_000),
    metavar="N",
    help="Number of orders of each window that are kept for same-day orders.",
)
@click.option(
    "--lead-minutes",
    type=click.IntRange(0, 10_080),
    metavar="N",
    help="Minutes before its start until which a window is offered.",
)
@click.option(
    "--cutoff-hour",
    type=click.IntRange(0, 24),
    metavar="H",
    help="Hour of the day from which no same-day orders are taken; 24 for no cutoff.",
)
@click.option(
    "--horizon-days", type=click.IntRange(1, 60), metavar="N", help="Number of days that are offered, today included."
)
def set_plan(retailer: str, location_code: str | None, kinds: Sequence[str], as_json: bool, **options: Any) -> None:
    """Set the plan of a store. Only the options given are changed.

    A new plan takes all other values from the plan that applied before.

    A window is two hours long, and one starts every hour. FILE is CSV: 7 rows from Monday to Sunday, each with 24
    numbers, for the windows that start at 0:00, 1:00 and so on by the store's clock.
    """
    from handcart.slots import planning

    database = {name: options.pop(name) for name in ("database", "data")}
    changes = _changes(options)

    change = of_retailer(retailer, planning.change_plans, location_code, kinds, changes)
    _show_plans(as_json, write(database, change))


@plan.command("list")
@database_options
@json_option
@retailer_option
def list_plans(retailer: str, as_json: bool, **database: Any) -> None:
    """List the plans of a retailer."""
    from handcart.slots import plans

    _show_plans(as_json, read(database, of_retailer(retailer, plans.plans)))


@plan.command("remove")
@database_options
@json_option
@retailer_option
@store_option("Location code of the store. Default: the plan for every store.")
@kinds_option
def remove_plan(retailer: str, location_code: str | None, kinds: Sequence[str], as_json: bool, **database: Any) -> None:
    """Remove a plan. Then the plan for every store applies, or the default."""
    from handcart.slots import planning

    _show_plans(as_json, write(database, of_retailer(retailer, planning.remove_plans, location_code, kinds)))


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """The given options as fields of a plan."""
    from handcart.slots import files

    changes = {name: value for name, value in options.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what to set: --capacity, --lead-minutes, ...")
    if len(changes.keys() & {"capacity", "weekly", "shoppers"}) > 1:
        raise click.UsageError("Give one of --capacity, --weekly and --shoppers.")
    for name in changes.keys() & {"weekly", "shoppers"}:
        changes[name] = files.week(changes[name], are_whole=name == "weekly")
    return changes


def _show_plans(as_json: bool, plans: Sequence[Any]) -> None:
    from msgspec.structs import asdict

    shown = [{"store": one.location_code or None, "kind": one.kind, **asdict(one.plan)} for one in plans]
    rows = [
        [
            one.location_code or "(every)",
            one.kind,
            str(one.plan.lead_minutes),
            "-" if one.plan.cutoff_hour is None else str(one.plan.cutoff_hour),
            str(one.plan.horizon_days),
            _orders_words(one.plan),
        ]
        for one in plans
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
