"""Customers who are told about their orders."""

from collections.abc import Sequence

import pytest

from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.messages import queries
from handcart.messages.models import Message
from handcart.notifications import ops
from handcart.sandbox import state
from tests.support import clocks
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer

OPTED_IN = {"user": {"phone_number": "+13125550188", "sms_opt_in": True}}


class Telling:
    """A market whose customers are told. Its clock stands at ten in the morning at the store."""

    def __init__(self, server: LiveServer, **rules: object) -> None:
        self.server = server
        self.market = Market(server, **rules)
        self.shopping = Shopping(self.market)
        self.at(10, day=1)

    def at(self, hour: int, day: int = 0) -> None:
        """Set the market's clock to an hour at the store, of the same or a later day."""
        clocks.freeze(self.market, clock.to_wire(self.market.at(hour, day)))

    def order(self, kind: str = "delivery", **fields: object) -> str:
        """Create an order whose customer allows text messages; returns its id."""
        return str(self.market.order(kind, **{**(OPTED_IN if kind in ("delivery", "pickup") else {}), **fields})["id"])

    def forward(self, **duration: float) -> None:
        """Move the market's clock forward."""
        clocks.advance(self.market, **duration)

    @property
    def virtual(self) -> VirtualClock:
        return self.server.read(state.clocks)[self.market.retailer.id]

    def tell(self) -> None:
        """Tell the customers of all new events."""
        while self.server.write(ops.tell, self.market.retailer.id, self.virtual):
            pass

    def messages(self, order_id: str) -> Sequence[Message]:
        """The messages about an order, the first first."""
        self.tell()
        found = self.server.read(queries.messages, retailer_id=self.market.retailer.id, order_id=order_id)
        return found[::-1]

    def names(self, order_id: str) -> list[str]:
        """The templates of the messages about an order, each once a row."""
        return [one.template for one in self.messages(order_id)]


@pytest.fixture
def telling(server: LiveServer) -> Telling:
    return Telling(server)
