"""`handcart alerts`: what needs the operator's attention."""

import click

from handcart.cli.options import database_options, json_option, read, show, table
from handcart.core import clock


@click.command()
@database_options
@json_option
@click.option("--ended", "with_ended", is_flag=True, help="List the last 100 ended alerts as well.")
def alerts(database: str | None, data: str | None, with_ended: bool, as_json: bool) -> None:
    """List what needs the operator's attention now: the alerts that have not ended, the oldest first."""
    from handcart.upkeep import alerts as stored

    where = {"database": database, "data": data}
    found = [*read(where, stored.live), *(read(where, stored.ended) if with_ended else ())]
    rows = [
        {
            "kind": one.kind,
            "subject": one.subject,
            "detail": one.detail,
            "began_at": clock.to_wire(one.began_at),
            "ended_at": None if one.ended_at is None else clock.to_wire(one.ended_at),
        }
        for one in found
    ]
    cells = [[one[name] or "" for name in ("kind", "subject", "began_at", "ended_at", "detail")] for one in rows]
    text = table(("alert", "about", "began at", "ended at", "detail"), cells) if found else "There are no alerts."
    show(as_json, {"alerts": rows}, text)
