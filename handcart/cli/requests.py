"""`handcart requests`: the log of API calls."""

from typing import Any

import click

from handcart.cli.options import database_options, json_option, read, show, table


@click.command(short_help="Show the log of API calls.")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Slug of a retailer, to show only its calls.")
@click.option("--client", "client_id", metavar="ID", help="Id of an API client.")
@click.option("--route", metavar="PATH", help="Pattern of a path, such as /v2/fulfillment/users/{user_id}.")
@click.option("--status", type=click.IntRange(100, 599), metavar="N", help="Status of the answer.")
@click.option("--rule", metavar="NAME", help="Function that refused, such as slots.ops.hold.")
@click.option("--request", "request_id", metavar="ID", help="X-Request-Id of an answer.")
@click.option("--before", type=click.IntRange(0), metavar="ID", help="Show calls before this one. Default: the newest.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, metavar="N", help="Maximum number."
)
def requests(retailer: str | None, before: int | None, limit: int, as_json: bool, **options: Any) -> None:
    """Show calls of the API, the newest first: all refused calls up to a limit, and a sample of the others.

    A sandbox keeps its calls in memory instead: `handcart sandbox requests` shows them.
    """
    import msgspec

    from handcart.core import clock
    from handcart.requests import queries
    from handcart.requests.models import Filters
    from handcart.retailers import ops as retailers

    database = {name: options.pop(name) for name in ("database", "data")}
    retailer_id = read(database, retailers.require, retailer).id if retailer else None
    found = read(database, queries.find, Filters(retailer_id=retailer_id, **options), before, limit)
    rows = [
        (
            clock.to_wire(one.at),
            one.request_id,
            str(one.status),
            f"{one.milliseconds} ms",
            f"{one.method} {one.route or '(no route)'}",
            " ".join([one.rule or "-", *(f"{code.code}:{code.key or '-'}" for code in one.codes)]),
        )
        for one in found
    ]
    lines = table(("at", "request", "status", "took", "call", "refused by"), rows)
    shown = [{**msgspec.to_builtins(one), "at": clock.to_wire(one.at)} for one in found]
    show(as_json, {"requests": shown}, lines if found else "There are no such calls.")
