"""Resolve host names in threads. `getaddrinfo` cannot be timed out, so the number of threads is limited."""

import asyncio
import socket
import threading
from collections.abc import Hashable, Sequence
from contextlib import suppress

from handcart.core.budget import Budget, Crowded, is_exhausted

# Maximum number of threads per payer, and in total.
LOOKUPS_EACH = 8
LOOKUPS = 64

Found = Sequence[str] | OSError | Crowded


class Lookup:
    """Looks names up with getaddrinfo, each in its own thread.

    A thread keeps its place until it ends, even if its caller stops waiting. Concurrent look-ups of the same name share
    one thread.
    """

    def __init__(self) -> None:
        self._places = Budget(LOOKUPS_EACH, LOOKUPS)
        self._running: dict[str, asyncio.Future[Found]] = {}

    async def begin(self, host: str, port: int, payer: Hashable) -> "asyncio.Future[Found]":
        """Start looking a name up for a payer, once a thread is free. The future gets the addresses or the error.

        Raises `Crowded` if the system cannot start a thread.
        """
        while (running := self._running.get(host)) is None:
            await self._places.wait(payer)
            if host in self._running:  # another caller started it meanwhile
                self._places.give(payer)
            else:
                self._start(host, port, payer)
        return running

    def _start(self, host: str, port: int, payer: Hashable) -> None:
        loop = asyncio.get_running_loop()
        work = (loop, host, port, payer)
        thread = threading.Thread(target=self._look_up, args=work, name=f"lookup of {host}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._places.give(payer)
            raise Crowded(f"no thread to look up {host}: {error}") from None
        self._running[host] = loop.create_future()

    def _look_up(self, loop: asyncio.AbstractEventLoop, host: str, port: int, payer: Hashable) -> None:
        found: Found
        try:
            # As bytes: Python would convert international names in text.
            entries = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
            found = [str(entry[4][0]) for entry in entries]
        except OSError as error:
            # Without a free descriptor the system's resolver reports the name as unknown.
            found = Crowded(f"no descriptor to look up {host}") if is_exhausted() else error
        with suppress(RuntimeError):  # the event loop has ended
            loop.call_soon_threadsafe(self._found, host, payer, found)

    def _found(self, host: str, payer: Hashable, found: Found) -> None:
        self._places.give(payer)
        self._running.pop(host).set_result(found)
