"""When to retry, and when to give up. Connect documents that retries exist, not when: docs/wire-choices.md."""

from handcart.core import backoff
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
# Maximum time that a later event of an order waits for an earlier one that cannot be delivered.
PATIENCE = 60 * SECOND
# A webhook is failing after this many failures over this time without a success; later it is disabled.
FAILING_AFTER = 3
FAILING_WITHIN = 24 * HOUR
DISABLED_AFTER = 5 * DAY


def wait(tries: int, retry_after: int | None = None) -> int | None:
    """Microseconds until the next try after `tries` failed ones; None: no more tries. As `backoff.wait`."""
    return backoff.wait(WAITS, tries, retry_after)
