"""Background work in rounds, for one process: one after the other while there is work, else after a pause."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from handcart.core import log
from handcart.core.db import Unavailable


class Rounds:
    """Runs `work` again and again until it is closed. `work` returns whether there was any.

    A round that fails is logged, and the next one starts after the pause. `what` names the work in the log.
    """

    def __init__(self, what: str, work: Callable[[], Awaitable[bool]]) -> None:
        self.is_closing = False
        self._what = what
        self._work = work
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def open(self, pause_seconds: float) -> None:
        """Start the rounds."""
        self._running = asyncio.create_task(self._run(pause_seconds))

    def wake(self) -> None:
        """End the current pause: there may be work."""
        self._wake.set()

    async def close(self, seconds: float) -> None:
        """Start no further round, and wait up to `seconds` for the one that runs."""
        self.is_closing = True
        self.wake()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=seconds)
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self, pause_seconds: float) -> None:
        while not self.is_closing:
            self._wake.clear()
            try:
                while await self._work() and not self.is_closing:
                    pass
            except Unavailable as error:  # try again later
                log.warning(f"{self._what} wait", cause=str(error))
            except Exception as error:
                log.exception(f"{self._what} interrupted", error)
            # In Python 3.11, `wait_for` would miss a cancellation that comes together with a wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_seconds):
                    await self._wake.wait()
