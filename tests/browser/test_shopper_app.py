"""The shopper's app in Chromium at phone size, on prepared answers of its API."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.phone import Phone
from tests.support.process import ROOT
from tests.support.server import LiveServer, on_sqlite

pytestmark = on_sqlite

SCREENS = ("/today", "/run", "/queue", "/settings", "/list/market/99")
TEXTS = ROOT / "handcart" / "shopper_app" / "app" / "texts"
LOCALES = ("en-US", "en-CA", "fr-CA", "es-US")


@pytest.fixture
def phone(server: LiveServer, browser: Browser) -> Iterator[Callable[..., Phone]]:
    """Opens phones; at the end of the test, no phone may have a problem that the test did not remove."""
    phones: list[Phone] = []

    def open_phone(**options: Any) -> Phone:
        phones.append(Phone(server.url, browser, **options))
        return phones[-1]

    yield open_phone
    for each in phones:
        each.close()
    assert [problem for each in phones for problem in each.problems] == []


def installed(phone: Phone) -> Phone:
    """The app is open, and its service worker keeps all its files."""
    phone.open()
    phone.page.evaluate("navigator.serviceWorker.ready")
    return phone


def states(phone: Phone) -> list[str]:
    return [entry["state"] for entry in phone.kept("entries")]


def wait_for_states(phone: Phone, *expected: str) -> None:
    for _ in range(100):
        if states(phone) == list(expected):
            return
        phone.page.wait_for_timeout(50)
    assert states(phone) == list(expected)


# Offline


def test_app_was_open_once_then_it_opens_offline_with_the_run(phone: Callable[..., Phone]) -> None:
    one = installed(phone())
    expect(one.page.get_by_text("Sample Market, Downtown").first).to_be_visible()
    one.context.set_offline(True)
    one.api.is_reachable = False
    one.page.reload()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Hello, Sam")
    expect(one.page.get_by_text("No connection")).to_be_visible()
    expect(one.page.get_by_role("button", name="Accept")).to_be_visible()


def test_service_worker_runs_then_it_keeps_files_and_no_answers(phone: Callable[..., Phone]) -> None:
    one = installed(phone())
    script = """async () => {
        const names = await caches.keys();
        const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
        return [names.length, keys.flat().map((request) => new URL(request.url).pathname)];
    }"""
    count, paths = one.page.evaluate(script)
    assert count == 1
    assert {"/shopper", "/shopper/app/app.js", "/shopper/vendor/zxing_reader.wasm"} <= set(paths)
    assert [path for path in paths if "/api/" in path] == []


def test_act_is_made_offline_then_it_shows_at_once_and_is_sent_later(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open()
    wait_for_run(one)
    one.api.is_reachable = False
    one.press("Accept")
    expect(one.page.get_by_role("button", name="Accept")).to_have_count(0)
    wait_for_states(one, "queued")
    one.page.reload()
    expect(one.page.get_by_text("will be sent later")).to_have_text(
        "No connection. You can go on: 1 thing will be sent later."
    )
    expect(one.page.get_by_role("button", name="Accept")).to_have_count(0)
    one.api.is_reachable = True
    one.open("/queue")
    one.press("Send now")
    wait_for_states(one, "sent")
    assert [(act["verb"], act["subject"], act["after"]) for act in one.api.acts] == [("accept", "market/2", None)]


def wait_for_run(phone: Phone) -> None:
    expect(phone.page.get_by_text("Sample Market").first).to_be_visible()


def test_two_windows_are_open_then_each_shows_what_the_other_did(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open()
    wait_for_run(one)
    one.api.is_reachable = False
    other = one.context.new_page()
    other.goto(f"{one.url}#/today")
    expect(other.get_by_role("button", name="Accept")).to_be_visible()
    one.press("Accept")
    expect(other.get_by_role("button", name="Accept")).to_have_count(0)


# Refusals


def test_act_is_refused_then_the_queue_says_why_until_it_was_read(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.api.results["accept"] = {
        "outcome": "refused",
        "rule": "of_a_newer_server",
        "message": "Alex has this work now.",
    }
    one.open()
    one.press("Accept")
    wait_for_states(one, "refused")
    one.page.get_by_role("link", name="Queue 1").click()
    expect(one.page.get_by_text("Alex has this work now.")).to_be_visible()
    one.press("I have read this")
    expect(one.page.get_by_text("Alex has this work now.")).to_have_count(0)
    assert one.kept("entries") == []


def test_queue_is_saved_as_a_file_then_it_has_the_acts(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open()
    wait_for_run(one)
    one.api.is_reachable = False
    one.press("Accept")
    one.open("/queue")
    with one.page.expect_download() as saved:
        one.press("Save as a file")
    content = json.loads(saved.value.path().read_text())
    assert re.fullmatch(r"handcart-acts-\d{4}-\d\d-\d\d\.json", saved.value.suggested_filename)
    assert (content["person"], [entry["act"]["verb"] for entry in content["entries"]]) == ("Sam", ["accept"])


def test_session_has_ended_then_the_acts_stay_and_the_app_says_what_to_do(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open()
    wait_for_run(one)
    one.api.is_reachable = False
    one.press("Accept")
    wait_for_states(one, "queued")
    refusal = (401, {"rule": "signed_out", "message": "This phone is signed out."})
    one.api.refusals = dict.fromkeys(("/acts", "/run", "/me"), refusal)
    one.api.is_reachable = True
    one.page.evaluate("dispatchEvent(new Event('online'))")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(one.page.get_by_text("1 thing that you did is kept")).to_be_visible()

    def sign_in_again(route: Route) -> None:
        one.api.refusals = {}
        one.api.answer(route)

    # The refusals end with the press: otherwise a try of the app's own could take the button away before it.
    one.context.route("**/shopper/api/me", sign_in_again)
    one.press("Check again")
    wait_for_states(one, "sent")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Hello, Sam")


def test_device_is_locked_then_the_pin_unlocks_it(phone: Callable[..., Phone]) -> None:
    one = phone()
    locked = (423, {"rule": "locked", "message": "The app is locked."})
    one.api.refusals = {"/run": locked, "/unlock": (401, {"rule": "wrong_pin", "message": "Wrong.", "tries_left": 4})}
    one.api.me["is_locked"] = True
    one.open()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Unlock")
    for digit in "1234":
        one.press(digit)
    one.press("OK")
    expect(one.page.get_by_role("alert")).to_have_text("That PIN is wrong. You have 4 tries left.")
    one.api.refusals = {}
    one.api.me["is_locked"] = False
    one.page.get_by_role("group", name="Enter your PIN").focus()
    one.page.keyboard.type("98765")
    one.page.keyboard.press("Backspace")
    one.page.keyboard.press("Enter")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Hello, Sam")
    assert [body for _, path, body in one.api.calls if path == "/unlock"] == [{"pin": "1234"}, {"pin": "9876"}]


def test_work_was_taken_away_then_its_screens_say_who_and_why(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open("/list/market/9/order-9")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("This work is not yours")
    for sentence in ("By Dana (dispatcher)", "Your van is too small", "Put the goods back on the shelves."):
        expect(one.page.get_by_text(sentence)).to_be_visible()


def test_screen_fails_then_the_queue_stays_and_the_person_goes_on(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.api.run["batches"][0]["window"] = {"starts_at": "never", "ends_at": "never"}
    one.open()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Something went wrong")
    assert any("RangeError" in problem for problem in one.problems)
    one.press("Load the app again")
    expect(one.page.get_by_text("What you did is kept")).to_be_visible()
    one.api.run["batches"][0]["window"] = one.api.run["batches"][1]["window"]
    one.api.run["version"] = "2"
    one.page.reload()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Hello, Sam")
    one.problems.clear()


# Settings


def test_language_is_chosen_then_every_screen_is_in_it(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open("/settings")
    one.page.get_by_label("Language").select_option("es-US")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Ajustes")
    assert one.page.locator("html").get_attribute("lang") == "es-US"
    assert ("POST", "/settings", {"locale": "es-US"}) in one.api.calls
    one.page.reload()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Ajustes")


def test_dark_is_chosen_then_it_stays(phone: Callable[..., Phone]) -> None:
    one = phone(color_scheme="light")
    one.open("/settings")
    background = "getComputedStyle(document.body).backgroundColor"
    light = one.page.evaluate(background)
    one.page.get_by_label("Colors").select_option("dark")
    expect(one.page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = one.page.evaluate(background)
    one.page.reload()
    expect(one.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert light != dark == one.page.evaluate(background)


def test_shopper_signs_out_then_the_device_keeps_nothing(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open()
    wait_for_run(one)
    one.api.refusals = {"/acts": (503, {})}
    one.press("Accept")
    wait_for_states(one, "queued")
    one.open("/settings")
    one.press("Sign out")
    expect(one.page.get_by_text("1 thing has not been sent.")).to_be_visible()
    refusal = (401, {"rule": "signed_out", "message": "This phone is signed out."})
    one.api.refusals = dict.fromkeys(("/acts", "/run", "/me"), refusal)
    one.press("Sign out")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert (one.kept("entries"), one.kept("pictures")) == ([], [])
    assert "Sample Market" not in json.dumps(one.kept("kept"))


# For every person


def faults(page: Page) -> list[str]:
    """The rules of axe that a screen breaks, light or dark, and what is too small for a thumb."""
    _use_colors(page, "light")
    found = Axe().run(page).response["violations"]
    _use_colors(page, "dark")
    found += Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
    return [each["id"] for each in found] + too_small(page)


def _use_colors(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Show a screen light or dark, and wait until it is drawn so: axe must not see colors on their way."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def too_small(page: Page) -> list[str]:
    """Buttons, links and fields below 56 pixels."""
    script = """() => [...document.querySelectorAll('button, a, select, input:not([type=checkbox])')]
        .filter((one) => { const {width, height} = one.getBoundingClientRect(); return width < 56 || height < 56; })
        .map((one) => one.outerHTML.slice(0, 80))"""
    return list(page.evaluate(script))


@pytest.mark.parametrize("locale", LOCALES)
def test_screens_are_checked_by_axe_then_nothing_is_found(phone: Callable[..., Phone], locale: str) -> None:
    one = phone(locale=locale)
    one.api.me["locale"] = locale
    texts = json.loads((TEXTS / f"{locale}.json").read_text())
    found = {}
    for path in SCREENS:
        one.open(path)
        one.page.wait_for_load_state("networkidle")
        found[path] = faults(one.page)
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    for name, refused in (("unlock", (423, "locked")), ("sign_in", (401, "signed_out"))):
        one.api.refusals = dict.fromkeys(("/run", "/me"), (refused[0], {"rule": refused[1], "message": "No."}))
        one.page.reload()
        expect(one.page.get_by_role("heading", level=1)).to_have_text(texts[f"{name}.title"])
        found[name] = faults(one.page)
    assert found == {name: [] for name in (*SCREENS, "unlock", "sign_in")}


def test_screen_changes_then_its_heading_has_the_focus(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.open()
    one.page.get_by_role("link", name="Run").click()
    expect(one.page.get_by_role("heading", level=1)).to_be_focused()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Run")
