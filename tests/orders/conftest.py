"""One retailer for all tests of a file that do not change it."""

from collections.abc import Iterator

import pytest

from tests.support.orders import Market
from tests.support.server import LiveServer


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=100_000)
