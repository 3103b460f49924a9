"""Looking names up without a time limit on the system's side, and without more threads than there should be."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress

_MOST_LOOKUPS = 64  # threads; a name takes one at most


class Lookup:
    """Addresses of a name by getaddrinfo, each in a thread that may be left behind: it has no time limit of its own.

    Those who ask for the same name at the same time share one thread.
    """

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Future[Sequence[str] | OSError]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Raises OSError (`socket.gaierror`)."""
        running = self._running.get(host)
        if running is None:
            if len(self._running) >= _MOST_LOOKUPS:
                raise OSError("too many names are being looked up")
            loop = asyncio.get_running_loop()
            running = self._running[host] = loop.create_future()
            threading.Thread(target=self._look_up, args=(loop, host, port), daemon=True).start()
        found = await asyncio.shield(running)
        if isinstance(found, OSError):
            raise found
        return found

    def _look_up(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        found: Sequence[str] | OSError
        try:
            # As bytes: text would pass through Python's own reading of international names.
            entries = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
            found = [str(entry[4][0]) for entry in entries]
        except OSError as error:
            found = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._found, host, found)

    def _found(self, host: str, found: Sequence[str] | OSError) -> None:
        self._running.pop(host).set_result(found)
