"""`handcart client`: the API clients of retailers and organizations."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from handcart.cli.options import database_options, echo, json_option, read, settings_of, show, table, write
from handcart.core import clock
from handcart.core.settings import Settings


@click.group()
def client() -> None:
    """Create, list, change and disable API clients."""


@client.command("create")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Slug of the retailer that the client acts for.")
@click.option(
    "--organization",
    metavar="SLUG",
    help="Slug of an organization, in place of --retailer: each request then names a banner.",
)
@click.option(
    "--redirect-uri", "redirect_uris", multiple=True, metavar="URI", help="Redirect URI; the option may be repeated."
)
@click.option(
    "--scope", default="connect:fulfillment account_linking", show_default=True, help="Scopes, separated by spaces."
)
@click.option(
    "--name", metavar="TEXT", help="Display name, for a client of an organization. Default: the organization's slug."
)
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
    **database: Any,
) -> None:
    """Create an API client. Its secret is shown only now."""
    from handcart.core.db.installation import issuer
    from handcart.oauth import scopes
    from handcart.retailers import clients

    names = scopes.require(scope)
    made = write(
        database,
        clients.create,
        retailer=retailer,
        organization=organization,
        scopes=names,
        redirect_uris=redirect_uris,
        name=name,
        require_pkce=require_pkce,
        require_state=not state_optional,
    )
    _hint_at_unserved(names, settings_of(**database))
    url = read(database, issuer, settings_of(**database))
    _show_client(as_json, {**_credentials(made), "authorize_url": f"{url}/oauth/authorize" if url else None})


@client.command("rotate")
@database_options
@json_option
@click.argument("client_id")
@click.option(
    "--keep-old",
    type=click.IntRange(0, 8760),
    default=0,
    metavar="HOURS",
    help="Hours for which old secrets and tokens stay valid. Default: 0, they end at once.",
)
def rotate_client(client_id: str, keep_old: int, as_json: bool, **database: Any) -> None:
    """Give a client a new secret, shown only now."""
    from handcart.retailers import clients

    made = write(database, clients.rotate_secret, client_id, keep_old=keep_old * clock.HOUR)
    _show_client(as_json, _credentials(made))


@client.command("list")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Slug of a retailer, to list only its clients. Default: all.")
def list_clients(retailer: str | None, as_json: bool, **database: Any) -> None:
    """List the clients."""
    from handcart.retailers import clients

    found = read(database, clients.listed, retailer)
    rows = [
        [
            one.client_id,
            one.retailer or f"{one.organization} (all banners)",
            "enabled" if one.is_enabled else "disabled",
            one.scope,
        ]
        for one in found
    ]
    head, *body = table(("client", "acts for", "state", "scope"), rows).splitlines()
    lines = [head]
    for line, one in zip(body, found, strict=True):
        lines += [line, *(f"    {uri}" for uri in one.redirect_uris)]
    show(as_json, {"clients": [_listed(one) for one in found]}, "\n".join(lines) if found else "There are no clients.")


@client.command("disable")
@database_options
@json_option
@click.argument("client_id")
@click.option("--undo", is_flag=True, help="Enable the client again. Its old tokens stay revoked.")
def disable_client(client_id: str, undo: bool, as_json: bool, **database: Any) -> None:
    """Disable a client. Its tokens end at once, and it gets no new tokens."""
    from handcart.retailers import clients

    write(database, clients.disable, client_id, disabled=not undo, by_operator=True)
    state = "enabled" if undo else "disabled"
    show(as_json, {"client_id": client_id, "enabled": undo}, f"The client {client_id} is {state}.")


@client.command("revoke-tokens")
@database_options
@json_option
@click.argument("client_id")
def revoke_client_tokens(client_id: str, as_json: bool, **database: Any) -> None:
    """Revoke all tokens and authorization codes of a client. It can get new ones."""
    from handcart.retailers import clients

    write(database, clients.revoke_tokens, client_id)
    show(as_json, {"client_id": client_id, "revoked": True}, f"All tokens of the client {client_id} are revoked.")


@client.command("scope")
@database_options
@json_option
@click.argument("client_id")
@click.argument("scope")
def set_client_scope(client_id: str, scope: str, as_json: bool, **database: Any) -> None:
    """Set the scopes of a client. Its tokens lose all other scopes.

    SCOPE has the scopes separated by spaces, as one argument in quotes.
    """
    from handcart.oauth import scopes
    from handcart.retailers import clients

    names = scopes.require(scope)
    write(database, clients.set_scopes, client_id, names)
    _hint_at_unserved(names, settings_of(**database))
    sentence = f"The client {client_id} may now ask for {' '.join(names)}."
    show(as_json, {"client_id": client_id, "scopes": names}, sentence)


@client.group("redirect-uri")
def redirect_uri() -> None:
    """Add and remove the redirect URIs of a client."""


@redirect_uri.command("add")
@database_options
@json_option
@click.argument("client_id")
@click.argument("uri")
def add_redirect_uri(client_id: str, uri: str, as_json: bool, **database: Any) -> None:
    """Add a redirect URI, to which authorization codes may be sent."""
    from handcart.retailers import clients

    _show_redirect_uris(as_json, client_id, write(database, clients.register_redirect_uris, client_id, [uri]))


@redirect_uri.command("remove")
@database_options
@json_option
@click.argument("client_id")
@click.argument("uri")
def remove_redirect_uri(client_id: str, uri: str, as_json: bool, **database: Any) -> None:
    """Remove a redirect URI."""
    from handcart.retailers import clients

    _show_redirect_uris(as_json, client_id, write(database, clients.remove_redirect_uri, client_id, uri))


def _listed(client: Any) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "retailer": client.retailer,
        "organization": client.organization,
        "scope": client.scope,
        "redirect_uris": client.redirect_uris,
        "require_pkce": client.require_pkce,
        "require_state": client.require_state,
        "created_at": clock.to_wire(client.created_at),
        "enabled": client.is_enabled,
    }


def _show_redirect_uris(as_json: bool, client_id: str, uris: Sequence[str]) -> None:
    lines = [f"The client {client_id} has {'these redirect URIs:' if uris else 'no redirect URI.'}"]
    show(as_json, {"client_id": client_id, "redirect_uris": uris}, "\n    ".join([*lines, *uris]))


def _credentials(made: Any) -> dict[str, str | None]:
    return {"client_id": made.client_id, "client_secret": made.client_secret}


def _hint_at_unserved(scopes: Sequence[str], settings: Settings) -> None:
    """Say on standard error which scopes of a client the server refuses, because no endpoint needs them."""
    from handcart.oauth.scopes import offered

    refused = [] if settings.unserved_scopes else sorted({*scopes} - {*offered(scopes, with_unserved=False)})
    if refused:
        echo(
            f"Note: no endpoint needs {' '.join(refused)}. The server refuses requests for these scopes unless"
            " HANDCART_UNSERVED_SCOPES=on.",
            err=True,
        )


def _show_client(as_json: bool, shown: Mapping[str, str | None]) -> None:
    lines = [f"{name:<14} {value}" for name, value in shown.items() if value]
    lines.append("Keep the secret now: it is not shown again.")
    if "authorize_url" in shown and not shown["authorize_url"]:
        lines.append(
            "The authorization URL is /oauth/authorize at the public URL, which is not known yet: set"
            " HANDCART_PUBLIC_URL, or start `handcart serve --public-url URL`."
        )
    show(as_json, shown, "\n".join(lines))
