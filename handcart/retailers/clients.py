"""API clients: create them, rotate their secrets, disable them, set their scopes and redirect URIs, revoke tokens."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.secret import new_token
from handcart.retailers import ops
from handcart.retailers.models import Client, ListedClient, NewClient

_CLIENT = (
    "SELECT c.client_id, c.organization_id, c.retailer_id, r.isolation_id, c.name, c.scopes, c.require_pkce,"
    " c.require_state, c.disabled_at, c.generation FROM clients c LEFT JOIN retailers r ON r.id = c.retailer_id"
)
_LISTED = (
    "SELECT c.client_id, c.name, r.slug AS retailer, o.slug AS organization, c.scopes, c.require_pkce,"
    " c.require_state, c.created_at, c.disabled_at FROM clients c"
    " JOIN organizations o ON o.id = c.organization_id LEFT JOIN retailers r ON r.id = c.retailer_id"
)
PROVEN = (
    "SELECT c.client_id, c.organization_id, c.retailer_id, r.isolation_id, c.name, c.scopes, c.require_pkce,"
    " c.require_state, c.disabled_at, c.generation FROM client_secrets s JOIN clients c ON c.client_id = s.client_id"
    " LEFT JOIN retailers r ON r.id = c.retailer_id"
    " WHERE s.client_id = $1 AND s.secret_hash = $2 AND (s.expires_at IS NULL OR s.expires_at > $3)"
)


async def create(
    tx: Tx,
    *,
    retailer: str | None = None,
    organization: str | None = None,
    scopes: Sequence[str],
    redirect_uris: Sequence[str] = (),
    name: str | None = None,
    require_pkce: bool = False,
    require_state: bool = True,
) -> NewClient:
    """Create a client for one retailer, or for a whole organization, with its first secret."""
    if (retailer is None) == (organization is None):
        raise Refused("give either a retailer or an organization")
    for uri in redirect_uris:
        check_redirect_uri(uri)
    owner = await _owner(tx, retailer, organization)
    while (client_id := new_token()).startswith("-"):
        pass  # a command would take it for an option
    await tx.run(
        "INSERT INTO clients (client_id, organization_id, retailer_id, name, scopes, require_pkce, require_state,"
        " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        client_id,
        owner["organization_id"],
        owner["retailer_id"],
        name or owner["name"],
        " ".join(scopes),
        require_pkce,
        require_state,
        clock.now(),
    )
    await register_redirect_uris(tx, client_id, redirect_uris)
    return NewClient(client_id, await _add_secret(tx, client_id))


async def register_redirect_uris(tx: Tx, client_id: str, uris: Sequence[str], *, plain_http: bool = False) -> list[str]:
    """Add redirect URIs to a client; returns all that it has now.

    `plain_http` also allows http to other machines, for a demo.
    """
    if await find(tx, client_id) is None:
        raise Refused(f"there is no client {client_id!r}")
    for uri in uris:
        check_redirect_uri(uri, plain_http=plain_http)
        await tx.run(
            "INSERT INTO redirect_uris (client_id, redirect_uri) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            client_id,
            uri,
        )
    return await redirect_uris(tx, client_id)


async def remove_redirect_uri(tx: Tx, client_id: str, redirect_uri: str) -> list[str]:
    """Remove a redirect URI from a client: requests with it are refused, and codes issued for it are revoked.

    Returns the remaining redirect URIs.
    """
    if await find(tx, client_id) is None:
        raise Refused(f"there is no client {client_id!r}")
    removed = await tx.run(
        "DELETE FROM redirect_uris WHERE client_id = $1 AND redirect_uri = $2", client_id, redirect_uri
    )
    if not removed:
        raise Refused(
            f"the client has no redirect URI {redirect_uri!r}: `handcart client list` shows its redirect URIs"
        )
    return await redirect_uris(tx, client_id)


async def rotate_secret(tx: Tx, client_id: str, *, keep_old: int = 0) -> NewClient:
    """Give a client a new secret; the earlier ones expire after `keep_old` microseconds.

    With `keep_old` 0 the client's tokens and codes are revoked too, since a thief of the old secret may hold some.
    """
    if await find(tx, client_id) is None:
        raise Refused(f"there is no client {client_id!r}")
    ends_at = clock.now() + keep_old
    await tx.run(
        "UPDATE client_secrets SET expires_at = $2 WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
        client_id,
        ends_at,
    )
    if not keep_old:
        await revoke_tokens(tx, client_id)
    return NewClient(client_id, await _add_secret(tx, client_id))


async def disable(tx: Tx, client_id: str, *, disabled: bool = True, by_operator: bool = False) -> None:
    """With `disabled` true: disable the client. With false: enable it. Both revoke its tokens and codes.

    A client that was disabled `by_operator` is enabled only by the operator. Raises `Refused`.
    """
    at = clock.now() if disabled else None
    await revoke_tokens(tx, client_id)
    row = await tx.one("SELECT disabled_by_operator FROM clients WHERE client_id = $1", client_id)
    assert row is not None
    is_operators = bool(row["disabled_by_operator"]) and not by_operator
    if is_operators and not disabled:
        raise Refused("the operator disabled this client: ask the operator to enable it")
    await tx.run(
        "UPDATE clients SET disabled_at = $2, disabled_by_operator = $3 WHERE client_id = $1",
        client_id,
        at,
        disabled and (by_operator or is_operators),
    )


async def revoke_tokens(tx: Tx, client_id: str) -> None:
    """Revoke all tokens and authorization codes of a client; it may get new ones.

    Each token contains the client's generation, so raising it revokes all tokens with one row changed
    (RFC 6819 section 5.1.5).
    """
    if not await tx.run("UPDATE clients SET generation = generation + 1 WHERE client_id = $1", client_id):
        raise Refused(f"there is no client {client_id!r}")


async def set_scopes(tx: Tx, client_id: str, scopes: Sequence[str]) -> None:
    """Set the scopes of a client; this limits its existing tokens as well as new ones."""
    if not await tx.run("UPDATE clients SET scopes = $2 WHERE client_id = $1", client_id, " ".join(scopes)):
        raise Refused(f"there is no client {client_id!r}")


async def listed(tx: Tx, retailer: str | None = None) -> list[ListedClient]:
    """All clients, or one retailer's, sorted by the time they were made."""
    if retailer is not None:
        await ops.require(tx, retailer)
    rows = await tx.all(f"{_LISTED} WHERE $1 = '' OR r.slug = $1 ORDER BY c.created_at", retailer or "")
    return [await _listed(tx, row) for row in rows]


async def listed_one(tx: Tx, client_id: str) -> ListedClient:
    """A client that is known to exist, as operators see it."""
    row = await tx.one(f"{_LISTED} WHERE c.client_id = $1", client_id)
    assert row is not None
    return await _listed(tx, row)


async def lock(tx: Tx, client_id: str) -> Client:
    """A client by its id, raises `Refused`; concurrent changes of it wait until this transaction ends."""
    await tx.one("SELECT client_id FROM clients WHERE client_id = $1 FOR UPDATE", client_id)
    found = await find(tx, client_id)
    if found is None:
        raise Refused(f"there is no client {client_id!r}")
    return found


async def find(tx: Tx, client_id: str) -> Client | None:
    """A client by its id."""
    return _client(await tx.one(f"{_CLIENT} WHERE c.client_id = $1", client_id))


async def by_secret(tx: Tx, client_id: str, client_secret: str) -> Client | None:
    """The client, if the secret is one of its valid ones."""
    return _client(await tx.one(PROVEN, client_id, tx.keys.hash(client_secret), clock.now()))


async def redirect_uris(tx: Tx, client_id: str) -> list[str]:
    """The redirect URIs that a client has registered."""
    rows = await tx.all("SELECT redirect_uri FROM redirect_uris WHERE client_id = $1 ORDER BY redirect_uri", client_id)
    return [row["redirect_uri"] for row in rows]


async def display_name(tx: Tx, owner: Client) -> str:
    """The name that pages show for a client: its retailer's, or its own."""
    return owner.name if owner.retailer_id is None else (await ops.retailer(tx, owner.retailer_id)).name


def check_redirect_uri(uri: str, *, plain_http: bool = False) -> None:
    """Refuse a URI that cannot be compared byte for byte or would leak the code: RFC 6749 3.1.2, RFC 9700 2.1.

    `plain_http` allows http to other machines; only for a demo, since codes could leak.
    """
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Refused(f"{uri!r} is not a URI") from None
    if not uri.isascii() or any(character <= " " or character in '\\"<>^`{|}\x7f' for character in uri):
        raise Refused(f"the redirect URI {uri!r} has characters that are not allowed in URIs: encode them")
    if parts.fragment or uri.endswith("#"):
        raise Refused(f"the redirect URI {uri!r} must not have a fragment")
    if parts.scheme not in ("https", "http") or not host or parts.username is not None:
        raise Refused(f"the redirect URI {uri!r} must be https://host/path without user information")
    if ":" in host:
        raise Refused(
            f"the redirect URI {uri!r} must have a host name: browsers' policies do not support IPv6 addresses"
        )
    if parts.scheme == "http" and not plain_http and host not in ("localhost", "127.0.0.1"):
        raise Refused(f"the redirect URI {uri!r} must use https (http is only for this machine)")


async def _owner(tx: Tx, retailer: str | None, organization: str | None) -> dict[str, Any]:
    if retailer is not None:
        found = await ops.require(tx, retailer)
        return {"organization_id": found.organization_id, "retailer_id": found.id, "name": found.name}
    row = await tx.one("SELECT id FROM organizations WHERE slug = $1", organization)
    if row is None:
        raise Refused(f"there is no organization {organization!r}: make one of its retailers first")
    return {"organization_id": row["id"], "retailer_id": None, "name": organization}


async def _add_secret(tx: Tx, client_id: str) -> str:
    secret = new_token()
    await tx.run(
        "INSERT INTO client_secrets (client_id, secret_hash, created_at) VALUES ($1, $2, $3)",
        client_id,
        tx.keys.hash(secret),
        clock.now(),
    )
    return secret


async def _listed(tx: Tx, row: Any) -> ListedClient:
    return ListedClient(
        client_id=row["client_id"],
        name=row["name"],
        retailer=row["retailer"],
        organization=row["organization"],
        scope=row["scopes"],
        redirect_uris=await redirect_uris(tx, row["client_id"]),
        require_pkce=bool(row["require_pkce"]),
        require_state=bool(row["require_state"]),
        created_at=row["created_at"],
        is_enabled=row["disabled_at"] is None,
    )


def _client(row: Any) -> Client | None:
    if row is None:
        return None
    client_id, organization_id, retailer_id, isolation_id, name, scopes, pkce, state, disabled_at, generation = row
    return Client(
        client_id=client_id,
        organization_id=organization_id,
        retailer_id=retailer_id,
        isolation_id=isolation_id,
        name=name,
        scopes=tuple(scopes.split()),
        require_pkce=bool(pkce),
        require_state=bool(state),
        is_disabled=disabled_at is not None,
        generation=generation,
    )
