"""What the worker does regularly: count orders that ended, and write their lines."""

from collections.abc import Mapping

from handcart.core import clock, log
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Unavailable
from handcart.money import ops
from handcart.orders import counting

_AT_ONCE = 50


class Count:
    """Counts orders that ended or changed since, before each round. Several processes may count at once."""

    def __init__(self, time_zone: str) -> None:
        self._time_zone = time_zone
        self._failed: set[tuple[int, str]] = set()

    async def __call__(self, database: Database, clocks: Mapping[int, VirtualClock]) -> bool:
        """Returns whether there may be more. `clocks`: the retailers' clocks that are set, by retailer."""
        waiting = await database.read(counting.waiting, _AT_ONCE + len(self._failed))
        todo = [one for one in waiting if one not in self._failed]
        for retailer_id, order_id in todo:
            virtual = clocks.get(retailer_id)
            now = clock.of_process() if virtual is None else virtual.now()
            try:
                await database.write(ops.count, retailer_id, order_id, self._time_zone, now)
            except Unavailable:
                raise
            except Exception as error:  # a defect about one order must not hide the others, nor be told every second
                self._failed.add((retailer_id, order_id))
                log.exception("order not counted", error, retailer_id=retailer_id, order=order_id)
        return len(todo) >= _AT_ONCE
