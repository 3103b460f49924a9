"""The one source of time: integer microseconds since the Unix epoch, UTC.

A sandbox lets each retailer's calls go by a clock of its own; that is set for one task (`use`) and read by `now`.
What belongs to nobody's shop (sessions of browsers, limits, logs, ids) goes by `of_process`.
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
MOST = 4_102_444_800 * SECOND  # 2100-01-01: beyond it lies no time that anybody means

_shift = 0


class VirtualClock(Struct, frozen=True):
    """Stands at `frozen_at`, or goes on `offset` away from the process's clock; microseconds."""

    frozen_at: int | None = None
    offset: int = 0

    def now(self) -> int:
        return of_process() + self.offset if self.frozen_at is None else self.frozen_at


_in_use: ContextVar[VirtualClock | None] = ContextVar("clock", default=None)


def now() -> int:
    """Microseconds since the Unix epoch, by the clock in use."""
    in_use = _in_use.get()
    return of_process() if in_use is None else in_use.now()


def of_process() -> int:
    """Microseconds since the Unix epoch, whatever clock is in use."""
    return time.time_ns() // 1000 + _shift


def use(virtual: VirtualClock | None) -> None:
    """Let this task, and what it starts from here on, go by a clock (None: the process's own again)."""
    _in_use.set(virtual)


@contextmanager
def using(virtual: VirtualClock) -> Iterator[None]:
    """`use` until the block ends."""
    token = _in_use.set(virtual)
    try:
        yield
    finally:
        _in_use.reset(token)


def shift(microseconds: int) -> None:
    """Move this process's clock by so much from the real one (0 sets it right again)."""
    global _shift
    _shift = microseconds


def to_wire(at: int) -> str:
    """ISO 8601 in UTC with `Z` and whole seconds, as every documented time on the wire."""
    return _shown(at // SECOND)


@lru_cache(1 << 14)
def _shown(seconds: int) -> str:
    """Windows start and end at the same moments again and again."""
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
