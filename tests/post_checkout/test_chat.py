"""Reading, writing and marking the messages of an order by its customer's programs."""

from typing import Any

import httpx
import pytest

from handcart.batches import ops as batches
from handcart.batches import queries
from handcart.core.db import Tx
from handcart.retailers import ops as retailers
from tests.support.chatting import Chatting
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.post_checkout import NO_USER, NOT_FOUND, Customer, give
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import error

NOT_ALLOWED = (403, "Sending a message is not allowed at this time", None, None)
ENDPOINTS = (
    ("GET", "/v2/post_checkout/chat/{}/messages"),
    ("POST", "/v2/post_checkout/chat/{}/messages"),
    ("PUT", "/v2/post_checkout/chat/{}/messages"),
    ("GET", "/v2/post_checkout/orders/{}/order_messages"),
)


class Caller:
    """A program of a customer that calls about one order."""

    def __init__(self, customer: Customer, order_id: str) -> None:
        self.customer, self.order_id = customer, order_id

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.customer.token}"}
        json = {"body": "Hello"} if method == "POST" and body is None else body
        return self.customer.shop.http.request(method, path.format(self.order_id), json=json, headers=headers)

    def read(self) -> Any:
        return self.call(*ENDPOINTS[0]).raise_for_status().json()

    def send(self, body: Any) -> httpx.Response:
        return self.call(*ENDPOINTS[1], body={"body": body})

    def mark(self) -> Any:
        return self.call(*ENDPOINTS[2]).raise_for_status().json()

    def all(self) -> Any:
        return self.call(*ENDPOINTS[3]).raise_for_status().json()


@pytest.fixture
def order_id(market: Market, shopping: Shopping) -> str:
    """An order that is picked."""
    found = str(market.order(user_id=market.customer(), locale="fr-CA")["id"])
    shopping.batch(found, workflow_state="picking")
    return found


@pytest.fixture
def caller(market: Market, order_id: str) -> Caller:
    return Caller(Customer(market, market.row(order_id)["user_id"]), order_id)


def test_both_write_then_the_documented_fields(market: Market, caller: Caller) -> None:
    sent = caller.send("Ripe bananas, please")
    assert sent.status_code == 200, sent.text
    assert sent.json() == {
        "id": sent.json()["id"],
        "type": "CHAT",
        "created_at": sent.json()["created_at"],
        "timezone": "America/Chicago",
    }
    chatting = Chatting(market, caller.order_id)
    chatting.says(chatting.shopper, phrase="thanks")
    first, second = caller.read()["chat_messages"]
    number = market.row(caller.order_id)["number"]
    shopper_id = chatting.messages()[0].shopper_id
    assert first == {
        "id": sent.json()["id"],
        "order_id": number,
        "created_at": sent.json()["created_at"],
        "recipient_id": shopper_id,
        "recipient_type": "driver",
        "sender_id": first["sender_id"],
        "sender_type": "user",
        "read": False,
        "type": "CHAT",
        "body": "Ripe bananas, please",
    }
    assert (second["sender_id"], second["sender_type"], second["body"]) == (shopper_id, "driver", "Merci!")
    assert (second["recipient_id"], second["recipient_type"]) == (first["sender_id"], "user")


def test_shopper_wrote_then_each_message_is_marked_once(market: Market, caller: Caller) -> None:
    chatting = Chatting(market, caller.order_id)
    for text in ("One", "Two"):
        chatting.says(chatting.shopper, text)
    caller.send("Three").raise_for_status()
    assert caller.mark() == {"messages_read_count": 2}
    assert caller.mark() == {"messages_read_count": 0}
    assert [one["read"] for one in caller.read()["chat_messages"]] == [True, True, False]


def test_order_goes_on_then_automated_messages_follow(market: Market, shopping: Shopping, caller: Caller) -> None:
    caller.send("Hello").raise_for_status()
    batch = market.server.read(_batch_of, market.retailer.id, caller.order_id)
    shopping.reach(batch, "completed")
    found = caller.all()
    assert [one["body"] for one in found["chat_messages"]] == ["Hello"]
    assert [one["body"] for one in found["lifecycle_messages"]] == [
        "Nous avons reçu votre commande.",
        "Quelqu\u2019un a pris votre commande en charge.",
        "Le choix de vos articles a commencé.",
        "Vos articles sont payés.",
        "Votre commande est en route.",
        "Vous avez votre commande.",
    ]
    assert all(set(one) == {"id", "body", "created_at"} for one in found["lifecycle_messages"])
    assert found["metadata"] == {"is_expired": False}


async def _batch_of(tx: Tx, retailer_id: int, order_id: str) -> int:
    batch = await queries.live_of_order(tx, retailer_id, order_id)
    assert batch is not None
    return batch.id


def test_day_after_the_end_then_the_lists_are_empty(market: Market, caller: Caller, later: Any) -> None:
    caller.send("Hello").raise_for_status()
    market.server.write(batches.cancel, market.retailer.id, caller.order_id, "other", "unknown")
    assert error(caller.send("Hello?")) == NOT_ALLOWED
    assert len(caller.read()["chat_messages"]) == 1
    assert caller.read()["metadata"] == {"is_expired": False}
    with later(hours=23, minutes=58):
        assert len(caller.all()["lifecycle_messages"]) == 4
    with later(hours=24, seconds=2):
        again = Caller(Customer(market, market.row(caller.order_id)["user_id"]), caller.order_id)
        assert again.read() == {"chat_messages": [], "metadata": {"is_expired": True}}
        assert again.all() == {"chat_messages": [], "lifecycle_messages": [], "metadata": {"is_expired": True}}


def test_chat_is_closed_or_nobody_has_the_order_then_one_refusal(market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    order_id = market.order(user_id=user_id)["id"]
    caller = Caller(Customer(market, user_id), order_id)
    with nothing_written(market.server):
        assert error(caller.send("Hello")) == NOT_ALLOWED
    batch = shopping.batch(order_id)
    assert error(caller.send("Hello")) == NOT_ALLOWED
    shopping.reach(batch, "picking")
    assert caller.send("Hello").status_code == 200
    market.server.write(batches.drop_out, market.retailer.id, batch)
    assert error(caller.send("Hello")) == NOT_ALLOWED


@on_sqlite
def test_bodies_of_any_kind_then_taken_or_refused(caller: Caller) -> None:
    too_long = (400, "is too long (maximum is 1000 characters)", 1001, "body")
    blank, invalid = (400, "can't be blank", 1001, "body"), (400, "is invalid", 1001, "body")
    bodies: list[tuple[Any, tuple[Any, ...] | None]] = [
        ("x" * 1000, None),
        ("x" * 1001, too_long),
        ("🍌" * 1000, None),
        ("🍌" * 1001, too_long),
        ("<b>Hello</b>\n\u202e", None),
        ("", blank),
        (" \u200b\u202e", blank),
        (None, blank),
        (5, invalid),
        (["Hello"], invalid),
        ("a\x00b", invalid),
        ("a\x1b]0;x\x07b", invalid),
    ]
    wrong = []
    for body, expected in bodies:
        answer = caller.send(body)
        found = None if answer.status_code == 200 else error(answer)
        if found != expected:
            wrong.append((str(body)[:20], answer.text))
    assert wrong == []
    assert error(caller.call("POST", ENDPOINTS[1][1], {})) == blank
    assert caller.send("x" * 10_000_000).status_code == 413
    assert [one["body"] for one in caller.read()["chat_messages"]][2] == "<b>Hello</b>\n\u202e"


def test_shoppers_are_hidden_then_messages_cannot_be_read(server: LiveServer) -> None:
    market = Market(server)
    user_id = market.customer()
    order_id = market.order(user_id=user_id)["id"]
    give(market, order_id, "Noor Sample")
    caller = Caller(Customer(market, user_id), order_id)
    market.server.write(retailers.change, market.slug, {"shopper_information_removal": True})
    for method, path in (ENDPOINTS[0], ENDPOINTS[3]):
        assert error(caller.call(method, path)) == (403, "Shopper PII", None, None)
    assert caller.mark() == {"messages_read_count": 0}


def test_foreign_order_then_it_is_not_found_with_every_token(market: Market, server: LiveServer, order_id: str) -> None:
    stranger = Customer(market, market.customer())
    other_client = Customer(Market(server))
    with nothing_written(server):
        for method, path in ENDPOINTS:
            assert error(Caller(stranger, order_id).call(method, path)) == NOT_FOUND
            assert error(Caller(other_client, order_id).call(method, path)) == NOT_FOUND
            assert error(Caller(stranger, "no-such-order").call(method, path)) == NOT_FOUND
    for method, path in ENDPOINTS:
        assert Caller(Customer(market), order_id).call(method, path).status_code == 200


def test_order_without_a_user_then_a_client_cannot_read_it(market: Market) -> None:
    caller = Caller(Customer(market), market.order("dispatch")["id"])
    with nothing_written(market.server):
        for method, path in ENDPOINTS:
            assert error(caller.call(method, path)) == NO_USER


def test_token_has_another_scope_then_it_is_refused(market: Market, order_id: str) -> None:
    caller = Caller(Customer(market, scope="connect:fulfillment"), order_id)
    for method, path in ENDPOINTS:
        assert caller.call(method, path).status_code == 403
