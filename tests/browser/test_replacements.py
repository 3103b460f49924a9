"""Replacements proposed with the shopper's app and answered on the page of the order, in Chromium."""

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.test_shopper_work import BREAD, Screen
from tests.order_page.customer import path_of
from tests.support.orders import Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

pytestmark = on_sqlite
MAILBOX = "/v2/handcart_sandbox/messages"
NUMBER = "+13125550144"


def replace(one: Screen, name: str) -> None:
    """Put bread in the place of a product."""
    one.open_line(name)
    one.press("It is not here")
    one.sees("What instead?")
    one.scan(BREAD)
    expect(one.page.get_by_text(f"Instead of {name}")).to_be_visible()
    one.scan(BREAD)  # all that was wanted
    one.sees("Shop at Store here")


def question(page: Page, name: str) -> Any:
    return page.locator("form.question", has_text=name)


def look(one: Screen) -> None:
    """Let the app send what it has, and ask the server."""
    one.page.clock.fast_forward("00:11")
    one.page.evaluate("dispatchEvent(new Event('online'))")


def lines_of(market: Market, order_id: str) -> dict[str, tuple[Any, ...]]:
    """Status, answer and replacement of each line."""
    return {
        item["line_num"]: (
            *(item.get(name) for name in ("status", "replacement_status")),
            item.get("substitute", {}).get("rrc"),
        )
        for item in market.row(order_id)["items"]
    }


def test_customer_answers_on_the_page_then_the_shopper_goes_on(server: LiveServer, browser: Browser) -> None:
    market, working = Market(server), Working(server)
    items = [line("1", "milk"), line("2", "soap"), line("3", "chair")]
    order = market.order("delivery", market.customer(first_name="Ada"), items=items)
    working.batch(market, order["id"])
    one = Screen(server, browser, working)
    one.begin()
    one.press("Start")
    one.press("Continue")
    for name in ("Milk", "Soap", "Garden chair"):
        replace(one, name)
    one.press("Review and pay")
    expect(one.page.get_by_text("Waiting for the customer", exact=True)).to_have_count(3)
    expect(one.page.get_by_role("timer")).to_have_text(re.compile("answer: [45]:[0-9]{2}"))
    expect(one.page.get_by_role("button", name="Go to the till")).to_be_disabled()
    look(one)

    customer = browser.new_context(java_script_enabled=False, locale="en-US")
    page = customer.new_page()
    page.goto(server.url + path_of(order))
    expect(page.locator("form.question")).to_have_count(3)
    question(page, "Milk").get_by_role("button", name="Approve").click()
    question(page, "Soap").get_by_role("button", name="Refuse, refund it").click()
    question(page, "Garden chair").get_by_role("link").click()
    page.get_by_role("searchbox").fill("Soda")
    page.get_by_role("button", name="Search").click()
    page.locator("form.choice").first.get_by_role("button").click()
    expect(page.locator("form.question")).to_have_count(0)

    look(one)
    expect(one.page.get_by_text("Approved by the customer")).to_be_visible()
    expect(one.page.get_by_text("The customer refused Bread: refund")).to_be_visible()
    expect(one.page.get_by_role("timer")).to_have_count(0)
    expect(one.page.get_by_role("button", name="Go to the till")).to_be_disabled()
    one.open_line("Soda")
    expect(one.page.get_by_role("heading", name="Ada wants this instead")).to_be_visible()
    one.press("Take this one")
    one.sees("Soda")
    one.press("One more")
    one.page.get_by_text("No barcode?").click()
    one.photograph()
    one.press("Replace")
    one.press("Review and pay")
    expect(one.page.get_by_role("button", name="Go to the till")).to_be_enabled()
    one.is_sent()
    assert lines_of(market, order["id"]) == {
        "1": ("replaced", "APPROVED", "bread"),
        "2": ("to_refund", "REJECTED", None),
        "3": ("replaced", "APPROVED", "soda"),
    }
    told = Shopping(market).events(order["id"])[3:]
    proposed = ["item_replaced", "order_item_replacement"]
    assert told == [*proposed * 3, "item_refunded", "order_item_refund", "item_not_picked", *proposed]
    customer.close()
    one.context.close()
    assert one.problems == []


def test_customer_answers_by_text_message_then_the_shopper_goes_on(server: LiveServer, browser: Browser) -> None:
    market, working = Market(server), Working(server)
    opted_in = {"user": {"phone_number": NUMBER, "sms_opt_in": True}}
    items = [line("1", "milk"), line("2", "soap")]
    order = market.order("delivery", market.customer(first_name="Ada"), items=items, **opted_in)
    working.batch(market, order["id"])
    one = Screen(server, browser, working)
    one.begin()
    one.press("Start")
    one.press("Continue")
    for name in ("Milk", "Soap"):
        replace(one, name)
    one.press("Review and pay")
    expect(one.page.get_by_text("Waiting for the customer", exact=True)).to_have_count(2)
    one.is_sent()
    told = market.get(MAILBOX, params={"order_id": order["id"]}).json()["messages"]
    assert (told[0]["template"], told[0]["channel"], told[0]["to"]) == ("replacements", "sms", NUMBER)
    for answer in ("1y", "2 N"):
        said = market.post(f"{MAILBOX}/replies", {"number": NUMBER, "text": answer})
        assert said.json() == {"outcome": "answered"}, said.text
    one.page.go_back()  # from the queue
    look(one)
    expect(one.page.get_by_text(re.compile("he customer approved|pproved by the customer"))).to_be_visible()
    expect(one.page.get_by_text("The customer refused Bread: refund")).to_be_visible()
    expect(one.page.get_by_role("button", name="Go to the till")).to_be_enabled()
    assert lines_of(market, order["id"]) == {
        "1": ("replaced", "APPROVED", "bread"),
        "2": ("to_refund", "REJECTED", None),
    }
    one.context.close()
    assert one.problems == []


def test_customer_does_not_answer_then_the_shopper_goes_on_in_time(
    server: LiveServer, browser: Browser, later: Any
) -> None:
    market, working = Market(server, answer_minutes=2), Working(server)
    order = market.order("delivery", market.customer(first_name="Ada"), items=[line("1", "milk")])
    working.batch(market, order["id"])
    one = Screen(server, browser, working)
    one.begin()
    one.press("Start")
    one.press("Continue")
    replace(one, "Milk")
    one.press("Review and pay")
    expect(one.page.get_by_role("timer")).to_have_text(re.compile("answer: [12]:[0-9]{2}"))
    expect(one.page.get_by_role("button", name="Go to the till")).to_be_disabled()
    one.is_sent()
    one.page.go_back()
    with later(seconds=150):
        one.page.clock.fast_forward("02:30")
        one.press("Go to the till")
        one.hold("Paid")
        one.sees("Bags for Ada")
        one.is_sent()
    assert market.row(order["id"])["status"] == "checkout"
    assert lines_of(market, order["id"]) == {"1": ("replaced", "PENDING", "bread")}
    one.context.close()
    assert one.problems == []
