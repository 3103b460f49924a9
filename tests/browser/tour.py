"""Visits every page of the platform and the storefront, in every state that a customer can see."""

from collections.abc import Iterator

from tests.support.browser import Visit


def choose_store(visit: Visit, postal_code: str = "60610") -> None:
    """From the shop's front page to the shelf of the nearest store."""
    visit.page.goto(f"{visit.demo.storefront_url}/stores?postal_code={postal_code}&kind=delivery")
    visit.page.locator("main button.store").first.click()


def to_slots(visit: Visit, postal_code: str = "60610") -> None:
    """To the grid of times for a delivery, signed in."""
    choose_store(visit, postal_code)
    visit.press("Add Vine tomatoes")
    visit.page.goto(f"{visit.demo.storefront_url}/slots")
    if visit.heading == "Welcome back":
        visit.press("Continue as Customer one")
    if visit.heading == "Where should we deliver?":
        visit.page.get_by_label("Street and number").fill("350 W Oak St")
        visit.press("See delivery times")
    visit.page.wait_for_load_state()


def every_page(visit: Visit) -> Iterator[str]:
    """Show one page after the other in the visit's window; gives the name of each while it is shown."""
    demo = visit.demo
    visit.page.goto(demo.storefront_url)
    yield "shop: front"
    visit.page.goto(f"{demo.storefront_url}/account")
    yield "shop: sign in"
    visit.to_profile()
    yield "shop: profile, not linked"
    visit.page.goto(f"{demo.storefront_url}/cart")
    yield "shop: cart, empty"
    visit.to_checkout()
    yield "shop: checkout, not linked"
    yield from _shopping(visit)
    visit.page.goto(demo.storefront_url + "/nothing")
    yield "shop: error"
    yield from _authorization(visit)
    yield from _account(visit)


def _shopping(visit: Visit) -> Iterator[str]:
    shop = visit.demo.storefront_url
    visit.page.goto(f"{shop}/slots")
    yield "shop: where to"
    visit.page.goto(f"{shop}/stores?postal_code=00000&kind=pickup")
    yield "shop: postal code unknown"
    visit.page.goto(f"{shop}/stores?postal_code=60610&kind=delivery")
    yield "shop: stores"
    choose_store(visit)
    yield "shop: shelf"
    visit.page.goto(f"{shop}/cart")
    yield "shop: cart"
    visit.press("Choose a time")
    yield "shop: address"
    to_slots(visit)
    yield "shop: times"
    visit.page.locator(".grid button.slot:not(.off):visible").first.click()
    yield "shop: checkout with a held time"
    visit.press("Place order")
    yield "shop: order placed"
    order = visit.page.url
    visit.page.goto(f"{order}/change")
    yield "shop: change an order"
    visit.page.goto(f"{order}/slots")
    yield "shop: times for an order"
    visit.page.goto(f"{shop}/orders")
    yield "shop: orders"
    visit.page.goto(order)
    visit.page.get_by_text("Cancel this order").click()
    yield "shop: about to cancel"
    visit.press("Yes, cancel it")
    yield "shop: order canceled"
    visit.page.goto(f"{shop}/orders")
    yield "shop: orders, one canceled"


def _authorization(visit: Visit) -> Iterator[str]:
    demo = visit.demo
    visit.page.goto(demo.authorize_url(client_id="nobody"))
    yield "authorize: error"
    visit.to_profile()
    visit.start_link()
    yield "authorize: log in"
    visit.log_in(demo.member, password="not the password")
    yield "authorize: wrong password"
    visit.log_in(demo.member)
    yield "authorize: consent"
    visit.answer("allow")
    yield "shop: profile, linked"
    visit.to_checkout()
    yield "shop: checkout of a member"
    visit.page.goto(demo.authorize_url())
    yield "authorize: already linked"


def _account(visit: Visit) -> Iterator[str]:
    visit.to_account()
    yield "account: linked"
    visit.to_account("/links/sample-market")
    yield "account: unlink"
    visit.press(visit.text("unlink.submit"))
    yield "account: unlinked"
    visit.to_account("/password")
    yield "account: password"
    visit.page.get_by_label(visit.text("password.current"), exact=True).fill("not the password")
    visit.page.get_by_label(visit.text("password.new"), exact=True).fill("another password")
    visit.press(visit.text("password.submit"))
    yield "account: wrong password"
    visit.to_account()
    visit.press(visit.text("account.sign_out"))
    yield "account: log in"
    visit.page.goto(f"{visit.demo.api_url}/nothing")
    yield "error"
