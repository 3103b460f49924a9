"""A shopper of the operator who has batches at markets, and the phone that shows them."""

from typing import Any

import msgspec

from handcart.shopper_app import wire
from handcart.shoppers import ops as shoppers
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shoppers import Phone, add_shopper


class Working:
    """A shopper with a phone, and with batches at any number of markets."""

    def __init__(self, server: LiveServer, name: str = "Sam Sample") -> None:
        self.phone = Phone(server, add_shopper(server, name))
        self.id = self.phone.person.id

    def shopper(self, market: Market) -> int:
        """The id by which the market's client knows this shopper."""
        found: int = market.server.write(shoppers.shadow, market.retailer.id, self.id)
        return found

    def batch(self, market: Market, *order_ids: str, **fields: Any) -> int:
        """Put orders into a batch of this shopper; answers its id."""
        made = Shopping(market).generate(self.shopper(market), *order_ids, **fields)
        assert made.status_code == 200, made.text
        number: int = made.json()["id"]
        return number

    def run(self) -> wire.Run:
        """The run as the phone gets it."""
        return msgspec.convert(self.phone.get("run").raise_for_status().json(), wire.Run)
