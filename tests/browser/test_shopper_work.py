"""Orders are picked, staged and handed over with the shopper's app in Chromium, on the real server."""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from handcart.core.db import Tx
from handcart.orders import ops as orders
from handcart.orders import proof
from handcart.shoppers import positions
from handcart.sign_in.models import SHOPPER
from tests.support.acting import Acting
from tests.support.orders import STORES, TEXTED, Market, line
from tests.support.phone import PHONE
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

pytestmark = on_sqlite

MILK, BREAD = "400000000015", "400000000022"
SCANNED = """(code) => { for (const key of [...code, 'Enter']) {
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
} }"""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


#: A grey picture of 64 x 64 pixels.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress((b"\x00" + b"\x80" * 64) * 64))
    + _chunk(b"IEND", b"")
)

TRIES = 40


class Screen:
    """The app on a phone of a shopper who has work."""

    def __init__(self, server: LiveServer, browser: Browser, working: Working) -> None:
        self.server = server
        self.context = browser.new_context(**PHONE, locale="en-US", reduced_motion="reduce")
        self.context.add_cookies(
            [{"name": SHOPPER.cookie, "value": working.phone.cookie, "url": f"{server.url}/shopper"}]
        )
        self.problems: list[str] = []
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.page = self.context.new_page()
        self.page.clock.install()
        self.page.goto(f"{server.url}/shopper")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def hold(self, name: str) -> None:
        """Confirm as a screen reader does, which needs no holding: a new screen takes the focus of the keyboard."""
        button = self.page.get_by_role("button", name=name)
        expect(button).to_be_enabled()
        button.evaluate("(one) => one.click()")

    def scan(self, code: str) -> None:
        """What a hardware scanner does, after the time that a hand needs at least."""
        self.page.wait_for_timeout(100)  # a screen listens once it has been painted
        self.page.evaluate(SCANNED, code)

    def open_line(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label)

    def photograph(self) -> None:
        self.page.locator("input[type=file]").set_input_files(
            {"name": "photo.png", "mimeType": "image/png", "buffer": PNG}
        )
        expect(self.page.get_by_alt_text("The picture that you took")).to_be_visible()

    def sees(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def begin(self) -> None:
        self.press("Accept")
        self.press("Open")

    def is_sent(self) -> None:
        """Wait until the server has all acts and pictures; none may be refused.

        An act is kept a moment after its button: wait for the next screen first.
        """
        self.page.clock.fast_forward("00:11")  # what can be undone is sent after ten seconds
        self.page.evaluate("dispatchEvent(new Event('online'))")
        self.page.goto(f"{self.server.url}/shopper#/queue")
        self.sees("Queue")
        expect(self.page.get_by_text("waiting", exact=True)).to_have_count(0)
        expect(self.page.get_by_text("can be undone")).to_have_count(0)
        expect(self.page.get_by_text("is waiting")).to_have_count(0)
        assert "refused" not in self.page.locator("main").inner_text(), self.page.locator("main").inner_text()


@pytest.fixture
def screen(server: LiveServer, browser: Browser) -> Iterator[Callable[[Working], Screen]]:
    """Opens the app of a shopper; at the end of the test, no script may have failed."""
    screens: list[Screen] = []

    def open_screen(working: Working) -> Screen:
        screens.append(Screen(server, browser, working))
        return screens[-1]

    yield open_screen
    for each in screens:
        each.context.close()
    assert [problem for each in screens for problem in each.problems] == []


def picked(market: Market, order_id: str) -> dict[str, Any]:
    """What was done with each line of an order."""
    shown = ("status", "delivered_count", "delivered_weight", "substitute")
    return {
        one["line_num"]: {name: one[name] for name in shown if one.get(name) is not None}
        for one in market.row(order_id)["items"]
    }


def test_delivery_is_picked_and_handed_over_then_completed(
    server: LiveServer, screen: Callable[[Working], Screen]
) -> None:
    market, working = Market(server, delivery_pin=True, door_photo=True), Working(server)
    chair = [{"rrc": "chair"}]
    items = [
        line("1", "milk", count=2),
        line("2", "ham", weight=1.5),
        line("3", "bread", count=3),
        line("4", "soap", replacement_items=chair, replacement_policy="users_choice"),
        line("5", "apples", count=2),
    ]
    order_id = market.order("delivery", market.customer(first_name="Ada"), items=items, user=TEXTED)["id"]
    working.batch(market, order_id)
    one = screen(working)
    one.begin()
    one.press("Start")
    one.press("Continue")
    one.sees("Shop at Store here")

    one.scan("99-Z1")
    expect(one.page.get_by_text("No item on the list has this code.")).to_be_visible()
    one.scan(MILK)  # opens the product, and counts
    one.sees("Milk")
    one.scan(BREAD)
    expect(one.page.get_by_text("This is Bread. You need Milk. Nothing was changed.")).to_be_visible()
    one.scan(MILK)
    one.sees("Shop at Store here")
    expect(one.page.get_by_text("1 of 5 items")).to_be_visible()

    one.open_line("Ham")
    one.field("Weight in pounds").fill("3")
    one.page.get_by_text("No barcode?").click()
    one.photograph()
    one.press("Found")
    expect(one.page.get_by_text("More than asked for. Is that right?")).to_be_visible()
    one.press("Change it")
    one.field("Weight in pounds").fill("1,6")
    one.press("Found")
    one.sees("Shop at Store here")

    one.scan(BREAD)
    one.sees("Bread")
    one.press("Found")
    one.sees("1 of 3 found")
    one.press("Refund 2 pieces")

    one.open_line("Soap")
    one.press("It is not here")
    expect(one.page.get_by_text("Ada chose what to take instead.")).to_be_visible()
    one.press("Garden chair")
    one.press("One more")
    one.page.get_by_text("No barcode?").click()
    one.photograph()
    one.press("Replace")

    one.open_line("Apples")
    one.press("It is not here")
    one.press("No replacement: refund")
    one.press("Refund it")

    one.press("Review and pay")
    expect(one.page.get_by_text("Replaced by Garden chair").first).to_be_visible()
    one.press("Go to the till")
    one.field("Receipt number").fill("R-17")
    one.field("Receipt total").fill("45.90")
    one.hold("Paid")
    one.press("+ Dry")
    one.press("+ Cold")
    one.press("2 bags, done")
    one.press("Leave the store")
    expect(one.page.get_by_text("350 W Oak St, 60610")).to_be_visible()
    one.press("I am at the door")
    one.press("Hand over")
    one.field("The last four digits of").fill("0188")
    one.photograph()
    one.hold("Handed over")
    expect(one.page.get_by_role("heading", level=1)).to_contain_text("Hello")
    one.is_sent()

    assert market.row(order_id)["status"] == "completed"
    assert picked(market, order_id) == {
        "1": {"status": "found", "delivered_count": 2},
        "2": {"status": "found", "delivered_weight": 1.6},
        "3": {"status": "found", "delivered_count": 1},
        "4": {"status": "replaced", "delivered_count": 1, "substitute": {"rrc": "chair"}},
        "5": {"status": "to_refund", "delivered_count": 0},
    }


def test_pickup_is_staged_then_handed_over_at_the_car(server: LiveServer, screen: Callable[[Working], Screen]) -> None:
    market, working = Market(server), Working(server)
    order_id = market.order("pickup", market.customer(first_name="Ada"))["id"]
    working.batch(market, order_id)
    one = screen(working)
    one.begin()
    one.press("Start")
    one.press("Continue")
    one.scan(MILK)
    one.sees("Milk")
    one.scan(MILK)
    one.press("Review and pay")
    one.press("Go to the till")
    one.hold("Paid")
    one.press("+ Cold")
    code = one.page.locator(".bag b").inner_text()
    one.press("1 bag, done")
    one.sees("Stage the order of Ada")
    one.scan("99-Z1")
    expect(one.page.get_by_text("Bag 99-Z1 does not belong to this order. Do not take it.")).to_be_visible()
    expect(one.page.get_by_role("button", name="Staged")).to_be_disabled()
    one.scan(code)
    one.field("Place of the cold bags").fill("F3")
    one.press("Staged")
    expect(one.page.get_by_role("heading", level=1)).to_contain_text("Hello")
    one.is_sent()
    assert market.row(order_id)["status"] == "staged"

    working.batch(market, order_id)
    one.page.goto(f"{server.url}/shopper#/today")
    one.page.evaluate("dispatchEvent(new Event('online'))")
    one.begin()
    one.press("Continue")
    one.sees("Meet the customer")
    expect(one.page.get_by_text("F3")).to_be_visible()
    one.press("The customer is here")
    one.sees("Check the bags of Ada")
    one.scan(code)
    one.press("All bags are here")
    one.hold("Handed over")
    expect(one.page.get_by_role("heading", level=1)).to_contain_text("Hello")
    one.is_sent()
    assert market.row(order_id)["status"] == "completed"


def test_last_mile_order_is_refused_at_the_door_then_returned(
    server: LiveServer, screen: Callable[[Working], Screen]
) -> None:
    market, working = Market(server), Working(server)
    order_id = market.order("last_mile")["id"]
    working.batch(market, order_id)
    one = screen(working)
    one.begin()
    one.press("Continue")
    one.press("I am at the store")
    one.press("Label and number are right")
    one.press("Leave the store")
    one.press("I am at the door")
    one.page.get_by_role("link", name="The customer refuses the order").click()
    one.field("The customer does not want it").check()
    one.hold("Bring it back to the store")
    one.sees("Back to Store here")
    one.hold("The store has the goods")
    expect(one.page.get_by_role("heading", level=1)).to_contain_text("Hello")
    one.is_sent()
    assert market.row(order_id)["status"] == "canceled"


def at_the_door(server: LiveServer, market: Market) -> tuple[Working, str, str]:
    """A shopper at the door with an order; the order, and the path of the screen that hands it over."""
    working = Working(server)
    order_id = market.order("delivery", market.customer(first_name="Ada"), user=TEXTED)["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    acting.did("accept")
    Shopping(market).reach(acting.batch_id, "delivering")
    return working, order_id, f"#/handover/{acting.subject}/{order_id}"


async def _sign(tx: Tx, market: Market, order_id: str) -> None:
    await proof.sign(tx, market.retailer.id, await orders.lock(tx, market.retailer.id, order_id), "Ada Lovelace", [])


def test_customer_signs_while_the_shopper_waits_then_handed_over(
    server: LiveServer, screen: Callable[[Working], Screen]
) -> None:
    market = Market(server, certified_from_cents=0)
    working, order_id, path = at_the_door(server, market)
    one = screen(working)
    one.page.goto(f"{server.url}/shopper{path}")
    expect(one.page.get_by_text("Ask Ada to sign on")).to_be_visible()
    expect(one.page.get_by_role("button", name="Handed over")).to_be_disabled()
    server.write(_sign, market, order_id)
    signed = one.page.get_by_text("Ada has signed.")
    for _ in range(TRIES):  # a question that the app has already sent may be answered without the signature
        one.page.clock.fast_forward("00:06")
        if signed.is_visible():
            break
        one.page.wait_for_timeout(250)
    expect(signed).to_be_visible()
    one.hold("Handed over")
    expect(one.page.get_by_role("heading", level=1)).to_contain_text("Hello")
    one.is_sent()
    row = market.row(order_id)
    assert (row["status"], row["details"]["proof"]["signer"]) == ("completed", "Ada Lovelace")


def test_customer_does_not_sign_then_the_order_is_brought_back(
    server: LiveServer, screen: Callable[[Working], Screen]
) -> None:
    market = Market(server, certified_from_cents=0)
    working, order_id, path = at_the_door(server, market)
    one = screen(working)
    one.page.goto(f"{server.url}/shopper{path}")
    one.page.get_by_role("link", name="The customer does not sign").click()
    one.sees("Bring the order back")  # the choice has the words of the link
    one.page.get_by_text("The customer does not sign").click()
    one.hold("Bring it back")
    one.sees("Back to Store here")
    one.is_sent()
    assert market.row(order_id)["details"]["returning"] == "not_signed"


@pytest.mark.parametrize("answer", ["Share while I work", "Do not share"])
def test_shopper_is_asked_for_the_position_then_only_consent_sends_it(
    server: LiveServer, screen: Callable[[Working], Screen], answer: str
) -> None:
    working, _, _ = at_the_door(server, Market(server))
    one = screen(working)
    store = STORES[0].point
    one.context.grant_permissions(["geolocation"], origin=server.url)
    one.context.set_geolocation({"latitude": store.latitude, "longitude": store.longitude, "accuracy": 20})
    expect(one.page.get_by_role("heading", name="Share your position?")).to_be_visible()
    one.press(answer)
    expect(one.page.get_by_role("heading", name="Share your position?")).to_have_count(0)
    is_shared = answer == "Share while I work"
    for _ in range(100 if is_shared else 5):
        if server.read(positions.latest, working.id) is not None:
            break
        one.page.wait_for_timeout(50)
    found = server.read(positions.latest, working.id)
    assert (None if found is None else found.latitude) == (store.latitude if is_shared else None)
    one.page.goto(f"{server.url}/shopper#/settings")
    expect(one.page.get_by_label("Share my position while I work")).to_be_checked(checked=is_shared)
