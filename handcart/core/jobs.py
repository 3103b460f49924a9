"""What the worker does regularly: delete expired rows. They are already invalid; this only frees their space.

Each domain lists its purges in `PURGES` of its module `jobs`.
"""

from collections.abc import Awaitable, Callable, Sequence

from handcart.core import ratelimit
from handcart.core.db import Tx
from handcart.core.web import idempotency

# Deletes expired rows in one transaction: about as many as it is told to. Returns their number.
Purge = Callable[[Tx, int], Awaitable[int]]

PURGES: Sequence[Purge] = (ratelimit.purge, idempotency.purge)
