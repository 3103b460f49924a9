"""Issue tokens for three grants, look them up, claim them for a link, revoke them."""

import base64
import hashlib
import re
from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import OAuthError
from handcart.core.secret import new_token
from handcart.core.web import wire
from handcart.oauth import errors
from handcart.oauth.models import IssuedToken, LinkingToken
from handcart.retailers.models import Caller, Client

LIFETIME = 24 * clock.HOUR

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
# The documentation's sample has no quotes around the value: {"user_id": shopper-1}.
_UNQUOTED = re.compile(r'\{\s*"user_id"\s*:([^"{}\[\],]+)\}')

INSERT = (
    "INSERT INTO tokens (token_hash, client_id, organization_id, retailer_id, isolation_id, scope, user_id,"
    " account_id, code_hash, created_at, expires_at, generation)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)
# One conditional UPDATE: of several concurrent redemptions of a code, only one gets a row.
CLAIM_CODE = (
    "UPDATE authorization_codes SET used_at = $5 WHERE code_hash = $1 AND client_id = $2 AND redirect_uri = $3"
    " AND COALESCE(code_challenge, '') = $4 AND used_at IS NULL AND expires_at > $5 AND generation = $6"
    " AND EXISTS (SELECT 1 FROM redirect_uris r WHERE r.client_id = $2 AND r.redirect_uri = $3)"
    " RETURNING account_id, scope"
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


async def redeem_code(
    tx: Tx, client: Client, code: str, redirect_uri: str, verifier: str | None
) -> IssuedToken | OAuthError:
    """Exchange a code for a linking token, once.

    A second valid redemption is refused and revokes the token of the first one; that refusal is returned, not raised,
    so that the revocation is committed.
    """
    if verifier is not None and not _VERIFIER.fullmatch(verifier):
        return errors.invalid_grant()
    code_hash = tx.keys.hash(code)
    proof = (code_hash, client.client_id, redirect_uri, challenge_of(verifier))
    claimed = await tx.one(CLAIM_CODE, *proof, clock.now(), client.generation)
    if claimed is None:
        await _revoke_reused(tx, proof)
        return errors.invalid_grant()
    return await issue(tx, client, claimed["scope"], account_id=claimed["account_id"], code_hash=code_hash)


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


def challenge_of(verifier: str | None) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2); empty without one."""
    if verifier is None:
        return ""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


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


async def _revoke_reused(tx: Tx, proof: tuple[bytes, str, str, str]) -> None:
    used = await tx.one(
        "SELECT 1 AS used FROM authorization_codes WHERE code_hash = $1 AND client_id = $2 AND redirect_uri = $3"
        " AND COALESCE(code_challenge, '') = $4 AND used_at IS NOT NULL",
        *proof,
    )
    if used:
        await tx.run(
            "UPDATE tokens SET revoked_at = $2 WHERE code_hash = $1 AND revoked_at IS NULL", proof[0], clock.now()
        )
