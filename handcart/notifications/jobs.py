"""What the worker does for customers: tells them what happened to their orders."""

from collections.abc import Mapping

from handcart.core.clock import VirtualClock
from handcart.core.db import Database
from handcart.events import queries as events
from handcart.notifications import ops

# Retailers in one round; the next round goes on after the last of them.
_MOST_RETAILERS = 20


class Teller:
    """Tells customers about events, for one process; several processes take turns."""

    def __init__(self) -> None:
        self._after = 0

    async def __call__(self, database: Database, clocks: Mapping[int, VirtualClock]) -> bool:
        """Write the messages of new events; returns whether there were any.

        `clocks`: the retailers' clocks that are set, by retailer.
        """
        if not await database.read(events.any_untold):
            return False
        waiting = await database.read(events.retailers_with_untold, self._after, _MOST_RETAILERS)
        self._after = waiting[-1] if waiting else 0
        told = [await database.write(ops.tell, retailer_id, clocks.get(retailer_id)) for retailer_id in waiting]
        return any(told) or not waiting
