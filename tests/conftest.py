"""Fixtures for tests of the whole server: each runs on both stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from handcart.core import clock
from tests.support import postgres
from tests.support.server import LiveServer, live_server
from tests.support.shop import Shop


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    with postgres.cluster() as dsn:
        yield dsn


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests of a process, on each store in turn."""
    data = tmp_path_factory.mktemp("data")
    if request.param == "sqlite":
        database = f"sqlite:///{data}/handcart.db"
    else:
        database = postgres.create_database(request.getfixturevalue("postgres_cluster"))
    with live_server(database, data) as running:
        yield running


@pytest.fixture
def shop(server: LiveServer) -> Iterator[Shop]:
    """A retailer of this test's own."""
    yield Shop(server)
    server.close_clients()


@pytest.fixture
def later() -> Iterator[Any]:
    """`with later(seconds=61):` moves the server's clock forward."""

    @contextmanager
    def move(seconds: float) -> Iterator[None]:
        clock.shift(int(seconds * clock.SECOND))
        try:
            yield
        finally:
            clock.shift(0)

    yield move
    clock.shift(0)
