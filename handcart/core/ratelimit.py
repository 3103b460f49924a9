"""Rate limits: token buckets per API client in this process, and counted time windows in the database for sign-in."""

from collections.abc import Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx

_MOST_BUCKETS = 10_000
_STEPS = ((64, 1), (56, 4), (48, 16))


class Buckets:
    """A token bucket per key, in this process: `per_second` on average and as a burst. 0: no limit."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._full_at: dict[str, int] = {}

    def has_room(self, key: str) -> bool:
        """Whether `take` would succeed now."""
        return not self._per_second or self._after(key) <= clock.of_process() + clock.SECOND

    def take(self, key: str) -> bool:
        """Count one request; False if it is over the limit."""
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
        """When the bucket will be full again if one token is taken now; this is the bucket's whole state."""
        return max(self._full_at.get(key, 0), clock.of_process()) + clock.SECOND // self._per_second


class Limit(Struct, frozen=True):
    """At most `hits` in each window of `seconds`."""

    hits: int
    seconds: int


async def count(tx: Tx, subject: str, limit: Limit, hits: int = 1) -> int:
    """Count hits on `subject`, one by default; returns 0, or the seconds to wait if the window has no room for them."""
    ends_at = _end(limit)
    # A full window is not changed, so refused tries cost no write.
    row = await tx.one(
        "INSERT INTO rate_limits (subject, ends_at, hits) VALUES ($1, $2, $4)"
        " ON CONFLICT (subject, ends_at) DO UPDATE SET hits = rate_limits.hits + $4"
        " WHERE rate_limits.hits + $4 <= $3 RETURNING hits",
        subject,
        ends_at,
        limit.hits,
        hits,
    )
    return max(1, (ends_at - clock.of_process()) // clock.SECOND) if row is None else 0


async def is_full(tx: Tx, subject: str, limit: Limit) -> bool:
    """Whether the current window is full."""
    row = await tx.one("SELECT hits FROM rate_limits WHERE subject = $1 AND ends_at = $2", subject, _end(limit))
    return row is not None and row["hits"] >= limit.hits


async def uncount(tx: Tx, subject: str, limit: Limit) -> None:
    """Subtract one hit from the current window."""
    await tx.run(
        "UPDATE rate_limits SET hits = hits - 1 WHERE subject = $1 AND ends_at = $2 AND hits > 0", subject, _end(limit)
    )


async def purge(tx: Tx, most: int) -> int:
    """Delete windows that have ended; returns their number."""
    return await tx.run(
        "DELETE FROM rate_limits WHERE (subject, ends_at) IN"
        " (SELECT subject, ends_at FROM rate_limits WHERE ends_at <= $1 LIMIT $2)",
        clock.of_process(),
        most,
    )


def network(address: str) -> str:
    """The network that stands for one customer: an IPv4 address itself, or the /64 of an IPv6 address."""
    return networks(address)[0][0]


def networks(address: str) -> Sequence[tuple[str, int]]:
    """The networks that an address is in, narrowest first, each with the number of customers it may contain.

    Providers give an IPv6 customer a /64, a /56 or a /48 (RIPE-690), so one customer may use 65,536 /64 networks.
    """
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket
        return [(address[:64], 1)]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return [(str(IPv6Network((parsed, bits), strict=False)), customers) for bits, customers in _STEPS]
    return [(str(getattr(parsed, "ipv4_mapped", None) or parsed), 1)]


def _end(limit: Limit) -> int:
    """When the current window ends: windows begin at whole multiples of their length."""
    window = limit.seconds * clock.SECOND
    return (clock.of_process() // window + 1) * window
