"""Fixtures for races."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.postgres import DEADLOCKS
from tests.support.server import SECRET_KEY, LiveServer


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print the number of tries in every run, so that "no failures" can be judged."""

    def show(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", end="")

    return show


@pytest.fixture(autouse=True)
def _no_deadlock(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check that no request met a deadlock. It is answered 503, like one that a busy database refuses."""
    yield
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        assert server.database == "sqlite" or server.sql(DEADLOCKS)[0]["found"] == 0


@pytest.fixture(scope="module")
def two_processes(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two more server processes on the database of `server`."""
    environment = {
        **os.environ,
        "HANDCART_SECRET_KEY": SECRET_KEY,
        "HANDCART_DATABASE": server.app.settings.database_url,
        "HANDCART_RATE_LIMIT_PER_SECOND": "0",
        "HANDCART_ENVIRONMENT": "sandbox",
        "HANDCART_PUBLIC_URL": server.url,
        "HANDCART_ACCESS_LOG": "off",
    }
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "handcart", "serve", "--port", str(port), "--workers", "2"]
    tmp_path = tmp_path_factory.mktemp("processes")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not is_up(url):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/live", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
