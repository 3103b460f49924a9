"""One market for all tests of a file."""

from collections.abc import Iterator

import pytest

from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=100_000)


@pytest.fixture
def shopping(market: Market) -> Shopping:
    return Shopping(market)
