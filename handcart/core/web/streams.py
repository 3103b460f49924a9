"""Send responses that stay open, such as server-sent events, until they end or the client or the server does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from handcart.core.web.call import Write
from handcart.core.web.connections import Connections


async def run(connections: Connections, stream: Callable[[Write], Awaitable[None]], receive: Any, send: Any) -> None:
    """Let `stream` write the body of a response whose headers have been sent, and end the response."""

    async def write(piece: bytes) -> None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})

    writing = asyncio.ensure_future(stream(write))
    leaving = asyncio.ensure_future(_left(receive))
    connections.streams.add(writing)
    try:
        await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        connections.streams.discard(writing)
        writing.cancel()
        leaving.cancel()
        ended, _ = await asyncio.gather(writing, leaving, return_exceptions=True)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    if isinstance(ended, Exception):
        raise ended


async def _left(receive: Any) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
