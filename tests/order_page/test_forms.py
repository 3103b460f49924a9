"""The forms of an order's page, as a browser without JavaScript sends them."""

import re

import pytest

from handcart.chat.models import SHOPPER, Sender
from handcart.core.db import Tx
from handcart.messages import push
from handcart.messages import queries as messages
from handcart.retailers import ops as retailers
from tests.order_page.customer import Customer, path_of, title
from tests.support.chatting import Chatting
from tests.support.contents import nothing_written
from tests.support.orders import MILK, PHONE, Market, line
from tests.support.sandbox import Shopping


@pytest.fixture
def proposed(customer: Customer, shopping: Shopping) -> dict[str, object]:
    """An order whose milk is proposed to be replaced by bread."""
    order = customer.order(items=[MILK, line("2", "soap")])
    shopper = shopping.shopper()
    batch = shopping.generate(shopper, order["id"]).json()["id"]
    shopping.reach(batch, "picking")
    shopping.item(shopper, order["id"], "1", status="replaced", replacement_item={"rrc": "bread"}).raise_for_status()
    return order


@pytest.mark.parametrize(("answer", "status"), [("approve", "replaced"), ("refuse", "to_refund")])
def test_replacement_is_answered_then_the_line_says_so(
    customer: Customer, market: Market, proposed: dict[str, object], answer: str, status: str
) -> None:
    page = customer.open(proposed)
    assert page.text.index("Replacements to answer") < page.text.index("Tell me on this device")
    page = customer.submit(page, "/items/1", answer=answer)
    assert "Your answer was sent" in page.text
    assert "Replacements to answer" not in page.text
    (milk, _) = market.row(str(proposed["id"]))["items"]
    assert milk["status"] == status


def test_replacement_is_refused_with_another_then_the_shopper_looks_for_it(
    customer: Customer, market: Market, proposed: dict[str, object]
) -> None:
    page = customer.open(proposed, "/items/1?q=soda")
    assert "Soda" in page.text
    page = customer.submit(page, "/items/1", rrc="soda", answer="alternative", amount="2")
    assert "Your answer was sent" in page.text
    (milk, _) = market.row(str(proposed["id"]))["items"]
    assert milk["alternative"] == {"item": {"rrc": "soda"}, "count": 2}


def test_replacement_is_answered_twice_then_the_second_changes_nothing(
    customer: Customer, market: Market, proposed: dict[str, object]
) -> None:
    page = customer.open(proposed)
    customer.submit(page, "/items/1", answer="approve")
    with nothing_written(market.server):
        again = customer.submit(page, "/items/1", status=409, answer="refuse")
    assert "has changed in the meantime" in again.text


@pytest.mark.parametrize("amount", ["", "0", "-1", "1.5", "100", "x", "1e3", "\u0661"])
def test_amount_of_an_alternative_is_bad_then_refused(
    customer: Customer, market: Market, proposed: dict[str, object], amount: str
) -> None:
    page = customer.open(proposed, "/items/1?q=soda")
    with nothing_written(market.server):
        again = customer.submit(page, "/items/1", status=409, rrc="soda", answer="alternative", amount=amount)
    assert "Write the amount as a number" in again.text


def test_order_delivered_then_a_tip_can_be_given_and_changed(
    customer: Customer, market: Market, shopping: Shopping
) -> None:
    order = customer.order()
    assert "Tip" not in customer.open(order).text
    shopping.complete(order["id"], "delivery")
    page = customer.submit(customer.open(order), "/tip", amount="5,5")
    assert "Your tip is $5.50" in page.text
    page = customer.submit(page, "/tip", amount="5.50")
    assert shopping.events(order["id"]).count("tip_adjustment") == 1
    for wrong in ("", "-1", "500.01", "1e2", "a" * 1000, "5.555"):
        with nothing_written(market.server):
            again = customer.submit(page, "/tip", status=409, amount=wrong)
        assert "Write the tip as an amount" in again.text


def test_chat_is_open_then_customer_writes_and_reads(customer: Customer, market: Market, shopping: Shopping) -> None:
    order = customer.order()
    assert "Chat" not in customer.open(order).text
    shopping.reach(shopping.batch(order["id"]), "picking")
    page = customer.submit(customer.open(order), "/chat", body="Ripe <b>bananas</b>\u202e please\r\nThanks")
    assert "Ripe &lt;b&gt;bananas&lt;/b&gt; please\nThanks" in page.text
    page = customer.submit(page, "/chat", phrase="ring_bell")
    assert page.text.count("Please ring the bell.") == 2
    assert "Veuillez sonner" in page.text or customer.open(order, "?locale=fr-CA").text.count("sonne") >= 1


def test_chat_form_is_sent_twice_then_one_message(customer: Customer, market: Market, shopping: Shopping) -> None:
    order = customer.order()
    shopping.reach(shopping.batch(order["id"]), "picking")
    page = customer.open(order)
    for _ in range(2):
        customer.submit(page, "/chat", body="Once")
    assert len(market.server.sql("SELECT id FROM chat_messages WHERE order_id = $1", order["id"])) == 1


def test_message_is_too_long_then_it_is_kept_in_the_form(
    customer: Customer, market: Market, shopping: Shopping
) -> None:
    order = customer.order()
    shopping.reach(shopping.batch(order["id"]), "picking")
    page = customer.submit(customer.open(order), "/chat", status=409, body="<" * 1001)
    assert "longer than 1,000 characters" in page.text
    assert "&lt;" * 1001 in page.text


def test_form_of_another_order_then_refused(customer: Customer, market: Market, shopping: Shopping) -> None:
    one, other = customer.order(), customer.order()
    for order in (one, other):
        shopping.complete(order["id"], "delivery")
    token = customer.token(customer.open(one), "/tip")
    with nothing_written(market.server):
        answer = customer.post(other, "/tip", form_token=token, amount="5")
    assert answer.status_code == 403
    assert title(answer) == "This page has expired"


@pytest.fixture
def staged(customer: Customer, shopping: Shopping) -> dict[str, object]:
    """A pickup order that waits for its customer."""
    order = customer.order("pickup")
    shopping.reach(shopping.batch(order["id"]), "staged")
    return order


def test_customer_arrives_then_somebody_is_looked_for_once(
    customer: Customer, market: Market, shopping: Shopping, staged: dict[str, object]
) -> None:
    page = customer.open(staged)
    assert title(page) == "Ready for pickup"
    done = customer.submit(page, "/pickup/here")
    assert title(done) == "Looking for someone to bring your order out"
    assert "The store knows that you are here" in done.text
    again = customer.submit(page, "/pickup/here")
    assert title(again) == "Looking for someone to bring your order out"
    assert shopping.events(str(staged["id"])).count("pickup_geofence_reached") <= 1


def test_customer_says_how_they_come_then_the_page_says_so(customer: Customer, staged: dict[str, object]) -> None:
    page = customer.submit(
        customer.open(staged), "/pickup/vehicle", model="Hatch\u202e 200", vehicle_type="suv", color="blue", status=409
    )
    assert "Your vehicle was not saved" in page.text
    fields = {"model": "<b>Hatch</b>", "vehicle_type": "suv", "color": "blue", "license_plate": "7ABC123"}
    page = customer.submit(page, "/pickup/vehicle", **fields)
    assert "&lt;b&gt;Hatch&lt;/b&gt; 7ABC123" in page.text
    page = customer.submit(page, "/pickup/coming", minutes="20")
    assert "The store expects you at" in page.text
    assert "Choose when" in customer.submit(page, "/pickup/coming", status=409, minutes="7").text


def test_somebody_else_comes_then_they_are_named(customer: Customer, staged: dict[str, object]) -> None:
    page = customer.open(staged)
    page = customer.submit(page, "/pickup/delegate", status=409, name="Ada", phone_number="12")
    assert "Write the phone number" in page.text
    assert 'value="12"' in page.text
    page = customer.submit(page, "/pickup/delegate", name="Ada", phone_number="+13125550188")
    assert "Press this when <bdi>Ada</bdi> is at the store." in page.text
    assert "on my way" not in page.text
    assert title(customer.submit(page, "/pickup/here")) == "Looking for someone to bring your order out"


def test_order_is_fetched_meanwhile_then_an_old_form_says_what_is_true(
    customer: Customer, market: Market, shopping: Shopping, staged: dict[str, object]
) -> None:
    page = customer.open(staged)
    shopping.reach(shopping.batch(str(staged["id"])), "completed")
    for after, fields in (("/pickup/here", {}), ("/pickup/coming", {"minutes": "20"}), ("/pickup/vehicle", {})):
        with nothing_written(market.server):
            again = customer.submit(page, after, status=409, **fields)
        assert title(again) == "Picked up"
        assert "has changed in the meantime" in again.text


def test_order_is_rated_then_the_rating_can_be_changed(customer: Customer, market: Market, shopping: Shopping) -> None:
    order = customer.order()
    shopping.complete(order["id"], "delivery")
    page = customer.open(order)
    assert "Easy parking" not in page.text
    fields = {"rating": "STARS4", "highlight_SMART_BAGGING": "on", "highlight_EASY_PARKING": "on", "note": "Thanks"}
    for _ in range(2):
        page = customer.submit(page, "/rating", **fields)
    assert "Change rating" in page.text
    assert market.row(order["id"])["details"]["rating"]["highlights"] == ["SMART_BAGGING"]
    assert shopping.events(order["id"]).count("rating_updated") == 1
    customer.submit(page, "/rating", rating="STARS5")
    assert shopping.events(order["id"]).count("rating_updated") == 2
    for wrong in ({"rating": ""}, {"rating": "STARS6"}, {"rating": "STARS1", "note": "x" * 1001}):
        with nothing_written(market.server):
            customer.submit(page, "/rating", status=409, **wrong)


def test_browser_subscribes_then_it_is_stored_for_the_order(customer: Customer, market: Market) -> None:
    order = customer.order()
    page = customer.open(order)
    assert len(customer.http.get(path_of(order) + "/push/key").json()["key"]) == 87
    worker = customer.http.get(path_of(order) + "/worker.js")
    assert worker.headers["content-type"] == "text/javascript; charset=utf-8"
    keys = {"p256dh": "B" + "A" * 86, "auth": "A" * 22}
    for endpoint in (
        "http://push.example/1",
        "https://127.0.0.1/1",
        "",
        "javascript:1",
        "https://push.example/" + "x" * 5000,
    ):
        customer.submit(page, "/push", status=409, endpoint=endpoint, **keys)
    done = customer.submit(page, "/push", endpoint="https://push.example/1", **keys)
    assert "This device will tell you" in done.text
    recipient = f"order/{market.retailer.id}/{order['id']}"
    assert len(market.server.sql("SELECT id FROM push_subscriptions WHERE recipient = $1", recipient)) == 1


def test_browser_shows_a_message_then_it_is_confirmed(customer: Customer, market: Market) -> None:
    order = customer.order()
    recipient = f"order/{market.retailer.id}/{order['id']}"
    keys = {"p256dh": "B" + "A" * 86, "auth": "A" * 22}
    customer.submit(customer.open(order), "/push", endpoint="https://push.example/1", **keys)
    (subscription,) = market.server.read(messages.subscriptions, recipient)

    async def reported(tx: Tx) -> str:
        return push.shown(tx, recipient, subscription.id)

    path = f"{path_of(order)}/push/shown"
    with nothing_written(market.server):
        assert customer.http.post(path, params={"shown": "1.x"}).status_code == 404
    assert customer.http.post(path, params={"shown": market.server.read(reported)}).status_code == 204
    assert market.server.read(messages.subscriptions, recipient)[0].is_confirmed


@pytest.fixture
def to_sign(customer: Customer, market: Market, shopping: Shopping) -> dict[str, object]:
    """An order at the door for which its customer must sign."""
    market.server.write(retailers.change, market.slug, {"certified_from_cents": 100})
    user = {"phone_number": PHONE, "sms_opt_in": True}
    order = customer.order(items=[line("1", "ham", count=None, weight=2.5)], user=user)
    shopping.reach(shopping.batch(order["id"]), "delivering")
    return order


def test_order_needs_a_signature_then_a_typed_name_or_a_drawing_is_one(
    customer: Customer, market: Market, to_sign: dict[str, object]
) -> None:
    page = customer.open(to_sign)
    assert "Sign for your order" in page.text
    for wrong in ({"name": " "}, {"name": "Ada", "strokes": "[[1"}, {"name": "Ada", "strokes": "[[1,2,-3,4]]"}):
        with nothing_written(market.server):
            customer.submit(page, "/signature", status=409, **wrong)
    done = customer.submit(page, "/signature", name="Ada <b>", strokes="[[10,10,20,20],[30,30]]")
    assert "Signed by <bdi>Ada &lt;b&gt;</bdi>" in done.text
    assert 'd="M10 10L20 20M30 30L30 30"' in done.text
    with nothing_written(market.server):
        again = customer.submit(page, "/signature", status=409, name="Eve")
    assert "Signed by <bdi>Ada" in again.text


@pytest.mark.parametrize("megabytes", [1, 10])
def test_signature_is_far_too_large_then_refused_before_it_is_read(
    customer: Customer, market: Market, to_sign: dict[str, object], megabytes: int
) -> None:
    token = customer.token(customer.open(to_sign), "/signature")
    with nothing_written(market.server):
        answer = customer.post(to_sign, "/signature", form_token=token, name="Ada", strokes="1" * (megabytes << 20))
    assert answer.status_code == 413


def test_signature_is_for_another_order_or_comes_late_then_refused(
    customer: Customer, market: Market, shopping: Shopping, to_sign: dict[str, object]
) -> None:
    token = customer.token(customer.open(to_sign), "/signature")
    other = customer.order(items=[line("1", "soap")], user={"phone_number": PHONE, "sms_opt_in": True})
    with nothing_written(market.server):
        assert customer.post(other, "/signature", form_token=token, name="Ada").status_code == 403
        assert customer.post(to_sign, "/signature", name="Ada").status_code == 403
        assert customer.http.post("/o/" + "A" * 32 + "/signature", data={"name": "Ada"}).status_code == 404
    (batch,) = market.server.sql("SELECT batch_id FROM batch_orders WHERE order_id = $1", to_sign["id"])
    shopping.reach(batch["batch_id"], "completed")
    with nothing_written(market.server):
        assert customer.post(to_sign, "/signature", form_token=token, name="Ada").status_code == 409


def test_shopper_writes_then_the_message_is_new_until_it_was_seen(
    customer: Customer, market: Market, shopping: Shopping
) -> None:
    order = customer.order()
    shopping.reach(shopping.batch(order["id"]), "picking")
    chatting = Chatting(market, order["id"])
    chatting.says(Sender(SHOPPER), phrase="none_left")
    page = customer.open(order, "?locale=fr-CA")
    assert "Un nouveau message" in page.text
    page = customer.open(order, "?locale=en-US")
    assert "One new message" in page.text
    assert "The store has none left" in page.text
    (message,) = chatting.messages()
    token = re.search(r'data-until="(\d+)" data-token="([0-9a-f]+)"', page.text)
    assert token
    assert token[1] == str(message.id)
    for until in ("", "x", "0"):
        assert customer.post(order, "/chat/read", form_token=token[2], until=until).status_code == 204
        assert "One new message" in customer.open(order).text
    assert customer.post(order, "/chat/read", form_token=token[2], until=token[1]).status_code == 204
    assert "new message" not in customer.open(order).text
