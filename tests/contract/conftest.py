"""The retailer of a contract test; it has stores and a catalog if the operation is about slots or orders."""

import pytest

from tests.contract.operations import Operation
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.shop import Shop


@pytest.fixture
def shop(request: pytest.FixtureRequest, server: LiveServer) -> Shop:
    """A new retailer for this test."""
    operation = request.node.callspec.params.get("operation")
    sells = isinstance(operation, Operation) and operation.is_about_selling
    return Market(server) if sells else Shop(server)
