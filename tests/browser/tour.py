"""A walk past every page of the platform and the storefront, in every state a customer can see."""

from collections.abc import Iterator

from tests.support.browser import Visit


def every_page(visit: Visit) -> Iterator[str]:
    """Show one page after the other in the visit's window; gives the name of each while it is shown."""
    demo = visit.demo
    visit.page.goto(demo.storefront_url)
    yield "shop: front"
    visit.page.goto(f"{demo.storefront_url}/account")
    yield "shop: sign in"
    visit.to_profile()
    yield "shop: profile, not linked"
    visit.to_checkout()
    yield "shop: checkout, not linked"
    visit.page.goto(demo.storefront_url + "/nothing")
    yield "shop: error"
    yield from _authorization(visit)
    yield from _account(visit)


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
