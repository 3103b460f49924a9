"""The messages of a sandbox, over the API and on the page of the console, and replies to them."""

from typing import Any

import pytest

from handcart.messages import ops as messages
from handcart.messages.models import Letter
from tests.support.console import Person
from tests.support.orders import Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import error

PATH = "/v2/handcart_sandbox/messages"
PAGE = "/console/mailbox"
NUMBER = "+13125550143"


def order(market: Market, **fields: Any) -> str:
    opted_in = {"user": {"phone_number": NUMBER, "sms_opt_in": True}}
    return str(market.order("delivery", **{**opted_in, **fields})["id"])


def letters(market: Market, **asked: Any) -> list[dict[str, Any]]:
    answer = market.get(PATH, params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["messages"]
    return found


@pytest.fixture
def market(server: LiveServer) -> Market:
    market = Market(server)
    clock = {"at": "2030-06-12T17:00:00Z"}
    market.http.put("/v2/handcart_sandbox/clock", json=clock, headers=market.headers).raise_for_status()
    market._begun = 1_907_514_000_000_000
    return market


def test_messages_are_read_then_the_newest_first_of_an_order_or_all(market: Market) -> None:
    order_id, other = order(market), order(market)
    Shopping(market).complete(order_id, "delivery")
    found = letters(market, order_id=order_id)
    assert [one["template"] for one in found][::5] == ["delivered", "order_confirmation"]
    assert {(one["channel"], one["to"], one["order_id"]) for one in found} == {("sms", NUMBER, order_id)}
    assert found[0]["parts"] == 1
    everything = letters(market)
    assert {one["order_id"] for one in everything} == {order_id, other}
    assert letters(market, limit=2, before=everything[1]["id"]) == everything[2:4]
    assert letters(Market(market.server)) == []


def test_customer_replies_over_the_api_then_the_outcome(market: Market) -> None:
    order_id = order(market, items=[line("1", "milk")])
    shopping = Shopping(market)
    shopper = shopping.shopper()
    shopping.reach(shopping.generate(shopper, order_id).json()["id"], "picking")
    shopping.item(shopper, order_id, "1", status="replaced", replacement_item={"rrc": "bread"}).raise_for_status()
    assert letters(market)[0]["template"] == "replacement"
    answer = market.post(f"{PATH}/replies", {"number": NUMBER, "text": "y"})
    assert (answer.status_code, answer.json()) == (200, {"outcome": "answered"})
    assert letters(market)[0]["text"] == "Sample Market: thanks, you get Bread."
    assert market.post(f"{PATH}/replies", {"number": "+13125550149", "text": "y"}).json() == {"outcome": "unknown"}
    assert market.post(f"{PATH}/replies", {"number": NUMBER, "text": "STOP"}).json() == {"outcome": "stopped"}
    market.post(f"{PATH}/replies", {"number": NUMBER, "text": "START"})


@on_sqlite
def test_bad_input_then_refusals_with_their_key(market: Market) -> None:
    for name, value in (("limit", "0"), ("limit", "101"), ("limit", "x"), ("before", "-1"), ("order_id", "")):
        assert error(market.get(PATH, params={name: value})) == (400, "is invalid", 1001, name)
    for body, key, message in (
        ({"number": NUMBER}, "text", "can't be blank"),
        ({"text": "Y"}, "number", "can't be blank"),
        ({"number": "", "text": "Y"}, "number", "can't be blank"),
        ({"number": "1" * 41, "text": "Y"}, "number", "is invalid"),
        ({"number": NUMBER, "text": "x" * 10_001}, "text", "is invalid"),
        ({"number": NUMBER, "text": "a\0"}, "text", "is invalid"),
    ):
        assert error(market.post(f"{PATH}/replies", body)) == (400, message, 1001, key)


def test_page_then_texts_with_links_and_a_reply_as_the_customer(market: Market) -> None:
    order_id = order(market)
    person = Person(market.server, "retailer_manager", market.retailer.id)
    page = person.open(PAGE, order_id=order_id)
    assert page.status_code == 200
    assert "We got your order" in page.text
    link = letters(market)[0]["text"].split("here: ")[1].split()[0]
    assert f'<a href="{link}" rel="noreferrer">{link}</a>' in page.text
    assert "2 parts" in page.text
    page = person.submit(PAGE, text="HELP")
    assert "The customer got help." in page.text
    assert letters(market)[0]["template"] == "sms_help"


@on_sqlite
def test_mail_about_an_account_then_only_admins_see_its_link(market: Market) -> None:
    secret = f"https://connect.example/account/new-password/{market.slug}"
    message_id = market.server.write(
        messages.write,
        Letter(
            recipient="account/1",
            channel="mail",
            address="kim@example.com",
            template="password_link",
            locale="en-US",
            subject="A new password",
            body=f"Choose it here: {secret}",
        ),
    )
    for role, sees in (("operator_admin", True), ("support", False), ("dispatcher", False)):
        # Clocks of other tests may have been ahead, so that their messages are newer.
        page = Person(market.server, role).open(PAGE, before=str(message_id + 1)).text
        assert "Choose it here: " in page
        assert (secret in page) == sees, role


def test_people_of_others_then_they_see_and_reply_to_nothing(market: Market) -> None:
    order_id = order(market)
    (letter,) = letters(market)
    other = Market(market.server)
    person = Person(market.server, "retailer_manager", other.retailer.id)
    assert order_id not in person.open(PAGE).text
    form = {"form_token": "x", "message": str(letter["id"]), "text": "STOP"}
    assert person.http.post(PAGE, data=form).status_code == 403
    assert Person(market.server, "store_associate", market.retailer.id, 1).open(PAGE).status_code == 403
    assert market.server.http().get(PAGE).headers["location"].startswith("/console/sign-in")
    assert len(letters(market)) == 1


@on_sqlite
def test_message_has_markup_then_the_page_shows_it_as_text(market: Market) -> None:
    order_id = order(market)
    market.server.write(
        messages.write,
        Letter(
            recipient=f"order/{market.retailer.id}/{order_id}",
            channel="mail",
            address="kim@example.com",
            template="delivered",
            locale="en-US",
            subject="<script>alert(1)</script>",
            body='<img src=x> https://x.test/"onmouseover=alert(1) javascript:alert(1)',
            order_id=order_id,
            retailer_id=market.retailer.id,
        ),
    )
    page = Person(market.server, "retailer_manager", market.retailer.id).open(PAGE).text
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert 'href="https://x.test/"' in page
    assert 'href="javascript' not in page
