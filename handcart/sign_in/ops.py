"""Check a password within the limits."""

from collections.abc import Sequence

from handcart.core.db import Database, Unavailable
from handcart.sign_in import limits, passwords
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.limits import Counted
from handcart.sign_in.models import Audience


async def verify(
    database: Database,
    audience: Audience,
    hashes: Sequence[str],
    password: str,
    *,
    email: str,
    address: str,
    is_known_device: bool,
) -> tuple[int, Counted]:
    """Check a password against hashes; without any (no such person) it takes as long. Raises `SignInRefused`.

    Returns the index of the first hash that fits, and the counted tries, which the caller takes back
    (`limits.uncount`) in the transaction that uses the result.
    """
    counted = await database.write(limits.count, audience, email, address, is_known_device=is_known_device)
    try:
        for index, password_hash in enumerate(hashes or [None]):
            if await passwords.verify(password_hash, password):
                return index, counted
    except Unavailable:  # nothing was tried
        await database.write(limits.uncount, counted)
        raise
    raise SignInRefused
