"""Callback receivers, correct and faulty, for the outbound client: each follows a script."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

HERE = "127.0.0.1"
_CLOSES_WITHIN = 30
Script = Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]


class Receiver:
    """Answers each request by the script; what it was asked is kept."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.was_asked = asyncio.Event()
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://receiver.example:{self.port}/hook?a=b"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        # Incomplete: the client has closed. A script that ends the connection does so by `close`.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                assert length
                self.requests.append(head + await reader.readexactly(int(length[1])))
                self.was_asked.set()
                await self.script(self, writer)
        writer.transport.abort()
        self.open -= 1

    async def all_closed(self) -> bool:
        for _ in range(_CLOSES_WITHIN * 100):
            if not self.open:
                return True
            await asyncio.sleep(0.01)
        return False


@asynccontextmanager
async def receiving(script: Script, host: str = HERE, port: int = 0, **more: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver(script)
    async with await asyncio.start_server(receiver.serve, host, port, **more) as server:
        receiver.port = server.sockets[0].getsockname()[1]
        yield receiver
        assert await receiver.all_closed()


def saying(*parts: bytes, pause: float = 0.0, close: bool = False) -> Script:
    """A script that sends the parts, and closes or stays."""

    async def script(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if close:
            writer.close()

    return script


def endless(start: bytes, part: bytes, pause: float = 0.0) -> Script:
    """A script that never comes to an end."""

    async def script(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return script


def names(**known: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver that knows these names below `.example`."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return known[host.removesuffix(".").removesuffix(".example")]

    return resolve
