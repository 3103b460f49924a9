"""The order's page after the checkout: chat, replacements, rating, and the platform's own page."""

import asyncio

import httpx
import pytest
from handcart_client import Token

from storefront import aftercare
from tests.storefront.platform import message, refusal
from tests.storefront.test_checkout import text_of
from tests.storefront.test_orders import order

ITEM = {"quantity": "1", "cost_unit": "each"}
PENDING = {
    "id": "li-7",
    "line_num": "apples",
    "status": "REPLACED",
    "replacement_status": "PENDING",
    "item": {**ITEM, "name": "Fuji <apples>"},
    "replacement": {**ITEM, "name": "Gala apples"},
}


@pytest.fixture
def path(browser, platform):
    """The page of an order that is being shopped."""
    path = order(browser)
    platform.orders[path.rpartition("/")[2]]["status"] = "picking"
    return path


def finish(platform, path, **fields):
    platform.orders[path.rpartition("/")[2]].update(status="completed", **fields)


def test_order_waits_for_a_shopper_then_nothing_is_asked(browser, platform):
    page = browser.get(order(browser)).text
    assert ("Chat with your shopper" in page, "How was it?" in page) == (False, False)
    assert not any("post_checkout" in one for one in platform.asked)


def test_shopper_proposes_a_replacement_then_the_customer_takes_it(browser, platform, path):
    platform.lines = [PENDING, {**PENDING, "id": "li-8", "replacement_status": "APPROVED"}]
    page = browser.get(path).text
    assert "Replace Fuji &lt;apples&gt;?" in page
    assert page.count("Your shopper suggests") == 1
    assert browser.post(f"{path}/replacement", item="li-7", answer="yes").headers["location"] == path
    assert platform.bodies["replacement"] == {"status": "APPROVED", "id": "li-7"}
    assert "Your shopper knows what you want." in browser.get(path).text


@pytest.mark.parametrize(
    ("other", "alternative"),
    [
        ("", None),
        ("milk", {"count": 1}),
        ("no such thing", None),
    ],
)
def test_customer_does_not_take_it_then_refunded_or_another_one(browser, platform, path, other, alternative):
    platform.lines = [PENDING]
    browser.get(path)
    browser.post(f"{path}/replacement", item="li-7", answer="no", other=other)
    sent = platform.bodies["replacement"]
    assert sent["status"] == "REJECTED"
    found = sent.get("alternative_item")
    assert (None if found is None else {"count": found["count"]}) == alternative


def test_replacement_was_answered_before_then_the_page_says_so(browser, platform, path):
    platform.lines = [PENDING]
    browser.get(path)
    platform.refusals["replacement"] = refusal(400, "Order item change already responded to", key="status")
    browser.post(f"{path}/replacement", item="li-7", answer="yes")
    assert "That replacement was answered before" in browser.get(path).text


def test_shopper_and_customer_write_then_both_read_it(browser, platform, path):
    platform.said = [message(1, "No <b>Fuji</b> today", "driver")]
    page = browser.get(path).text
    assert "No &lt;b&gt;Fuji&lt;/b&gt; today" in page
    assert [one["read"] for one in platform.said] == [True]
    assert browser.post(f"{path}/chat", text=" Gala, please ").headers["location"] == path
    assert platform.bodies["say"] == {"body": "Gala, please"}
    page = text_of(browser.get(path).text)
    assert "Your shopper has your message." in page
    assert "You: Gala, please" in page


def test_only_a_part_of_the_page_is_asked_for_then_nothing_counts_as_read(browser, platform, path):
    platform.said = [message(1, "Hello", "driver")]
    assert "Hello" in browser.get(f"{path}/now").text
    assert [one["read"] for one in platform.said] == [False]


def test_chat_is_closed_or_empty_then_the_page_says_what_to_do(browser, platform, path):
    browser.get(path)
    browser.post(f"{path}/chat", text="  ")
    assert "Write something to your shopper first." in browser.get(path).text
    platform.refusals["say"] = refusal(403, "Sending a message is not allowed at this time", code=None, key=None)
    browser.post(f"{path}/chat", text="Hello?")
    assert "Nobody can read your message now." in browser.get(path).text


def test_platform_has_no_such_calls_then_the_rest_of_the_page_stays(browser, platform, path):
    platform.refusals = dict.fromkeys(("items", "chat"), refusal(403, "Shopper PII", code=None, key=None))
    page = browser.get(path).text
    assert ("Being shopped" in page, "Chat with your shopper" in page) == (True, False)


def test_order_is_completed_then_the_customer_rates_it(browser, platform, path):
    finish(platform, path)
    browser.get(path)
    fields = {"highlight-SMOOTH_DELIVERY": "1", "highlight-EASY_PARKING": "1", "note": " Thanks! "}
    assert browser.post(f"{path}/rating", stars="STARS4", **fields).headers["location"] == path
    assert platform.bodies["rating"] == {
        "rating_value": "STARS4",
        "highlights": ["SMOOTH_DELIVERY"],
        "thank_you_note": "Thanks!",
    }
    assert "Thank you for your rating." in browser.get(path).text
    for stars in ("", "STARS9"):
        browser.post(f"{path}/rating", stars=stars)
        assert "Choose how it was first." in browser.get(path).text


def test_platform_has_a_page_of_the_order_then_the_shop_links_to_it(browser, platform, path):
    assert "page of your order" not in browser.get(path).text
    order_id = path.rpartition("/")[2]
    platform.orders[order_id]["order_url"] = "https://connect.example/o/secret"
    assert 'href="https://connect.example/o/secret"' in browser.get(path).text
    platform.orders[order_id]["order_url"] = "javascript:alert(1)"
    assert "javascript:" not in browser.get(path).text


def test_order_of_another_customer_then_nothing_is_sent(new_browser, browser, platform, path):
    other = new_browser()
    other.sign_in("two")
    for what in ("chat", "replacement", "rating"):
        answer: httpx.Response = other.post(f"{path}/{what}", text="x", item="li-7", stars="STARS1")
        assert answer.status_code == 404, what
        assert browser.http.post(f"{path}/{what}", data={"form_token": "wrong"}).status_code == 403, what
    assert not platform.bodies.keys() & {"say", "replacement", "rating"}


def test_token_of_a_user_is_half_used_then_a_new_one_is_fetched() -> None:
    fetched: list[tuple[str, str]] = []
    clock = [0.0]

    class OAuth:
        async def user_token(self, user_id: str, scope: str) -> Token:
            fetched.append((user_id, scope))
            return Token(access_token="t", token_type="Bearer", expires_in=100)

    class Calls:
        def with_token(self, token: Token) -> str:
            return "calls"

    class Platform:
        oauth, post_checkout = OAuth(), Calls()

    tokens = aftercare.Tokens(Platform(), now=lambda: clock[0])  # type: ignore[arg-type]
    for user_id, at in (("one", 0), ("one", 49), ("two", 49), ("one", 51), ("one", 52)):
        clock[0] = at
        asyncio.run(tokens.calls(user_id))
    scope = "connect:post_checkout,Connect::Orders::RatingService"
    assert fetched == [("one", scope), ("two", scope), ("one", scope)]


def test_pickup_is_rated_then_the_praise_is_of_pickups() -> None:
    assert "FAST_PICKUP" in aftercare.HIGHLIGHTS_OF_KIND[False]
    assert not aftercare.HIGHLIGHTS_OF_KIND[True].keys() & aftercare.HIGHLIGHTS_OF_KIND[False].keys()
