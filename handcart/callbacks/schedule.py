"""When to retry, and when to give up. Connect documents that retries exist, not when: docs/wire-choices.md."""

import random
from datetime import UTC, datetime

from handcart.core.clock import DAY, HOUR, MINUTE, SECOND

# The wait before each try after the first.
WAITS = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
MOST_TRIES = len(WAITS) + 1
# The due time of a delivery that is sent after new events: its retry or replay can wait. New events have 0.
AFTER_NEW = 1
_JITTER = 0.2
# Maximum time that a later event of an order waits for an earlier one that cannot be delivered.
PATIENCE = 60 * SECOND
# A webhook is failing after this many failures over this time without a success; later it is disabled.
FAILING_AFTER = 3
FAILING_WITHIN = 24 * HOUR
DISABLED_AFTER = 5 * DAY

_SLOW_DOWN = (429, 503)
_MOST_DIGITS = 12


def wait(tries: int, retry_after: int | None = None) -> int | None:
    """Microseconds until the next try after `tries` failed ones; None: no more tries.

    A receiver's `retry_after` can make the planned wait longer, up to twice as long, but never shorter.
    """
    if tries >= MOST_TRIES:
        return None
    planned = WAITS[tries - 1]
    if retry_after is None:
        return int(planned * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 (spreads load)
    asked = max(planned, retry_after)
    return min(int(asked * random.uniform(1, 1 + _JITTER)), 2 * planned)  # noqa: S311


def retry_after(status: int, value: str | None, now: int) -> int | None:
    """Microseconds in a `Retry-After` header (RFC 9110 10.2.3); None if invalid or not applicable."""
    if status not in _SLOW_DOWN or value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return int(value[:_MOST_DIGITS]) * SECOND
    from email.utils import parsedate_to_datetime  # seldom needed, and slow to load

    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.fromtimestamp(now // SECOND, UTC)).total_seconds()
    return max(0, int(seconds)) * SECOND
