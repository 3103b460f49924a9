"""The console in Chromium: every page with axe, and passkeys with Chromium's own virtual authenticator."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from handcart.staff import access, ops
from handcart.staff.models import SYSTEM
from tests.browser.test_invitation import context, looked_at
from tests.support.console import Person
from tests.support.server import LiveServer, live_server
from tests.support.shop import PASSWORD, new_email

PHONE: ViewportSize = {"width": 320, "height": 700}


@pytest.fixture(scope="module")
def named_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose URL has the name of a host, as passkeys need it."""
    data = tmp_path_factory.mktemp("named")
    with live_server(f"sqlite:///{data}/handcart.db", data, host="localhost") as running:
        yield running


@pytest.fixture
def page(named_server: LiveServer, browser: Browser) -> Iterator[Page]:
    """A window of a browser with an authenticator that verifies its user; it may have no message on its console."""
    with context(browser) as opened:
        page = opened.new_page()
        messages: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        add_authenticator(page)
        yield page
        # Expected refusals, and hints of Chromium to its password manager.
        expected = ("Failed to load resource: the server responded with a status of 4", "[DOM] ")
        assert [text for text in messages if not text.startswith(expected)] == []


def add_authenticator(page: Page) -> None:
    """Give a page Chromium's virtual authenticator, which verifies its user at once."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    authenticator = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})


def sign_in(page: Page, server: LiveServer, email: str) -> None:
    page.goto(f"{server.url}/console/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page).to_have_url(f"{server.url}/console/exceptions")


def confirm(page: Page) -> None:
    """Give the password when the console asks for it once more."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it you?")
    looked_at(page)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def test_passkey_added_then_it_signs_in_without_a_password(named_server: LiveServer, page: Page) -> None:
    person = Person(named_server)
    sign_in(page, named_server, person.email)
    page.goto(f"{named_server.url}/console/me")
    page.get_by_label("Name of the passkey").fill("Laptop")
    looked_at(page).get_by_role("button", name="Add a passkey").click()
    confirm(page)
    expect(page.get_by_role("status")).to_contain_text("The passkey is added.")
    expect(looked_at(page).get_by_text("Laptop", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_visible()
    looked_at(page).get_by_role("button", name="Log in with a passkey").click()
    expect(page).to_have_url(f"{named_server.url}/console/exceptions")
    page.goto(f"{named_server.url}/console/me")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("The passkey is removed.")
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("does not belong to a person here")
    looked_at(page)


@pytest.mark.parametrize("locale", ["en-US", "fr-CA"])
def test_pages_of_people_then_axe_finds_nothing_on_a_phone(named_server: LiveServer, page: Page, locale: str) -> None:
    admin = Person(named_server)
    invited = named_server.write(ops.invite, SYSTEM, email=new_email(), name="Ada", role="support")
    page.set_viewport_size(PHONE)
    page.goto(f"{named_server.url}/console/invitation/{invited.token}?locale={locale}")
    looked_at(page)
    sign_in(page, named_server, admin.email)
    paths = ("", "/me", "/me/password", "/people", "/people/invite", f"/people/{invited.person.id}", "/audit")
    for path in paths:
        page.goto(f"{named_server.url}/console{path}?locale={locale}")
        looked_at(page)


def test_first_admin_and_invitation_then_all_by_keyboard(named_server: LiveServer, page: Page) -> None:
    named_server.sql("UPDATE staff SET closed_at = 1 WHERE closed_at IS NULL RETURNING id")
    token = named_server.write(access.first_admin_link)
    page.goto(f"{named_server.url}/console/first-admin/{token}")
    looked_at(page).get_by_label("Name").focus()
    for text in ("Ada", new_email(), PASSWORD):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Welcome.")
    page.goto(f"{named_server.url}/console/people/invite")
    page.get_by_label("Name").focus()
    for text in ("Bo", new_email()):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.type("Dispatcher")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Make the link").focus()
    page.keyboard.press("Enter")
    confirm(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("A link for Bo")
    looked_at(page)
