"""Calls of the Post-checkout API, with the token of a client or of one user."""

from typing import Any
from urllib.parse import quote

import httpx

from handcart.batches import queries as batches
from handcart.orders.jobs import Delayed
from handcart.shoppers import ops as shoppers
from handcart.shoppers.models import Person
from tests.support.oauth import assertion_of
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.shop import Shop
from tests.support.shoppers import add_shopper

NOT_FOUND = (404, "Resource not found", 4000, None)
NO_USER = (400, "User ID not found", 4001, None)


class Customer:
    """A program that calls about orders: with the token of one user, or of the client if there is no user."""

    def __init__(self, shop: Shop, user_id: str | None = None, scope: str = "connect:post_checkout") -> None:
        self.shop = shop
        grant = {"grant_type": "client_credentials"}
        if user_id is not None:
            grant = {"grant_type": "fulfillment_user_assertion", "assertion": assertion_of(user_id)}
        self.token: str = shop.post_token(**grant, scope=scope).raise_for_status().json()["access_token"]

    def send(self, method: str, order_id: str, action: str = "", body: Any = None, **options: Any) -> httpx.Response:
        """A call about an order; `action` is what follows its id in the path."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        path = f"/v2/post_checkout/orders/{quote(order_id, '')}{action}"
        return self.shop.http.request(method, path, json=body, headers=headers, **options)

    def chat(self, method: str, order_id: str, body: Any = None) -> httpx.Response:
        """Read (GET), write (POST) or mark as read (PUT) the chat of an order."""
        path = f"/v2/post_checkout/chat/{quote(order_id, '')}/messages"
        return self.shop.http.request(method, path, json=body, headers={"Authorization": f"Bearer {self.token}"})

    def get(self, order_id: str, action: str = "") -> httpx.Response:
        return self.send("GET", order_id, action)

    def put(self, order_id: str, action: str, body: Any = None) -> httpx.Response:
        return self.send("PUT", order_id, action, {} if body is None else body)

    def post(self, order_id: str, action: str, body: Any = None) -> httpx.Response:
        return self.send("POST", order_id, action, {} if body is None else body)


def give(market: Market, order_id: str, name: str, state: str = "acknowledged") -> Person:
    """Put an order into a batch of one of the operator's shoppers, who has brought it to a state."""
    person = add_shopper(market.server, name)
    shopper_id = market.server.write(shoppers.shadow, market.retailer.id, person.id)
    Shopping(market).generate(shopper_id, order_id, workflow_state=state).raise_for_status()
    return person


def emit_delayed(market: Market) -> None:
    """What the worker does before each round of sending callbacks."""
    market.server.wait_for(Delayed(batches.courier)(market.server.app.database, {}))
