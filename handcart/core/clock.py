"""The one source of time: integer microseconds since the Unix epoch, UTC."""

import time
from datetime import UTC, datetime
from functools import lru_cache

from handcart.core.errors import invalid

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MOST = 4_102_444_800 * SECOND  # 2100-01-01: beyond it lies no time that anybody means

_shift = 0


def now() -> int:
    """Microseconds since the Unix epoch."""
    return time.time_ns() // 1000 + _shift


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
    """Microseconds of an ISO 8601 timestamp, UTC where it has no offset; raises `is invalid` for `key`."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise invalid(key) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    microseconds = int(at.timestamp()) * SECOND
    if not 0 <= microseconds < MOST:
        raise invalid(key)
    return microseconds
