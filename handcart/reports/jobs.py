"""What the worker does regularly: count the callbacks of a day."""

from collections.abc import Mapping
from datetime import date, timedelta

from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Database
from handcart.reports import ops
from handcart.retailers import ops as retailers
from handcart.slots import windows

# Time between two counts, by the process's clock; and the days that are counted each time: retries take as long.
EVERY = 10 * clock.MINUTE
_DAYS = 3


class CountCallbacks:
    """Counts the callbacks of the last days, for one process. Several processes may count at once."""

    def __init__(self, time_zone: str) -> None:
        self._time_zone = time_zone
        self._next_at = 0

    async def __call__(self, database: Database, clocks: Mapping[int, VirtualClock]) -> bool:
        """Count, if the time for it has come; there is never more to do at once."""
        now = clock.of_process()
        if now < self._next_at:
            return False
        self._next_at = now + EVERY
        today = date.fromisoformat(windows.start_of(self._time_zone, now).date)
        for retailer in await database.read(retailers.retailers):
            for back in range(_DAYS):
                await ops.count_callbacks(database, retailer.id, today - timedelta(days=back), self._time_zone)
        return False
