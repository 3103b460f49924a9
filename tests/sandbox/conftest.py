"""Servers of the sandbox's own: what is made by clocks that are years ahead must not stand in other tests' way."""

from collections.abc import Iterator

import pytest

from tests.support.extent import STORES
from tests.support.server import LiveServer, live_server, migrated_database


@pytest.fixture(scope="session", params=STORES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests of the sandbox in a process, on each store in turn."""
    data = tmp_path_factory.mktemp("sandbox")
    database = f"sqlite:///{data}/handcart.db"
    if request.param == "postgresql":
        database = migrated_database(request.getfixturevalue("postgres_cluster"))
    with live_server(database, data) as running:
        yield running
