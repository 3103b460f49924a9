"""`handcart callbacks events`, `deliveries` and `tail`: events, their deliveries and attempts."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import click

from handcart.cli.options import (
    SANDBOX_INFO,
    database_options,
    demo_of,
    echo,
    fail,
    json_option,
    names_installation,
    of_retailer,
    on,
    printable,
    read,
    show,
    table,
    until_interrupted,
)
from handcart.core import clock
from handcart.core.db import Database, Tx
from handcart.core.web import wire


def _or_demo(context: click.Context, option: click.Parameter, slug: str | None) -> str:
    """The retailer of --retailer. Default: the demo's only retailer."""
    demo = None if slug else demo_of(context.params)
    if not slug and demo is None:
        if names_installation(context.params):
            if os.environ.get(SANDBOX_INFO) and not (context.params.get("database") or context.params.get("data")):
                raise click.UsageError(
                    "HANDCART_DATABASE and HANDCART_DATA override SANDBOX_INFO: name the installation's retailer with"
                    " --retailer, or the demo with --info"
                )
            raise click.MissingParameter(ctx=context, param=option)
        fail(
            "no demo runs on this machine: start one by `handcart demo`, or name a server;",
            "for an installation, name the retailer with --retailer",
        )
    return slug or str((demo or {})["retailer"])


retailer_option = click.option(
    "--retailer", metavar="SLUG", callback=_or_demo, help="Slug of the retailer. Default: the demo's retailer."
)
NUMBER = click.IntRange(0, 2**63 - 1)
_after = click.option("--after", type=NUMBER, metavar="ID", help="Show events after this id. Default: the newest.")
_limit = click.option(
    "--limit", type=click.IntRange(1, 500), default=20, show_default=True, metavar="N", help="Maximum number of events."
)
_STATES = ("pending", "sending", "delivered", "failed")
_PAUSE_SECONDS = 0.5


def at_retailer(slug: str, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Callable[[Tx], Any]:
    """Like `of_retailer`, but with the clock set to the retailer's, which a sandbox may have changed."""

    async def run(tx: Tx, retailer_id: int) -> Any:
        from handcart.sandbox import state

        clock.use((await state.load(tx, retailer_id)).clock)
        return await op(tx, retailer_id, *args, **kwargs)

    return of_retailer(slug, run)


@click.command("events", short_help="List events and their deliveries.")
@database_options
@json_option
@retailer_option
@click.option("--order", "order_id", metavar="ID", help="Id of an order, to show only its events.")
@_after
@_limit
def list_events(
    retailer: str, order_id: str | None, after: int | None, limit: int, as_json: bool, **database: Any
) -> None:
    """List events and their deliveries, newest last."""
    from handcart.callbacks import present, queries

    listed = read(database, at_retailer(retailer, queries.events, after=after, subject=order_id, limit=limit))
    found = [(present.event(one.event), [present.delivery(row) for row in one.deliveries]) for one in listed]
    rows = [(str(one.event_id), one.created_at, one.event_name, one.order_id, _states(of)) for one, of in found]
    lines = table(("event", "created", "name", "order", "deliveries"), rows)
    shown = [{**plain(one), "deliveries": plain(of)} for one, of in found]
    show(as_json, {"events": shown}, lines if rows else "There are no events.")


@click.command("deliveries", short_help="List the deliveries to a webhook.")
@database_options
@json_option
@retailer_option
@click.option("--state", type=click.Choice(_STATES), help="State of the deliveries to show. Default: all.")
@_after
@_limit
@click.argument("webhook", type=NUMBER)
def list_deliveries(webhook: int, retailer: str, as_json: bool, **options: Any) -> None:
    """List the deliveries to a webhook, newest last."""
    from handcart.callbacks import present, queries

    asked = {name: options.pop(name) for name in ("state", "after", "limit")}
    listed = read(options, at_retailer(retailer, queries.deliveries_to, webhook, **asked))
    found = [present.delivery(one) for one in listed]
    lines = table(
        ("event", "order", "state", "attempts", "last attempt", "next"),
        [
            (str(one.event_id), one.order_id, one.state, str(one.attempts), one.attempted_at or "-", one.next_at or "-")
            for one in found
        ],
        numbers=("attempts",),
    )
    show(as_json, {"deliveries": plain(found)}, lines if found else "There are no deliveries.")


@click.command()
@database_options
@json_option
@retailer_option
@click.option("--webhook", type=NUMBER, metavar="ID", help="Id of a webhook, to print only attempts to it.")
@until_interrupted()
def tail(retailer: str, webhook: int | None, as_json: bool, **database: Any) -> None:
    """Print delivery attempts as they are made, until Ctrl-C. With --json, one attempt per line."""

    from handcart.callbacks import queries

    async def follow(database: Database) -> None:
        found = await database.read(at_retailer(retailer, queries.new_attempts))
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            found = await database.read(at_retailer(retailer, queries.new_attempts, found))
            for one in found.attempts:
                if webhook in (None, one["webhook_id"]):
                    echo(json.dumps(_plain_attempt(one)) if as_json else _line(one))

    on(database, follow)


def told(story: Any) -> str:
    """An event as text: its body, its deliveries, and the request and answer of each attempt."""
    event = story.event
    body = json.dumps(json.loads(event.body), indent=2)
    lines = [f"{event.event_name} of {event.order_id}, {event.created_at}", "", body, ""]
    if not story.deliveries:
        return "\n".join([*lines, "No webhook was subscribed to it."])
    rows = [
        (str(one.webhook_id), one.state, str(one.attempts), one.next_at or "-", "yes" if one.is_replay else "")
        for one in story.deliveries
    ]
    lines.append(table(("webhook", "state", "attempts", "next", "replayed"), rows, numbers=("attempts",)))
    for one in story.attempts:
        outcome = one.cause or f"status {one.status}"
        lines += ["", f"attempt {one.number} at {one.webhook_id}, {one.at}, {one.milliseconds} ms: {outcome}"]
        lines += (
            _indented("> ", one.request_head) + _indented("< ", one.response_head) + _indented("  ", one.response_body)
        )
    return "\n".join(lines)


def _indented(mark: str, text: str | None) -> list[str]:
    """The lines of a text, with a mark before each line."""
    return [f"  {mark}{line}" for line in (text or "").splitlines()]


def _states(deliveries: Sequence[Any]) -> str:
    many = {state: sum(one.state == state for one in deliveries) for state in _STATES}
    return ", ".join(f"{count} {state}" for state, count in many.items() if count) or "-"


def _line(one: Any) -> str:
    where = urlsplit(one["url"])
    outcome = one["cause"] or f"status {one['status']}"
    parts = (
        clock.to_wire(one["at"]),
        f"{one['name']} of {one['subject']}",
        f"to {where.netloc}{where.path}",
        f"{outcome}, {one['milliseconds']} ms" + (", replayed" if one["is_replay"] else ""),
    )
    return printable("  ".join(parts))


def _plain_attempt(one: Any) -> Any:
    from handcart.callbacks import present

    shown = {"event_id": one["event_id"], "event_name": one["name"], "order_id": one["subject"]}
    return {**shown, **plain(present.attempt(one))}


def plain(answer: Any) -> Any:
    """An answer of the API as plain values, for JSON."""
    return json.loads(wire.encode(answer))
