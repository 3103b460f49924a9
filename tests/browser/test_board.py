"""The board and an order's page in Chromium: nothing for axe to find, narrow screens, keyboard, no scripts."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from handcart.assignment.models import LATE
from handcart.sign_in.models import STAFF
from tests.support.console import Person
from tests.support.orders import KINDS, Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import add_shopper

pytestmark = on_sqlite

LONG = "order-" + "0123456789" * 6


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Market:
    """A market with an order of each kind, a late one that is picked, and one with a long id."""
    with server.clients():
        market = Market(server, capacity=50)
        shopping = Shopping(market)
        for kind in KINDS:
            market.order(kind, order_id=f"sample {kind}")
        cart = [line("1", "milk", count=2), line("2", "bread", special_instructions="a dark one, please")]
        market.order("delivery", order_id="late one", items=cart)
        market.order("dispatch", order_id=LONG)
        shopper_id = shopping.shopper()
        shopping.generate(shopper_id, "late one", "sample delivery", workflow_state="picking").raise_for_status()
        shopping.item(shopper_id, "late one", "1", status="replaced", replacement_item={"rrc": "bread"})
        shopping.item(shopper_id, "late one", "2", status="found")
        server.sql(
            "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, 'late one', $2, 1)"
            " RETURNING kind",
            *(market.retailer.id, LATE),
        )
        for name, facts in (("Ada Sample", {}), ("Ben Sample", {"vehicle": "none"})):
            home = {"home_retailer_id": market.retailer.id, "home_store_number": market._stores["here"].number}
            add_shopper(server, name, **home, **facts)
        return market


@pytest.fixture
def desk(market: Market, browser: Browser) -> Iterator[Any]:
    """Opens a signed-in window of Chromium, in which scripts are off unless asked for."""
    contexts = []

    def open_window(**options: Any) -> Page:
        person = Person(market.server, "dispatcher")
        context = browser.new_context(**{"base_url": market.server.url, "viewport": DESK, **options})
        context.add_cookies(
            [{"name": STAFF.cookie, "value": person.http.cookies[STAFF.cookie], "url": f"{market.server.url}/console"}]
        )
        contexts.append(context)
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()


DESK = {"width": 1280, "height": 800}
PHONE = {"width": 320, "height": 700}


def pages(market: Market) -> list[str]:
    ids = ("late one", "sample pickup", LONG)
    board = f"/console/orders?retailer={market.slug}"
    return [board, f"{board}&state=canceled", *[f"/console/orders/{market.slug}/{quote(one)}" for one in ids]]


@pytest.mark.parametrize("locale", ["en-US", "fr-CA"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_checked_by_axe_then_nothing_is_found(desk: Any, market: Market, locale: str, scheme: str) -> None:
    page = desk(locale=locale, color_scheme=scheme)
    found = {}
    for path in pages(market):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found[path] = [(each["id"], each["nodes"][0]["html"]) for each in Axe().run(page).response["violations"]]
    assert found == {path: [] for path in found}


def test_screen_is_narrow_then_nothing_scrolls_sideways(desk: Any, market: Market) -> None:
    page = desk(viewport=PHONE)
    for path in pages(market):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        small = page.evaluate(
            "[...document.querySelectorAll('main button, main summary, main select')]"
            ".filter((one) => one.getBoundingClientRect().height < 24).map((one) => one.outerHTML)"
        )
        assert small == [], path


# The texts of the places and of the order ids that do not fit on one line.
BROKEN = """
    [...document.querySelectorAll('.top nav a, .orders tbody th a')].filter((one) => {
      const range = document.createRange();
      range.selectNodeContents(one);
      return new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size > 1;
    }).map((one) => one.textContent)
"""


def test_screen_is_narrow_then_places_and_ids_stay_on_one_line(desk: Any, market: Market) -> None:
    for width in (320, 390):
        page = desk(viewport={"width": width, "height": 800})
        page.goto(f"/console/orders?retailer={market.slug}")
        assert page.evaluate(BROKEN) == [], width


def test_scripts_are_off_then_an_order_is_given_by_keyboard(desk: Any, market: Market) -> None:
    page = desk(java_script_enabled=False)
    page.goto(f"/console/orders?retailer={market.slug}")
    page.get_by_role("link", name="sample dispatch", exact=True).press("Enter")
    page.get_by_label("Shopper", exact=True).select_option(label="Ada Sample (has 0 orders)")
    page.get_by_role("button", name="Give the order").press("Enter")
    expect(page.get_by_role("status")).to_have_text("The shopper has the order now and is asked to accept it.")
    page.get_by_text("Take it from the shopper").press("Enter")
    page.get_by_label("Reason for colleagues").first.fill("gone home")
    page.get_by_role("button", name="Take the order away").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("waits for another one")
