"""Issue tokens for three grants, look them up, claim them for a link, revoke them."""

import base64
import re
from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.secret import new_token
from handcart.core.web import wire
from handcart.oauth.models import IssuedToken, LinkingToken
from handcart.retailers.models import Caller, Client

LIFETIME = 24 * clock.HOUR
_KEEP = clock.DAY

# The documentation's sample has no quotes around the value: {"user_id": shopper-1}.
_UNQUOTED = re.compile(r'\{\s*"user_id"\s*:([^"{}\[\],]+)\}')

INSERT = (
    "INSERT INTO tokens (token_hash, client_id, organization_id, retailer_id, isolation_id, scope, user_id,"
    " account_id, code_hash, created_at, expires_at, generation)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)
CLAIM_FOR_LINK = (
    "UPDATE tokens SET used_at = $4 WHERE token_hash = $1 AND organization_id = $2"
    " AND (isolation_id = $3 OR isolation_id IS NULL) AND account_id IS NOT NULL AND used_at IS NULL"
    " AND revoked_at IS NULL AND expires_at > $4 AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id ="
    " tokens.client_id AND c.generation = tokens.generation AND c.disabled_at IS NULL"
    " AND ' ' || c.scopes || ' ' LIKE '% account_linking %') RETURNING account_id"
)


async def issue(
    tx: Tx,
    client: Client,
    scope: str,
    *,
    isolation_id: int | None = None,
    user_id: str | None = None,
    account_id: int | None = None,
    code_hash: bytes | None = None,
) -> IssuedToken:
    """Store the hash of a new token; returns the token, which is not stored."""
    token, now = new_token(), clock.now()
    await tx.run(
        INSERT,
        tx.keys.hash(token),
        client.client_id,
        client.organization_id,
        client.retailer_id,
        client.isolation_id if isolation_id is None else isolation_id,
        scope,
        user_id,
        account_id,
        code_hash,
        now,
        now + LIFETIME,
        client.generation,
    )
    return IssuedToken(token, scope, now, now + LIFETIME)


async def claim_linking_token(tx: Tx, caller: Caller, token: str) -> LinkingToken | None:
    """Claim a linking token that was issued to the caller's retailer (or to its whole organization).

    None if the token is unknown, expired, revoked (itself, or with all tokens of its client), another retailer's, or
    not a linking token.
    """
    token_hash, now = tx.keys.hash(token), clock.now()
    claimed = await tx.one(CLAIM_FOR_LINK, token_hash, caller.organization_id, caller.isolation_id, now)
    if claimed is not None:
        return LinkingToken(claimed["account_id"], token_hash, was_used=False)
    spent = await tx.one(
        "SELECT account_id FROM tokens WHERE token_hash = $1 AND organization_id = $2"
        " AND (isolation_id = $3 OR isolation_id IS NULL) AND account_id IS NOT NULL AND used_at IS NOT NULL"
        " AND revoked_at IS NULL AND expires_at > $4",
        token_hash,
        caller.organization_id,
        caller.isolation_id,
        now,
    )
    return LinkingToken(spent["account_id"], token_hash, was_used=True) if spent else None


async def revoke(tx: Tx, client: Client, token: str) -> bool:
    """Revoke a client's token; False if it is another client's. Succeeds for unknown tokens as well."""
    row = await tx.one("SELECT client_id FROM tokens WHERE token_hash = $1", tx.keys.hash(token))
    if row is None:
        return True
    if row["client_id"] != client.client_id:
        return False
    await tx.run(
        "UPDATE tokens SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at IS NULL",
        tx.keys.hash(token),
        clock.now(),
    )
    return True


async def revoke_linking(tx: Tx, account_id: int, organization_id: int) -> None:
    """Revoke every code and linking token that could link an account at an organization."""
    now = clock.now()
    # Codes first: this waits for a code that is being redeemed, so that the next statement finds its token.
    await tx.run(
        "UPDATE authorization_codes SET used_at = $3 WHERE account_id = $1 AND used_at IS NULL AND client_id IN"
        " (SELECT client_id FROM clients WHERE organization_id = $2)",
        account_id,
        organization_id,
        now,
    )
    await tx.run(
        "UPDATE tokens SET revoked_at = $3 WHERE account_id = $1 AND organization_id = $2 AND revoked_at IS NULL",
        account_id,
        organization_id,
        now,
    )


async def delete_of_user(tx: Tx, isolation_id: int, user_id: str) -> None:
    """Delete the tokens of a user."""
    await tx.run("DELETE FROM tokens WHERE isolation_id = $1 AND user_id = $2", isolation_id, user_id)


async def introspect(tx: Tx, client: Client, token: str) -> Any | None:
    """The row of an active token (RFC 7662 section 2.2), if it belongs to the client.

    A used linking token is not active.
    """
    return await tx.one(
        "SELECT client_id, scope, user_id, created_at, expires_at FROM tokens WHERE token_hash = $1 AND client_id = $2"
        " AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $3 AND generation = $4",
        tx.keys.hash(token),
        client.client_id,
        clock.now(),
        client.generation,
    )


async def purge(tx: Tx, most: int) -> int:
    """Delete tokens that expired over a day ago; returns their number."""
    return await tx.run(
        "DELETE FROM tokens WHERE token_hash IN (SELECT token_hash FROM tokens WHERE expires_at < $1 LIMIT $2)",
        clock.now() - _KEEP,
        most,
    )


def user_of_assertion(assertion: str) -> str | None:
    """The user id in an assertion: Base64 (either alphabet, padding optional) of `{"user_id": ...}`.

    Source: https://docs.instacart.com/connect/post-checkout_guide/tutorials/get_an_access_token
    """
    text = assertion.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:  # not ASCII, not Base64 or not UTF-8
        return None
    try:
        values = wire.decode_any(decoded.encode())
        named = values.get("user_id") if isinstance(values, dict) else None
    except wire.NotJson:
        unquoted = _UNQUOTED.fullmatch(decoded.strip())
        named = unquoted[1].strip() if unquoted else None
    return named if isinstance(named, str) and named and "\0" not in named else None
