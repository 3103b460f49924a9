"""`handcart account`: the accounts of the platform's customers."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from handcart.cli.options import database_options, json_option, of_account, read, settings_of, show, table, write
from handcart.core import clock


@click.group()
def account() -> None:
    """Create, show and close accounts of the platform's customers."""


@account.command("create")
@database_options
@json_option
@click.option("--email", required=True, metavar="EMAIL", help="E-mail address of the account.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--password", metavar="TEXT", help="Password. Other processes can see it: prefer --password-stdin.")
def create_account(email: str, password: str | None, password_stdin: bool, as_json: bool, **database: Any) -> None:
    """Create an account. If no password is given, a random one is set and shown only now."""
    from handcart.accounts import ops
    from handcart.sign_in import passwords

    made_up = not password and not password_stdin
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    chosen = passwords.made_up() if made_up else password or ""
    made = write(database, ops.create, email, passwords.hash_new(chosen))
    shown = {"email": made.email, **({"password": chosen} if made_up else {})}
    show(as_json, shown, f"Made the account {made.email}." + (f"\nPassword, shown once: {chosen}" if made_up else ""))


@account.command("show")
@database_options
@json_option
@click.argument("email")
def show_account(email: str, as_json: bool, **database: Any) -> None:
    """Show the id, the membership and the links of an account."""
    from handcart.linking import ops

    found = read(database, of_account(email, ops.linked_account))
    shown = {
        **_listed(found.account, found.membership),
        "links": [
            {"retailer": link.retailer_slug, "user_id": link.user_id, "linked_at": clock.to_wire(link.linked_at)}
            for link in found.links
        ],
    }
    show(as_json, shown, _account_lines(shown))


@account.command("list")
@database_options
@json_option
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    metavar="N",
    help="Maximum number of accounts.",
)
@click.option(
    "--after", default="", metavar="EMAIL", help="Show accounts after this e-mail address. Default: from the first."
)
def list_accounts(limit: int, after: str, as_json: bool, **database: Any) -> None:
    """List the open accounts and their memberships, by e-mail address."""
    from handcart.accounts import ops

    found = [_listed(*one) for one in read(database, ops.accounts, after, limit)]
    lines = [[one["email"], _membership(one), str(one["id"])] for one in found]
    text = table(("account", "membership", "id"), lines) if found else "There are no accounts."
    if len(found) == limit:
        text += f"\nThere may be more: add --after {found[-1]['email']}"
    show(as_json, {"accounts": found}, text)


@account.command("password")
@database_options
@json_option
@click.argument("email")
def account_password(email: str, as_json: bool, **database: Any) -> None:
    """Print a link with which a customer can set a new password. It works once, within 24 hours."""
    from handcart.accounts import ops
    from handcart.core.db.installation import issuer

    url = read(database, issuer, settings_of(**database))
    link = write(database, of_account(email, ops.password_link, url))
    shown = {"email": email, "url": link.url, "expires_at": clock.to_wire(link.ends_at)}
    show(
        as_json,
        shown,
        f"{shown['url']}\nGive it only to the owner of {email}. It works once, until {shown['expires_at']}.",
    )


@account.command("close")
@database_options
@json_option
@click.option("--email", required=True, metavar="EMAIL", help="E-mail address of the account.")
def close_account(email: str, as_json: bool, **database: Any) -> None:
    """Close an account and end all its links."""
    from handcart.linking import ops

    write(database, of_account(email, ops.close_account))
    show(as_json, {"email": email, "closed": True}, f"Closed the account {email}.")


def _listed(account: Any, membership: Any) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "is_member": membership.is_active,
        "expired_at": None if membership.ends_at is None else clock.to_wire(membership.ends_at),
    }


def _membership(shown: Mapping[str, Any]) -> str:
    if shown["is_member"]:
        return f"until {shown['expired_at']}"
    return f"none since {shown['expired_at']}" if shown["expired_at"] else "none"


def _account_lines(shown: Mapping[str, Any]) -> str:
    lines = [f"email       {shown['email']}", f"id          {shown['id']}", f"membership  {_membership(shown)}"]
    if not shown["links"]:
        return "\n".join([*lines, "linked      no retailer"])
    rows = [[link["retailer"], link["linked_at"], link["user_id"]] for link in shown["links"]]
    return "\n".join([*lines, "", table(("retailer", "linked since", "user"), rows)])
