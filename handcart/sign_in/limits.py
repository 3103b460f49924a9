"""Limits of wrong passwords (docs/decisions/0015-sign-in-limits.md)."""

from msgspec.structs import replace

from handcart.core import ratelimit
from handcart.core.db import Tx
from handcart.core.ratelimit import Limit
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.models import CUSTOMER, Audience

# Beyond these three, tries are refused.
_PER_ADDRESS = Limit(10, 300)
_PER_ACCOUNT_AND_ADDRESS = Limit(50, 86_400)
_PER_DEVICE = Limit(10, 300)
# These two refuse no try: when they are exceeded, the limit per address gets lower.
_PER_ACCOUNT = Limit(100, 86_400)
_IN_ALL = Limit(1000, 300)
_PER_ADDRESS_IN_A_FLOOD = 3
_PER_ACCOUNT_AND_ADDRESS_IN_A_FLOOD = 5

Counted = list[tuple[str, Limit]]


async def count(tx: Tx, audience: Audience, email: str, address: str, *, is_known_device: bool) -> Counted:
    """Count a try as if it were wrong; returns what was counted. Raises `SignInRefused` over a limit.

    People of two audiences with one e-mail address have separate counts of their account.
    Refusals depend on the wrong tries of the caller itself: a known browser, an address, an address at one account.
    Many wrong tries at an account, or on the whole server, lower the limit per address, but never to zero.
    """
    # The counts of customers are stored without the name of the audience, as before there were others.
    person = email if audience == CUSTOMER else f"{audience.name} {email}"
    account = tx.keys.hash(person).hex()[:32]  # e-mail addresses are personal data
    device = (f"sign-in:device:{account}", _PER_DEVICE)
    if is_known_device and not await ratelimit.count(tx, *device):
        return [device]
    # Four digits: made-up accounts fill at most 65,536 rows. Accounts that share a row lower each other's limit.
    at_account, everywhere = (f"sign-in:account:{account[:4]}", _PER_ACCOUNT), ("sign-in:all", _IN_ALL)
    per_address, per_pair = _PER_ADDRESS, _PER_ACCOUNT_AND_ADDRESS
    if await ratelimit.is_full(tx, *everywhere):
        per_address = replace(per_address, hits=_PER_ADDRESS_IN_A_FLOOD)
    if await ratelimit.is_full(tx, *at_account):
        per_pair = replace(per_pair, hits=_PER_ACCOUNT_AND_ADDRESS_IN_A_FLOOD)
    networks = ratelimit.networks(address)
    counted = [
        *(
            (f"sign-in:address:{network}", replace(per_address, hits=per_address.hits * customers))
            for network, customers in networks
        ),
        (f"sign-in:pair:{account}:{networks[-1][0]}", per_pair),
    ]
    for subject, limit in counted:
        wait = await ratelimit.count(tx, subject, limit)
        if wait:
            raise SignInRefused(wait)
    return counted + [shared for shared in (at_account, everywhere) if not await ratelimit.count(tx, *shared)]


async def uncount(tx: Tx, counted: Counted) -> None:
    """Take back counted tries, because the password was right or was not checked."""
    for subject, limit in counted:
        await ratelimit.uncount(tx, subject, limit)
