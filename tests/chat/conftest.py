"""A market and a shopper whose orders have a chat."""

from collections.abc import Iterator

import pytest

from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.working import Working


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def working(server: LiveServer) -> Working:
    return Working(server)
