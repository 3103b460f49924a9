"""A market whose orders' pages are opened as a browser without JavaScript opens them."""

import pytest

from tests.order_page.customer import Customer
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def shopping(market: Market) -> Shopping:
    return Shopping(market)


@pytest.fixture
def customer(market: Market) -> Customer:
    return Customer(market)
