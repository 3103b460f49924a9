"""The client's sandbox calls: requests, repeats, and the whole life of an order on the real server."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from handcart_client import BadRequest, Batch, ItemName, NotFound, Scan, ServerError, TransportError

from tests.client.fakes import Caller, FakeServer
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.shop import PASSWORD, REDIRECT_URI

SOAP, SCAN = ItemName(rrc="soap"), Scan("400000000022")
SCANS = [{"scanned_string": "400000000022", "scanned_string_type": "upca"}]
BATCH = {"id": 7, "workflow_state": "acknowledged"}
ACCOUNT = {"email": "member@example.com", "phone": "8005550101", "password": "secret"}
DONE: tuple[Any, Any] = ({"success": True}, None)
LINK = {"redirect_uri": REDIRECT_URI, "scope": "account_linking"}
# Method, arguments, fields, verb and path, body, the answer and what becomes of it, whether it is safe to repeat.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, dict[str, Any], tuple[Any, Any], bool]] = [
    ("create_shopper", (), {}, "POST /shoppers", {}, ({"id": 5}, 5), False),
    ("create_shopper", (), {"email": "a@b"}, "POST /shoppers", {"email": "a@b"}, ({"id": 5, "new": 1}, 5), False),
    (
        "generate_batch",
        (5, ["a/1", "b"]),
        {"batch_type": "delivery"},
        "POST /batches",
        {"shopper_id": 5, "orders": [{"id": "a/1"}, {"id": "b"}], "batch_type": "delivery"},
        (BATCH, Batch(7, "acknowledged")),
        False,
    ),
    ("advance_batch", (7,), {}, "POST /batches/7/advance", {}, (BATCH, Batch(7, "acknowledged")), False),
    (
        "advance_batch",
        (7, "picking"),
        {},
        "POST /batches/7/advance",
        {"workflow_state": "picking"},
        (BATCH, Batch(7, "acknowledged")),
        False,
    ),
    (
        "add_item",
        (5, "a/1", SOAP),
        {"delivered_count": 2, "scans": [SCAN]},
        "POST /shoppers/5/orders/a%2F1/items",
        {"item": {"rrc": "soap"}, "delivered_count": 2, "scans": SCANS},
        DONE,
        False,
    ),
    (
        "update_item",
        (5, "a/1", "1/2"),
        {"status": "replaced", "replacement_item": SOAP, "delivered_weight": 1.5},
        "PUT /shoppers/5/orders/a%2F1/items/1%2F2",
        {"status": "replaced", "replacement_item": {"rrc": "soap"}, "delivered_weight": 1.5},
        DONE,
        True,
    ),
    (
        "simulate_callback",
        ("a/1", "canceled"),
        {},
        "POST /orders/a%2F1/callbacks",
        {"event_name": "canceled"},
        DONE,
        False,
    ),
    ("create_user", (), ACCOUNT, "POST /instacart_users", ACCOUNT, ({"id": 9}, 9), False),
    (
        "authorize_user",
        (9,),
        {"redirect_uri": REDIRECT_URI},
        "POST /instacart_users/9/authorize",
        LINK,
        ({"code": "c"}, "c"),
        False,
    ),
    (
        "authorize_user",
        (9,),
        {"redirect_uri": REDIRECT_URI, "code_challenge": "x"},
        "POST /instacart_users/9/authorize",
        {**LINK, "code_challenge": "x", "code_challenge_method": "S256"},
        ({"code": "c"}, "c"),
        False,
    ),
]


@pytest.mark.parametrize(("method", "args", "fields", "line", "sent", "answer", "is_safe"), CALLS)
def test_call_then_what_is_given_is_sent_and_repeated_only_where_safe(
    caller: Caller,
    fake: FakeServer,
    method: str,
    args: Any,
    fields: Any,
    line: str,
    sent: Any,
    answer: tuple[Any, Any],
    is_safe: bool,
) -> None:
    fake.answer(body=answer[0])
    assert caller(lambda client: getattr(client.sandbox, method)(*args, **fields)) == answer[1]
    verb, _, path = line.partition(" ")
    assert (fake.last.method, fake.last.url.raw_path.decode()) == (verb, "/v2/fulfillment_sandbox" + path)
    assert fake.sent == sent
    fake.answers = [httpx.ReadTimeout("lost"), httpx.Response(504), httpx.Response(200, json=answer[0])]
    if is_safe:
        assert caller(lambda client: getattr(client.sandbox, method)(*args, **fields)) == answer[1]
    else:
        for kind in (TransportError, ServerError):
            with pytest.raises(kind):
                caller(lambda client: getattr(client.sandbox, method)(*args, **fields))


def test_order_played_on_the_real_server_then_it_comes_to_its_end(
    make_caller: Callable[..., Caller], server: LiveServer
) -> None:
    market = Market(server)
    call = make_caller(server.url, **market.credentials)
    user_id = market.customer()
    order_id = market.order(user_id=user_id)["id"]
    shopper_id = call(lambda client: client.sandbox.create_shopper())
    batch = call(lambda client: client.sandbox.generate_batch(shopper_id, [order_id]))
    assert batch.workflow_state == "acknowledged"
    with pytest.raises(BadRequest) as refused:
        call(lambda client: client.sandbox.update_item(shopper_id, order_id, "1", status="found"))
    assert refused.value.key == "order_id"
    call(lambda client: client.sandbox.advance_batch(batch.id, "picking"))
    call(lambda client: client.sandbox.update_item(shopper_id, order_id, "1", status="replaced", replacement_item=SOAP))
    call(lambda client: client.sandbox.add_item(shopper_id, order_id, SOAP, scans=[SCAN]))
    assert call(lambda client: client.sandbox.advance_batch(batch.id, "completed")).workflow_state == "completed"
    order = call(lambda client: client.orders.get(user_id, order_id))
    assert (order.status, [line.item.delivered_rrc for line in order.items]) == ("completed", ["soap", "soap"])
    assert (order.items[0].replaced, order.items[1].scan_code) == (True, "400000000022")
    with pytest.raises(NotFound):
        call(lambda client: client.sandbox.simulate_callback("unknown", "canceled"))
    account = {"email": f"{order_id}@example.com", "phone": "8005550101", "password": PASSWORD}
    made = call(lambda client: client.sandbox.create_user(**account, instacartplus_member=True))
    code = call(lambda client: client.sandbox.authorize_user(made, redirect_uri=REDIRECT_URI))
    token = call(lambda client: client.oauth.exchange_code(code, redirect_uri=REDIRECT_URI))
    call(lambda client: client.links.create(user_id, token.access_token))
    assert call(lambda client: client.links.find(user_id)).instacartplus_member
