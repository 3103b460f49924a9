"""The one source of time: integer microseconds since the Unix epoch, UTC."""

import time
from datetime import UTC, datetime

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

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
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
