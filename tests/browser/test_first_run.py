"""The first run in Chromium: on an empty database, from the link of the first admin to a canceled test order."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from handcart.staff import access
from tests.browser.test_invitation import context
from tests.support.server import LiveServer, live_server
from tests.support.shop import PASSWORD, new_email

STORE = {
    "Location code": "0001",
    "Name": "Corner Market Lincoln Park",
    "Address": "1000 W Oak St",
    "City": "Chicago",
    "State or province": "IL",
    "Postal code": "60614",
    "Latitude": "41.92",
    "Longitude": "-87.65",
    "Time zone": "America/Chicago",
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of production whose database has nothing."""
    data = tmp_path_factory.mktemp("first run")
    with live_server(f"sqlite:///{data}/handcart.db", data, environment="production", console="public") as running:
        yield running


@pytest.fixture
def window(empty: LiveServer, browser: Browser) -> Iterator[Page]:
    """A window without JavaScript; with it, the pages are the same."""
    with context(browser, base_url=empty.url, java_script_enabled=False) as opened:
        yield opened.new_page()


def test_database_is_empty_then_the_steps_lead_to_a_test_order(empty: LiveServer, window: Page) -> None:
    page = window
    page.goto(f"/console/first-admin/{empty.write(access.first_admin_link)}")
    page.get_by_label("Name").fill("Ada Sample")
    page.get_by_label("Email").fill(new_email())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("First run")
    expect(page.get_by_text("Add a retailer first.")).to_be_visible()

    page.get_by_role("button", name="Send a test mail").click()
    expect(page.get_by_text("The worker sends the test mail now.")).to_be_visible()

    page.get_by_label("Slug").fill("corner-market")
    page.locator("#name").fill("Corner Market")
    page.get_by_role("button", name="Add a retailer").click()
    expect(page.get_by_text("The retailer is added.")).to_be_visible()

    page.get_by_role("link", name="Add a store").click()
    for label, text in STORE.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Add a store").click()
    page.goto("/console/first-run")

    page.locator("#shopper-name").fill("Ana Sample")
    page.get_by_role("button", name="Add and invite").click()
    page.locator("#step-up-password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()

    page.get_by_label("Give it to").select_option(label="Ana Sample")
    page.get_by_role("button", name="Place a test order").click()
    expect(page.get_by_text("The test order is placed.")).to_be_visible()
    page.get_by_role("button", name="Cancel the test order").click()
    expect(page.get_by_text("The test order is canceled.")).to_be_visible()
    expect(page.locator("#order-state")).to_have_text("Started")
