"""The page of an order in Chromium: every state with axe, news without a reload, by keyboard, on a narrow screen."""

import gzip
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response, expect

from handcart.core.web.pages import LOCALES_WITH_SPANISH
from handcart.retailers import ops as retailers
from tests.order_page.customer import path_of
from tests.order_page.every_state import every_state
from tests.support.orders import MILK, PHONE, Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite

pytestmark = on_sqlite

NARROW = {"width": 360, "height": 740}
MOST_COMPRESSED = 60_000


@pytest.fixture
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=50)


@pytest.fixture
def shopping(market: Market) -> Shopping:
    return Shopping(market)


@pytest.fixture
def phone(market: Market, browser: Browser) -> Iterator[Any]:
    """Opens a window of a phone; at the end, no page may have complained."""
    contexts, complaints = [], []

    def open_window(**options: Any) -> Page:
        given = {"base_url": market.server.url, "viewport": NARROW, "reduced_motion": "reduce", **options}
        context = browser.new_context(**given)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert complaints == []


def test_every_state_then_axe_finds_nothing_in_any_language(phone: Any, market: Market, shopping: Shopping) -> None:
    market.server.write(retailers.change, market.slug, {"page_colour": "#8a1c4a"})
    windows = {
        (locale, scheme): phone(color_scheme=scheme, java_script_enabled=True)
        for locale, scheme in zip(LOCALES_WITH_SPANISH, ("light", "dark", "light", "dark"), strict=True)
    }
    found: dict[str, Any] = {}
    for state, path in every_state(market, shopping):
        for (locale, scheme), page in windows.items():
            page.goto(f"{path}?locale={locale}")
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            name = f"{state} {locale} {scheme}"
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], name
            assert page.locator("html").get_attribute("lang") == locale
            found[name] = axe(page)
            if state == "delivery-review":  # the state with the most on its page, in the other scheme too
                page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
                found[f"{name}, the other scheme"] = axe(page)
                page.emulate_media(color_scheme=scheme)
    assert {name: broken for name, broken in found.items() if broken} == {}


def axe(page: Page) -> list[tuple[str, str]]:
    """What axe finds on a page."""
    return [(one["id"], one["nodes"][0]["html"]) for one in Axe().run(page).response["violations"]]


def test_order_changes_then_the_open_page_shows_it(phone: Any, market: Market, shopping: Shopping) -> None:
    order = market.order("delivery", items=[MILK, line("2", "soap")])
    page = phone()
    page.goto(path_of(order))
    page.evaluate("window.isTheSame = true")
    shopper = shopping.shopper()
    batch = shopping.generate(shopper, order["id"]).json()["id"]
    shopping.reach(batch, "picking")
    expect(page.get_by_role("heading", level=1)).to_have_text("Shopping in progress")
    page.get_by_label("Message", exact=True).fill("I am writing th")
    shopping.item(shopper, order["id"], "1", status="replaced", replacement_item={"rrc": "bread"})
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value("I am writing th")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Your answer was sent to the shopper.")).to_be_visible()


def test_page_was_hidden_then_it_has_no_stream_and_catches_up(phone: Any, market: Market, shopping: Shopping) -> None:
    order = market.order("delivery")
    page = phone()
    streams = market.server.app.connections.streams
    page.goto(path_of(order))
    page.wait_for_function("() => performance.getEntriesByType('resource').length > 2")
    hide(page, "hidden")
    wait_until(lambda: not streams)
    shopping.batch(order["id"])
    shopping.simulate(order["id"], "canceled").raise_for_status()
    expect(page.get_by_role("heading", level=1)).to_have_text("We got your order")
    hide(page, "visible")
    expect(page.get_by_role("heading", level=1)).to_have_text("Canceled")


def hide(page: Page, state: str) -> None:
    """Let the page believe that it is hidden, or seen again."""
    page.evaluate(
        "(state) => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
        "Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange')); }",
        state,
    )


def wait_until(holds: Any) -> None:
    """Wait for something that the server does after a client left."""
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def test_only_keys_are_pressed_then_a_replacement_is_answered(phone: Any, market: Market, shopping: Shopping) -> None:
    order = market.order("delivery", items=[MILK])
    shopper = shopping.shopper()
    shopping.reach(shopping.generate(shopper, order["id"]).json()["id"], "picking")
    shopping.item(shopper, order["id"], "1", status="replaced", replacement_item={"rrc": "bread"})
    page = phone()
    page.goto(path_of(order))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "refuse":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your answer was sent to the shopper.")).to_be_visible()
    assert market.row(order["id"])["items"][0]["status"] == "to_refund"


def test_scripts_are_off_then_the_whole_way_of_a_pickup_works(phone: Any, market: Market, shopping: Shopping) -> None:
    order = market.order("pickup")
    shopping.reach(shopping.batch(order["id"]), "staged")
    page = phone(java_script_enabled=False)
    page.goto(path_of(order) + "/pickup")
    page.get_by_role("button", name="m on my way").click()
    expect(page.get_by_text("The store knows when you come.")).to_be_visible()
    page.get_by_role("button", name="m here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking for someone to bring your order out")
    shopping.reach(shopping.batch(order["id"]), "completed")
    page.goto(path_of(order))
    page.get_by_label("very good").check()
    page.get_by_label("Fast pickup").check()
    page.get_by_role("button", name="Send rating").click()
    expect(page.get_by_text("Thank you for your rating.")).to_be_visible()


def test_scripts_are_off_then_the_whole_way_of_a_delivery_works(phone: Any, market: Market, shopping: Shopping) -> None:
    order = market.order("delivery", items=[MILK, line("2", "soap")])
    shopper = shopping.shopper()
    batch = shopping.generate(shopper, order["id"]).json()["id"]
    shopping.reach(batch, "picking")
    shopping.item(shopper, order["id"], "1", status="replaced", replacement_item={"rrc": "bread"}).raise_for_status()
    page = phone(java_script_enabled=False)
    page.goto(path_of(order))
    page.get_by_role("link", name="Choose something else").click()
    page.get_by_role("link", name="Back to your order").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Your answer was sent to the shopper.")).to_be_visible()
    assert market.row(order["id"])["items"][0]["replacement_status"] == "APPROVED"
    page.get_by_label("Message", exact=True).fill("Ring twice, please")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Ring twice, please")).to_be_visible()
    shopping.reach(batch, "completed")
    page.goto(path_of(order))
    page.get_by_label("very good").check()
    page.get_by_role("button", name="Send rating").click()
    expect(page.get_by_text("Thank you for your rating.")).to_be_visible()
    assert market.row(order["id"])["details"]["rating"]["value"] == "STARS5"


def test_customer_draws_a_signature_then_the_page_shows_it(phone: Any, market: Market, shopping: Shopping) -> None:
    market.server.write(retailers.change, market.slug, {"certified_from_cents": 100})
    user = {"phone_number": PHONE, "sms_opt_in": True}
    order = market.order("delivery", items=[line("1", "ham", count=None, weight=2.5)], user=user)
    page = phone()
    page.goto(path_of(order))
    shopping.reach(shopping.batch(order["id"]), "delivering")  # the open page becomes one to sign on
    pad = page.locator("canvas")
    expect(pad).to_be_visible()
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=5)
    page.mouse.up()
    page.get_by_label("Your full name").fill("Ada Sample")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Signed by Ada Sample")).to_be_visible()
    assert re.match(r"M\d+ \d+L", page.locator("svg.pad path").get_attribute("d") or "")


def test_page_is_opened_then_its_first_view_is_small(phone: Any, market: Market, shopping: Shopping) -> None:
    """Of the page with the longest texts: everything that Chromium loads, compressed."""
    paths = dict(every_state(market, shopping))
    page = phone()
    loaded: list[Response] = []
    page.on("response", lambda one: loaded.append(one) if not one.url.endswith("/news") else None)
    page.goto(paths["delivery-review"], wait_until="load")
    sizes = {one.url: len(gzip.compress(one.body())) for one in loaded}
    assert len(sizes) >= 5
    assert sum(sizes.values()) <= MOST_COMPRESSED, sizes
