"""A production network in Chromium at phone size: orders from the API's create to `completed`, by the shopper's app."""

import io
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from handcart.assignment import ops as assignment
from handcart.orders import states
from handcart.shoppers import invitations
from handcart.shoppers import ops as shoppers
from handcart.staff.models import SYSTEM
from tests.browser.network import Network, network
from tests.support.browser import chromium
from tests.support.extent import DATABASES
from tests.support.orders import MILK, line
from tests.support.phone import PHONE
from tests.support.server import migrated_database

PIN = "2580"


def picture() -> bytes:
    """A PNG of 64 x 64 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module", params=DATABASES)
def net(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    data = tmp_path_factory.mktemp("network")
    if request.param == "sqlite":
        database = f"sqlite:///{data}/handcart.db"
    else:
        database = migrated_database(request.getfixturevalue("postgres_cluster"))
    with network(database, data) as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Chromium that accepts the certificate of a test, also for service workers.

    One for each test: while it runs, no database of PostgreSQL can be made in this thread.
    """
    with chromium("ignore-certificate-errors") as running:
        yield running


class Shopper:
    """One of the operator's shoppers, whose phone has joined with an invitation and shows the app."""

    def __init__(self, net: Network, browser: Browser) -> None:
        self.net = net
        self.person = net.server.write(
            shoppers.add, SYSTEM, f"Shopper {secrets.token_hex(3)}", skills=("alcohol", "heavy")
        )
        invitation = net.server.write(invitations.invite, SYSTEM, self.person.id, net.server.url)
        self.problems: list[str] = []
        self.context = browser.new_context(**{**PHONE, "locale": "en-US", "ignore_https_errors": True})
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.context.on("console", lambda message: self._note(message.type, message.text))
        self.context.set_default_timeout(10_000)
        self.page: Page = self.context.new_page()
        self.page.goto(invitation.url)
        self.page.get_by_label("PIN").first.fill(PIN)
        self.page.get_by_label("PIN").last.fill(PIN)
        self.page.locator("form button.primary").click()
        self.expect_heading(f"Hello, {self.person.name}")

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def given(self, *order_ids: str) -> None:
        """The dispatcher gives orders to this shopper, and the phone hears of it."""
        self.net.server.write(assignment.assign, SYSTEM, self.net.market.retailer.id, order_ids, self.person.id)
        self.page.reload()

    def expect_heading(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def hold(self, name: str) -> None:
        """Press a button until it has done its work, which takes it away."""
        button = self.page.get_by_role("button", name=re.compile(name))
        expect(button).to_be_enabled()
        button.dispatch_event("pointerdown")
        expect(button).to_have_count(0)

    def open(self, name: str) -> None:
        self.page.get_by_role("link", name=re.compile(name)).first.click()

    def choose(self, product: str) -> None:
        self.page.get_by_role("button", name=re.compile(product)).first.click()

    def scan(self, code: str) -> None:
        """A hardware scanner types a code, without a pause between two keys."""
        self.page.evaluate(
            """(keys) => keys.forEach((key) => (document.activeElement ?? document.body).dispatchEvent(
                new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true})))""",
            [*code, "Enter"],
        )
        self.page.wait_for_timeout(100)  # the time that a hand needs at least

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label).fill(value)

    def take_picture(self, label: str) -> None:
        self.page.get_by_label(label).set_input_files({"name": "p.png", "mimeType": "image/png", "buffer": picture()})
        expect(self.page.get_by_alt_text("The picture that you took")).to_be_visible()

    def begin(self) -> None:
        """Accept the work, and go to it."""
        self.press("Accept")
        self.open("Run")

    def kept(self, store: str) -> list[Any]:
        script = """(name) => new Promise((resolve) => {
            const opening = indexedDB.open('handcart-shopper');
            opening.onsuccess = () => {
                const all = opening.result.transaction(name).objectStore(name).getAll();
                all.onsuccess = () => resolve(all.result.map((one) => ({...one, blob: null})));
            };
        })"""
        found: list[Any] = self.page.evaluate(script, store)
        return found

    def wait_until_sent(self) -> None:
        """Wait until the server has answered every act and has every picture; none may be refused."""
        for _ in range(400):
            states_now = {entry["state"] for entry in self.kept("entries")}
            if states_now <= {"sent"} and not self.kept("pictures"):
                return
            assert "refused" not in states_now, [one for one in self.kept("entries") if one["state"] == "refused"]
            self.page.wait_for_timeout(50)
        raise AssertionError(self.kept("entries"))


@pytest.fixture
def shopper(net: Network, browser: Browser) -> Iterator[Callable[[], Shopper]]:
    made: list[Shopper] = []

    def join() -> Shopper:
        made.append(Shopper(net, browser))
        return made[-1]

    yield join
    for one in made:
        one.context.close()
    assert [problem for one in made for problem in one.problems] == []


def expected_events(kind: str, *happened: str) -> list[str]:
    """The events that `docs/order-states.md` names for an order that passes through all states.

    Without `order_location`: these phones do not say where they are.
    """
    workflow = states.WORKFLOWS[kind]
    passed = [state for name, state in workflow.states.items() if name != states.CANCELED]
    return sorted(
        [
            *workflow.events[states.CREATED],
            *(event for state in passed for event in state.events if event != "order_location"),
            *(event for one in happened for event in workflow.events[one]),
        ]
    )


def check_callbacks(net: Network, order_id: str, kind: str, *happened: str) -> None:
    """The receiver was told everything, once, and nothing else."""
    expected = expected_events(kind, *happened)
    net.receiver.wait_until(lambda: len(net.receiver.names(order_id)) >= len(expected))
    assert sorted(net.receiver.names(order_id)) == expected


def cart() -> list[dict[str, Any]]:
    """Milk is replaced as the customer chose, ham is weighed, bread is short, apples are refunded, soap is there."""
    return [
        {**MILK, "replacement_items": [{"rrc": "bread"}]},
        line("2", "ham", weight=1.5),
        line("3", "bread", count=4),
        line("4", "apples", count=2),
        line("5", "soap", count=1),
    ]


PICKED = (states.REPLACED, states.FOUND, states.FOUND, states.FOUND, states.REFUNDED)


def pick(one: Shopper) -> None:
    """Pick `cart`, pay and bag it."""
    one.press("Start")
    one.press("Continue")
    one.open("Milk")
    one.press("It is not here")
    one.choose("Bread")
    one.page.locator("summary").click()
    one.fill("Last four digits", "0022")
    one.press("One more")
    one.press("One more")
    one.press("Replace")
    one.open("Ham")
    one.page.locator("summary").click()
    one.take_picture("Take a picture")
    one.fill("Weight in pounds", "1.4")
    one.press("Found")
    one.expect_heading(re.compile("Shop at"))
    one.scan("400000000022")
    one.expect_heading("Bread")
    one.scan("400000000022")
    one.press("Found")
    one.press("Refund 2 pieces")
    one.open("Apples")
    one.press("It is not here")
    one.press("No replacement: refund")
    one.press("Refund it")
    one.open("Soap")
    one.page.locator("summary").click()
    one.take_picture("Take a picture")
    one.press("One more")
    one.press("Found")
    one.press("Review and pay")
    one.press("Go to the till")
    one.fill("Receipt number", "R-100")
    one.fill("Receipt total", "45.90")
    one.hold("Paid")
    one.press("+ Dry")
    one.press("+ Cold")
    one.press("2 bags, done")


def deliver(one: Shopper) -> None:
    one.press("Leave the store")
    one.press("I am at the door")
    one.press("Leave at the door")
    one.take_picture("Take a picture")
    one.hold("Left at the door")
    one.expect_heading(re.compile("Hello"))


def check_delivery(net: Network, user_id: str, order_id: str) -> None:
    order = net.market.read(user_id, order_id).json()
    assert order["status"] == "completed"
    lines = {one["line_num"]: one for one in net.market.row(order_id)["items"]}
    found = {
        number: (one["status"], one.get("delivered_count"), one.get("delivered_weight"))
        for number, one in lines.items()
    }
    assert found == {
        "1": ("replaced", 2, None),
        "2": ("found", None, 1.4),
        "3": ("found", 2, None),
        "4": ("to_refund", 0, None),
        "5": ("found", 1, None),
    }
    assert lines["1"]["substitute"]["rrc"] == "bread"
    proof = net.market.row(order_id)["details"]["proof"]
    assert (proof["how"], proof["has_photo"]) == ("left", True)
    check_callbacks(net, order_id, "delivery", *PICKED)


def test_delivery_is_worked_then_completed_with_its_callbacks(net: Network, shopper: Callable[[], Shopper]) -> None:
    user_id = net.market.customer()
    order_id = net.market.order("delivery", user_id, items=cart(), leave_unattended=True)["id"]
    one = shopper()
    one.given(order_id)
    one.begin()
    pick(one)
    deliver(one)
    one.wait_until_sent()
    check_delivery(net, user_id, order_id)


def test_pickup_is_worked_then_handed_to_the_customer(net: Network, shopper: Callable[[], Shopper]) -> None:
    user_id = net.market.customer()
    order_id = net.market.order("pickup", user_id, items=cart())["id"]
    one = shopper()
    one.given(order_id)
    one.begin()
    pick(one)
    one.expect_heading(re.compile("Stage the order"))
    codes = one.page.locator("main li b").all_inner_texts()
    for code in codes:
        one.scan(code)
    one.fill("Place of the dry bags", "A1")
    one.fill("Place of the cold bags", "C2")
    one.press("Staged")
    one.expect_heading(re.compile("Hello"))
    one.wait_until_sent()
    assert net.market.read(user_id, order_id).json()["status"] == "staged"
    runner = shopper()
    runner.given(order_id)
    runner.begin()
    runner.press("Continue")
    runner.press("The customer is here")
    runner.expect_heading(re.compile("Check the bags"))
    for code in codes:
        runner.scan(code)
    runner.press("All bags are here")
    runner.hold("Handed over")
    runner.expect_heading(re.compile("Hello"))
    runner.wait_until_sent()
    assert net.market.read(user_id, order_id).json()["status"] == "completed"
    check_callbacks(net, order_id, "pickup", *PICKED)


def test_shopper_gives_work_back_then_the_next_one_has_it(net: Network, shopper: Callable[[], Shopper]) -> None:
    order_id = net.market.order("delivery", items=cart())["id"]
    one = shopper()
    one.given(order_id)
    one.begin()
    one.press("Start")
    one.open("I cannot go on")
    one.page.get_by_label("I have no more time").check()
    one.hold("Give it back")
    one.expect_heading(re.compile("Hello"))
    one.wait_until_sent()
    expect(one.page.get_by_text("You gave back work")).to_be_visible()
    assert net.market.row(order_id)["status"] == "brand_new"
    other = shopper()
    other.given(order_id)
    expect(other.page.get_by_role("button", name="Accept")).to_be_visible()


@pytest.mark.parametrize("kind", ["last_mile", "dispatch"])
def test_carried_order_is_worked_then_completed(net: Network, shopper: Callable[[], Shopper], kind: str) -> None:
    order_id = net.market.order(kind)["id"]
    one = shopper()
    one.given(order_id)
    one.begin()
    one.press("Continue")
    one.press("I am at the store")
    one.press("Label and number are right")
    one.press("Leave the store")
    one.press("I am at the door")
    one.press("Hand over")
    one.hold("Handed over")
    one.expect_heading(re.compile("Hello"))
    one.wait_until_sent()
    assert net.market.row(order_id)["status"] == "completed"
    check_callbacks(net, order_id, kind)
