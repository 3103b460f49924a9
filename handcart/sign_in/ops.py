"""Check a password within the limits."""

from handcart.core.db import Database, Unavailable
from handcart.sign_in import limits, passwords
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.limits import Counted


async def verify(
    database: Database, password_hash: str | None, password: str, *, email: str, address: str, is_known_device: bool
) -> Counted:
    """Check a password; without a hash (no such person) it takes as long. Raises `SignInRefused`.

    Returns the counted tries, which the caller takes back (`limits.uncount`) in the transaction that uses the result.
    """
    counted = await database.write(limits.count, email, address, is_known_device=is_known_device)
    try:
        is_right = await passwords.verify(password_hash, password)
    except Unavailable:  # nothing was tried
        await database.write(limits.uncount, counted)
        raise
    if not is_right:
        raise SignInRefused
    return counted
