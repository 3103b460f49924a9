"""The retailer of a contract test: one that sells, where the operation is about slots or orders."""

from collections.abc import Iterator

import pytest

from tests.contract.operations import Operation
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.shop import Shop


@pytest.fixture
def shop(request: pytest.FixtureRequest, server: LiveServer) -> Iterator[Shop]:
    """A retailer of this test's own."""
    operation = request.node.callspec.params.get("operation")
    sells = isinstance(operation, Operation) and operation.is_about_selling
    yield Market(server) if sells else Shop(server)
    server.close_clients()
