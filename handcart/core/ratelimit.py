"""Rate limits: a bucket per API client in this process, and counted windows in the database for sign-in."""

from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx

_MOST_BUCKETS = 10_000


class Buckets:
    """A token bucket per key, in this process: `per_second` on average, as many at once. 0 switches it off."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._full_at: dict[str, int] = {}

    def has_room(self, key: str) -> bool:
        """Whether `take` would succeed now."""
        return not self._per_second or self._after(key) <= clock.of_process() + clock.SECOND

    def take(self, key: str) -> bool:
        """Whether one more request may pass now."""
        if not self._per_second:
            return True
        now, full_at = clock.of_process(), self._after(key)
        if full_at > now + clock.SECOND:
            return False
        if len(self._full_at) >= _MOST_BUCKETS:
            self._full_at = {k: at for k, at in self._full_at.items() if at > now}
        self._full_at[key] = full_at
        return True

    def _after(self, key: str) -> int:
        """When the bucket will be full again if one is taken now: all there is to know about it."""
        return max(self._full_at.get(key, 0), clock.of_process()) + clock.SECOND // self._per_second


class Limit(Struct, frozen=True):
    """At most `hits` in each window of `seconds`."""

    hits: int
    seconds: int


async def count(tx: Tx, subject: str, limit: Limit) -> int:
    """Count one hit on `subject`; answers 0, or the seconds to wait when the window already held its fill."""
    window = limit.seconds * clock.SECOND
    starts_at = clock.of_process() // window * window
    # A full window is left as it is, so that a flood of refused tries costs no write.
    row = await tx.one(
        "INSERT INTO rate_limits (subject, window_starts_at, hits) VALUES ($1, $2, 1)"
        " ON CONFLICT (subject, window_starts_at) DO UPDATE SET hits = rate_limits.hits + 1"
        " WHERE rate_limits.hits < $3 RETURNING hits",
        subject,
        starts_at,
        limit.hits,
    )
    return _wait(starts_at + window) if row is None else 0


async def uncount(tx: Tx, subject: str, limit: Limit) -> None:
    """Take one hit back from the window that holds this moment."""
    window = limit.seconds * clock.SECOND
    await tx.run(
        "UPDATE rate_limits SET hits = hits - 1 WHERE subject = $1 AND window_starts_at = $2 AND hits > 0",
        subject,
        clock.of_process() // window * window,
    )


async def purge(tx: Tx, most: int) -> int:
    """Drop windows that are over; answers how many."""
    return await tx.run(
        "DELETE FROM rate_limits WHERE (subject, window_starts_at) IN"
        " (SELECT subject, window_starts_at FROM rate_limits WHERE window_starts_at < $1 LIMIT $2)",
        clock.of_process() - clock.DAY,
        most,
    )


def network(address: str) -> str:
    """Who is behind an address: an IPv4 address itself, of IPv6 the /64, which a customer has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket file
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))


def _wait(until: int) -> int:
    return max(1, (until - clock.of_process()) // clock.SECOND)
