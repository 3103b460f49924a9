"""Housekeeping: what has expired is dead already, this only gives its space back."""

from handcart.core import clock
from handcart.core.db import Tx

# Spent codes stay for a day, so that a late second redemption still revokes its token.
_KEEP = clock.DAY


async def purge_requests(tx: Tx, most: int) -> int:
    """Drop authorization requests that are over; answers how many."""
    return await tx.run(
        "DELETE FROM authorization_requests WHERE id IN"
        " (SELECT id FROM authorization_requests WHERE expires_at < $1 LIMIT $2)",
        clock.now(),
        most,
    )


async def purge_codes(tx: Tx, most: int) -> int:
    """Drop old authorization codes; answers how many."""
    return await tx.run(
        "DELETE FROM authorization_codes WHERE code_hash IN"
        " (SELECT code_hash FROM authorization_codes WHERE expires_at < $1 LIMIT $2)",
        clock.now() - _KEEP,
        most,
    )


async def purge_tokens(tx: Tx, most: int) -> int:
    """Drop tokens that expired a day ago; answers how many."""
    return await tx.run(
        "DELETE FROM tokens WHERE token_hash IN (SELECT token_hash FROM tokens WHERE expires_at < $1 LIMIT $2)",
        clock.now() - _KEEP,
        most,
    )
