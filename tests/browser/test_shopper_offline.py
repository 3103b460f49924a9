"""A delivery in the shopper's app in Chromium while the network is cut: in the end, the server has each act once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_shopper_work import BREAD, MILK, Screen
from tests.support.orders import Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

pytestmark = on_sqlite

Step = tuple[str, Callable[[], None]]


@pytest.fixture
def working(server: LiveServer) -> Working:
    return Working(server)


@pytest.fixture
def screen(server: LiveServer, browser: Browser, working: Working) -> Iterator[Callable[[], Screen]]:
    """Opens the app after the shopper got work; at the end of the test, no script may have failed."""
    screens: list[Screen] = []

    def open_screen() -> Screen:
        screens.append(Screen(server, browser, working))
        return screens[-1]

    yield open_screen
    for each in screens:
        each.context.close()
    assert [problem for each in screens for problem in each.problems] == []


def steps(one: Screen) -> list[Step]:
    """The steps of a delivery, each with the heading of the screen that it ends on. Each line gets another end."""

    def find_all() -> None:
        one.open_line("Milk")
        one.scan(MILK)
        pieces(one, 1)
        one.scan(MILK)

    def find_fewer() -> None:
        one.open_line("Bread")
        one.scan(BREAD)
        pieces(one, 1)
        one.press("Found")
        one.press("Refund 3 pieces")

    def weigh() -> None:
        one.open_line("Ham")
        one.field("Weight in pounds").fill("1.45")
        photograph_product(one)
        one.press("Found")

    def replace() -> None:
        one.open_line("Garden chair")
        one.press("It is not here")
        one.press("Soap")
        one.press("One more")
        photograph_product(one)
        one.press("Replace")

    def refund() -> None:
        one.open_line("Soda")
        one.press("It is not here")
        one.press("No replacement: refund")
        one.press("Refund it")

    def pay() -> None:
        one.field("Receipt number").fill("R-17")
        one.field("Receipt total").fill("45.90")
        one.hold("Paid")

    def bag() -> None:
        one.press("+ Dry")
        one.press("1 bag, done")

    def leave_at_door() -> None:
        one.press("Leave at the door")
        one.photograph()
        one.hold("Left at the door")

    store = "Shop at Store here"
    return [
        ("Hello, Sam Sample", lambda: shown_after(one, "Accept", "Open")),
        ("Run", lambda: one.press("Open")),
        ("Run", lambda: shown_after(one, "Start", "Continue")),
        (store, lambda: one.press("Continue")),
        (store, find_all),
        (store, find_fewer),
        (store, weigh),
        (store, replace),
        (store, refund),
        ("Review", lambda: one.press("Review and pay")),
        ("Pay", lambda: one.press("Go to the till")),
        ("Bags for Ada", pay),
        ("Ready to leave", bag),
        ("Drive to Ada", lambda: one.press("Leave the store")),
        ("At the door of Ada", lambda: one.press("I am at the door")),
        ("Hello, Sam Sample", leave_at_door),
    ]


def shown_after(one: Screen, button: str, other: str) -> None:
    """Press a button, and wait until the app shows another one: what was done is kept then."""
    one.press(button)
    expect(one.page.get_by_role("button", name=other)).to_be_visible()


def pieces(one: Screen, count: int) -> None:
    expect(one.page.get_by_role("group", name="Pieces found").locator("output")).to_have_text(str(count))


def photograph_product(one: Screen) -> None:
    one.page.get_by_text("No barcode?").click()
    one.photograph()


def outcome(market: Market, order_id: str) -> dict[str, Any]:
    """What is true of an order in the end."""
    row = market.row(order_id)
    details = row["details"]
    kept = ("status", "delivered_count", "delivered_weight", "unscanned")
    return {
        "status": row["status"],
        "lines": [tuple(item.get(name) for name in kept) for item in row["items"]],
        "scans": [len(item.get("scans") or ()) for item in row["items"]],
        "substitutes": [item["substitute"]["rrc"] for item in row["items"] if item.get("substitute")],
        "receipt": (details["receipt_number"], details["receipt_cents"]),
        "bags": row["bag_count"],
        "proof": (details["proof"]["how"], details["proof"]["has_photo"]),
        "events": Shopping(market).events(order_id),
    }


FOUND = "item_found"
WORKED = {
    "status": "completed",
    "lines": [
        ("found", 2, None, None),
        ("found", 1, None, None),
        ("found", None, 1.45, "picture"),
        ("replaced", 1, None, "picture"),
        ("to_refund", 0, None, None),
    ],
    "scans": [2, 1, 0, 0, 0],
    "substitutes": ["soap"],
    "receipt": ("R-17", 4590),
    "bags": 1,
    "proof": ("left", True),
    "events": [
        *("brand_new", "acknowledged", "picking", FOUND, FOUND, FOUND, "item_replaced", "order_item_replacement"),
        *("item_refunded", "order_item_refund", "checkout", "delivering", "delivered"),
    ],
}


@pytest.mark.parametrize("network", ["cut in each step", "cut but for the address"])
def test_network_is_cut_in_a_delivery_then_the_order_ends_as_without(
    server: LiveServer, working: Working, screen: Callable[[], Screen], network: str
) -> None:
    market = Market(server, capacity=1000, door_photo=True)
    cart = [
        line("1", "milk", count=2),
        line("2", "bread", count=4),
        line("3", "ham", weight=1.5),
        line("4", "chair", replacement_policy="users_choice", replacement_items=[{"rrc": "soap"}]),
        line("5", "soda"),
    ]
    order_id = market.order("delivery", market.customer(first_name="Ada"), items=cart, leave_unattended=True)["id"]
    working.batch(market, order_id, workflow_state="brand_new")
    one = screen()
    expect(one.page.get_by_role("button", name="Accept")).to_be_visible()
    one.page.evaluate("navigator.serviceWorker.ready")
    for heading, step in steps(one):
        one.context.set_offline(True)
        step()
        one.sees(heading)
        if network == "cut in each step" or heading.startswith("Drive"):
            one.page.reload()  # as if the phone had closed the app
            one.sees(heading)
            one.context.set_offline(False)
        if heading.startswith("Drive"):
            expect(one.page.get_by_text("350 W Oak St")).to_be_visible()
    one.context.set_offline(False)
    one.is_sent()
    assert outcome(market, order_id) == WORKED
    acts = server.sql("SELECT id, verb FROM acts WHERE person_id = $1 ORDER BY number", working.id)
    assert [act["verb"] for act in acts] == [
        *(
            "accept",
            "start",
            "find",
            "find",
            "find",
            "replace",
            "refund",
            "review",
            "checkout",
            "bag",
            "leave",
            "deliver",
        )
    ]
    subjects = {row["subject"].rpartition("/")[2] for row in server.sql("SELECT subject FROM pictures")}
    assert [act["verb"] for act in acts if act["id"] in subjects] == ["find", "replace", "deliver"]
