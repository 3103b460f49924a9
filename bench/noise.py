"""Badly behaving receivers of callbacks: `python -m bench.noise PORT`.

Any `/token` gives a token. Every other path says by its first part what becomes of a callback: `hang` is never
answered, `drip` gets one byte of the answer's body a second, `flood` an answer without an end in pieces of one byte.
"""

import asyncio
import os
import sys
from contextlib import suppress

import uvloop

from bench.processes import HOST

_TOKEN = b'{"access_token":"a-token","expires_in":86400}'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_FLOOD = b"1\r\nx\r\n" * 10_000


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            path = head.split(b" ", 2)[1]
            if path.startswith(b"/token"):
                writer.write(_HEAD + b"content-length: %d\r\n\r\n" % len(_TOKEN) + _TOKEN)
                continue
            if path.startswith(b"/flood"):
                writer.write(_HEAD + b"transfer-encoding: chunked\r\n\r\n")
                while True:
                    writer.write(_FLOOD)
                    await writer.drain()
            if path.startswith(b"/drip"):
                writer.write(_HEAD + b"content-length: 1000\r\n\r\n")
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(1)
            await asyncio.Event().wait()
    writer.transport.abort()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_answer, HOST, port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    os.nice(10)  # only the server is measured, not this process
    uvloop.run(_serve(int(sys.argv[1])))
