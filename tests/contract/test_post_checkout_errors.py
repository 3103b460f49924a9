"""The error rows that the documentation of the Post-checkout API shows: each comes word for word.

The sections are those of the endpoints under https://docs.instacart.com/connect/api/post_checkout. One text of the
documentation is cut in all known copies; it is Handcart's choice (docs/wire-choices.md).
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from handcart.retailers import ops as retailers
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.post_checkout import Customer, give
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer

NO_KEY: dict[str, str] = {}
UNKNOWN = "unknown"


class Case:
    """A retailer, and the calls that the rows are about."""

    def __init__(self, server: LiveServer) -> None:
        self.market = Market(server, capacity=1000)
        self.shopping = Shopping(self.market)
        self.client = Customer(self.market)

    def order(self, kind: str = "delivery", state: str | None = None) -> str:
        """An order, in a state of the batch of a shopper."""
        order_id = str(self.market.order(kind, self.market.customer())["id"])
        if state is not None:
            give(self.market, order_id, "Noor Sample", state)
        return order_id

    def of_nobody(self) -> str:
        """An order without a user. The documentation has it for orders that no client of today can create."""
        return str(self.market.order("dispatch")["id"])

    def proposed(self) -> tuple[str, str]:
        """An order whose shopper proposes a replacement, and the id of the item."""
        order_id = str(self.market.order("delivery", self.market.customer())["id"])
        shopper_id = self.shopping.shopper()
        self.shopping.generate(shopper_id, order_id, workflow_state="picking").raise_for_status()
        self.shopping.item(shopper_id, order_id, "1", replacement_item={"rrc": "bread"}).raise_for_status()
        (line,) = self.client.get(order_id, "/items").json()["line_items"]
        return order_id, str(line["id"])

    def answer(self, body: Any, order_id: str = "", item_id: str = "") -> httpx.Response:
        """An answer to a replacement; without an order, to a new proposal."""
        order_id, item_id = (order_id, item_id) if order_id else self.proposed()
        path = f"/items/{item_id}/replacement"
        return self.refused(lambda: self.client.put(order_id, path, body))

    def naming(self, **alternative: Any) -> httpx.Response:
        return self.answer({"status": "REJECTED", "alternative_item": alternative})

    def chat(self, method: str, order_id: str, body: Any = None) -> httpx.Response:
        path = f"/v2/post_checkout/chat/{order_id}/messages"
        return self.refused(
            lambda: self.market.http.request(method, path, json=body, headers=self.market.headers),
        )

    def refused(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to a call that changes nothing."""
        with nothing_written(self.market.server):
            return call()

    def hidden(self) -> httpx.Response:
        """A location whose retailer hides its shoppers."""
        order_id = self.order("delivery", "delivering")
        self.market.server.write(retailers.change, self.market.slug, {"shopper_information_removal": True})
        try:
            return self.refused(lambda: self.client.get(order_id, "/location"))
        finally:
            self.market.server.write(retailers.change, self.market.slug, {"shopper_information_removal": False})

    def answered_twice(self) -> httpx.Response:
        order_id, item_id = self.proposed()
        self.client.put(order_id, f"/items/{item_id}/replacement", {"status": "APPROVED"}).raise_for_status()
        return self.answer({"status": "APPROVED"}, order_id, item_id)

    def arrived(self, order_id: str) -> httpx.Response:
        return self.refused(lambda: self.client.post(order_id, "/pickup/user_arrived"))


ONE_CODE = "must include exactly one of rrc or upc"
ONE_AMOUNT = "must include exactly one of count or weight"
OF_ALTERNATIVE = {"key": "alternative_item"}
NOT_STAGED = {"order_delivery_id": "Order delivery is not staged."}
CLOSED = "Sending a message is not allowed at this time"
APPROVED = {"status": "APPROVED"}

# By section and cause: the call, status, message, code, meta.
ROWS: dict[str, tuple[Callable[[Case], httpx.Response], int, str, int | None, dict[str, str]]] = {
    "get_order_location: shopper PII redaction": (Case.hidden, 403, "Shopper PII", None, NO_KEY),
    "handle_order_item_replacement: both rrc and upc": (
        lambda case: case.naming(rrc="bread", upc="400000000022", count=1),
        *(400, ONE_CODE, 1001, OF_ALTERNATIVE),
    ),
    "handle_order_item_replacement: both count and weight": (
        lambda case: case.naming(rrc="soap", count=1, weight=1.5),
        *(400, ONE_AMOUNT, 1001, OF_ALTERNATIVE),
    ),
    "handle_order_item_replacement: neither count nor weight": (
        lambda case: case.naming(rrc="soap"),
        *(400, ONE_AMOUNT, 1001, OF_ALTERNATIVE),
    ),
    "handle_order_item_replacement: count of 0": (
        lambda case: case.naming(rrc="soap", count=0),
        *(400, "count must be greater than 0", 1001, OF_ALTERNATIVE),
    ),
    "handle_order_item_replacement: weight of 0": (
        lambda case: case.naming(rrc="ham", weight=0),
        *(400, "weight must be greater than 0", 1001, OF_ALTERNATIVE),
    ),
    "handle_order_item_replacement: alternative unknown": (
        lambda case: case.naming(rrc="unknown", count=1),
        *(400, "Could not resolve alternative item to a valid product", 1001, NO_KEY),
    ),
    # Message, code and meta of this row are cut in all copies.
    "handle_order_item_replacement: already responded to": (
        Case.answered_twice,
        *(400, "Order item change already responded to", 4001, NO_KEY),
    ),
    "handle_order_item_replacement: status missing": (
        lambda case: case.answer({}),
        *(400, "There were issues with your request", 9999, NO_KEY),
    ),
    "handle_order_item_replacement: status invalid": (
        lambda case: case.answer({"status": "MAYBE"}),
        *(400, "is not included in the list", 1001, {"key": "status"}),
    ),
    "handle_order_item_replacement: no user, client's token": (
        lambda case: case.answer(APPROVED, case.of_nobody(), "1111"),
        *(400, "User ID not found", 4001, NO_KEY),
    ),
    "handle_order_item_replacement: order not found": (
        lambda case: case.answer(APPROVED, UNKNOWN, "1111"),
        *(404, "Resource not found", 4000, NO_KEY),
    ),
    "handle_order_item_replacement: item not found": (
        lambda case: case.answer(APPROVED, case.order(), "1111"),
        *(404, "Order item 1111 not found", 4000, NO_KEY),
    ),
    "send_chat_message: body too long": (
        lambda case: case.chat("POST", case.order("delivery", "picking"), {"body": "x" * 1001}),
        *(400, "is too long (maximum is 1000 characters)", 1001, {"key": "body"}),
    ),
    "send_chat_message: chat action disabled": (
        lambda case: case.chat("POST", case.order("delivery", "acknowledged"), {"body": "Hello"}),
        *(403, CLOSED, None, NO_KEY),
    ),
    "send_chat_message: no shopper available": (
        lambda case: case.chat("POST", case.order(), {"body": "Hello"}),
        *(403, CLOSED, None, NO_KEY),
    ),
    "send_chat_message: order not found": (
        lambda case: case.chat("POST", UNKNOWN, {"body": "Hello"}),
        *(404, "Resource not found", 4000, NO_KEY),
    ),
    "mark_messages_as_read: no user, client's token": (
        lambda case: case.chat("PUT", case.of_nobody()),
        *(400, "User ID not found", 4001, NO_KEY),
    ),
    "mark_messages_as_read: order not found": (
        lambda case: case.chat("PUT", UNKNOWN),
        *(404, "Resource not found", 4000, NO_KEY),
    ),
    "get_order_pickup_details: not a pickup order": (
        lambda case: case.client.get(case.order(), "/pickup/details"),
        *(400, "Pickup unavailable for non-pickup orders", 4001, NO_KEY),
    ),
    "get_order_pickup_details: order not found": (
        lambda case: case.client.get(UNKNOWN, "/pickup/details"),
        *(404, "Resource not found", 4000, NO_KEY),
    ),
    "record_user_arrival: order not staged": (
        lambda case: case.arrived(case.order("pickup", "picking")),
        *(400, "Params error", 2001, NOT_STAGED),
    ),
    "record_user_arrival: no user, client's token": (
        lambda case: case.arrived(case.of_nobody()),
        *(400, "User ID not found", 4001, NO_KEY),
    ),
    "record_user_arrival: order not found": (
        lambda case: case.arrived(UNKNOWN),
        *(404, "Resource not found", 4000, NO_KEY),
    ),
    "record_user_arrival: no pickup status": (
        lambda case: case.arrived(case.order()),
        *(404, "No pickup status found for order", 4000, NO_KEY),
    ),
}


@pytest.fixture(scope="module")
def case(server: LiveServer) -> Iterator[Case]:
    with server.clients():
        yield Case(server)


def test_documented_rows_then_25() -> None:
    assert len(ROWS) == 25


@pytest.mark.parametrize("row", ROWS)
def test_documented_row_then_it_comes_word_for_word(case: Case, row: str) -> None:
    call, status, message, code, meta = ROWS[row]
    answer = call(case)
    body = answer.json()
    inner = body["error"].pop("errors", None)
    assert (answer.status_code, body) == (status, {"error": {"message": message, "code": code}, "meta": meta})
    assert (inner is not None) == (code == 9999)


# Others of the documentation have the same rows ("as above").
PICKUP = (("GET", "/pickup/vehicle_info"), ("PUT", "/pickup/vehicle_info"), ("PUT", "/pickup_delegate"))


@pytest.mark.parametrize(("method", "action"), PICKUP)
def test_vehicle_or_delegate_then_the_rows_of_pickup_details(case: Case, method: str, action: str) -> None:
    body = {"name": "Kim", "phone_number": "+13125550199"}
    foreign = case.client.send(method, case.order(), action, body)
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (400, 4001)
    assert foreign.json()["error"]["message"] == "Pickup unavailable for non-pickup orders"
    unknown = case.client.send(method, UNKNOWN, action, body)
    assert (unknown.status_code, unknown.json()["error"]) == (404, {"message": "Resource not found", "code": 4000})
