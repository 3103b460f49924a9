"""Commands for operators: clients, accounts, memberships, links."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from handcart.cli.options import json_option, read, settings_of, show, store_options, table, write
from handcart.core import clock
from handcart.core.db import Tx


@click.group()
def client() -> None:
    """Make, list, change and disable API clients."""


@client.command("create")
@store_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Retailer that the client acts for.")
@click.option("--organization", metavar="SLUG", help="Or an organization: each request then names a banner.")
@click.option(
    "--redirect-uri", "redirect_uris", multiple=True, metavar="URI", help="Redirect URI; may be given several times."
)
@click.option(
    "--scope", default="connect:fulfillment account_linking", show_default=True, help="Scopes, separated by spaces."
)
@click.option("--name", help="Display name, for a client of an organization.")
@click.option("--require-pkce", is_flag=True, help="Refuse authorization requests without PKCE.")
@click.option("--state-optional", is_flag=True, help="Accept authorization requests without state.")
def create_client(
    retailer: str | None,
    organization: str | None,
    redirect_uris: tuple[str, ...],
    scope: str,
    name: str | None,
    require_pkce: bool,
    state_optional: bool,
    as_json: bool,
    **store: Any,
) -> None:
    """Make an API client. Its secret is shown only now."""
    from handcart.retailers import ops

    scopes = _scopes(scope)
    made = write(
        store,
        ops.create_client,
        retailer=retailer,
        organization=organization,
        scopes=scopes,
        redirect_uris=redirect_uris,
        name=name,
        require_pkce=require_pkce,
        require_state=not state_optional,
    )
    from handcart.core.db.installation import public_url

    issuer = settings_of(**store).issuer or read(store, public_url)
    _show_client(as_json, {**_credentials(made), "authorize_url": f"{issuer}/oauth/authorize" if issuer else None})


@client.command("rotate")
@store_options
@json_option
@click.argument("client_id")
@click.option(
    "--keep-old",
    type=click.IntRange(0, 8760),
    default=0,
    metavar="HOURS",
    help="Keep old secrets and tokens valid for this long. Default: they end at once.",
)
def rotate_client(client_id: str, keep_old: int, as_json: bool, **store: Any) -> None:
    """Give a client a new secret, shown only now."""
    from handcart.retailers import ops

    made = write(store, ops.rotate_secret, client_id, keep_old=keep_old * clock.HOUR)
    _show_client(as_json, _credentials(made))


@client.command("list")
@store_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Only clients of this retailer.")
def list_clients(retailer: str | None, as_json: bool, **store: Any) -> None:
    """List the clients."""
    from handcart.retailers import ops

    found = read(store, ops.clients, retailer)
    rows = [
        [
            one["client_id"],
            one["retailer"] or f"{one['organization']} (all banners)",
            "enabled" if one["enabled"] else "disabled",
            one["scope"],
        ]
        for one in found
    ]
    head, *body = table(("client", "acts for", "state", "scope"), rows).splitlines()
    lines = [head]
    for line, one in zip(body, found, strict=True):
        lines += [line, *(f"    {uri}" for uri in one["redirect_uris"])]
    show(as_json, {"clients": found}, "\n".join(lines) if found else "There are no clients.")


@client.command("disable")
@store_options
@json_option
@click.argument("client_id")
@click.option("--undo", is_flag=True, help="Enable it again; old tokens stay revoked.")
def disable_client(client_id: str, undo: bool, as_json: bool, **store: Any) -> None:
    """Disable a client: its tokens end at once, and it gets no new tokens."""
    from handcart.retailers import ops

    write(store, ops.disable_client, client_id, disabled=not undo)
    state = "enabled" if undo else "disabled"
    show(as_json, {"client_id": client_id, "enabled": undo}, f"The client {client_id} is {state}.")


@client.command("revoke-tokens")
@store_options
@json_option
@click.argument("client_id")
def revoke_client_tokens(client_id: str, as_json: bool, **store: Any) -> None:
    """Revoke all tokens and authorization codes of a client. It can get new ones."""
    from handcart.retailers import ops

    write(store, ops.revoke_tokens, client_id)
    show(as_json, {"client_id": client_id, "revoked": True}, f"All tokens of the client {client_id} are revoked.")


@client.command("scope")
@store_options
@json_option
@click.argument("client_id")
@click.argument("scope")
def set_client_scope(client_id: str, scope: str, as_json: bool, **store: Any) -> None:
    """Set the scopes of a client: one argument in quotes. Its tokens lose all other scopes."""
    from handcart.retailers import ops

    scopes = _scopes(scope)
    write(store, ops.set_scopes, client_id, scopes)
    sentence = f"The client {client_id} may now ask for {' '.join(scopes)}."
    show(as_json, {"client_id": client_id, "scopes": scopes}, sentence)


@client.group("redirect-uri")
def redirect_uri() -> None:
    """Change where a client's authorization codes may be sent."""


@redirect_uri.command("add")
@store_options
@json_option
@click.argument("client_id")
@click.argument("uri")
def add_redirect_uri(client_id: str, uri: str, as_json: bool, **store: Any) -> None:
    """Register another redirect URI."""
    from handcart.retailers import ops

    async def add(tx: Tx) -> list[str]:
        await ops.register_redirect_uris(tx, client_id, [uri])
        return await ops.redirect_uris(tx, client_id)

    _show_redirect_uris(as_json, client_id, write(store, add))


@redirect_uri.command("remove")
@store_options
@json_option
@click.argument("client_id")
@click.argument("uri")
def remove_redirect_uri(client_id: str, uri: str, as_json: bool, **store: Any) -> None:
    """Remove a redirect URI."""
    from handcart.retailers import ops

    async def remove(tx: Tx) -> list[str]:
        await ops.remove_redirect_uri(tx, client_id, uri)
        return await ops.redirect_uris(tx, client_id)

    _show_redirect_uris(as_json, client_id, write(store, remove))


@click.group()
def account() -> None:
    """Make, show and close accounts of the platform's customers."""


@account.command("create")
@store_options
@json_option
@click.option("--email", required=True, help="E-mail address of the account.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--password", help="The password; other processes can see it, so prefer standard input.")
def create_account(email: str, password: str | None, password_stdin: bool, as_json: bool, **store: Any) -> None:
    """Make an account. If no password is given, one is made up and shown only now."""
    import secrets

    from handcart.accounts import ops
    from handcart.sign_in import passwords

    made_up = not password and not password_stdin
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    chosen = secrets.token_urlsafe(12) if made_up else password or ""
    made = write(store, ops.create, email, passwords.hash_new(chosen))
    shown = {"email": made.email, **({"password": chosen} if made_up else {})}
    show(as_json, shown, f"Made the account {made.email}." + (f"\nPassword, shown once: {chosen}" if made_up else ""))


@account.command("show")
@store_options
@json_option
@click.argument("email")
def show_account(email: str, as_json: bool, **store: Any) -> None:
    """Show an account: its id, its membership, its links."""
    from handcart.accounts import ops as accounts
    from handcart.linking import ops as linking

    async def find(tx: Tx) -> tuple[Any, Any, Any]:
        found = await accounts.by_email(tx, email)
        return found, await accounts.membership(tx, found.id), await linking.links_of_account(tx, found.id)

    account, membership, links = read(store, find)
    shown = {
        "id": account.id,
        "email": account.email,
        "is_member": membership.is_active,
        "expired_at": None if membership.ends_at is None else clock.to_wire(membership.ends_at),
        "links": [
            {"retailer": link.retailer_slug, "user_id": link.user_id, "linked_at": clock.to_wire(link.linked_at)}
            for link in links
        ],
    }
    show(as_json, shown, _account_lines(shown))


@account.command("list")
@store_options
@json_option
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Maximum number of accounts."
)
@click.option("--after", default="", metavar="EMAIL", help="Show accounts after this one, by e-mail address.")
def list_accounts(limit: int, after: str, as_json: bool, **store: Any) -> None:
    """List the open accounts and their memberships, by e-mail address."""
    from handcart.accounts import ops

    found = [
        {
            "id": account.id,
            "email": account.email,
            "is_member": membership.is_active,
            "expired_at": None if membership.ends_at is None else clock.to_wire(membership.ends_at),
        }
        for account, membership in read(store, ops.accounts, after, limit)
    ]
    lines = [[one["email"], _membership(one), str(one["id"])] for one in found]
    text = table(("account", "membership", "id"), lines) if found else "There are no accounts."
    if len(found) == limit:
        text += f"\nThere may be more: add --after {found[-1]['email']}"
    show(as_json, {"accounts": found}, text)


@account.command("password")
@store_options
@json_option
@click.argument("email")
def account_password(email: str, as_json: bool, **store: Any) -> None:
    """Print a link with which a customer can set a new password. It works once, within 24 hours."""
    from handcart.accounts import ops
    from handcart.accounts.errors import Refused
    from handcart.core.db.installation import public_url

    issuer = settings_of(**store).issuer or read(store, public_url)
    if not issuer:
        raise Refused(
            "the public URL is not known: set HANDCART_PUBLIC_URL, or start `handcart serve --public-url URL`"
        )

    async def link(tx: Tx) -> tuple[str, int]:
        return ops.password_token(tx.keys, await ops.by_email(tx, email))

    token, ends_at = read(store, link)
    shown = {"email": email, "url": f"{issuer}/account/new-password/{token}", "expires_at": clock.to_wire(ends_at)}
    show(
        as_json,
        shown,
        f"{shown['url']}\nGive it only to the owner of {email}. It works once, until {shown['expires_at']}.",
    )


@account.command("close")
@store_options
@json_option
@click.option("--email", required=True, help="E-mail address of the account.")
def close_account(email: str, as_json: bool, **store: Any) -> None:
    """Close an account and end all its links."""
    from handcart.accounts import ops as accounts
    from handcart.linking import ops as linking

    async def close(tx: Tx) -> None:
        await linking.close_account(tx, (await accounts.by_email(tx, email)).id)

    write(store, close)
    show(as_json, {"email": email, "closed": True}, f"Closed the account {email}.")


@click.group()
def membership() -> None:
    """Grant and end memberships."""


@membership.command("grant")
@store_options
@json_option
@click.option("--email", required=True, help="E-mail address of the account.")
@click.option(
    "--until",
    metavar="DATE",
    help="Last day, by the clock of HANDCART_TIME_ZONE: 2027-12-31. Or a moment in UTC: 2027-12-31T23:59:59Z.",
)
@click.option("--days", type=click.IntRange(1, 36500), help="Or this many days from now. Default: 365.")
def grant_membership(email: str, until: str | None, days: int | None, as_json: bool, **store: Any) -> None:
    """Give an account a membership from now on."""
    from handcart.accounts import ops

    if until and days:
        raise click.UsageError("Give the end by --until or by --days, not by both.")
    if until:
        ends_at = ops.end_of(until, settings_of(**store).time_zone)
    else:
        ends_at = clock.now() + (days or 365) * clock.DAY

    async def grant(tx: Tx) -> None:
        await ops.grant_membership(tx, (await ops.by_email(tx, email)).id, ends_at)

    write(store, grant)
    expired_at = clock.to_wire(ends_at)
    show(as_json, {"email": email, "expired_at": expired_at}, f"{email} is a member until {expired_at}.")


@membership.command("end")
@store_options
@json_option
@click.option("--email", required=True, help="E-mail address of the account.")
def end_membership(email: str, as_json: bool, **store: Any) -> None:
    """End an account's membership now."""
    from handcart.accounts import ops

    async def end(tx: Tx) -> None:
        await ops.end_membership(tx, (await ops.by_email(tx, email)).id)

    write(store, end)
    show(as_json, {"email": email, "ended": True}, f"The membership of {email} has ended.")


@click.command()
@store_options
@json_option
@click.option("--retailer", required=True, metavar="SLUG", help="Slug of the retailer.")
@click.option("--email", help="E-mail address of the linked account.")
@click.option("--user", "user_id", help="Or the id of the linked user.")
def unlink(retailer: str, email: str | None, user_id: str | None, as_json: bool, **store: Any) -> None:
    """End a link at a customer's request."""
    from handcart.accounts import ops as accounts
    from handcart.linking import ops
    from handcart.retailers import ops as retailers
    from handcart.retailers.errors import Refused

    if (email is None) == (user_id is None):
        raise click.UsageError("Name the link by --email or by --user.")

    async def end(tx: Tx) -> None:
        found = await retailers.require(tx, retailer)
        if email is not None:
            account_id: int | None = (await accounts.by_email(tx, email)).id
        else:
            account_id = await ops.account_of_user(tx, found.isolation_id, user_id or "")
        if account_id is None or not await ops.unlink(tx, found.isolation_id, account_id, "operator"):
            raise Refused(f"{email or user_id} is not linked at {retailer}")

    write(store, end)
    show(as_json, {"unlinked": True}, f"{email or user_id} is no longer linked at {retailer}.")


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


def _scopes(text: str) -> list[str]:
    from handcart.oauth.scopes import ALL, parse
    from handcart.retailers.errors import Refused

    scopes = parse(text)
    if scopes is None or not set(scopes) <= set(ALL):
        raise Refused(f"the scope {text!r} is unknown: the scopes are {' '.join(ALL)}")
    return scopes


def _show_redirect_uris(as_json: bool, client_id: str, uris: Sequence[str]) -> None:
    lines = [f"The client {client_id} has {'these redirect URIs:' if uris else 'no redirect URI.'}"]
    show(as_json, {"client_id": client_id, "redirect_uris": uris}, "\n    ".join([*lines, *uris]))


def _credentials(made: Any) -> dict[str, str | None]:
    return {"client_id": made.client_id, "client_secret": made.client_secret}


def _show_client(as_json: bool, shown: Mapping[str, str | None]) -> None:
    lines = [f"{name:<14} {value}" for name, value in shown.items() if value]
    lines.append("Keep the secret now: it is not shown again.")
    if "authorize_url" in shown and not shown["authorize_url"]:
        lines.append(
            "The authorization URL is /oauth/authorize at the public URL, which is not known yet: set"
            " HANDCART_PUBLIC_URL, or start `handcart serve --public-url URL`."
        )
    show(as_json, shown, "\n".join(lines))
