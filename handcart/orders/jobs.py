"""What the worker does regularly: emit delayed events, delete drawn signatures."""

from collections.abc import Mapping

from msgspec import Struct

from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Database
from handcart.orders import later, signatures


class Delayed(Struct, frozen=True):
    """Emits orders' delayed events that are due, before each round of sending callbacks."""

    courier_of: later.CourierOf

    async def __call__(self, database: Database, clocks: Mapping[int, VirtualClock]) -> bool:
        """Returns whether there were any. `clocks`: the retailers' clocks that are set, by retailer."""
        latest = max([clock.of_process(), *(virtual.now() for virtual in clocks.values())])
        emitted = 0
        for retailer_id in await database.read(later.retailers_waiting, latest):
            virtual = clocks.get(retailer_id)
            now = clock.of_process() if virtual is None else virtual.now()
            emitted += await database.write(later.perform, retailer_id, now, self.courier_of)
        return emitted > 0


PURGES = (signatures.purge,)
