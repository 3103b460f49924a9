"""`handcart callbacks replay`: send events again."""

import sys
import time
from typing import Any

import click

from handcart.cli.events import NUMBER, at_retailer, retailer_option
from handcart.cli.options import database_options, fail, json_option, of_retailer, on, show
from handcart.cli.recorded import recorded
from handcart.core import clock
from handcart.core.db import Database

BAR_AFTER_SECONDS = 1


@click.command(short_help="Send events again.")
@database_options
@json_option
@retailer_option
@click.option(
    "--webhook",
    type=NUMBER,
    metavar="ID",
    help="Id of the webhook to send to. Default: all that subscribe to the event.",
)
@click.option("--event", "event_id", type=NUMBER, metavar="ID", help="Id of the event to send.")
@click.option("--order", "order_id", metavar="ID", help="Id of the order whose events are sent.")
@click.option("--after", type=NUMBER, metavar="ID", help="Send events after this id.")
@click.option("--until", type=NUMBER, metavar="ID", help="Id of the last event to send. Default: the newest.")
@click.option("--since", metavar="TIME", help="Send events since this time, such as 2026-11-26T14:00:00Z.")
def replay(retailer: str, webhook: int | None, as_json: bool, **options: Any) -> None:
    """Send events again with the same ids and bodies, whether or not they were delivered."""
    database = {name: options.pop(name) for name in ("database", "data")}
    since = options.pop("since")
    if all(options[name] is None for name in ("event_id", "order_id", "after")) and since is None:
        fail("choose the events to send again: --event, --order, --after or --since")
    if since is not None:
        options["after"] = max(_id_before(since), options["after"] or 0)
    many = _replay_all(database, retailer, webhook, **options)
    what = "delivery" if many == 1 else "deliveries"
    show(as_json, {"replayed": many}, f"{many} {what} will be sent again." if many else "Nothing is sent again.")


def _id_before(since: str) -> int:
    from handcart.core.errors import ApiError
    from handcart.events import queries

    try:
        return queries.id_before(clock.from_wire(since, "since"))
    except ApiError:
        fail(f"{since!r} is not a time with an offset: write it as 2026-11-26T14:00:00Z")


def _replay_all(
    database: dict[str, Any],
    retailer: str,
    webhook: int | None,
    *,
    event_id: int | None,
    order_id: str | None,
    after: int | None,
    until: int | None,
) -> int:
    """Replay in small transactions, so that no other writer waits long. Shows a progress bar after one second."""
    from handcart.callbacks.replay import send_again
    from handcart.events import queries

    of: dict[str, Any] = {"until": until, "event_id": event_id, "subject": order_id}

    async def step(database: Database, after: int, *, is_first: bool = False) -> tuple[int, int | None]:
        send = at_retailer(retailer, send_again, webhook, after=after, **of)
        return await database.write(recorded(send) if is_first else send)

    async def count(database: Database, after: int, until: int | None) -> int:
        return int(await database.read(of_retailer(retailer, queries.count, after, until or queries.LAST_ID)))

    async def all_of_it(database: Database) -> int:
        started, last = time.monotonic(), after or 0
        many, next_ = await step(database, last, is_first=True)
        while next_ is not None and time.monotonic() - started < BAR_AFTER_SECONDS:
            more, next_ = await step(database, next_)
            many += more
        if next_ is None:
            return many
        length = await count(database, next_, until)
        with click.progressbar(length=length, label="Sending again", file=sys.stderr) as bar:
            while next_ is not None:
                last = next_
                more, next_ = await step(database, last)
                many += more
                bar.update(length if next_ is None else await count(database, last, next_))
        return many

    return int(on(database, all_of_it))
