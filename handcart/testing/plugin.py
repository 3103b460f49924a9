"""pytest fixtures: a Handcart server beside the tests. See docs/testing.md.

Loaded by every pytest run where Handcart is installed, so it imports only pytest and does nothing until used.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from handcart.testing.receiver import Receiver
    from handcart.testing.server import Clock, Sandbox, Server

_OPTIONS, _PYTHON = "handcart_options", "handcart_python"
_running = pytest.StashKey["Server"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_OPTIONS, "Options of the sandbox for tests, NAME=VALUE a line.", type="linelist", default=[])
    parser.addini(_PYTHON, "Python of the environment that has the server. Default: that of the tests.", default="")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the server early if a test needs it, so that it gets ready while other tests run."""
    if not session.config.option.collectonly:
        wants = (getattr(item, "fixturenames", ()) for item in session.items)
        if any("handcart_server" in names for names in wants):
            _server(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(_running, None)
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def handcart_server(pytestconfig: pytest.Config) -> "Server":
    """The server process: `base_url`, `log()`. `handcart_sandbox` resets it for each test."""
    return _server(pytestconfig)


@pytest.fixture
def handcart_options(pytestconfig: pytest.Config) -> Mapping[str, Any]:
    """Settings of the sandbox, by default those of the ini file; override it where tests need others."""
    pairs = (line.partition("=") for line in pytestconfig.getini(_OPTIONS))
    return {name.strip(): value.strip() for name, _, value in pairs}


@pytest.fixture
def handcart_sandbox(handcart_server: "Server", handcart_options: Mapping[str, Any]) -> "Sandbox":
    """A fresh server with a retailer, its client, a token, stores and a catalog."""
    return handcart_server.reset(handcart_options)


@pytest.fixture
def handcart_clock(handcart_sandbox: "Sandbox") -> "Clock":
    """The retailer's clock, which the test can freeze and move."""
    from handcart.testing.server import Clock

    return Clock(handcart_sandbox)


@pytest.fixture
def handcart_callbacks(handcart_sandbox: "Sandbox") -> Iterator["Receiver"]:
    """A receiver in the test process that gets every callback of the retailer."""
    from handcart.testing.receiver import CLIENT_ID, CLIENT_SECRET, receiver

    with receiver() as running:
        webhook = {"callback_url": running.callback_url, "auth_uri": running.auth_uri, "events": ["all"]}
        credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        running.webhook = handcart_sandbox.call("POST", "/v2/handcart/callbacks", {**webhook, **credentials})
        yield running


def _server(config: pytest.Config) -> "Server":
    if _running not in config.stash:
        from handcart.testing.server import Server

        config.stash[_running] = Server(config.getini(_PYTHON))
    return config.stash[_running]
