"""A dispatcher invites a shopper, and the shopper's phone opens the app: in Chromium, with axe on every page."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from handcart.shoppers import ops
from handcart.sign_in.models import SHOPPER
from handcart.staff.models import SYSTEM
from tests.browser.test_pages import OF_COLOURS, VIOLATIONS, fits, named
from tests.support.console import Person
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD, new_email
from tests.support.shoppers import Phone, add_shopper

pytestmark = on_sqlite

PHONE: ViewportSize = {"width": 390, "height": 844}
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537"
)


@pytest.fixture
def desk(server: LiveServer, browser: Browser) -> Iterator[Page]:
    """A dispatcher's browser, signed in."""
    dispatcher = Person(server, "dispatcher")
    with context(browser, java_script_enabled=True) as opened:
        page = opened.new_page()
        page.goto(f"{server.url}/console/sign-in?to=/console/shoppers")
        page.get_by_label("Email").fill(dispatcher.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        yield page


def context(browser: Browser, **options: Any) -> BrowserContext:
    return browser.new_context(reduced_motion="reduce", **options)


def looked_at(page: Page) -> Page:
    """Check a page: names, width on a phone, axe in light and dark."""
    named(page, page.url)
    fits(page, page.evaluate("innerWidth"), page.url)
    page.evaluate(AXE_SCRIPT)
    page.emulate_media(color_scheme="light")
    assert page.evaluate(VIOLATIONS, {}) == [], page.url
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(VIOLATIONS, OF_COLOURS) == [], page.url
    return page


def test_shopper_invited_then_the_phone_opens_the_app(server: LiveServer, browser: Browser, desk: Page) -> None:
    name = f"Ana {new_email()}"
    add_shopper(server, name, skills=["heavy"])
    desk.get_by_label("Name or phone number").fill(name)
    desk.get_by_role("button", name="Show").click()
    looked_at(desk).get_by_role("link", name=name).click()
    looked_at(desk).get_by_role("button", name="Make a new link").click()
    looked_at(desk).locator("#step-up-password").fill(PASSWORD)
    desk.get_by_role("button", name="Go on").click()
    expect(looked_at(desk).get_by_role("img", name="QR code of the link")).to_be_visible()
    url = desk.locator("code").inner_text()
    with context(browser, viewport=PHONE, user_agent=ANDROID, has_touch=True) as opened:
        phone = opened.new_page()
        phone.goto(url)
        looked_at(phone).get_by_label("PIN", exact=True).fill("2580")
        phone.get_by_label("PIN again").fill("2581")
        phone.get_by_role("button", name="Start").click()
        expect(phone.get_by_role("alert")).to_have_text("The two PINs differ. Enter the same PIN twice.")
        looked_at(phone)
        phone.get_by_label("PIN", exact=True).fill("2580")
        phone.get_by_label("PIN again").fill("2580")
        phone.get_by_role("button", name="Start").click()
        phone.wait_for_url(f"{server.url}/shopper**")
        expect(phone.get_by_role("heading", level=1)).to_contain_text("Ana")
        desk.get_by_role("link", name="Shoppers").first.click()
        desk.get_by_label("Name or phone number").fill(name)
        desk.get_by_role("button", name="Show").click()
        desk.get_by_role("link", name=name).click()
        expect(looked_at(desk).get_by_role("rowheader")).to_have_text("Chrome on Android")
        desk.get_by_role("button", name="Sign out").last.click()
        expect(looked_at(desk).get_by_role("status")).to_have_text("The device is signed out.")
        used = opened.new_page()
        used.goto(url)
        expect(looked_at(used).get_by_role("heading", level=1)).to_have_text("This link was used before")


def test_forms_of_a_shopper_then_axe_finds_nothing_on_a_phone(server: LiveServer, desk: Page) -> None:
    shopper = add_shopper(server)
    Phone(server, shopper)
    desk.set_viewport_size(PHONE)
    for path in ("/add", f"/{shopper.id}", f"/{shopper.id}?locale=fr-CA"):
        desk.goto(f"{server.url}/console/shoppers{path}")
        looked_at(desk)
    desk.goto(f"{server.url}/console/shoppers/{shopper.id}")
    desk.get_by_label("Home store").fill("nowhere/1")
    desk.get_by_role("button", name="Save").click()
    expect(looked_at(desk).get_by_role("alert")).to_contain_text("There is no such store.")
    desk.get_by_label("Reason").fill("lost the badge")
    desk.get_by_role("button", name="Block").click()
    expect(looked_at(desk).get_by_role("status")).to_have_text("The shopper is blocked.")


def test_blocked_then_the_app_says_so_until_the_block_ends(server: LiveServer, browser: Browser) -> None:
    device = Phone(server, add_shopper(server, "Ana Sample", locale="es-US"))
    with context(browser, viewport=PHONE, locale="es-US") as opened:
        opened.add_cookies([{"name": SHOPPER.cookie, "value": device.cookie, "url": f"{server.url}/shopper"}])
        app = opened.new_page()
        app.goto(f"{server.url}/shopper")
        expect(app.get_by_role("heading", level=1)).to_contain_text("Ana")
        server.write(ops.block, SYSTEM, device.person.id, "lost the badge")
        app.reload()
        enter_pin(app, "2580")
        expect(app.get_by_role("alert")).to_have_text("No puede trabajar por el momento. Llame a su despachador.")
        server.write(ops.unblock, SYSTEM, device.person.id)
        enter_pin(app, "1379")
        expect(app.get_by_role("alert")).to_contain_text("4")
        enter_pin(app, "2580")
        expect(app.get_by_role("heading", level=1)).to_contain_text("Ana")


def enter_pin(app: Page, pin: str) -> None:
    for digit in pin:
        app.get_by_role("button", name=digit, exact=True).click()
    app.get_by_role("button", name="OK").click()
