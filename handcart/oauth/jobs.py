"""Delete expired rows. They are already invalid; this only frees their space."""

from handcart.core import clock
from handcart.core.db import Tx

# Used codes are kept for a day, so that a late second redemption still revokes their token.
_KEEP = clock.DAY


async def purge_requests(tx: Tx, most: int) -> int:
    """Delete expired authorization requests; returns their number."""
    return await tx.run(
        "DELETE FROM authorization_requests WHERE id IN"
        " (SELECT id FROM authorization_requests WHERE expires_at < $1 LIMIT $2)",
        clock.now(),
        most,
    )


async def purge_codes(tx: Tx, most: int) -> int:
    """Delete old authorization codes; returns their number."""
    return await tx.run(
        "DELETE FROM authorization_codes WHERE code_hash IN"
        " (SELECT code_hash FROM authorization_codes WHERE expires_at < $1 LIMIT $2)",
        clock.now() - _KEEP,
        most,
    )


async def purge_tokens(tx: Tx, most: int) -> int:
    """Delete tokens that expired over a day ago; returns their number."""
    return await tx.run(
        "DELETE FROM tokens WHERE token_hash IN (SELECT token_hash FROM tokens WHERE expires_at < $1 LIMIT $2)",
        clock.now() - _KEEP,
        most,
    )


PURGES = (purge_requests, purge_codes, purge_tokens)
