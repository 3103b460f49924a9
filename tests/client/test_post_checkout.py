"""Orders after checkout: requests and answers of each call, and both clients against the real server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from handcart_client import (
    BadRequest,
    ChatMessage,
    Coordinates,
    Forbidden,
    Handling,
    HandlingAddress,
    HandlingShopper,
    InstructionImage,
    ItemName,
    LineItem,
    LineItemProduct,
    NotFound,
    PickupInstruction,
    PostCheckoutOrder,
    SentMessage,
    ServerError,
    Token,
    TransportError,
    Vehicle,
)

from handcart.core import clock
from handcart.stores import pickup
from handcart.stores.pickup import Instruction
from tests.client.fakes import Caller, FakeServer
from tests.support.orders import Market
from tests.support.post_checkout import give
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer

ORDER = "/v2/post_checkout/orders/ORD%2F1"
CHAT = "/v2/post_checkout/chat/ORD%2F1/messages"
AT = datetime(2026, 6, 12, 0, 20, tzinfo=UTC)
CAR = {"model": "Hatch 200", "vehicle_type": "hatchback", "license_plate": "7ABC123", "color": "silver"}
RATING = {"rating_value": "STARS4", "highlights": ["SMART_BAGGING"], "thank_you_note": "Thanks"}
DONE = {"success": True}
APPLES = {"name": "Fuji apples", "quantity": "2.0", "cost_unit": "lb"}
PRODUCT = LineItemProduct(name="Fuji apples", quantity="2.0", cost_unit="lb")
MESSAGE = {
    "id": 7,
    "order_id": 8,
    "created_at": "2026-06-12T00:20:00Z",
    "recipient_id": 9,
    "recipient_type": "user",
    "sender_id": 10,
    "sender_type": "driver",
    "read": False,
    "type": "CHAT",
    "body": "All right?",
}
# Method, arguments, fields, verb, path, body, answer, result (None: not looked at), whether repeated if in doubt.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str, Any, Any, Any, bool]] = [
    (
        "get",
        (),
        {},
        "GET",
        ORDER,
        None,
        {"workflow_state": "picking", "fulfillment_type": "delivery", "window_ends_at": "2026-06-12T00:20:00Z"},
        PostCheckoutOrder(workflow_state="picking", fulfillment_type="delivery", window_ends_at=AT),
        True,
    ),
    (
        "handling",
        (),
        {},
        "GET",
        f"{ORDER}/handling",
        None,
        {
            "address": {"address_line_1": "350 W Oak St", "postal_code": "60610", "country_code": "US"},
            "coordinates": {"latitude": 41.9, "longitude": -87},
            "shopper": {"first_name": "Noor"},
            "instructions": "Ring once",
            "notes": "Gate 3",
        },
        Handling(
            address=HandlingAddress(address_line_1="350 W Oak St", postal_code="60610", country_code="US"),
            coordinates=Coordinates(latitude=41.9, longitude=-87),
            shopper=HandlingShopper(first_name="Noor"),
            instructions="Ring once",
            notes="Gate 3",
        ),
        True,
    ),
    ("location", (), {}, "GET", f"{ORDER}/location", None, {}, None, True),
    (
        "items",
        (),
        {},
        "GET",
        f"{ORDER}/items",
        None,
        {"line_items": [{"id": "li-1", "status": "FOUND", "item": APPLES, "line_num": "1"}]},
        (LineItem(id="li-1", status="FOUND", item=PRODUCT, line_num="1"),),
        True,
    ),
    (
        "approve_replacement",
        ("li/1",),
        {},
        "PUT",
        f"{ORDER}/items/li%2F1/replacement",
        {"status": "APPROVED"},
        {},
        None,
        False,
    ),
    (
        "reject_replacement",
        ("li/1",),
        {"alternative": ItemName(rrc="R-91"), "count": 2},
        "PUT",
        f"{ORDER}/items/li%2F1/replacement",
        {"status": "REJECTED", "alternative_item": {"rrc": "R-91", "count": 2}},
        {},
        None,
        False,
    ),
    ("chat_messages", (), {}, "GET", CHAT, None, {"chat_messages": [MESSAGE], "metadata": {}}, None, True),
    (
        "order_messages",
        (),
        {},
        "GET",
        f"{ORDER}/order_messages",
        None,
        {"chat_messages": [], "lifecycle_messages": [{"id": 1, "body": "On its way"}], "metadata": {}},
        None,
        True,
    ),
    (
        "send_message",
        ("Yes",),
        {},
        "POST",
        CHAT,
        {"body": "Yes"},
        {"id": 7, "type": "CHAT", "created_at": "2026-06-12T00:20:00Z", "timezone": "America/Chicago"},
        SentMessage(id=7, type="CHAT", created_at=AT, timezone="America/Chicago"),
        False,
    ),
    ("mark_read", (), {}, "PUT", CHAT, None, {"messages_read_count": 4}, 4, True),
    (
        "pickup_instructions",
        (),
        {},
        "GET",
        f"{ORDER}/pickup/details",
        None,
        {
            "pickup_instructions": [
                {
                    "category": "locker",
                    "instruction": "Box 9",
                    "instruction_images": [{"url": "https://a", "value": "b"}],
                }
            ]
        },
        (
            PickupInstruction(
                category="locker",
                instruction="Box 9",
                instruction_images=(InstructionImage(url="https://a", value="b"),),
            ),
        ),
        True,
    ),
    ("vehicle", (), {}, "GET", f"{ORDER}/pickup/vehicle_info", None, {}, None, True),
    (
        "set_vehicle",
        (),
        CAR,
        "PUT",
        f"{ORDER}/pickup/vehicle_info",
        CAR,
        {"vehicle_info": {**CAR, "id": 9, "color_hex": "#E8E8E8"}},
        Vehicle(**CAR, id=9, color_hex="#E8E8E8"),  # type: ignore[arg-type]
        True,
    ),
    (
        "set_pickup_delegate",
        ("Kim", "+13125550199"),
        {},
        "PUT",
        f"{ORDER}/pickup_delegate",
        {"name": "Kim", "phone_number": "+13125550199"},
        {},
        None,
        True,
    ),
    (
        "schedule_pickup",
        (AT,),
        {},
        "POST",
        f"{ORDER}/pickup/schedule_pickup",
        {"schedule_pickup_eta": "2026-06-12T00:20:00Z"},
        DONE,
        None,
        True,
    ),
    ("arrive", (), {}, "POST", f"{ORDER}/pickup/user_arrived", {}, DONE, None, True),
    (
        "arrive",
        (),
        {"is_pickup_delegate": True},
        "POST",
        f"{ORDER}/pickup/user_arrived",
        {"is_pickup_delegate": True},
        DONE,
        None,
        True,
    ),
    (
        "rate",
        ("STARS4",),
        {"highlights": ["SMART_BAGGING"], "thank_you_note": "Thanks"},
        "POST",
        "/v2/feedback/orders/ORD%2F1/rating",
        RATING,
        DONE,
        None,
        True,
    ),
    (
        "rate",
        ("STARS4",),
        {"user_id": "u/1"},
        "POST",
        "/v2/feedback/users/u%2F1/orders/ORD%2F1/rating",
        {"rating_value": "STARS4"},
        DONE,
        None,
        True,
    ),
]


@pytest.mark.parametrize(("method", "args", "fields", "verb", "path", "sent", "body", "result", "is_safe"), CALLS)
def test_call_then_sent_read_and_repeated_only_where_safe(
    caller: Caller,
    fake: FakeServer,
    method: str,
    args: Any,
    fields: Any,
    verb: str,
    path: str,
    sent: Any,
    body: Any,
    result: Any,
    is_safe: bool,
) -> None:
    def use(client: Any) -> Any:
        return getattr(client.post_checkout, method)("ORD/1", *args, **fields)

    fake.answer(body=body)
    answer = caller(use)
    assert result is None or answer == result
    assert (fake.last.method, fake.last.url.raw_path.decode()) == (verb, path)
    assert fake.last.content == b"" if sent is None else fake.sent == sent
    assert fake.last.headers["Authorization"] == "Bearer token-1"
    fake.answers = [httpx.ReadTimeout("lost"), httpx.Response(504), httpx.Response(200, json=body)]
    if is_safe:
        caller(use)
        return
    for kind in (TransportError, ServerError):
        with pytest.raises(kind):
            caller(use)


def test_messages_read_then_each_field_is_known(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"chat_messages": [MESSAGE], "metadata": {"is_expired": True}})
    read = caller(lambda client: client.post_checkout.chat_messages("1"))
    assert read.chat_messages == (ChatMessage(**{**MESSAGE, "created_at": AT}),)  # type: ignore[arg-type]
    assert read.metadata.is_expired is True


def test_users_token_given_then_sent_instead_of_the_clients(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"workflow_state": "picking", "fulfillment_type": "delivery"})
    token = Token(access_token="of-a-user", token_type="Bearer", expires_in=1)
    caller(lambda client: client.post_checkout.with_token(token).get("1"))
    assert fake.last.headers["Authorization"] == "Bearer of-a-user"
    assert fake.token_requests == []
    caller(lambda client: client.post_checkout.get("1"))
    assert fake.last.headers["Authorization"] == "Bearer token-1"


@pytest.mark.parametrize("odd", ["", ".", ".."])
def test_id_that_no_path_can_carry_then_never_sent(caller: Caller, fake: FakeServer, odd: str) -> None:
    for use in (
        lambda client: client.post_checkout.get(odd),
        lambda client: client.post_checkout.chat_messages(odd),
        lambda client: client.post_checkout.approve_replacement("1", odd),
        lambda client: client.post_checkout.rate(odd, "STARS1"),
    ):
        with pytest.raises(ValueError, match="id must not be"):
            caller(use)
    assert fake.requests == []


# Against the real server.


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def live(make_caller: Callable[..., Caller], market: Market) -> Caller:
    return make_caller(market.server.url, **market.credentials)


def test_whole_pickup_then_each_step_is_understood(live: Caller, market: Market) -> None:
    user_id = market.customer()
    order_id, shopping = str(market.order("pickup", user_id)["id"]), Shopping(market)
    market.server.write(pickup.set_instruction, market.retailer.id, Instruction("", "curbside", "Park in bay 1"))
    (shown,) = live(lambda client: client.post_checkout.pickup_instructions(order_id))
    assert shown == PickupInstruction(category="curbside", instruction="Park in bay 1")
    assert live(lambda client: client.post_checkout.vehicle(order_id)) is None
    car = live(lambda client: client.post_checkout.set_vehicle(order_id, **CAR))
    assert (car, car.color_hex) == (live(lambda client: client.post_checkout.vehicle(order_id)), "#E8E8E8")
    with pytest.raises(BadRequest) as early:
        live(lambda client: client.post_checkout.arrive(order_id))
    assert early.value.code == 2001

    shopping.reach(shopping.batch(order_id), "staged")
    eta = datetime.fromtimestamp(clock.of_process() // clock.SECOND, UTC) + timedelta(minutes=20)
    live(lambda client: client.post_checkout.schedule_pickup(order_id, eta))
    live(lambda client: client.post_checkout.set_pickup_delegate(order_id, "Kim Sample", "+13125550199"))
    live(lambda client: client.post_checkout.arrive(order_id, is_pickup_delegate=True))
    found = live(lambda client: client.post_checkout.get(order_id))
    assert (found.workflow_state, found.fulfillment_type, found.pickup_category) == (
        *("runner_awaiting", "pickup"),
        "curbside",
    )
    shopping.reach(shopping.batch(order_id), "completed")
    live(lambda client: client.post_checkout.rate(order_id, "STARS5", highlights=["EASY_PARKING"], user_id=user_id))
    assert market.row(order_id)["details"]["rating"]["highlights"] == ["EASY_PARKING"]


def test_delivery_followed_with_a_users_token_then_only_their_own(live: Caller, market: Market) -> None:
    user_id, other_id = market.customer(), market.customer()
    order_id, foreign = (str(market.order("delivery", one)["id"]) for one in (user_id, other_id))
    give(market, order_id, "Noor Sample")
    token = live(lambda client: client.oauth.user_token(user_id))
    handling = live(lambda client: client.post_checkout.with_token(token).handling(order_id))
    assert (handling.shopper.first_name, handling.address.postal_code) == ("Noor", "60610")
    assert live(lambda client: client.post_checkout.with_token(token).location(order_id)) is None
    with pytest.raises(NotFound) as unknown:
        live(lambda client: client.post_checkout.with_token(token).get(foreign))
    assert unknown.value.code == 4000


def test_chat_then_written_read_and_closed(live: Caller, market: Market) -> None:
    order_id = str(market.order("delivery", market.customer())["id"])
    with pytest.raises(Forbidden) as closed:
        live(lambda client: client.post_checkout.send_message(order_id, "Hello"))
    assert (closed.value.code, closed.value.message) == (None, "Sending a message is not allowed at this time")
    give(market, order_id, "Noor Sample", "picking")
    sent = live(lambda client: client.post_checkout.send_message(order_id, "Hello"))
    assert (sent.type, sent.timezone) == ("CHAT", "America/Chicago")
    read = live(lambda client: client.post_checkout.chat_messages(order_id))
    assert [(one.id, one.body, one.sender_type) for one in read.chat_messages] == [(sent.id, "Hello", "user")]
    assert live(lambda client: client.post_checkout.mark_read(order_id)) == 0
    told = live(lambda client: client.post_checkout.order_messages(order_id))
    assert told.chat_messages == read.chat_messages
    assert told.lifecycle_messages


def proposed(market: Market, shopper_id: int) -> str:
    """An order whose shopper proposes bread in place of milk."""
    order_id, shopping = str(market.order("delivery", market.customer())["id"]), Shopping(market)
    shopping.generate(shopper_id, order_id, workflow_state="picking").raise_for_status()
    shopping.item(shopper_id, order_id, "1", replacement_item={"rrc": "bread"}).raise_for_status()
    return order_id


def test_replacement_answered_then_its_line_says_so(live: Caller, market: Market) -> None:
    shopper_id = Shopping(market).shopper()
    answers: dict[str, Callable[[Any, str, str], Any]] = {
        "REPLACED APPROVED": lambda client, order, item: client.post_checkout.approve_replacement(order, item),
        "TO_REFUND REJECTED": lambda client, order, item: client.post_checkout.reject_replacement(order, item),
        "NOT_PICKED REJECTED": lambda client, order, item: client.post_checkout.reject_replacement(
            order, item, alternative=ItemName(rrc="soap"), count=1
        ),
    }
    for expected, answer in answers.items():
        order_id = proposed(market, shopper_id)
        (line,) = live(lambda client, order=order_id: client.post_checkout.items(order))
        assert (line.status, line.replacement_status, line.replacement.name) == ("REPLACED", "PENDING", "Bread")
        live(lambda client, order=order_id, item=line.id, answer=answer: answer(client, order, item))
        (line,) = live(lambda client, order=order_id: client.post_checkout.items(order))
        assert f"{line.status} {line.replacement_status}" == expected
    with pytest.raises(NotFound):
        live(lambda client: client.post_checkout.approve_replacement(order_id, "1111"))
