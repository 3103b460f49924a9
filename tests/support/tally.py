"""A fast receiver of callbacks that records events, and the comparison with the stored events.

It shares no code with the sender.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

_PATIENCE_SECONDS = 120
_TOKEN = b'{"access_token": "token", "expires_in": 3600}'


@dataclass(frozen=True)
class Found:
    """What a log says. `strange` callbacks were not owed, or have another body; `inversions` came before an earlier one
    of their order."""

    owed: int
    lost: int
    duplicates: int
    strange: int
    inversions: int

    def __str__(self) -> str:
        return (
            f"{self.owed} events: {self.lost} lost, {self.duplicates} duplicates, {self.strange} with another body,"
            f" {self.inversions} out of order"
        )


class Tally:
    """Every callback as it came: its id and its body."""

    def __init__(self) -> None:
        self.url = ""
        self.log: list[tuple[int, bytes]] = []
        self._wanted = 0
        self._there = threading.Event()

    def wait(self, count: int) -> None:
        """Return once `count` have come. There is no time limit while more keep coming."""
        self._there.clear()
        self._wanted = count
        while (before := len(self.log)) < count:
            come = self._there.wait(_PATIENCE_SECONDS) or len(self.log) > before
            assert come, f"{before} callbacks came, {count} should have"

    def compare(self, owed: Mapping[int, tuple[str, bytes]]) -> Found:
        """`owed`: order and body of each event, by its id."""
        seen: set[int] = set()
        last: dict[str, int] = {}
        strange = inversions = 0
        for event_id, body in self.log:
            order, expected = owed.get(event_id, ("", b""))
            strange += body != expected
            if event_id not in seen:
                inversions += event_id < last.get(order, 0)
                last[order] = event_id
            seen.add(event_id)
        return Found(len(owed), len(owed.keys() - seen), len(self.log) - len(seen), strange, inversions)

    def answer(self, head: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of an answer; `head` in lower case."""
        if head.startswith("post /token "):
            return 200, _TOKEN
        if _header(head, "authorization") != "bearer token":
            return 401, b"{}"
        self.log.append((int(_header(head, "webhook-id")), body))
        if len(self.log) >= self._wanted:
            self._there.set()
        return 200, b"{}"


def _header(head: str, name: str) -> str:
    return head.partition(f"\r\n{name}: ")[2].partition("\r\n")[0]


class _Connection(asyncio.Protocol):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._came = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._came += data
        while (end := self._came.find(b"\r\n\r\n")) >= 0:
            head = self._came[:end].decode().lower()
            size = end + 4 + int(_header(head, "content-length"))
            if len(self._came) < size:
                return
            body = bytes(self._came[end + 4 : size])
            del self._came[:size]
            status, content = self._tally.answer(head, body)
            self._transport.write(f"HTTP/1.1 {status} -\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)


@contextmanager
def tally() -> Iterator[Tally]:
    """A receiver on a free loopback port until the block ends; its callbacks go to `/callbacks`."""
    made, ready = Tally(), threading.Event()
    end: asyncio.Event
    loop: asyncio.AbstractEventLoop

    async def serve() -> None:
        nonlocal end, loop
        end, loop = asyncio.Event(), asyncio.get_running_loop()
        connections: list[_Connection] = []

        def connect() -> _Connection:
            connections.append(_Connection(made))
            return connections[-1]

        server = await loop.create_server(connect, "127.0.0.1", 0, backlog=1024)
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await end.wait()
        server.close()
        for connection in connections:
            connection.close()
        await server.wait_closed()

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(_PATIENCE_SECONDS)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
