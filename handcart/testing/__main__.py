"""The server beside a test run: `python -m handcart.testing LISTENER CONTROL`, two inherited sockets.

A line of JSON on CONTROL (the options of the next test) restarts it with a fresh database; it answers with a line of
JSON. It ends when CONTROL is closed, and so when the process at the other end ends.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import uvicorn
import uvloop

from handcart import app
from handcart.core.db import Tx
from handcart.core.settings import Settings
from handcart.core.web.app import App
from handcart.core.web.server_limits import LimitedProtocol
from handcart.oauth import tokens
from handcart.oauth.scopes import CALLBACKS, FULFILLMENT, POST_CHECKOUT, RATING
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.retailers import settings as retailer_settings
from handcart.testing import template
from handcart.testing.memory import MemoryDatabase
from handcart.upkeep.safety import DEMO_RETAILER

# Server settings that a test may choose, with their parsers; all other options are settings of the retailer.
_SERVER = {"brand": str, "membership": str, "rate_limit_per_second": int}
_REDIRECT_URIS = "redirect_uris"


class ReplaceableApp:
    """The ASGI application: for each test it is replaced by one with a fresh database."""

    def __init__(self, url: str) -> None:
        self._settings = Settings(
            environment="sandbox",
            public_url=url,
            rate_limit_per_second=0,
            access_log=False,
            database="memory",
            # Callbacks only reach this machine, where the tests run.
            callback_networks="127.0.0.0/8,::1/128",
            callback_http=True,
            callback_ports="*",
        )
        self._template, self._credentials = template.load()
        self._app: App | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._app is not None, "no test has begun"
        await self._app(scope, receive, send)

    async def start(self, options: Mapping[str, str]) -> Mapping[str, Any]:
        """Start from the template; returns what a client needs. Raises `Refused` for unknown options."""
        chosen = {name: kind(options[name]) for name, kind in _SERVER.items() if name in options}
        database = MemoryDatabase(self._template, template.KEYS, self._settings.public_url)
        known = await database.write(_prepare, self._credentials["client_id"], options)
        before, self._app = self._app, await _opened(replace(self._settings, **chosen), database)
        if before is not None:
            await before.close()
        return {**self._credentials, **known, "retailer": DEMO_RETAILER, "base_url": self._settings.public_url}


async def _opened(settings: Settings, database: MemoryDatabase) -> App:
    """An application on a database that is already open."""
    made = app.create(settings, template.KEYS)
    await made.begin(database)
    return made


async def _prepare(tx: Tx, client_id: str, options: Mapping[str, str]) -> Mapping[str, Any]:
    pairs = [f"{name}={value}" for name, value in options.items() if name not in (*_SERVER, _REDIRECT_URIS)]
    await retailers.change(tx, DEMO_RETAILER, retailer_settings.read(pairs))
    uris = options.get(_REDIRECT_URIS, template.REDIRECT_URI).split()
    await clients.register_redirect_uris(tx, client_id, uris)
    client = await clients.find(tx, client_id)
    assert client is not None
    token = await tokens.issue(tx, client, f"{FULFILLMENT} {POST_CHECKOUT} {RATING} {CALLBACKS}")
    return {"token": token.access_token, "redirect_uri": uris[0]}


async def _run(served: ReplaceableApp, listener: socket.socket, control: socket.socket) -> None:
    config = uvicorn.Config(
        served,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    serving = asyncio.ensure_future(uvicorn.Server(config).serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(sock=control)
    while not serving.done() and (line := await reader.readline()):
        try:
            answer = await served.start(json.loads(line))
        except ValueError as error:
            answer = {"error": str(error)}
        writer.write(json.dumps(answer).encode() + b"\n")
    # The process at the other end has ended, and nothing here needs to be saved.
    os._exit(0)


if __name__ == "__main__":
    listener, control = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    host, port = listener.getsockname()
    served = ReplaceableApp(f"http://{host}:{port}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(served, listener, control))
