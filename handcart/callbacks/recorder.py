"""Record the outcomes of attempts: several in one transaction, and again if the database does not answer."""

import asyncio
from collections.abc import Callable, Sequence

from handcart.callbacks import results
from handcart.callbacks.models import Destination
from handcart.callbacks.results import Outcome
from handcart.core import log
from handcart.core.db import Database, durable

_MOST_AT_ONCE = 64

# The last is set when the outcome is durable.
Waiting = tuple[Destination, Outcome, asyncio.Future[bool]]


class Recorder:
    """Records outcomes, for one process. `now`: the time of a retailer's clock, by the retailer's id."""

    def __init__(self, now: Callable[[int], int]) -> None:
        self._now = now
        self._outcomes: list[Waiting] = []
        self._recording: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Wait until all outcomes are recorded."""
        if self._recording is not None:
            await asyncio.gather(self._recording, return_exceptions=True)

    async def record(self, database: Database, destination: Destination, outcome: Outcome) -> bool:
        """Record an outcome, together with others; returns, when durable, whether more may be sent to the webhook."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._outcomes.append((destination, outcome, kept))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record_all(database))
        return await kept

    async def _record_all(self, database: Database) -> None:
        while self._outcomes:
            group = self._outcomes[:_MOST_AT_ONCE]
            del self._outcomes[:_MOST_AT_ONCE]
            by_destination: dict[tuple[int, int], list[Waiting]] = {}
            for one in group:
                by_destination.setdefault(one[0].key, []).append(one)
            await asyncio.gather(*(self._record_some(database, some) for some in by_destination.values()))

    async def _record_some(self, database: Database, some: Sequence[Waiting]) -> None:
        try:
            destination = some[0][0]
            may_go_on = await self._keep(database, destination, [outcome for _, outcome, _ in some])
            if not may_go_on:
                log.warning("webhook changed or disabled", retailer=destination.retailer_id, webhook=destination.id)
        except Exception as error:  # no caller may be left waiting
            for _, _, kept in some:
                if not kept.done():
                    kept.set_exception(error)
            return
        for _, _, kept in some:
            if not kept.done():
                kept.set_result(may_go_on)

    async def _keep(self, database: Database, destination: Destination, some: Sequence[Outcome]) -> bool:
        """Save outcomes; retries if the database does not answer, since otherwise everything would be sent again."""
        return await durable.write(database, results.record, destination, some, self._now(destination.retailer_id))
