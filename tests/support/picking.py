"""Orders that a shopper picks by the sandbox's operations."""

from typing import Any

from tests.support.orders import Market, line
from tests.support.post_checkout import Customer
from tests.support.sandbox import Shopping


class Picking:
    """An order of one line, unless `items` says otherwise, that is being picked."""

    def __init__(self, market: Market, asked: dict[str, Any] | None = None, **fields: Any) -> None:
        self.market, self.shopping = market, Shopping(market)
        self.user_id = market.customer()
        fields = {"items": [asked or line("1", "milk", count=3)], **fields}
        self.id = market.order(user_id=self.user_id, **fields)["id"]
        self.shopper_id = self.shopping.shopper()
        made = self.shopping.generate(self.shopper_id, self.id, workflow_state="picking")
        self.batch_id = made.json()["id"]

    def says(self, **fields: Any) -> dict[str, Any]:
        """Update the line; answers it as get order shows it."""
        answer = self.shopping.item(self.shopper_id, self.id, "1", **fields)
        assert answer.json() == {"success": True}, answer.text
        return self.line

    def adds(self, **fields: Any) -> dict[str, Any]:
        """Add an item; answers its line."""
        answer = self.shopping.item(self.shopper_id, self.id, **fields)
        assert answer.json() == {"success": True}, answer.text
        return self.items[-1]

    @property
    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.market.read(self.user_id, self.id).json()["items"]
        return found

    @property
    def line(self) -> dict[str, Any]:
        return next(one for one in self.items if one["line_num"] == "1")


def propose(market: Market, order_id: str, rrc: str = "bread") -> str:
    """Begin to pick an order, and propose a replacement for its line 1; returns the id of the line's item."""
    shopping = Shopping(market)
    shopper_id = shopping.shopper()
    shopping.generate(shopper_id, order_id, workflow_state="picking").raise_for_status()
    shopping.item(shopper_id, order_id, "1", replacement_item={"rrc": rrc}).raise_for_status()
    return item_id(market, order_id)


def item_id(market: Market, order_id: str, line_num: str = "1") -> str:
    """The id of an order's item."""
    listed = Customer(market).get(order_id, "/items").json()["line_items"]
    return next(str(one["id"]) for one in listed if one["line_num"] == line_num)
