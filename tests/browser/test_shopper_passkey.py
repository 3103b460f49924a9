"""A shopper's passkey in the app, with Chromium's virtual authenticator: added, used, removed."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from handcart.sign_in.models import SHOPPER
from tests.browser.test_console import add_authenticator
from tests.support.phone import PHONE
from tests.support.server import LiveServer, live_server
from tests.support.shoppers import PIN, Phone


@pytest.fixture(scope="module")
def named_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose URL has the name of a host, as passkeys need it."""
    data = tmp_path_factory.mktemp("named")
    with live_server(f"sqlite:///{data}/handcart.db", data, host="localhost") as running:
        yield running


def test_passkey_added_then_it_unlocks_the_app_and_the_pin_still_does(
    named_server: LiveServer, browser: Browser
) -> None:
    device, app = Phone(named_server), f"{named_server.url}/shopper"
    with browser.new_context(**PHONE, locale="en-US", reduced_motion="reduce") as opened:
        opened.add_cookies([{"name": SHOPPER.cookie, "value": device.cookie, "url": app}])
        problems: list[str] = []
        opened.on("weberror", lambda error: problems.append(str(error.error)))
        page = opened.new_page()
        add_authenticator(page)

        def locked() -> None:
            device.post("lock").raise_for_status()
            page.goto(f"{app}#/today")
            page.reload()
            expect(page.get_by_role("heading", level=1)).to_have_text("Unlock")

        page.goto(f"{app}#/settings")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("button", name="Remove")).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        locked()
        expect(page.get_by_role("button", name="Unlock with a passkey")).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        page.get_by_role("button", name="Unlock with a passkey").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Unlock")
        locked()
        for digit in PIN:
            page.get_by_role("button", name=digit, exact=True).click()
        page.get_by_role("button", name="OK").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Unlock")
        page.goto(f"{app}#/settings")
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_role("button", name="Remove")).to_have_count(0)
        locked()
        expect(page.get_by_role("button", name="OK")).to_be_visible()
        expect(page.get_by_role("button", name="Unlock with a passkey")).to_have_count(0)
        assert problems == []
