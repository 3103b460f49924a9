"""Separate servers for sandbox tests, because data made with clocks years ahead would disturb other tests."""

from collections.abc import Iterator

import pytest

from tests.support.extent import DATABASES
from tests.support.server import LiveServer, live_server, migrated_database


@pytest.fixture(scope="session", params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests of the sandbox in a process, on each database in turn."""
    data = tmp_path_factory.mktemp("sandbox")
    database = f"sqlite:///{data}/handcart.db"
    if request.param == "postgresql":
        database = migrated_database(request.getfixturevalue("postgres_cluster"))
    with live_server(database, data) as running:
        yield running
