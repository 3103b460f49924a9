"""The one source of time: integer microseconds since the Unix epoch, UTC.

On a development server each retailer has its own clock: `use` sets it for one task, `now` reads it.
Things that belong to no retailer (browser sessions, rate limits, logs, ids) use `of_process`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct

from handcart.core.errors import invalid

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MOST = 4_102_444_800 * SECOND  # 2100-01-01: later times are refused

_shift = 0


class VirtualClock(Struct, frozen=True):
    """A clock that is frozen at `frozen_at`, or runs `offset` ahead of the process's clock; microseconds."""

    frozen_at: int | None = None
    offset: int = 0

    def now(self) -> int:
        return of_process() + self.offset if self.frozen_at is None else self.frozen_at


_in_use: ContextVar[VirtualClock | None] = ContextVar("clock", default=None)


def now() -> int:
    """Microseconds since the Unix epoch, by the clock set with `use`."""
    in_use = _in_use.get()
    return of_process() if in_use is None else in_use.now()


def of_process() -> int:
    """Microseconds since the Unix epoch, by the process's clock."""
    return time.time_ns() // 1000 + _shift


def use(virtual: VirtualClock | None) -> None:
    """Set the clock for this task and the tasks it starts from now on (None: the process's clock)."""
    _in_use.set(virtual)


@contextmanager
def using(virtual: VirtualClock) -> Iterator[None]:
    """As `use`, until the block ends."""
    token = _in_use.set(virtual)
    try:
        yield
    finally:
        _in_use.reset(token)


def shift(microseconds: int) -> None:
    """Set this process's clock to the real time plus `microseconds`."""
    global _shift
    _shift = microseconds


def to_wire(at: int) -> str:
    """ISO 8601 in UTC with `Z` and whole seconds, as Connect documents all times."""
    return _shown(at // SECOND)


@lru_cache(1 << 14)
def _shown(seconds: int) -> str:
    """Cached, because windows start and end at the same few times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_wire(text: str, key: str) -> int:
    """Microseconds of an ISO 8601 time with an offset (RFC 3339); raises `is invalid` for `key`."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise invalid(key) from None
    if at.tzinfo is None:
        raise invalid(key)
    microseconds = int(at.timestamp()) * SECOND
    if not 0 <= microseconds < MOST:
        raise invalid(key)
    return microseconds
