"""Run the server: one process, or several behind one socket."""

import asyncio
import gc
import os
import socket
import sys
from dataclasses import fields
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from handcart import app
from handcart.core import ending, log, settings
from handcart.core.db import Database, installation, migrate
from handcart.core.db.connect import connect, in_use
from handcart.core.secret import Keys
from handcart.core.settings import PREFIX, Settings
from handcart.core.web.app import App
from handcart.core.web.connections import raise_descriptor_limit
from handcart.core.web.server_limits import LimitedProtocol
from handcart.staff import access
from handcart.staff.models import link_url
from handcart.staff.ops import FIRST_ADMIN
from handcart.upkeep import safety

_DRAIN_SECONDS = 10
_DID_NOT_START = 3  # uvicorn's status
_OF_PRODUCTION = (
    "Production has served this database. In a sandbox, tests would change real customers' data, and production would"
    " then refuse the database: give the sandbox a separate database"
)

_FIRST_ADMIN = """
There is no operator admin yet. Open this link in a browser to become the first one:

  {url}

It works once, within 24 hours. Until it is used, each start of the server makes a new link and ends the older one.
"""


class Unsafe(Exception):
    """The settings are unsafe for production. `problems` says what to change."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def serve(
    chosen: Settings, keys: Keys, bound: socket.socket, console: socket.socket | None = None, *, workers: int = 1
) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM, and the console on its own, which the settings name.

    Raises `Unavailable` or `WrongKey` if the database is not ready, `Unsafe` for unsafe production settings.
    """
    log.take_libraries()
    descriptors = raise_descriptor_limit()
    asyncio.run(_check(chosen, keys))
    options: dict[str, Any] = {
        "loop": "uvloop",
        "http": LimitedProtocol,
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": chosen.keep_alive_seconds,
        "proxy_headers": bool(chosen.proxies),
        "forwarded_allow_ips": chosen.proxies or None,
        "timeout_graceful_shutdown": _DRAIN_SECONDS,
        "workers": workers,  # explicit: uvicorn would read WEB_CONCURRENCY from the environment
    }
    host, port = bound.getsockname()[:2]
    log.info(
        "listening",
        host=host,
        port=port,
        public_url=chosen.issuer,
        console_url=chosen.console_origin,
        console_port=None if console is None else console.getsockname()[1],
        workers=workers,
        descriptors=descriptors,
    )
    sockets = [bound] if console is None else [bound, console]
    gc.freeze()  # objects loaded so far stay: the collector need not scan them again
    gc.enable()
    if workers == 1:
        _run(uvicorn.Config(app.create(chosen, keys), **options), sockets)
    else:
        _export(chosen)
        with in_use(chosen.database_url):  # also while a worker process restarts
            _run(uvicorn.Config("handcart.serve:create_app", factory=True, **options), sockets)


def _run(config: uvicorn.Config, sockets: list[socket.socket]) -> None:
    """As `uvicorn.run`, which takes one socket only."""
    server = uvicorn.Server(config)
    try:
        if config.workers > 1:
            Multiprocess(config, sockets=sockets).run()
        else:
            server.run(sockets)
    except KeyboardInterrupt:
        pass
    if config.workers == 1 and not server.started:
        sys.exit(_DID_NOT_START)


def create_app() -> App:
    """The application of one of several processes. Reads its settings from the environment and ends with its parent."""
    log.take_libraries()
    ending.with_parent()
    chosen = settings.load(os.environ)
    return app.create(chosen, settings.keys(chosen))


async def _check(chosen: Settings, keys: Keys) -> None:
    database = await connect(chosen.database_url, keys, pool_size=1)
    try:
        await database.read(migrate.check_schema)
        found = await _unsafe(chosen, database)
        if not found:
            await database.write(installation.remember_urls, chosen)
        if not found and chosen.is_production:
            await _invite_first_admin(chosen, database)
    finally:
        await database.close()
    if found:
        raise Unsafe(found)


async def _invite_first_admin(chosen: Settings, database: Database) -> None:
    """While nobody can sign in to the console as an admin, give the operator a link that makes the first one."""
    token = await database.write(access.first_admin_link)
    if token is None:
        return
    url = link_url(chosen.console_origin, FIRST_ADMIN, token)
    log.warning("no operator admin: the link makes the first one, once, within 24 hours", url=url)
    if _has_terminal():
        print(_FIRST_ADMIN.format(url=url), file=sys.stderr)


def _has_terminal() -> bool:
    return sys.stderr.isatty()


async def _unsafe(chosen: Settings, database: Database) -> list[str]:
    """Problems that prevent this server from starting. A database is used by one environment only."""
    if chosen.is_sandbox:
        found = [_OF_PRODUCTION] if await database.read(installation.has_served, "production") else []
    else:
        findings = await safety.look(chosen, database)
        found = findings.problems
        for warning in findings.warnings:
            log.warning("unsafe", problem=warning)
    if not found:
        await database.write(installation.note_served, chosen.environment)
    return found


def _export(chosen: Settings) -> None:
    for setting in fields(chosen):
        value = getattr(chosen, setting.name)
        os.environ[PREFIX + setting.name.upper()] = str(int(value)) if isinstance(value, bool) else str(value)
