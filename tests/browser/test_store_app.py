"""The store's app in Chromium, beside a shopper's phone and a customer's page, on both databases."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from handcart.acts.bodies import BringBack, Pack, PackedBag, Stage
from handcart.acts.verbs import VERBS, Work
from handcart.batches import ops as batches
from handcart.batches.ops import AskedOrder
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import links, pickup, states
from handcart.orders import ops as orders
from handcart.shoppers import ops as shoppers
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from handcart.sign_in.models import TABLET as TABLET_SESSION
from handcart.staff import tablets
from handcart.staff.models import SYSTEM
from tests.browser import test_fulfilment
from tests.browser.network import Network
from tests.browser.test_fulfilment import Shopper
from tests.browser.test_invitation import looked_at
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.tablets import PIN, Counter, add_worker
from tests.support.working import Working

# The fixtures of a production network, and of phones that join it.
browser, net, shopper = test_fulfilment.browser, test_fulfilment.net, test_fulfilment.shopper

TABLET = {"width": 1024, "height": 768}
PHONE = {"width": 390, "height": 800}
HERE = 1


class Tablet:
    """A tablet of the market's first store, which a person has unlocked."""

    def __init__(self, net: Network, browser: Browser, name: str = "Ada Sample") -> None:
        self.net, retailer_id = net, net.market.retailer.id
        self.worker = add_worker(net.server, retailer_id, HERE, name)
        made = net.server.write(tablets.add, SYSTEM, retailer_id, HERE, "Staging area", net.server.url)
        self.problems: list[str] = []
        self.context = browser.new_context(
            viewport=TABLET, locale="en-US", ignore_https_errors=True, reduced_motion="reduce", has_touch=True
        )
        self.context.set_default_timeout(10_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(made.url)
        self.press("Use this device")
        self.page.get_by_role("link", name=name).first.click()
        self.page.get_by_label("PIN").fill(PIN)
        self.press("Unlock")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Stage")

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "400 (Bad Request)" not in text:  # the page of a refused form
            self.problems.append(text)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def order(self, order_id: str) -> None:
        """Open an order of the list, which appears by itself."""
        self.page.get_by_role("link", name=re.compile(re.escape(order_id))).first.click()

    def scan(self, codes: list[str]) -> None:
        """A hardware scanner types codes into the field for them, each with the Enter key."""
        self.page.get_by_label("Codes of the bags").focus()
        for code in codes:
            self.page.keyboard.type(code)
            self.page.keyboard.press("Enter")


@pytest.fixture
def tablet(net: Network, browser: Browser) -> Iterator[Tablet]:
    made = Tablet(net, browser)
    yield made
    made.context.close()
    assert made.problems == []


def test_order_is_staged_then_its_shopper_compares_the_label_and_leaves(
    net: Network,
    tablet: Tablet,
    shopper: Callable[[], Shopper],
) -> None:
    order_id = net.market.order("last_mile")["id"]
    one = shopper()
    one.given(order_id)
    tablet.order(order_id)
    tablet.page.get_by_label("Dry bags").fill("1")
    tablet.page.get_by_label("Frozen bags").fill("1")
    tablet.page.get_by_label("Heavy").check()
    tablet.page.get_by_label("Place in the staging area").fill("A3")
    tablet.press("The bags are there")
    labels = tablet.page.locator(".label")
    expect(labels).to_have_count(2)
    codes = labels.locator(".label-code").all_inner_texts()
    label = labels.first.locator(".label-mark").inner_text()
    tablet.page.get_by_role("link", name="Incoming").click()
    one.begin()
    one.press("Continue")
    one.press("I am at the store")
    expect(tablet.page.locator("#list")).to_contain_text("Is here")
    expect(one.page.locator("main")).to_contain_text(label)
    for code in codes:
        one.scan(code)
    one.page.get_by_role("button", name=re.compile("right|All bags")).first.click()
    one.press("Leave the store")
    one.wait_until_sent()
    assert net.market.row(order_id)["status"] == "delivering"
    expect(tablet.page.locator("#list")).not_to_contain_text(order_id)


def test_customer_says_here_then_an_employee_brings_the_order_out(
    net: Network, tablet: Tablet, browser: Browser
) -> None:
    order_id = net.market.order("pickup", user_id=net.market.customer())["id"]
    net.server.write(staged_by, net.market.retailer.id, order_id)
    codes = [bag["code"] for bag in net.market.row(order_id)["details"]["bags"]]
    tablet.page.get_by_role("link", name="Bring out").click()
    customer = browser.new_context(viewport=PHONE, locale="en-US", ignore_https_errors=True).new_page()
    customer.goto(net.server.write(page_of, net.market.retailer.id, order_id))
    customer.get_by_role("button", name=re.compile("here", re.IGNORECASE)).first.click()
    tablet.order(order_id)
    tablet.press("I bring it out")
    tablet.press("I walk out now")
    tablet.scan([*codes[:-1], "strange"])
    tablet.press("These are the bags")
    expect(tablet.page.get_by_role("alert")).to_contain_text("missing")
    tablet.page.get_by_label("Codes of the bags").fill("")
    tablet.scan(codes)
    tablet.press("These are the bags")
    tablet.press("The customer has it")
    expect(tablet.page.get_by_text("The customer has the order.")).to_be_visible()
    assert net.market.row(order_id)["status"] == "completed"
    customer.context.close()


async def staged_by(tx: Tx, retailer_id: int, order_id: str) -> None:
    """The order is picked, bagged and staged by a shopper of the retailer."""
    one = await shoppers.create(tx, retailer_id)
    batch = await batches.generate(tx, retailer_id, one.id, [AskedOrder(order_id)])
    await batches.bring(tx, retailer_id, batch, states.CHECKOUT)
    work, codes = Work(retailer_id, batch), [f"{order_id[-4:]}-{number}" for number in (1, 2)]
    await VERBS["bag"].do(tx, work, Pack(order_id, [PackedBag(code) for code in codes]))
    await VERBS["stage"].do(tx, work, Stage(order_id, "C2", codes))


async def page_of(tx: Tx, retailer_id: int, order_id: str) -> str | None:
    """The address of the order's page for its customer."""
    return links.url(tx, retailer_id, await orders.lock(tx, retailer_id, order_id))


class Sample:
    """A store with something to see on each page: orders to stage, staged, coming, waiting, coming back."""

    def __init__(self, server: LiveServer) -> None:
        with server.clients():
            self.market = market = Market(server, capacity=50)
            self.counter = counter = Counter(market)
            shopping, retailer_id = Shopping(market), market.retailer.id
            ids = {
                name: f"ORD-{number}" for number, name in enumerate(("late", "soon", "fine", "staged", "coming"), 7120)
            }
            now = clock.of_process()
            for (name, order_id), minutes in zip(ids.items(), (30, 50, 200, 90, 70), strict=True):
                market.order("dispatch", order_id=order_id, first_name="Sam", last_name="Sample")
                server.sql(
                    "UPDATE orders SET window_starts_at = $3, window_ends_at = $4"
                    " WHERE retailer_id = $1 AND order_id = $2 RETURNING 1",
                    *(retailer_id, order_id, now + (minutes - 120) * clock.MINUTE, now + minutes * clock.MINUTE),
                )
                if name in ("staged", "coming"):
                    counter.stage(order_id, frozen="1", weight_class="heavy")
            working = Working(server, "Bo Sample")
            working.batch(market, ids["coming"], ids["soon"], workflow_state="acknowledged")
            here = market._stores["here"].point
            place = Position(now - 4 * clock.MINUTE, here.latitude + 0.04, here.longitude)
            server.write(positions.report, working.id, [place])
            for order_id in ("PICK-1", "PICK-2"):
                market.order("pickup", order_id=order_id)
                server.write(staged_by, retailer_id, order_id)
                server.write(arrive, retailer_id, order_id)
            counter.do("PICK-2", "run", "take")
            counter.submit("/store/orders/PICK-2/run/walk")
            market.order("dispatch", order_id="BACK-1")
            back = shopping.batch("BACK-1")
            shopping.reach(back, "delivering")
            server.write(turn_back, retailer_id, "BACK-1")
            self.paths = [
                "/store",
                *(f"/store{path}" for path in ("/runs", "/incoming", "/returns", "/inside", "/people")),
                f"/store/people/{counter.person.id}",
                f"/store/orders/{ids['late']}/stage",
                f"/store/orders/{ids['staged']}/labels",
                f"/store/orders/{ids['coming']}/hand-over",
                "/store/orders/PICK-1/run",
                "/store/orders/PICK-2/run",
                "/store/orders/BACK-1/return",
            ]


async def arrive(tx: Tx, retailer_id: int, order_id: str) -> None:
    """The customer came four minutes ago, in a red car."""
    order = await orders.lock(tx, retailer_id, order_id)
    car = {"model": "Sample GT", "vehicle_type": "suv", "license_plate": "SAMPLE 1", "color": "red"}
    await pickup.set_vehicle(tx, retailer_id, order, **car)
    await batches.arrive(tx, retailer_id, order)
    order = await orders.lock(tx, retailer_id, order_id)
    order.details.arrived_at = clock.now() - 4 * clock.MINUTE
    await orders.keep(tx, retailer_id, order)


async def turn_back(tx: Tx, retailer_id: int, order_id: str) -> None:
    batch = await batches.lock_of_order(tx, retailer_id, order_id)
    assert batch is not None
    await VERBS["bring_back"].do(tx, Work(retailer_id, batch), BringBack(order_id, "nobody_there"))


@on_sqlite
def test_every_page_is_opened_then_it_is_whole_at_each_width(server: LiveServer, browser: Browser) -> None:
    sample = Sample(server)
    cookie = sample.counter.http.cookies[TABLET_SESSION.cookie]
    context = browser.new_context(base_url=server.url, reduced_motion="reduce", has_touch=True)
    context.add_cookies([{"name": TABLET_SESSION.cookie, "value": cookie, "url": f"{server.url}/store"}])
    page, messages = context.new_page(), []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    for path in sample.paths:
        page.goto(path)
        for size in (TABLET, PHONE):
            page.set_viewport_size(size)
            looked_at(page)
            small = page.evaluate(SMALL)
            assert small == [], path
    assert messages == []
    context.close()


# What one touches is at least 44 px high: links within a sentence are not meant.
SMALL = """
    [...document.querySelectorAll('main button, main .button, nav#places a, main select, main ul.work a')]
      .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 56)
      .map((one) => one.outerHTML.slice(0, 200))
"""
