"""The screens of the work in the shopper's app: each is readable and accessible, in every language, light and dark.

With SCREENSHOTS=folder, each screen is also kept there as a picture.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.support.phone import Phone
from tests.support.server import LiveServer, on_sqlite

LOCALES = ("en-US", "en-CA", "fr-CA", "es-US")
# The rules of axe that the texts of a language can break; everything else is the same in all languages.
OF_TEXTS = {
    "runOnly": ["button-name", "link-name", "label", "select-name", "image-alt", "document-title", "valid-lang"]
}
SIZE = {"viewport": {"width": 390, "height": 844}}
Run = dict[str, Any]


def shopping(run: Run) -> None:
    _batch(run)["state"] = "picking"


def decided(run: Run) -> None:
    """Every line has a decision, each another one."""
    _batch(run)["state"] = "picking"
    ada, grace = _batch(run)["orders"]
    ada["lines"][0] |= {"status": "found", "delivered_count": 1}
    ada["lines"][1] |= {"status": "found", "delivered_weight": 1.62}
    ada["lines"][2] |= {"status": "to_refund"}
    ada["lines"][3] |= {"status": "replaced", "delivered_count": 1, "substitute": ada["lines"][3]["suggestions"][0]}
    for line in [*ada["lines"][4:], *grace["lines"]]:
        line |= {"status": "found", "delivered_count": 1}


def asked(run: Run) -> None:
    """One replacement waits for the customer, one is approved, and one was refused."""
    decided(run)
    ada, _ = _batch(run)["orders"]
    ada["lines"][2] |= {"replacement_status": "REJECTED", "refused": ada["lines"][3]["suggestions"][0]}
    ada["lines"][3] |= {"replacement_status": "PENDING", "proposed_at": run["now"]}
    other = ada["lines"][0]["replacement_items"][0]
    ada["lines"][0] |= {"status": "replaced", "replacement_status": "APPROVED", "substitute": other}


def alternative_named(run: Run) -> None:
    asked(run)
    line = _batch(run)["orders"][0]["lines"][3]
    refused, product = line["substitute"], _batch(run)["orders"][0]["lines"][0]["replacement_items"][0]
    line |= {"status": "not_found", "delivered_count": None, "substitute": None, "refused": refused}
    line |= {"replacement_status": "REJECTED", "alternative": {"product": product, "count": 1, "weight": None}}


def half_decided(run: Run) -> None:
    decided(run)
    for line in _batch(run)["orders"][0]["lines"][4:]:
        line |= {"status": "not_found", "delivered_count": None}


def paying(run: Run) -> None:
    decided(run)
    _batch(run)["state"] = "verifying_replacements"


def bagging(run: Run) -> None:
    decided(run)
    _batch(run)["state"] = "checkout"


def leaving(run: Run) -> None:
    bagging(run)
    _batch(run)["state"] = "receipt_sanity_check"
    for order in _batch(run)["orders"]:
        kinds = ("ambient", "frozen") if order["letter"] == "A" else ("ambient",)
        order["bags"] = [
            {"code": f"1-{order['letter']}{place}", "kind": kind, "place": None} for place, kind in enumerate(kinds, 1)
        ]
        order["bag_count"] = len(kinds)


def driving(run: Run) -> None:
    leaving(run)
    _batch(run)["state"] = "delivering"
    for order, street in zip(_batch(run)["orders"], ("1 Ferry Building", "24 Willie Mays Plaza"), strict=True):
        order["door"] = {
            "address": f"{street}, San Francisco, CA 94111",
            "latitude": 37.7956,
            "longitude": -122.3933,
            "phone": "+14155550101",
        }
        order["needs_code"] = order["letter"] == "A"
        order["status"] = "delivering"


def signing(run: Run) -> None:
    driving(run)
    _batch(run)["orders"][0]["signature"] = "needed"


def signed(run: Run) -> None:
    driving(run)
    _batch(run)["orders"][0]["signature"] = "signed"


def driving_unknown(run: Run) -> None:
    driving(run)
    for order in _batch(run)["orders"]:
        order["door"] = None


def returning(run: Run) -> None:
    driving(run)
    for order in _batch(run)["orders"]:
        order["status"] = "returning"


def staging(run: Run) -> None:
    leaving(run)
    _batch(run)["type"] = "pickup"


def carrying(run: Run) -> None:
    leaving(run)
    _batch(run).update(type="delivery_only", state="acknowledged")
    for order in _batch(run)["orders"]:
        order.update(
            lines=[], bags=[], bag_label=f"Basket {order['letter']}-17", bag_scan_codes=["BAG-0001", "BAG-0002"]
        )
        order["bag_count"] = 2


def checking(run: Run) -> None:
    carrying(run)
    _batch(run)["state"] = "at_store"


def comparing(run: Run) -> None:
    checking(run)
    for order in _batch(run)["orders"]:
        order["bag_scan_codes"] = []


def meeting(run: Run) -> None:
    leaving(run)
    _batch(run).update(type="runner_customer", state="brand_new")


def handing_over(run: Run) -> None:
    meeting(run)
    _batch(run)["state"] = "bags_verified"
    for order in _batch(run)["orders"]:
        order["status"] = "bags_verified"


def chatting(run: Run) -> None:
    """Both have written, in any form; the customer's last message is new."""
    shopping(run)
    _batch(run)["orders"][0]["chat"] = {
        "is_open": True,
        "unread": 1,
        "messages": [
            _message(1, "shopper", phrase="hello", is_read=True),
            _message(2, "customer", text="Ripe bananas, please.\nAnd <b>no</b> \u202ebag", is_read=True),
            _message(3, "shopper", picture=""),
            _message(4, "customer", text="Yes", picture=PICTURE),
        ],
    }


def chat_closed(run: Run) -> None:
    chatting(run)
    _batch(run)["orders"][0]["chat"]["is_open"] = False


#: A picture that the server has.
PICTURE = "/shopper/app/icon-192.png"


def _message(number: int, sender: str, **fields: Any) -> dict[str, Any]:
    common = {"phrase": None, "text": None, "picture": None, "at": "2026-11-30T17:00:00Z", "is_read": False}
    return {"id": str(number), "sender": sender, "act_id": None, **common, **fields}


#: Name: the path, and what the run is like.
SCREENS: dict[str, tuple[str, Callable[[Run], None]]] = {
    "list": ("list/market/1", shopping),
    "list-half": ("list/market/1", half_decided),
    "list-done": ("list/market/1", decided),
    "product": ("product/market/1/order-1/1", shopping),
    "product-weighed": ("product/market/1/order-1/2", shopping),
    "product-alcohol": ("product/market/1/order-1/5", shopping),
    "product-replaced": ("product/market/1/order-1/4", decided),
    "short": ("short/market/1/order-1/1", decided),
    "replace": ("replace/market/1/order-1/1", shopping),
    "replace-suggested": ("replace/market/1/order-1/4", shopping),
    "replace-not": ("replace/market/1/order-1/3", shopping),
    "refund": ("refund/market/1/order-1/3", shopping),
    "chat": ("chat/market/1/order-1", chatting),
    "chat-closed": ("chat/market/1/order-1", chat_closed),
    "chat-empty": ("chat/market/1/order-2", chatting),
    "list-messages": ("list/market/1", chatting),
    "run-messages": ("run", chatting),
    "add": ("add/market/1/order-2", shopping),
    "review": ("review/market/1", decided),
    "review-open": ("review/market/1", half_decided),
    "review-asked": ("review/market/1", asked),
    "review-alternative": ("review/market/1", alternative_named),
    "list-asked": ("list/market/1", asked),
    "list-alternative": ("list/market/1", alternative_named),
    "product-alternative": ("product/market/1/order-1/4", alternative_named),
    "product-refused": ("product/market/1/order-1/3", asked),
    "replace-alternative": ("replace/market/1/order-1/4", alternative_named),
    "pay": ("pay/market/1", paying),
    "bags": ("bags/market/1", bagging),
    "leave": ("drive/market/1", leaving),
    "drive": ("drive/market/1", driving),
    "drive-unknown": ("drive/market/1", driving_unknown),
    "door": ("door/market/1/order-1", driving),
    "door-free": ("door/market/1/order-2", driving),
    "handover": ("handover/market/1/order-1", driving),
    "door-signature": ("door/market/1/order-1", signing),
    "handover-signature": ("handover/market/1/order-1", signing),
    "handover-signed": ("handover/market/1/order-1", signed),
    "bring-back-unsigned": ("bring_back/market/1/order-1", signing),
    "today-position": ("today", shopping),
    "left": ("left/market/1/order-2", driving),
    "bring-back": ("bring_back/market/1/order-1", driving),
    "returns": ("returns/market/1/order-1", returning),
    "stage": ("stage/market/1", staging),
    "arrive": ("arrive/market/1", carrying),
    "check-bags": ("check_bags/market/1", checking),
    "check-label": ("check_bags/market/1", comparing),
    "meet": ("arrive/market/1", meeting),
    "handover-pickup": ("door/market/1", handing_over),
    "give-back": ("give_back/market/1", shopping),
}


@pytest.fixture(params=LOCALES)
def phone(server: LiveServer, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Phone]:
    phone = Phone(server.url, browser, locale=request.param, reduced_motion="reduce", **SIZE)
    phone.api.me["locale"] = request.param
    yield phone
    phone.close()
    assert phone.problems == []


@on_sqlite
def test_screens_of_the_work_are_opened_then_axe_finds_nothing(phone: Phone, request: pytest.FixtureRequest) -> None:
    prepared, locale = json.dumps(phone.api.run), request.node.callspec.params["phone"]
    phone.open("/settings")
    found, small = {}, {}
    for name, (path, prepare) in SCREENS.items():
        phone.api.run = json.loads(prepared)
        phone.api.run["version"] = name
        prepare(phone.api.run)
        _open(phone, path)
        expect(phone.page.locator("html")).to_have_attribute("lang", locale)
        for scheme in ("light", "dark") if locale == "en-US" else ("light",):  # colours are the same in all languages
            phone.page.emulate_media(color_scheme=scheme)
            rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else None if locale == "en-US" else OF_TEXTS
            if violations := Axe().run(phone.page, options=rules).response["violations"]:
                found[name, scheme] = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in violations]
            _keep(phone, f"{name}.{locale}.{scheme}")
        if tiny := phone.page.evaluate(TOO_SMALL):
            small[name] = tiny
    assert found == {}
    assert small == {}


def _open(phone: Phone, path: str) -> None:
    """Let the app fetch the prepared run on a screen that shows none of it, then load the page with the screen."""
    phone.page.evaluate("location.hash = '#/queue'; dispatchEvent(new Event('online'))")
    while not any(
        isinstance(one, dict) and one.get("version") == phone.api.run["version"] for one in phone.kept("kept")
    ):
        phone.page.wait_for_timeout(20)
    phone.page.goto(f"{phone.url}?{phone.api.run['version']}#/{path}")
    phone.page.get_by_role("heading", level=1).wait_for()


#: What a finger must hit and is lower than 56 px; a link within a sentence may be smaller.
TOO_SMALL = """() => [...document.querySelectorAll('main button, main a, main input, main summary, footer button')]
    .filter((one) => !one.closest('.visually-hidden') && one.offsetParent && one.type !== 'radio')
    .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().height])
    .filter(([, height]) => height < 55.9 && height > 1)"""


def _keep(phone: Phone, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        phone.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def _batch(run: Run) -> dict[str, Any]:
    batch = run["batches"][0]
    assert isinstance(batch, dict)
    return batch
