from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from handcart_client import (
    Address,
    BadRequest,
    ConnectError,
    FulfillmentDetails,
    ItemName,
    NotFound,
    Order,
    OrderedItem,
    OrderItem,
    OrderLine,
    OrderUser,
    ReplacementSelection,
    ServerError,
    TransportError,
)

from tests.client.fakes import Caller, FakeServer, error_body

BEGIN, END = datetime(2026, 6, 12, 0, tzinfo=UTC), datetime(2026, 6, 12, 2, tzinfo=UTC)
ANSWER = {
    "id": "ORD/1",
    "status": "brand_new",
    "order_url": None,
    "created_at": "2026-06-11T15:36:02Z",
    "is_express": True,
    "is_instacartplus": True,
    "locale": "en_US",
    "metadata": {"till": [7]},
    "fulfillment_details": {
        "window_starts_at": "2026-06-12T00:00:00Z",
        "window_ends_at": "2026-06-12T02:00:00Z",
        "store_location": "SM-1",
        "bag_count": 2,
    },
    "items": [
        {
            "line_num": "1",
            "qty": 1.5,
            "qty_unit": "lb",
            "item": {"upc": "", "rrc": "ham", "requested_rrc": "ham", "delivered_rrc": ""},
            "replacement_policy": "shoppers_choice",
            "replaced": False,
            "scan_code": "00012345678905",
        }
    ],
    "warnings": [],
    "pos_payment_method": "UNSPECIFIED",
    "from_a_newer_server": {},
}
ORDER = Order(
    id="ORD/1",
    status="brand_new",
    created_at=datetime(2026, 6, 11, 15, 36, 2, tzinfo=UTC),
    is_instacartplus=True,
    is_express=True,
    locale="en_US",
    metadata={"till": [7]},
    fulfillment_details=FulfillmentDetails(
        window_starts_at=BEGIN, window_ends_at=END, store_location="SM-1", bag_count=2
    ),
    items=(
        OrderLine(
            line_num="1",
            qty=1.5,
            qty_unit="lb",
            item=OrderedItem(upc="", rrc="ham", requested_rrc="ham", delivered_rrc=""),
            replacement_policy="shoppers_choice",
            replaced=False,
            scan_code="00012345678905",
        ),
    ),
    pos_payment_method="UNSPECIFIED",
)

ADDRESS = Address(address_line_1="350 W Oak St", postal_code="60610", city="Chicago")
ADDRESS_SENT = {"address_line_1": "350 W Oak St", "postal_code": "60610", "city": "Chicago"}
ITEMS = [
    OrderItem(
        line_num="1",
        weight=1.5,
        item=ItemName(rrc="ham"),
        special_instructions="thin",
        replacement_policy="users_choice",
        replacement_items=(ItemName(upc="400000000015"),),
        metadata={"a": 1},
    )
]
ITEMS_SENT = [
    {
        "line_num": "1",
        "weight": 1.5,
        "item": {"rrc": "ham"},
        "special_instructions": "thin",
        "replacement_policy": "users_choice",
        "replacement_items": [{"upc": "400000000015"}],
        "metadata": {"a": 1},
    }
]
USER = OrderUser(birthday="1991-03-05", phone_number="+13125550188", sms_opt_in=False)
USER_SENT = {"birthday": "1991-03-05", "phone_number": "+13125550188", "sms_opt_in": False}
SHOPPED = {
    "order_id": "ORD/1",
    "service_option_hold_id": 55,
    "loyalty_number": "7",
    "special_instructions": "ring",
    "paid_with_ebt": False,
    "locale": "en-US",
    "metadata": {"till": [7]},
}
DELIVERY = {**SHOPPED, "location_code": "SM-1", "initial_tip_cents": 0, "leave_unattended": True}
PERSON = {"first_name": "Sample", "last_name": "Member", "user_phone": "+13125550188"}
WINDOW = {"start_at": BEGIN, "end_at": END}
WINDOW_SENT = {"start_at": "2026-06-12T00:00:00Z", "end_at": "2026-06-12T02:00:00Z"}
TOTALS = {"items_count": 7, "items_weight": 12.5, "bags_count": 2, "bag_label": "7120"}
CARRIED = {"location_code": "SM-1", **PERSON, **TOTALS, "cart_total": 42.5, "alcoholic": False}
CHANGES = {**TOTALS, "service_option_id": 7, "initial_tip_cents": 5, "alcoholic": True}
STAGED = {**TOTALS, "bag_scan_codes": ["1", "2"]}
ONE = "/users/u%2F1/orders/ORD%2F1"
DISPATCHED = "/lastmile/orders/ORD%2F1"
ID = ("u/1", "ORD/1")

CREATIONS: list[tuple[str, tuple[str, ...], dict[str, Any], str, dict[str, Any]]] = [
    (
        "orders.create_delivery",
        ("u/1",),
        {**DELIVERY, "address": ADDRESS, "items": ITEMS, "user": USER},
        "/users/u%2F1/orders/delivery",
        {**DELIVERY, "address": ADDRESS_SENT, "items": ITEMS_SENT, "user": USER_SENT},
    ),
    (
        "orders.create_pickup",
        ("u/1",),
        {**SHOPPED, "location_code": "SM-1", "items": ITEMS},
        "/users/u%2F1/orders/pickup",
        {**SHOPPED, "location_code": "SM-1", "items": ITEMS_SENT},
    ),
    (
        "orders.create_last_mile",
        ("u/1",),
        {**CARRIED, **WINDOW, "service_option_hold_id": 55, "address": ADDRESS, "with_handoff_time": True},
        "/users/u%2F1/orders/last_mile",
        {**CARRIED, **WINDOW_SENT, "service_option_hold_id": 55, "address": ADDRESS_SENT, "with_handoff_time": True},
    ),
    (
        "orders.create_last_mile_deprecated",
        ("u/1",),
        {**CARRIED, "service_option_hold_id": 55, "order_id": "ORD/1", "address": ADDRESS},
        "/lastmile/users/u%2F1/orders",
        {**CARRIED, "service_option_hold_id": 55, "order_id": "ORD/1", "address": ADDRESS_SENT},
    ),
    (
        "dispatch.create",
        (),
        {**CARRIED, **WINDOW, "order_id": "ORD/1", "address": ADDRESS, "fallback_to_soonest_sameday": True},
        "/lastmile/orders",
        {**CARRIED, **WINDOW_SENT, "order_id": "ORD/1", "address": ADDRESS_SENT, "fallback_to_soonest_sameday": True},
    ),
]
# Method, arguments, fields, verb, path, body, whether it is repeated when the effect is unknown.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str, dict[str, Any] | None, bool]] = [
    ("orders.get", ID, {}, "GET", ONE, None, True),
    (
        "orders.update",
        ID,
        {"initial_tip_cents": 5, "items": ITEMS, "user": USER},
        "PUT",
        ONE,
        {"initial_tip_cents": 5, "items": ITEMS_SENT, "user": USER_SENT},
        True,
    ),
    ("orders.update", ID, {"service_option_hold_id": 56}, "PUT", ONE, {"service_option_hold_id": 56}, False),
    (
        "orders.update_last_mile",
        ID,
        {**CHANGES, **WINDOW},
        "PUT",
        ONE + "/last_mile",
        {**CHANGES, **WINDOW_SENT},
        True,
    ),
    (
        "orders.choose_replacements",
        (*ID, [ReplacementSelection(line_num="1", count=2, replacement_items=(ItemName(rrc="ham"),))]),
        {},
        "PUT",
        ONE + "/replacement_selections",
        {"selections": [{"line_num": "1", "count": 2, "replacement_items": [{"rrc": "ham"}]}]},
        True,
    ),
    ("orders.update_tip", (*ID, 900), {}, "PUT", ONE + "/tip", {"tip_amount_cents": 900}, True),
    ("orders.stage", ID, STAGED, "POST", ONE + "/staged", STAGED, False),
    ("orders.cancel", ID, {}, "POST", ONE + "/cancel", None, False),
    ("dispatch.get", ("ORD/1",), {}, "GET", DISPATCHED, None, True),
    ("dispatch.get", ("ORD/1",), {"user_id": "u&1"}, "GET", DISPATCHED + "?user_id=u%261", None, True),
    ("dispatch.update", ("ORD/1",), {**CHANGES, **WINDOW}, "PUT", DISPATCHED, {**CHANGES, **WINDOW_SENT}, True),
    ("dispatch.stage", ("ORD/1",), STAGED, "POST", DISPATCHED + "/staged", STAGED, False),
    ("dispatch.cancel", ("ORD/1",), {}, "POST", DISPATCHED + "/cancel", {}, False),
    ("dispatch.cancel", ("ORD/1",), {"user_id": "u"}, "POST", DISPATCHED + "/cancel", {"user_id": "u"}, False),
]


def call(client: Any, method: str, *args: Any, **fields: Any) -> Any:
    group, name = method.split(".")
    return getattr(getattr(client, group), name)(*args, **fields)


@pytest.mark.parametrize(("method", "args", "fields", "path", "sent"), CREATIONS, ids=[row[0] for row in CREATIONS])
def test_answers_of_a_creation_lost_then_repeated_under_one_key(
    caller: Caller, fake: FakeServer, method: str, args: Any, fields: Any, path: str, sent: Any
) -> None:
    fake.answers = [httpx.ReadTimeout("lost"), httpx.Response(504), httpx.Response(200, json=ANSWER)]
    assert caller(lambda client: call(client, method, *args, **fields)) == ORDER
    assert fake.last.method == "POST"
    assert fake.last.url.raw_path.decode() == "/v2/fulfillment" + path
    assert fake.sent == sent
    assert len(fake.requests) == 3
    assert len({request.content for request in fake.requests}) == 1
    assert len({request.headers["Idempotency-Key"] for request in fake.requests}) == 1
    caller(lambda client: call(client, method, *args, **fields))
    assert fake.requests[-1].headers["Idempotency-Key"] != fake.requests[0].headers["Idempotency-Key"]


@pytest.mark.parametrize(("method", "args", "fields", "verb", "path", "sent", "is_safe"), CALLS)
def test_call_then_what_is_given_is_sent_and_repeated_only_where_safe(
    caller: Caller,
    fake: FakeServer,
    method: str,
    args: Any,
    fields: Any,
    verb: str,
    path: str,
    sent: Any,
    is_safe: bool,
) -> None:
    fake.answer(body=ANSWER)
    assert caller(lambda client: call(client, method, *args, **fields)) == ORDER
    assert (fake.last.method, fake.last.url.raw_path.decode()) == (verb, "/v2/fulfillment" + path)
    assert fake.last.content == b"" if sent is None else fake.sent == sent
    assert "Idempotency-Key" not in fake.last.headers
    fake.answers = [httpx.ReadTimeout("lost"), httpx.Response(504), httpx.Response(200, json=ANSWER)]
    if is_safe:
        assert caller(lambda client: call(client, method, *args, **fields)) == ORDER
    else:
        for kind in (TransportError, ServerError):
            with pytest.raises(kind):
                caller(lambda client: call(client, method, *args, **fields))


def test_server_stays_away_then_a_creation_is_given_up_after_three_tries(caller: Caller, fake: FakeServer) -> None:
    fake.answer(503)
    with pytest.raises(ConnectError):
        caller(lambda client: client.dispatch.create(order_id="1"))
    assert len(fake.requests) == 3
    assert len(caller.naps) == 2
    assert caller.naps[0] < caller.naps[1]


def test_list_then_every_order_is_read(caller: Caller, fake: FakeServer) -> None:
    fake.answer(504)
    fake.answer(body={"orders": [ANSWER, {"id": "2", "status": "created"}]})
    orders = caller(lambda client: client.orders.list("u/1"))
    assert orders == (ORDER, Order(id="2", status="created"))
    assert (fake.last.method, fake.last.url.raw_path) == ("GET", b"/v2/fulfillment/users/u%2F1/orders")


def test_order_id_taken_or_order_unknown_then_two_kinds_of_error(caller: Caller, fake: FakeServer) -> None:
    fake.answer(400, error_body("has already been taken", "order_id"))
    with pytest.raises(BadRequest) as taken:
        caller(lambda client: client.dispatch.create(order_id="1"))
    assert taken.value.key == "order_id"
    fake.answers.clear()
    fake.answer(404, {"error": {"message": "Resource not found", "code": 4000}, "meta": {}})
    with pytest.raises(NotFound) as unknown:
        caller(lambda client: client.orders.get("u", "1"))
    assert unknown.value.code == 4000


@pytest.mark.parametrize("order_id", ["", ".", ".."])
def test_order_id_that_no_path_can_carry_then_never_sent(caller: Caller, fake: FakeServer, order_id: str) -> None:
    for use in (lambda client: client.orders.get("u", order_id), lambda client: client.dispatch.get(order_id)):
        with pytest.raises(ValueError, match="an order id must not be"):
            caller(use)
    assert fake.requests == []


@pytest.mark.parametrize(
    ("line_nums", "read"), [(["1", "ham"], ("1", "ham")), ([1, None, "2"], ("2",)), ("1", ()), (None, ())]
)
def test_refusal_of_lines_then_it_names_them(caller: Caller, fake: FakeServer, line_nums: Any, read: Any) -> None:
    refused = {"error": {"message": "Invalid items", "code": 2000}, "meta": {"key": "items", "line_nums": line_nums}}
    fake.answer(400, {"error": {"message": "There were issues with your request", "code": 9999, "errors": [refused]}})
    with pytest.raises(BadRequest) as caught:
        caller(lambda client: client.orders.update("u", "1"))
    assert [(detail.key, detail.line_nums) for detail in caught.value.errors] == [("items", read)]
