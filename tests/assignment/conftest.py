"""A market for one test, and what the worker does for its orders when its clock has moved."""

from collections.abc import Callable

import pytest

from handcart.assignment.jobs import Watch
from handcart.core.clock import VirtualClock
from tests.support.clocks import microseconds
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer

# Returns whether a look at a time of the market's clock changed an order or a warning.
Look = Callable[..., bool]


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def shopping(market: Market) -> Shopping:
    return Shopping(market)


@pytest.fixture
def look(market: Market) -> Look:
    """`look(hour=11, minutes=30)`: what the worker does at half past eleven of the day of the market's orders."""

    def at(hour: int = 12, *, of: Market = market, only_warns: bool = False, **more: float) -> bool:
        clocks = {of.retailer.id: VirtualClock(frozen_at=of.at(hour) + microseconds(**more))}
        before = stored(of)
        # Other tests have left orders of other retailers, which are looked after as well.
        while of.server.wait_for(Watch(only_warns=only_warns)(of.server.app.database, clocks)):
            pass
        return stored(of) != before

    return at


def stored(market: Market) -> list[tuple[object, ...]]:
    """The history of a market's orders, and the warnings about them."""
    history = "SELECT order_id, number, at FROM order_history WHERE retailer_id = $1 ORDER BY order_id, number"
    warned = "SELECT order_id, kind, ended_at FROM order_warnings WHERE retailer_id = $1 ORDER BY order_id, kind"
    return [tuple(row) for sql in (history, warned) for row in market.server.sql(sql, market.retailer.id)]
