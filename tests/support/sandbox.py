"""The shopper's steps over the API: shoppers, batches and items, each in one line."""

from typing import Any
from urllib.parse import quote

import httpx

from tests.support.orders import Market

SANDBOX = "/v2/fulfillment_sandbox"
# The type of batch that serves a brand new order of a kind.
TYPE_OF = {"delivery": "delivery", "pickup": "pickup", "last_mile": "delivery_only", "dispatch": "delivery_only"}


class Shopping:
    """The shoppers' steps for one market."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def shopper(self, **fields: Any) -> int:
        """Create a shopper; returns the id."""
        number: int = self.market.post(f"{SANDBOX}/shoppers", fields).raise_for_status().json()["id"]
        return number

    def generate(self, shopper_id: Any, *order_ids: str, **fields: Any) -> httpx.Response:
        orders = [{"id": order_id} for order_id in order_ids]
        return self.market.post(f"{SANDBOX}/batches", {"shopper_id": shopper_id, "orders": orders, **fields})

    def batch(self, *order_ids: str, **fields: Any) -> int:
        """Put orders into a batch of a new shopper; answers its id."""
        made = self.generate(self.shopper(), *order_ids, **fields)
        assert made.status_code == 200, made.text
        number: int = made.json()["id"]
        return number

    def advance(self, batch_id: Any, state: str | None = None) -> httpx.Response:
        body = {} if state is None else {"workflow_state": state}
        return self.market.post(f"{SANDBOX}/batches/{batch_id}/advance", body)

    def reach(self, batch_id: int, state: str | None = None) -> str:
        """Advance a batch; answers its state."""
        answer = self.advance(batch_id, state)
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == batch_id
        return str(answer.json()["workflow_state"])

    def complete(self, order_id: str, kind: str) -> None:
        """Bring a brand new order to the customer. A pickup order also needs the batch of an employee."""
        if kind == "pickup":
            self.reach(self.batch(order_id), "staged")
        self.reach(self.batch(order_id), "completed")

    def item(self, shopper_id: Any, order_id: str, line_num: str | None = None, **fields: Any) -> httpx.Response:
        """Add an item, or with its number update one."""
        path = f"{SANDBOX}/shoppers/{shopper_id}/orders/{quote(order_id, '')}/items"
        if line_num is None:
            return self.market.post(path, fields)
        return self.market.put(f"{path}/{quote(line_num, '')}", fields)

    def simulate(self, order_id: str, event_name: str) -> httpx.Response:
        path = f"{SANDBOX}/orders/{quote(order_id, '')}/callbacks"
        return self.market.post(path, {"event_name": event_name})

    def events(self, order_id: str) -> list[str]:
        """The events that an order's history lists, from the first."""
        rows = self.market.server.sql(
            "SELECT events FROM order_history WHERE retailer_id = $1 AND order_id = $2 ORDER BY number",
            self.market.retailer.id,
            order_id,
        )
        return [event for row in rows for event in row["events"].split()]
