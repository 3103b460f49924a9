"""Every page of the console in Chromium: axe, two widths, light and dark, no message on its console.

A page is opened here once its address is in `PAGES`; `Sample` makes what the page shows.
"""

from typing import Any

from playwright.sync_api import Browser, Page, expect

from handcart.assignment import ops
from handcart.sign_in.models import SHOPPER
from handcart.staff.models import SYSTEM
from tests.browser.sample import Sample
from tests.browser.test_invitation import context, looked_at
from tests.browser.test_pages import fits, named
from tests.support.orders import Market
from tests.support.phone import PHONE
from tests.support.working import Working

WIDTHS = (1280, 390)
# Names in braces are attributes of `Sample`.
PAGES = (
    "/console",
    "/console/orders?retailer={slug}",
    "/console/orders?retailer={slug}&view=state",
    "/console/orders?retailer={slug}&view=shopper",
    "/console/orders/{slug}/{order_id}",
    "/console/exceptions?retailer={slug}",
    "/console/exceptions?retailer={slug}&open={slug}/late",
    "/console/dispatch?retailer={slug}",
    "/console/map?retailer={slug}",
    "/console/stores?retailer={slug}",
    "/console/stores/add",
    "/console/stores/import",
    "/console/stores/{slug}/here",
    "/console/stores/{slug}/here/area",
    "/console/catalog?retailer={slug}",
    "/console/catalog/add",
    "/console/catalog/{slug}/milk",
    "/console/slots?retailer={slug}",
    "/console/slots/{slug}/here?kind=delivery",
    "/console/retailers",
    "/console/retailers/{slug}",
    "/console/retailers/add",
    "/console/clients?retailer={slug}",
    "/console/clients/{client_id}",
    "/console/clients/add",
    "/console/webhooks?retailer={slug}",
    "/console/webhooks/add",
    "/console/webhooks/{slug}/{webhook_id}",
    "/console/webhooks/{slug}/{webhook_id}/events/{event_id}",
    "/console/requests?retailer={slug}",
    "/console/accounts?q={account_id}",
    "/console/accounts/{account_id}",
    "/console/settings",
    "/console/tablets",
    "/console/me/pin",
    "/console/people",
    "/console/audit",
    "/console/alerts",
    "/console/shoppers",
    "/console/shifts",
    "/console/shifts/{shift_id}",
    "/console/reports?retailer={slug}",
    "/console/reports?retailer={slug}&by=shopper",
    "/console/money",
    "/console/money/statements/{slug}/{month}",
    "/console/money/payouts/{shopper_id}",
    "/console/money/fees/{slug}",
    "/console/messages",
    "/console/suppressions",
    "/console/texts",
    "/console/first-run",
)


def test_every_page_is_opened_then_it_is_whole_at_each_width(desk: Page, sample: Sample) -> None:
    for path in PAGES:
        desk.goto(path.format(**vars(sample)))
        desk.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
        for width in WIDTHS:
            desk.set_viewport_size({"width": width, "height": 800})
            if sample.server.database == "sqlite":
                looked_at(desk)
            else:  # the same elements come from both databases
                named(desk, path)
                fits(desk, width, path)


def test_board_is_used_by_keyboard_then_rows_and_places_open(desk: Page, sample: Sample) -> None:
    desk.goto(f"/console/orders?retailer={sample.slug}")
    focused: Any = desk.locator(":focus")
    desk.keyboard.press("j")
    first = focused.inner_text()
    desk.keyboard.press("ArrowDown")
    assert focused.inner_text() != first
    desk.keyboard.press("k")
    expect(focused).to_have_text(first)
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_contain_text("Next row")
    desk.keyboard.press("Escape")
    desk.keyboard.press("/")
    desk.keyboard.type("gj?")  # in a field, keys are text
    expect(desk.get_by_label("Order id")).to_have_value("gj?")
    desk.keyboard.press("Tab")
    desk.locator("main").focus()
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text(first)
    letter = desk.locator(".column [data-letter]", has_text="Shoppers").get_attribute("data-letter")
    desk.keyboard.press("g")
    desk.keyboard.press(letter or "")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Shoppers")


def test_board_is_open_then_an_order_that_is_given_away_shows_up(desk: Page, sample: Sample) -> None:
    desk.goto(f"/console/orders?retailer={sample.slug}")
    row = desk.get_by_role("row").filter(has_text="sample delivery")
    expect(row).to_contain_text("Nobody")
    row.get_by_role("link").focus()
    sample.server.write(ops.assign, SYSTEM, sample.market.retailer.id, ["sample delivery"], sample.shopper.id)
    expect(row).to_contain_text("Ada Sample")
    expect(row.get_by_role("link")).to_be_focused()
    # Somebody types: the page waits with the news, and says so.
    desk.get_by_label("Order id").fill("half a th")
    sample.server.write(ops.unassign, SYSTEM, sample.market.retailer.id, "sample delivery", "gone home")
    expect(desk.get_by_role("status")).to_contain_text("There is news.")
    desk.get_by_label("Order id").fill("")
    expect(row).to_contain_text("Nobody")


def test_order_is_taken_away_while_picking_then_board_and_app_show_it(
    desk: Page, sample: Sample, browser: Browser
) -> None:
    with sample.server.clients():
        market, working = Market(sample.server), Working(sample.server, "Sam Picker")
        market.order("delivery", order_id="sample delivery")
        batch_id = working.batch(market, "sample delivery", workflow_state="picking")
    with context(browser, **PHONE) as opened:
        cookie = {"name": SHOPPER.cookie, "value": working.phone.cookie, "url": f"{sample.server.url}/shopper"}
        opened.add_cookies([cookie])
        app = opened.new_page()
        app.goto(f"{sample.server.url}/shopper#/list/{market.slug}/{batch_id}/sample%20delivery")
        expect(app.locator("main")).to_contain_text("Milk")
        board = desk.context.new_page()
        board.goto(f"/console/orders?retailer={market.slug}&view=shopper")
        lane = board.locator(".lane", has=board.get_by_role("heading", name="Sam Picker"))
        expect(lane).to_contain_text("sample delivery")
        desk.goto(f"/console/orders/{market.slug}/sample delivery")
        desk.get_by_text("Take it from the shopper").click()
        form = desk.locator("form[action$='/unassign']")
        form.get_by_role("textbox").first.fill("gone home")
        form.get_by_role("button", name="Take the order away").click()
        expect(desk.get_by_role("status").first).to_contain_text("waits for another one")
        expect(lane).to_have_count(0)
        unassigned = board.locator(".lane", has=board.get_by_role("heading", name="Unassigned"))
        expect(unassigned).to_contain_text("sample delivery")
        app.reload()
        expect(app.get_by_role("heading", level=1)).to_have_text("This work is not yours")
        expect(app.locator("main")).to_contain_text("gone home")
