"""`handcart membership`: the memberships of accounts."""

from typing import Any

import click

from handcart.cli.options import database_options, json_option, of_account, settings_of, show, write
from handcart.core import clock


@click.group()
def membership() -> None:
    """Grant and end memberships."""


@membership.command("grant")
@database_options
@json_option
@click.option("--email", required=True, metavar="EMAIL", help="E-mail address of the account.")
@click.option(
    "--until",
    metavar="DATE",
    help="Last day, such as 2027-12-31, in HANDCART_TIME_ZONE; or a time in UTC, such as 2027-12-31T23:59:59Z.",
)
@click.option(
    "--days", type=click.IntRange(1, 36500), metavar="N", help="Days from now, in place of --until. Default: 365."
)
def grant_membership(email: str, until: str | None, days: int | None, as_json: bool, **database: Any) -> None:
    """Give an account a membership from now on."""
    from handcart.accounts import ops

    if until and days:
        raise click.UsageError("Give the end by --until or by --days, not by both.")
    ends_at = ops.end_of(until, settings_of(**database).time_zone) if until else ops.end_after(days)
    write(database, of_account(email, ops.grant_membership, ends_at))
    expired_at = clock.to_wire(ends_at)
    show(as_json, {"email": email, "expired_at": expired_at}, f"{email} is a member until {expired_at}.")


@membership.command("end")
@database_options
@json_option
@click.option("--email", required=True, metavar="EMAIL", help="E-mail address of the account.")
def end_membership(email: str, as_json: bool, **database: Any) -> None:
    """End an account's membership now."""
    from handcart.accounts import ops

    write(database, of_account(email, ops.end_membership))
    show(as_json, {"email": email, "ended": True}, f"The membership of {email} has ended.")
