"""What the worker does for the operator: raises alerts, and deletes old ones."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from handcart.core import clock, log
from handcart.core.clock import VirtualClock
from handcart.core.db import Database
from handcart.core.db.connect import is_postgres, sqlite_path
from handcart.core.settings import Settings
from handcart.upkeep import alerts

# Time between two looks, by the process's clock.
EVERY = 30 * clock.SECOND

PURGES = (alerts.purge,)


class Alarm:
    """Looks for what needs the operator's attention, for one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._next_at = 0

    async def __call__(self, database: Database, clocks: Mapping[int, VirtualClock]) -> bool:
        """Look, if the time for it has come. Never asks for another round at once."""
        if clock.of_process() < self._next_at:
            return False
        self._next_at = clock.of_process() + EVERY
        free = await asyncio.to_thread(free_share, self._settings)
        for one in await database.write(alerts.look, self._settings, free):
            state = "ended" if one.ended_at is not None else "began"
            log.warning(f"alert {state}", kind=one.kind, subject=one.subject, detail=one.detail)
        return False


def free_share(settings: Settings) -> float | None:
    """The share of the disk of an SQLite database that is free; None for another database."""
    if is_postgres(settings.database_url):
        return None
    usage = shutil.disk_usage(Path(sqlite_path(settings.database_url)).parent)
    return usage.free / usage.total
