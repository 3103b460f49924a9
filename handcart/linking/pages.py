"""The account page: membership, linked retailers, unlink."""

from collections.abc import Sequence

from handcart.accounts import ops as accounts
from handcart.accounts.models import Account
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Call, Reply, Route
from handcart.linking import ops
from handcart.linking.models import Link
from handcart.sign_in import sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import CUSTOMER

_NOTICES = ("unlinked", "password_changed")


async def _account(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    account = await call.app.database.read(accounts.signed_in, browser.session)
    if account is None:
        return browser.see_other("/account/sign-in")
    await call.app.database.write(sessions.touch, browser.session)
    membership = await call.app.database.read(accounts.membership, account.id)
    notice, zone = dict(browser.query).get("notice"), browser.settings.time_zone
    return browser.page(
        "linking/account.html",
        email=account.email,
        membership_active=membership.is_active,
        membership_ends=pages.date(browser.locale, membership.ends_at, zone) if membership.ends_at else None,
        links=[
            {
                "retailer": link.retailer_name,
                "linked_on": pages.date(browser.locale, link.linked_at, zone),
                "unlink_url": f"/account/links/{link.retailer_slug}",
            }
            for link in await call.app.database.read(ops.links_of_account, account.id)
        ],
        notice=notice if notice in _NOTICES else None,
        sign_out_action="/account/sign-out",
        form_token=browser.form_token("sign-out"),
        password_url="/account/password",  # noqa: S106 (a path)
    )


async def _confirm(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    account = await call.app.database.read(accounts.signed_in, browser.session)
    if account is None:
        return browser.see_other("/account/sign-in")
    link = await _link(browser, account)
    return browser.page(
        "linking/unlink.html",
        retailer=link.retailer_name,
        action=f"/account/links/{link.retailer_slug}",
        form_token=browser.form_token("unlink", str(link.isolation_id)),
        account_url="/account",
    )


async def _unlink(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    form = await browser.form()
    account = await call.app.database.read(accounts.signed_in, browser.session)
    if account is None:
        return browser.see_other("/account/sign-in")
    link = await _link(browser, account)
    browser.check_form(form, "unlink", str(link.isolation_id))
    await call.app.database.write(ops.unlink, link.isolation_id, account.id, "customer")
    return browser.see_other("/account?notice=unlinked")


async def _link(browser: SessionBrowser, account: Account) -> Link:
    """The account's link at the retailer named in the path; 404 if there is none."""
    for link in await browser.call.app.database.read(ops.links_of_account, account.id):
        if link.retailer_slug == browser.call.path["retailer"]:
            return link
    raise PageRefused(404, "not_found")


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/account", handler=_account),
    Route(method="GET", path="/account/links/{retailer}", handler=_confirm),
    Route(method="POST", path="/account/links/{retailer}", handler=_unlink),
)
