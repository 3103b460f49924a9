"""The account page: membership, linked retailers, unlink."""

from collections.abc import Sequence

import msgspec

from handcart.accounts import ops as accounts
from handcart.accounts.browser import SIGN_IN, signed_in, wrong_password
from handcart.accounts.models import Account
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.linking import ops
from handcart.linking.models import Link
from handcart.sign_in import forms, sessions
from handcart.sign_in.browser import SessionBrowser

_NOTICES = ("unlinked", "password_changed", "made")


async def _account(browser: SessionBrowser, account: Account) -> Reply:
    database = browser.call.app.database
    await database.write(sessions.touch, browser.session)
    membership = await database.read(accounts.membership, account.id)
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
            for link in await database.read(ops.links_of_account, account.id)
        ],
        notice=notice if notice in _NOTICES else None,
        sign_out_action="/account/sign-out",
        form_token=browser.form_token("sign-out"),
        password_url="/account/password",  # noqa: S106 (a path)
        self_service=browser.settings.self_service,
    )


async def _confirm(browser: SessionBrowser, account: Account) -> Reply:
    link = await _link(browser, account)
    return browser.page(
        "linking/unlink.html",
        retailer=link.retailer_name,
        action=f"/account/links/{link.retailer_slug}",
        form_token=browser.form_token("unlink", str(link.isolation_id)),
        account_url="/account",
    )


async def _unlink(browser: SessionBrowser, account: Account) -> Reply:
    form = await browser.form()
    link = await _link(browser, account)
    browser.check_form(form, "unlink", str(link.isolation_id))
    await browser.call.app.database.write(ops.unlink, link.isolation_id, account.id, "customer")
    return browser.see_other("/account?notice=unlinked")


async def _link(browser: SessionBrowser, account: Account) -> Link:
    """The account's link at the retailer named in the path; 404 if there is none."""
    for link in await browser.call.app.database.read(ops.links_of_account, account.id):
        if link.retailer_slug == browser.call.path["retailer"]:
            return link
    raise PageRefused(404, "not_found")


async def _data(browser: SessionBrowser, account: Account) -> Reply:
    """Everything that is stored about the account, as a file."""
    body = msgspec.json.format(msgspec.json.encode(await browser.call.app.database.read(ops.exported, account.id)))
    headers = (
        (b"content-type", b"application/json"),
        (b"content-disposition", b'attachment; filename="account.json"'),
    )
    return Reply(200, body, headers)


async def _show_close(browser: SessionBrowser, account: Account) -> Reply:
    return _close_page(browser)


async def _close(browser: SessionBrowser, account: Account) -> Reply:
    form = await browser.form()
    browser.check_form(form, "close")
    if wrong := await wrong_password(browser, account, form):
        return _close_page(browser, *wrong)
    await browser.call.app.database.write(ops.close_own_account, account, browser.locale, browser.settings.brand)
    browser.forget_session()
    return browser.see_other(SIGN_IN, clears=True)


def _close_page(browser: SessionBrowser, error: str | None = None, retry_after: int = 0) -> Reply:
    return browser.page(
        "accounts/confirm.html",
        status=200 if error is None else (429 if retry_after else 400),
        what="close",
        email="",
        password="current",  # noqa: S106 (which field)
        action=f"/account/close?locale={browser.locale}",
        form_token=browser.form_token("close"),
        error=error,
        **forms.wait(retry_after),
    )


# With the setting `self_service`.
SELF_SERVICE_ROUTES: Sequence[Route] = (
    Route(method="GET", path="/account/data", handler=signed_in(_data)),
    Route(method="GET", path="/account/close", handler=signed_in(_show_close)),
    Route(method="POST", path="/account/close", handler=signed_in(_close)),
)
ROUTES: Sequence[Route] = (
    Route(method="GET", path="/account", handler=signed_in(_account)),
    Route(method="GET", path="/account/links/{retailer}", handler=signed_in(_confirm)),
    Route(method="POST", path="/account/links/{retailer}", handler=signed_in(_unlink)),
)
