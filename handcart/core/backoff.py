"""How long to wait before a failed request is tried again."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime

from handcart.core.clock import SECOND

JITTER = 0.2
_SLOW_DOWN = (429, 503)
_MOST_DIGITS = 12


def wait(waits: Sequence[int], tries: int, retry_after: int | None = None) -> int | None:
    """Microseconds until the next try after `tries` failed ones; None: no more tries.

    `waits`: the wait before each try after the first. A receiver's `retry_after` can make the planned wait longer, up
    to twice as long, but never shorter.
    """
    if tries > len(waits):
        return None
    planned = waits[tries - 1]
    if retry_after is None:
        return int(planned * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 (spreads load)
    asked = max(planned, retry_after)
    return min(int(asked * random.uniform(1, 1 + JITTER)), 2 * planned)  # noqa: S311


def retry_after(status: int, headers: Sequence[tuple[str, str]], now: int) -> int | None:
    """Microseconds in the `Retry-After` of a response (RFC 9110 10.2.3); None if invalid or not applicable."""
    values = [value.strip() for name, value in headers if name.lower() == "retry-after"]
    if status not in _SLOW_DOWN or len(values) != 1:
        return None
    value = values[0]
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
