"""The chat of an order, both ways, while the shopper's app has no network in between."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_shopper_work import PNG, Screen
from tests.support.orders import Market
from tests.support.post_checkout import Customer
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def read(customer: Customer, order_id: str) -> list[tuple[str, str, bool]]:
    """The messages as the customer's program reads them: sender, text, and whether it was read."""
    found = customer.chat("GET", order_id).raise_for_status().json()["chat_messages"]
    return [(one["sender_type"], one["body"], one["read"]) for one in found]


@on_sqlite
def test_app_is_offline_in_between_then_both_have_each_message_once(
    server: LiveServer, browser: Browser, market: Market
) -> None:
    working, user_id = Working(server), market.customer(first_name="Ada")
    order_id = market.order(user_id=user_id)["id"]
    batch = working.batch(market, order_id, workflow_state="picking")
    customer = Customer(market, user_id)
    one = Screen(server, browser, working)
    page = one.page
    page.goto(f"{server.url}/shopper#/chat/{market.slug}/{batch}/{order_id}")
    one.sees("Chat with Ada")
    bubbles = page.locator(".chat li")

    one.context.set_offline(True)
    one.press("Hello, I’m your shopper. I’m about to start with your order.")  # noqa: RUF001 (the phrase)
    one.field("Message").fill("Is this <b>bread</b> all right? 🍞")
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    expect(page.get_by_alt_text("The picture that you took")).to_be_visible()
    one.press("Send")
    expect(bubbles).to_have_count(2)
    expect(bubbles.nth(1)).to_contain_text("Is this <b>bread</b> all right? 🍞")
    expect(bubbles.nth(1)).to_contain_text("waiting")
    expect(bubbles.nth(1).get_by_alt_text("Your picture")).to_be_visible()

    customer.chat("POST", order_id, {"body": "Take the \u202edark one"}).raise_for_status()
    assert [text for _, text, _ in read(customer, order_id)] == ["Take the \u202edark one"]

    one.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(bubbles).to_have_count(3)
    expect(bubbles.filter(has_text="dark one")).to_have_count(1)
    expect(bubbles.filter(has_text="bread")).to_contain_text("sent")
    expect(bubbles.filter(has_text="bread").get_by_alt_text("Your picture")).to_be_visible()
    one.is_sent()
    assert sorted(read(customer, order_id)) == [
        ("driver", "Hello, I’m your shopper. I’m about to start with your order.", False),  # noqa: RUF001
        ("driver", "Is this <b>bread</b> all right? 🍞", False),
        ("user", "Take the \u202edark one", True),
    ]

    assert customer.chat("PUT", order_id).json() == {"messages_read_count": 2}
    customer.chat("POST", order_id, {"body": "Thanks"}).raise_for_status()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.get_by_role("link", name="1 new message from Ada").click()
    expect(bubbles.filter(has_text="bread")).to_contain_text("read")
    expect(bubbles.filter(has_text="Thanks")).to_have_count(1)
    one.is_sent()
    expect(page.get_by_role("link", name="new message")).to_have_count(0)
    one.context.close()
    assert one.problems == []
