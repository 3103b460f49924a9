"""The shop in real Chromium: a delivery from the postal code to the order, and what becomes of it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import failed_loads, fits, focused, press_enter, tab_to
from tests.browser.tour import to_slots
from tests.support.browser import Demo, Visit

Open = Callable[..., Visit]

WIDTH = 320  # the narrowest window that WCAG 1.4.10 asks for
FREE = ".grid button.slot:not(.off):visible"
FULL = ".grid button.slot.off:visible"


@pytest.fixture
def phone(visit: Open) -> Visit:
    """A customer on a narrow phone, with scripts off."""
    return visit(java_script_enabled=False, viewport={"width": WIDTH, "height": 700}, is_mobile=True, has_touch=True)


def place_order(customer: Visit) -> str:
    """From the times to the order's page; returns the order's id."""
    customer.page.locator(FREE).first.click()
    customer.press("Place order")
    assert customer.notice == "Thank you! Your order is placed."
    return customer.page.url.rpartition("/")[2]


def test_scripts_off_on_a_phone_then_a_full_cart_leads_to_the_times(phone: Visit, demo: Demo) -> None:
    page = phone.page
    page.goto(demo.storefront_url)
    fits(page, WIDTH, "front")
    phone.press("Add Country loaf")
    page.get_by_label("ZIP or postal code").fill("60610")
    phone.press("Find stores")
    fits(page, WIDTH, "stores")
    page.locator("main button.store").first.click()
    phone.press("Add Garden carrots")
    fits(page, WIDTH, "shelf")
    page.get_by_role("link", name="Your cart").click()
    page.get_by_label("Country loaf").fill("0")
    phone.press("Choose a time")
    phone.press("Continue as Customer one")
    page.get_by_label("Street and number").fill("350 W Oak St")
    fits(page, WIDTH, "address")
    phone.press("See delivery times")
    fits(page, WIDTH, "times")
    page.goto(f"{demo.storefront_url}/cart")
    expect(page.get_by_label("Garden carrots")).to_have_value("1")
    expect(page.get_by_label("Country loaf")).to_have_count(0)


def test_scripts_off_on_a_phone_then_a_time_is_chosen_and_ordered(phone: Visit) -> None:
    page = phone.page
    to_slots(phone)
    page.locator(".days a").nth(1).click()
    page.wait_for_load_state()  # before its stylesheet is there, the page shows the times of every day
    page.locator(FULL).first.focus()
    expect(page.locator(".why:visible")).to_have_count(1)
    fits(page, WIDTH, "the reason of a full time")
    page.locator(".days a").last.click()
    page.wait_for_load_state()
    day = page.locator(".days a[aria-current]").inner_text().split()[-1]
    page.locator(FREE).first.click()
    assert day in page.get_by_role("region", name="Delivery").inner_text()
    fits(page, WIDTH, "checkout")
    expect(page.get_by_text("We keep this time for you until")).to_be_visible()
    expect(page.get_by_role("timer")).to_be_hidden()
    phone.press("Place order")
    assert phone.notice == "Thank you! Your order is placed."
    fits(page, WIDTH, "order")
    items, delivery = page.get_by_role("region", name="Your items"), page.get_by_role("region", name="Delivery")
    page.get_by_role("link", name="Reload this page").click()
    assert page.get_by_text("Thank you!").count() == 0
    assert (delivery.bounding_box() or {})["y"] < (items.bounding_box() or {})["y"], "on a phone the status comes first"
    expect(items).to_contain_text("1 \N{MULTIPLICATION SIGN} Vine tomatoes")


def test_scripts_off_on_a_phone_then_an_order_is_changed_and_canceled(phone: Visit, demo: Demo) -> None:
    page = phone.page
    to_slots(phone)
    page.locator(FREE).first.click()
    page.get_by_label("Tip for your shopper").select_option("$5.00")
    phone.press("Place order")
    page.get_by_role("link", name="Change order").click()
    page.get_by_label("Vine tomatoes").fill("3")
    fits(page, WIDTH, "change")
    phone.press("Save changes")
    items = page.get_by_role("region", name="Your items")
    expect(items).to_contain_text("3 \N{MULTIPLICATION SIGN} Vine tomatoes")
    before = phone.heading
    page.get_by_role("link", name="Change time").click()
    fits(page, WIDTH, "times for the order")
    page.locator(".days a").last.click()  # late in the day, today has few times left
    page.wait_for_load_state()
    page.locator(FREE).nth(3).click()
    assert phone.notice == "Your order has its new time."
    assert phone.heading != before
    page.get_by_text("Cancel this order").click()
    phone.press("Yes, cancel it")
    assert phone.notice == "Your order is canceled. You pay nothing."
    order_id = page.url.rpartition("/")[2]
    assert demo.sql("SELECT status, tip_cents FROM orders WHERE order_id = ?", order_id) == [("canceled", 500)]


def test_mouse_over_a_full_time_then_its_reason_shows_until_it_leaves(visit: Open) -> None:
    customer = visit()
    to_slots(customer)
    page = customer.page
    full = page.locator(FULL).first
    reason = page.locator(f"#{full.get_attribute('aria-describedby')}")
    expect(reason).to_be_hidden()
    full.hover()
    expect(reason).to_be_visible()
    page.mouse.move(0, 0)
    expect(reason).to_be_hidden()


def test_keyboard_alone_then_a_full_time_says_why(visit: Open) -> None:
    customer = visit()
    to_slots(customer)
    page, keyboard = customer.page, customer.page.keyboard
    page.locator(".slots > .grid tbody button").first.focus()
    for _ in range(20):  # down its column, then along the row of the full one
        if page.evaluate("document.activeElement.closest('tr').querySelector('.off') !== null"):
            break
        keyboard.press("ArrowDown")
    for _ in range(7):
        if page.evaluate("document.activeElement.classList.contains('off')"):
            break
        keyboard.press("ArrowRight")
    assert focused(page).endswith("Full")
    expect(page.locator(".why:visible")).to_have_text("This time is fully booked. Please choose another time.")
    keyboard.press("Enter")
    assert customer.heading == "When should we deliver?"
    keyboard.press("Escape")
    expect(page.locator(".why:visible")).to_have_count(0)


def test_keyboard_alone_then_a_member_orders_a_free_time(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.link(demo.member)
    to_slots(customer)
    page = customer.page
    page.locator(FREE).first.focus()
    assert focused(page).endswith("$0.00")
    press_enter(customer)
    assert customer.heading == "Checkout"
    expect(page.get_by_role("row", name="Delivery").locator("s")).to_contain_text("$7.99")
    tab_to(customer, "Place order")
    press_enter(customer)
    assert customer.notice == "Thank you! Your order is placed."
    expect(page.get_by_text("Handcart+ is on this order: you save $7.99 on delivery.")).to_be_visible()
    assert demo.sql("SELECT member_until IS NOT NULL FROM orders ORDER BY created_at DESC LIMIT 1") == [(1,)]


def test_order_served_while_the_page_is_open_then_it_tells_the_story(visit: Open, demo: Demo) -> None:
    customer = visit()
    to_slots(customer)
    page = customer.page
    order_id = place_order(customer)
    demo.sandbox(f"orders/{order_id}/run", scenario="refunded", pace="instantly")
    page.evaluate("document.activeElement.blur()")
    expect(page.locator("#order-news")).to_have_text("Your order: Completed")
    expect(page.locator("#status")).to_have_text("Completed")
    expect(page.get_by_text("Thank you!")).to_have_count(0)
    expect(page.locator(".steps .done")).to_have_count(5)
    expect(page.get_by_role("region", name="Your items")).to_contain_text("Not in stock today: you do not pay for it.")
    story = page.get_by_role("region", name="What happened").get_by_role("listitem")
    expect(story.last).to_contain_text("Delivered")
    shown = story.all_inner_texts()
    page.reload()
    assert story.all_inner_texts() == shown


def test_hold_runs_out_then_the_page_counts_down_and_still_orders(visit: Open, demo: Demo) -> None:
    customer = visit()
    page = customer.page
    to_slots(customer)
    page.clock.install()
    page.locator(FREE).first.click()
    timer = page.get_by_role("timer")
    expect(timer).to_be_visible()
    # Half a minute later, however long the page took to load, and then only on demand.
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 30)
    minutes, seconds = map(int, timer.inner_text().split(":"))
    left = 60 * minutes + seconds
    assert 500 < left < 600
    page.clock.run_for(1000 * (left - 60))
    expect(timer).to_have_text("1:00")
    expect(page.locator("#hold-news")).to_have_text("Two minutes left to order at this time.")
    page.clock.run_for(60_000)
    expect(timer).to_be_hidden()
    expect(page.locator("#hold-text")).to_contain_text("You can still order: you get it if it is free.")
    demo.sql("UPDATE holds SET expires_at = 1")
    page.clock.resume()
    page.route("**/news", lambda route: route.fulfill(status=404))
    customer.press("Place order")
    assert customer.notice == "Thank you! Your order is placed."

    demo.sandbox(f"orders/{page.url.rpartition('/')[2]}/run", pace="instantly")  # no callback tells the page: it polls
    expect(page.locator("#status")).to_have_text("Completed")
    assert failed_loads(customer) == 1


def test_store_cancels_then_the_page_says_why_and_that_nothing_is_to_pay(visit: Open, demo: Demo) -> None:
    customer = visit()
    to_slots(customer)
    page = customer.page
    order_id = place_order(customer)
    demo.sandbox(f"orders/{order_id}/run", scenario="out_of_stock", pace="instantly")
    page.evaluate("document.activeElement.blur()")
    expect(page.locator("#status")).to_have_text("Canceled")
    expect(page.get_by_role("region", name="Delivery")).to_contain_text("out of stock. You pay nothing.")
    expect(page.get_by_role("row", name="You pay")).to_contain_text("$0.00")
    expect(page.get_by_text("Thank you!")).to_have_count(0)


def test_platform_is_slow_then_the_page_asks_to_wait(visit: Open, demo: Demo) -> None:
    customer = visit()
    page = customer.page
    page.goto(demo.storefront_url)
    page.evaluate("document.addEventListener('submit', event => event.preventDefault())")  # the answer never comes
    page.get_by_label("ZIP or postal code").fill("60610")
    customer.press("Find stores")
    waiting, button = page.locator("#waiting"), page.get_by_role("button", name="Find stores")
    expect(waiting).to_have_text("One moment, please.")
    expect(button).to_have_attribute("aria-busy", "true")
    page.evaluate("dispatchEvent(new Event('pageshow'))")  # as after Back
    expect(waiting).to_be_empty()
    expect(button).not_to_have_attribute("aria-busy", "true")


def test_time_fills_up_meanwhile_then_the_shop_asks_for_another(visit: Open, demo: Demo) -> None:
    customer = visit()
    to_slots(customer)
    full = customer.page.locator(FULL).first.get_attribute("aria-describedby") or ""
    # As a page does that was open while the last place went.
    slot = customer.page.locator(FREE).first
    slot.evaluate("(button, id) => { button.value = id; }", full.removeprefix("why-"))
    slot.click()
    assert customer.notice == "That time is no longer available. Please choose another one."
    assert customer.heading == "When should we deliver?"
