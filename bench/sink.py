"""A receiver of callbacks that only records when each event arrives: `python -m bench.sink PORT`.

`POST /token` returns a token, every other POST is an event; `GET /` returns the number of events, `GET /arrivals` the
events with their times by the machine's monotonic clock, and deletes them.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop
from httptools import HttpRequestParser

from bench.processes import HOST

_TOKEN = b'{"access_token":"a-token","expires_in":86400}'


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, arrivals: dict[int, float]) -> None:
        self._arrivals = arrivals
        self._url, self._body = b"", b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._parser = HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url, self._body = url, b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = b"{}"
        if self._parser.get_method() == b"GET":
            answer = json.dumps(self._arrivals if self._url == b"/arrivals" else len(self._arrivals)).encode()
            if self._url == b"/arrivals":
                self._arrivals.clear()
        elif self._url == b"/token":
            answer = _TOKEN
        else:
            self._arrivals.setdefault(json.loads(self._body)["event_id"], time.monotonic())
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
        self._transport.write(head + answer)


async def _serve(port: int) -> None:
    arrivals: dict[int, float] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Sink(arrivals), HOST, port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
