"""Emit the delayed events of orders that are due."""

from collections.abc import Mapping

from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Database
from handcart.orders import later


async def emit_delayed(database: Database, clocks: Mapping[int, VirtualClock]) -> bool:
    """Emit orders' delayed events that are due; returns whether there were any.

    `clocks`: the retailers' clocks that are set, by retailer.
    """
    latest = max([clock.of_process(), *(virtual.now() for virtual in clocks.values())])
    emitted = 0
    for retailer_id in await database.read(later.retailers_waiting, latest):
        virtual = clocks.get(retailer_id)
        now = clock.of_process() if virtual is None else virtual.now()
        emitted += await database.write(later.perform, retailer_id, now)
    return emitted > 0


# Work that is done before each round of sending callbacks.
STEPS = (emit_delayed,)
