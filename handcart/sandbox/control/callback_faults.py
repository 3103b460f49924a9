"""Faults of callbacks on demand: sent twice, late, out of order, only at a retry, or refused a connection.

They are switched on like the faults of calls (`faults`). A simulated failure is recorded as an attempt and retried by
the usual schedule; no callback is ever lost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from handcart.callbacks import queue
from handcart.callbacks.models import Attempt, Delivery, Destination
from handcart.callbacks.queue import Chain
from handcart.core.db import Database
from handcart.sandbox import state as states
from handcart.sandbox.control import faults
from handcart.sandbox.state import (
    CALLBACK_DELAY,
    CALLBACK_DROP,
    CALLBACK_DUPLICATE,
    CALLBACK_ERROR,
    CALLBACK_REORDER,
    OF_CALLBACKS,
    TOKEN_DOWN,
    Fault,
)

# How long a callback that should be sent out of order waits for a later one.
REORDER_SECONDS = 3.0
_PAUSE_SECONDS = 0.1

Send = Callable[[], Awaitable[Attempt]]
_CAUSES = {
    CALLBACK_DROP: (None, "lost on the way, on purpose"),
    CALLBACK_ERROR: (500, "status 500, on purpose"),
    TOKEN_DOWN: (None, "no token: connection refused, on purpose"),
}


class CallbackFaults:
    """Applies the faults of a retailer's sandbox to callbacks (`callbacks.sender.FaultInjector`)."""

    def __init__(self, reorder_seconds: float = REORDER_SECONDS) -> None:
        self._reorder_seconds = reorder_seconds

    async def arrange(self, database: Database, chain: Chain) -> Sequence[Delivery]:
        """The deliveries of a chain. If the first should be out of order, waits for a next one and puts it first."""
        deliveries = list(chain.deliveries)
        if await _choose(database, chain.destination, deliveries[0], (CALLBACK_REORDER,)) is None:
            return deliveries
        until = monotonic() + self._reorder_seconds
        while len(deliveries) == 1 and monotonic() < until:
            await asyncio.sleep(_PAUSE_SECONDS)
            deliveries += await database.write(queue.more, chain.destination, chain.subject, deliveries[0].event_id)
        return [*deliveries[1:2], deliveries[0], *deliveries[2:]]

    async def apply(self, database: Database, destination: Destination, delivery: Delivery, send: Send) -> Attempt:
        """Attempt a delivery: call `send` once, twice or not at all, depending on the faults."""
        kinds = [kind for kind in OF_CALLBACKS if kind != CALLBACK_REORDER]
        fault = await _choose(database, destination, delivery, kinds)
        if fault is None:
            return await send()
        if fault.fault in _CAUSES:
            status, cause = _CAUSES[fault.fault]
            at = (await database.read(states.load, destination.retailer_id)).now
            return Attempt(
                at=at, milliseconds=0, url=destination.callback_url, request_head="", status=status, cause=cause
            )
        if fault.fault == CALLBACK_DELAY:
            await asyncio.sleep(fault.slow_ms / 1000)
        elif fault.fault == CALLBACK_DUPLICATE:
            await send()
        return await send()


async def _choose(
    database: Database, destination: Destination, delivery: Delivery, kinds: Sequence[str]
) -> Fault | None:
    """The fault of one of these kinds that applies to a callback."""

    def matches(fault: Fault) -> bool:
        return fault.fault in kinds and fault.event in (None, delivery.name) and not faults.is_spent(fault)

    state = await database.read(states.load, destination.retailer_id)
    if not any(matches(fault) for fault in state.faults):
        return None
    return await database.write(faults.choose_first, destination.retailer_id, matches)
