"""`handcart reports`: the figures that the console's reports show."""

from typing import Any

import click

from handcart.cli.options import database_options, json_option, on, show


@click.group()
def reports() -> None:
    """The figures of ended orders."""


@reports.command("rebuild")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Only the orders of this retailer.")
def rebuild(retailer: str | None, as_json: bool, **database: Any) -> None:
    """Count all ended orders once more, and their fees and pay. Closed months do not change."""
    from handcart.cli.options import settings_of, write
    from handcart.money.jobs import Count
    from handcart.reports import ops
    from handcart.retailers import ops as retailers

    async def again(tx: Any) -> int:
        known = [await retailers.require(tx, retailer)] if retailer else await retailers.retailers(tx)
        return sum([await ops.count_again(tx, one.id) for one in known])

    async def count(opened: Any) -> None:
        step = Count(settings_of(**database).time_zone)
        while await step(opened, {}):
            pass

    counted = write(database, again)
    on(database, count)
    show(as_json, {"orders": counted}, f"Counted {counted:,} orders once more.")
