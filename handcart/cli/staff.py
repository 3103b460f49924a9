"""`handcart staff`: the people who run the network, and their roles."""

from collections.abc import Callable
from typing import Any

import click

from handcart.cli.options import (
    database_options,
    json_option,
    of_person,
    read,
    settings_of,
    show,
    table,
    write_as_actor,
)
from handcart.core import clock
from handcart.staff.models import command_line
from handcart.staff.roles import ROLES


def _role_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--store", metavar="CODE", help="Location code of the store, for a role of a store."),
        click.option("--retailer", metavar="SLUG", help="Slug of the retailer, for a role of a retailer or a store."),
        click.option("--role", required=True, type=click.Choice(list(ROLES)), help="What the person may do."),
    ):
        command = option(command)
    return command


@click.group()
def staff() -> None:
    """Invite, list, change and close the people who run the network."""


@staff.command("invite")
@database_options
@json_option
@click.option("--email", required=True, metavar="EMAIL", help="E-mail address with which the person signs in.")
@click.option("--name", required=True, metavar="NAME", help="Name of the person.")
@_role_options
def invite_person(
    email: str, name: str, role: str, retailer: str | None, store: str | None, as_json: bool, **database: Any
) -> None:
    """Add a person, and print a link with which they choose a password.

    It works once, within 24 hours.
    """
    from handcart.console import ops

    given = {"email": email, "name": name, "role": role, "retailer": retailer, "store": store}
    _show_link(as_json, *write_as_actor(database, ops.invite, command_line(), settings_of(**database), **given))


@staff.command("list")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Show the people of this retailer. Default: all people.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    metavar="N",
    help="Maximum number of people.",
)
@click.option(
    "--after", default="", metavar="EMAIL", help="Show people after this e-mail address. Default: from the first."
)
def list_people(retailer: str | None, limit: int, after: str, as_json: bool, **database: Any) -> None:
    """List the people who can sign in or are invited, by e-mail address."""
    from handcart.console import ops

    people = read(database, ops.people, command_line(), retailer, after=after, limit=limit)
    found = [_shown(one) for one in people]
    rows = [[one["email"], one["name"], one["role"], _where(one), one["state"]] for one in found]
    text = table(("e-mail", "name", "role", "where", "state"), rows) if found else "There are no people."
    if len(found) == limit:
        text += f"\nThere may be more: add --after {found[-1]['email']}"
    show(as_json, {"people": found}, text)


@staff.command("show")
@database_options
@json_option
@click.argument("email")
def show_person(email: str, as_json: bool, **database: Any) -> None:
    """Show the role of a person, their passkeys, and the browsers in which they are signed in."""
    from handcart.console import ops

    found = read(database, of_person(email, ops.person))
    browsers = [{"name": one.name, "seen_at": clock.to_wire(one.seen_at)} for one in found.sessions]
    passkeys = [{"name": one.name, "created_at": clock.to_wire(one.created_at)} for one in found.passkeys]
    one = {**_shown(found), "browsers": browsers, "passkeys": passkeys}
    lines = [
        f"e-mail  {one['email']}",
        f"name    {one['name']}",
        f"role    {one['role']}",
        f"where   {_where(one)}",
        f"state   {one['state']}",
        f"since   {one['created_at']}",
    ]
    if browsers:
        rows = [[browser["name"] or "unknown", browser["seen_at"]] for browser in browsers]
        lines += ["", table(("signed in with", "last used"), rows)]
    if passkeys:
        lines += ["", table(("passkey", "added"), [[one["name"], one["created_at"]] for one in passkeys])]
    show(as_json, one, "\n".join(lines))


@staff.command("role")
@database_options
@json_option
@click.argument("email")
@_role_options
def change_role(email: str, role: str, retailer: str | None, store: str | None, as_json: bool, **database: Any) -> None:
    """Give a person another role, from their next request on."""
    from handcart.console import ops

    one = _shown(write_as_actor(database, of_person(email, ops.change_role, role, retailer, store)))
    show(as_json, one, f"{one['email']} is {one['role']} now ({_where(one)}).")


@staff.command("link")
@database_options
@json_option
@click.argument("email")
def make_link(email: str, as_json: bool, **database: Any) -> None:
    """Print a new link for a person: the invitation again, or for a new password.

    It works once, within 24 hours; older links of the person end.
    """
    from handcart.console import ops

    _show_link(as_json, *write_as_actor(database, of_person(email, ops.make_link, settings_of(**database))))


@staff.command("unlock-pin")
@database_options
@json_option
@click.argument("email")
def unlock_pin(email: str, as_json: bool, **database: Any) -> None:
    """Let a person try PINs at the store's tablets again, after five wrong ones."""
    from handcart.staff import pins

    write_as_actor(database, of_person(email, pins.unlock))
    show(as_json, {"email": email, "unlocked": True}, f"Unlocked the PIN of {email}.")


@staff.command("close")
@database_options
@json_option
@click.option("--reason", metavar="TEXT", help="Why, for the audit log.")
@click.argument("email")
def close_person(email: str, reason: str | None, as_json: bool, **database: Any) -> None:
    """Close a person: they are signed out everywhere, and cannot sign in again."""
    from handcart.staff import ops

    write_as_actor(database, of_person(email, ops.close, reason))
    show(as_json, {"email": email, "closed": True}, f"Closed {email}.")


def _shown(found: Any) -> dict[str, Any]:
    person = found.person
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "retailer": found.where.retailer,
        "store": found.where.store,
        "state": "active" if person.password_hash else "invited",
        "created_at": clock.to_wire(person.created_at),
    }


def _where(one: dict[str, Any]) -> str:
    if one["retailer"] is None:
        return "everywhere"
    return f"{one['retailer']}, store {one['store']}" if one["store"] else str(one["retailer"])


def _show_link(as_json: bool, made: Any, url: str) -> None:
    purpose = "choose a password" if made.purpose == "invitation" else "choose a new password"
    show(
        as_json,
        {"email": made.person.email, "purpose": made.purpose, "url": url},
        f"{url}\nGive it only to {made.person.name}, to {purpose}. It works once, within 24 hours.",
    )
