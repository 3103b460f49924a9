"""A dispatcher acts on the page of exceptions in Chromium, and the shopper's app beside it shows what that means."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from handcart.sign_in.models import STAFF
from tests.browser.test_invitation import context
from tests.browser.test_shopper_work import Screen, screen
from tests.support.console import Person
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

__all__ = ["screen"]
pytestmark = on_sqlite


@pytest.fixture
def desk(server: LiveServer, browser: Browser) -> Iterator[Page]:
    """A window in which a dispatcher is signed in."""
    person = Person(server, "dispatcher")
    with context(browser, base_url=server.url) as opened:
        cookie = person.http.cookies[STAFF.cookie]
        opened.add_cookies([{"name": STAFF.cookie, "value": cookie, "url": f"{server.url}/console"}])
        yield opened.new_page()


def warn(market: Market, order_id: str, kind: str) -> None:
    market.server.sql(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, $2, $3, 1) RETURNING kind",
        *(market.retailer.id, order_id, kind),
    )


def open_remedies(desk: Page, market: Market, order_id: str) -> None:
    desk.goto(f"/console/exceptions?retailer={market.slug}")
    desk.get_by_role("listitem").filter(has_text=order_id).get_by_role("link", name="Remedies").click()


def refresh(one: Screen) -> None:
    one.page.evaluate("dispatchEvent(new Event('online'))")


def test_order_is_canceled_at_the_door_then_the_app_says_where_to_bring_it(
    server: LiveServer, screen: Callable[[Working], Screen], desk: Page
) -> None:
    market, working = Market(server), Working(server)
    order_id = market.order()["id"]
    Shopping(market).reach(working.batch(market, order_id), "delivering")
    warn(market, order_id, "missing")
    one = screen(working)
    one.begin()
    open_remedies(desk, market, order_id)
    desk.get_by_text("Cancel it", exact=True).click()
    expect(desk.get_by_label("Reason for the retailer")).to_have_value("customer_driven: customer mia")
    desk.locator("#cancel-reason").fill("called three times")
    desk.get_by_role("button", name="Cancel the order").click()
    expect(desk.get_by_text("The order is canceled, and its place is free again.")).to_be_visible()
    expect(desk.get_by_role("heading", name="Exceptions")).to_be_visible()
    refresh(one)
    one.page.get_by_role("link", name="Today").click()
    expect(one.page.get_by_text("Hand the goods to the staff of the store.").first).to_be_visible()
    expect(one.page.get_by_text("customer mia").first).to_be_visible()
    assert market.row(order_id)["status"] == "canceled"


def test_order_is_pushed_forward_by_hand_then_the_app_goes_on_from_there(
    server: LiveServer, screen: Callable[[Working], Screen], desk: Page
) -> None:
    market, working = Market(server), Working(server)
    order_id = market.order()["id"]
    batch_id = working.batch(market, order_id)
    Shopping(market).reach(batch_id, "picking")
    warn(market, order_id, "stuck")
    one = screen(working)
    one.begin()
    open_remedies(desk, market, order_id)
    desk.get_by_text("Push it forward by hand").click()
    desk.get_by_label("State").select_option("delivering")
    desk.locator("#push-reason").fill("the app hangs at the till")
    desk.get_by_role("button", name="Push it forward", exact=True).click()
    expect(desk.get_by_text("The order is in its new state.")).to_be_visible()
    refresh(one)
    expect(one.page.get_by_text("350 W Oak St, 60610").first).to_be_visible()
    assert market.row(order_id)["status"] == "delivering"
