"""The real server in a thread of the test process, and helpers to start it on either database."""

import asyncio
import atexit
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import uvloop

from handcart import app as handcart_app
from handcart.core import settings as settings_module
from handcart.core.db import migrate
from handcart.core.secret import Keys
from handcart.core.web.app import App
from handcart.core.web.server_limits import LimitedProtocol
from tests.support import postgres

SECRET_KEY = "a secret key for tests, and for tests alone"

# For tests of what is decided before a database is asked, or whose statements other tests run on both databases.
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


class _Connections(httpx.HTTPTransport):
    """Outlast the clients that use them: to open one takes longer than most requests."""

    def __init__(self) -> None:
        # verify: it is plain HTTP, and loading certificates takes longer than most tests
        super().__init__(verify=False, limits=httpx.Limits(max_keepalive_connections=50))

    def close(self) -> None:
        """Nothing: other clients go on with them."""

    def __exit__(self, *error: object) -> None:
        """Nothing, for the same reason."""

    def end(self) -> None:
        super().close()


class LiveServer:
    """A running server. `write` and `read` run an op on its database, from outside its thread."""

    def __init__(self, app: App, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.app = app
        self.url = url
        self.database: str = app.database.kind
        self._loop = loop
        self._clients: list[httpx.Client] = []
        self._connections = _Connections()

    def write(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        return self.wait_for(self.app.database.write(op, *args, **kwargs))

    def read(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        return self.wait_for(self.app.database.read(op, *args, **kwargs))

    def sql(self, sql: str, *args: Any) -> list[Any]:
        """Rows of a statement, for looking behind the scenes; it is committed."""

        async def rows(tx: Any) -> list[Any]:
            return list(await tx.all(sql, *args))

        return list(self.write(rows))

    def wait_for(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)

    def http(self, **options: Any) -> httpx.Client:
        """A client that follows no redirects, from its own address if `address` is given."""
        address = options.pop("address", None)
        headers = {"X-Forwarded-For": address} if address else {}
        fixed = {"base_url": self.url, "headers": headers, "transport": self._connections, "trust_env": False}
        self._clients.append(httpx.Client(timeout=30, **fixed, **options))
        return self._clients[-1]

    def end_connections(self) -> None:
        self._connections.end()

    @contextmanager
    def clients(self) -> Iterator[None]:
        """Close the clients that the block made, and no others."""
        before = len(self._clients)
        try:
            yield
        finally:
            while len(self._clients) > before:
                self._clients.pop().close()


def make_database(database_url: str, keys: Keys) -> None:
    """Migrate a new database. SQLite files of one key are alike, so that all but a process's first are copies."""
    path = Path(database_url.removeprefix("sqlite:///"))
    if not database_url.startswith("sqlite:///") or path.exists():
        migrate.migrate(database_url, keys)
        return
    template = _templates() / f"{keys.fingerprint}.db"
    if not template.exists():
        migrate.migrate(f"sqlite:///{template}", keys)
    shutil.copy(template, path)
    path.chmod(0o600)


@cache
def _migrated(cluster: str) -> str:
    """The name of a migrated database of a cluster, to make others from."""
    url = postgres.create_database(cluster)
    migrate.migrate(url, Keys(SECRET_KEY.encode()))
    return url.rpartition("/")[2]


def migrated_database(cluster: str) -> str:
    """A new database of a PostgreSQL cluster, as `handcart migrate` leaves it."""
    return postgres.create_database(cluster, _migrated(cluster))


def make_data(directory: Path) -> None:
    """A directory as `handcart migrate` leaves it: a new database, and the key of tests that it belongs to."""
    directory.mkdir(mode=0o700, exist_ok=True)
    key = directory / "secret.key"
    key.write_text(SECRET_KEY)
    key.chmod(0o600)
    make_database(f"sqlite:///{directory}/handcart.db", Keys(SECRET_KEY.encode()))


@cache
def _templates() -> Path:
    """The directory of migrated databases to copy. Tests that start several processes name a shared one."""
    if "TEST_TEMPLATES" in os.environ:
        return Path(os.environ["TEST_TEMPLATES"])
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory)
    return directory


@contextmanager
def live_server(
    database_url: str, data: Path, certificate: Path | None = None, host: str = "127.0.0.1", **options: Any
) -> Iterator[LiveServer]:
    """Migrate `database_url` and serve it on a free loopback port until the block ends.

    `certificate`: a file with the key and the certificate with which it speaks https. `host`: the name in its URL.
    """
    socket = uvicorn.Config(app=None, host="127.0.0.1", port=0).bind_socket()  # type: ignore[arg-type]
    url = f"{'https' if certificate else 'http'}://{host}:{socket.getsockname()[1]}"
    chosen = settings_module.Settings(
        **{
            "environment": "sandbox",
            "data": str(data),
            "database": database_url,
            "secret_key": SECRET_KEY,
            "public_url": url,
            "trusted_proxies": "127.0.0.1",
            "rate_limit_per_second": 0,
            "access_log": False,
            "deliver_callbacks": False,
            "self_service": True,
            **options,
        }
    )
    keys = settings_module.keys(chosen)
    make_database(database_url, keys)
    app = handcart_app.create(chosen, keys)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=LimitedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=chosen.trusted_proxies,
        timeout_keep_alive=600,  # no client may meet a connection that is just being closed
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
    )
    logging.getLogger("uvicorn.access").disabled = True  # pytest listens to it all the same
    server = uvicorn.Server(config)
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    loop = runner.get_loop()

    def serve() -> None:
        with runner:
            runner.run(server.serve(sockets=[socket]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    running = LiveServer(app, url, loop)
    try:
        with running.clients():
            yield running
    finally:
        running.end_connections()
        server.should_exit = True
        thread.join(30)
        socket.close()
