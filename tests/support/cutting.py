"""A TCP proxy in front of a database that cuts its connections after a number of bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Line:
    """The proxied URL; `passed` bytes went through in both directions; `cut()` runs once, after `most` bytes."""

    url: str
    most: float
    cut: Callable[[], None] | None = None
    passed: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def count(self, data: bytes) -> None:
        before, self.passed = self.passed, self.passed + len(data)
        if before < self.most <= self.passed:
            if self.cut is not None:
                self.cut()
            for writer in self.writers:
                writer.transport.abort()


@asynccontextmanager
async def proxied(url: str, most: float = float("inf"), cut: Callable[[], None] | None = None) -> AsyncIterator[Line]:
    """Proxy a PostgreSQL URL until the block ends; after `most` bytes all its connections are cut."""
    parts = urlsplit(url)
    line = Line("", most, cut)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 14):
                writer.write(data)
                await writer.drain()
                line.count(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if line.passed >= line.most:
            writer.transport.abort()
            return
        behind = await asyncio.open_connection(parts.hostname, parts.port)
        line.writers += [writer, behind[1]]
        await asyncio.gather(pump(reader, behind[1]), pump(behind[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line.url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
    try:
        yield line
    finally:
        server.close()
        for writer in line.writers:
            writer.transport.abort()
