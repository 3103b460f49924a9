"""`handcart audit`: who did what."""

from typing import Any

import click

from handcart.cli.options import database_options, json_option, read, show, table
from handcart.core import clock
from handcart.staff.models import command_line


@click.group()
def audit() -> None:
    """Read the audit log: who did what, when and why."""


@audit.command("list")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Only what was done at this retailer.")
@click.option(
    "--subject", metavar="SUBJECT", help="Only what was done to this, such as order/corner-market/1 or staff/1."
)
@click.option("--operation", metavar="NAME", help="Only this operation, such as cancel_orders.")
@click.option("--actor", "actor_name", metavar="NAME", help="Only what this person did, by their name at that time.")
@click.option("--since", metavar="TIME", help="Only from this time on, such as 2027-12-31T00:00:00Z.")
@click.option("--until", metavar="TIME", help="Only before this time.")
@click.option("--before", type=int, metavar="ID", help="Only rows before the one with this id: the next page.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="N",
    help="Maximum number of rows.",
)
def list_entries(
    retailer: str | None, since: str | None, until: str | None, limit: int, as_json: bool, **options: Any
) -> None:
    """List the audit log, newest first."""
    database = {name: options.pop(name) for name in ("database", "data")}

    from handcart.console import ops

    given = {"since": _time(since), "until": _time(until), "limit": limit, **options}
    rows = read(database, ops.entries, command_line(), retailer, **given)
    found = [
        {
            "id": one.id,
            "at": clock.to_wire(one.at),
            "actor": one.actor_name,
            "actor_kind": one.actor_kind,
            "operation": one.operation,
            "what": ops.meaning("en-US", one.operation),
            "subject": one.subject,
            "reason": one.reason,
            "detail": one.detail,
        }
        for one in rows
    ]
    shown = ("at", "actor", "what", "operation", "subject", "reason")
    cells = [[one[name] or "" for name in shown] for one in found]
    text = table(("at", "who", "what", "operation", "subject", "reason"), cells) if found else "There are no such rows."
    if len(found) == limit:
        text += f"\nThere may be more: add --before {found[-1]['id']}"
    show(as_json, {"entries": found}, text)


def _time(text: str | None) -> int | None:
    from handcart.core.errors import ApiError, Refused

    try:
        return None if text is None else clock.from_wire(text, "time")
    except ApiError:
        raise Refused(f"{text!r} is not a time: write 2027-12-31T00:00:00Z") from None
