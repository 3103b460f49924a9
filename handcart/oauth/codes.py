"""Authorization codes: issue them, redeem each once for a linking token, delete old ones."""

import base64
import hashlib
import re

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import OAuthError
from handcart.core.secret import new_token
from handcart.oauth import errors, tokens
from handcart.oauth.models import IssuedToken
from handcart.retailers.models import Client

LIFETIME = 60 * clock.SECOND
# Used codes are kept for a day, so that a late second redemption still revokes their token.
_KEEP = clock.DAY

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")

# One conditional UPDATE: of several concurrent redemptions of a code, only one gets a row.
CLAIM = (
    "UPDATE authorization_codes SET used_at = $5 WHERE code_hash = $1 AND client_id = $2 AND redirect_uri = $3"
    " AND COALESCE(code_challenge, '') = $4 AND used_at IS NULL AND expires_at > $5 AND generation = $6"
    " AND EXISTS (SELECT 1 FROM redirect_uris r WHERE r.client_id = $2 AND r.redirect_uri = $3)"
    " RETURNING account_id, scope"
)


async def issue(
    tx: Tx, client: Client, *, account_id: int, redirect_uri: str, scope: str, code_challenge: str | None
) -> str:
    """Store the hash of a new code; returns the code, which is not stored."""
    code = new_token()
    await tx.run(
        "INSERT INTO authorization_codes (code_hash, client_id, account_id, redirect_uri, scope, code_challenge,"
        " expires_at, generation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tx.keys.hash(code),
        client.client_id,
        account_id,
        redirect_uri,
        scope,
        code_challenge,
        clock.now() + LIFETIME,
        client.generation,
    )
    return code


async def redeem(
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
    claimed = await tx.one(CLAIM, *proof, clock.now(), client.generation)
    if claimed is None:
        await _revoke_reused(tx, proof)
        return errors.invalid_grant()
    return await tokens.issue(tx, client, claimed["scope"], account_id=claimed["account_id"], code_hash=code_hash)


async def purge(tx: Tx, most: int) -> int:
    """Delete old codes; returns their number."""
    return await tx.run(
        "DELETE FROM authorization_codes WHERE code_hash IN"
        " (SELECT code_hash FROM authorization_codes WHERE expires_at < $1 LIMIT $2)",
        clock.now() - _KEEP,
        most,
    )


def challenge_of(verifier: str | None) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2); empty without one."""
    if verifier is None:
        return ""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


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
