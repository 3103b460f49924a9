"""Sign in to the account page, sign out, and set a new password: with the old one, or by an operator's link."""

import asyncio
from collections.abc import Sequence

from handcart.accounts import ops
from handcart.accounts.browser import SIGN_IN, signed_in, wrong_password
from handcart.accounts.models import Account
from handcart.core.web.browser import PageRefused, form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.sign_in import forms, passwords, sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.models import CUSTOMER
from handcart.sign_in.passwords import PasswordRefused


async def _show_sign_in(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    if await call.app.database.read(ops.signed_in, browser.session):
        return browser.see_other("/account")
    return _sign_in_page(browser)


async def _sign_in(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    form = await browser.form()
    if not browser.brings(form, "sign-in"):
        # The same form was posted twice: the first post signed the browser in and set another cookie.
        if await call.app.database.read(ops.signed_in, browser.session):
            return browser.see_other("/account")
        raise form_expired()
    try:
        begun = await ops.sign_in(call.app.database, None, **browser.credentials(form))
    except SignInRefused as refused:
        return _sign_in_page(browser, form.get("email", "")[:254], refused.retry_after)
    browser.start_session(begun)
    return browser.see_other("/account")


async def _sign_out(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    browser.check_form(await browser.form(), "sign-out")
    await call.app.database.write(sessions.end, browser.session)
    return browser.see_other(SIGN_IN, clears=True)


async def _show_password(browser: SessionBrowser, account: Account) -> Reply:
    return _password_page(browser)


async def _change_password(browser: SessionBrowser, account: Account) -> Reply:
    form = await browser.form()
    browser.check_form(form, "password")
    if wrong := await wrong_password(browser, account, form):
        return _password_page(browser, *wrong)
    new = form.get("new_password", "")
    if form.get("current_password") == new:
        return _password_page(browser, "same")
    try:
        password_hash = await asyncio.to_thread(passwords.hash_new, new)
    except PasswordRefused as refused:
        return _password_page(browser, refused.reason)
    database = browser.call.app.database
    browser.start_session(await database.write(ops.change_password, account.id, password_hash, browser.session))
    return browser.see_other("/account?notice=password_changed")


async def _show_new_password(call: Call) -> Reply:
    if await call.app.database.read(ops.by_password_token, call.path["token"]) is None:
        raise PageRefused(400, "password_link")
    return _new_password_page(SessionBrowser(call, CUSTOMER))


async def _set_new_password(call: Call) -> Reply:
    browser, token = SessionBrowser(call, CUSTOMER), call.path["token"]
    form = await browser.form()
    if not browser.brings(form, "new-password", token):
        # The same form was posted twice, as at sign-in.
        if await call.app.database.read(ops.signed_in, browser.session):
            return browser.see_other("/account")
        raise form_expired()
    if await call.app.database.read(ops.by_password_token, token) is None:
        raise PageRefused(400, "password_link")
    try:
        password_hash = await asyncio.to_thread(passwords.hash_new, form.get("new_password", ""))
    except PasswordRefused as refused:
        return _new_password_page(browser, refused.reason)
    begun = await call.app.database.write(ops.set_password, token, password_hash, browser.session)
    if begun is None:
        raise PageRefused(400, "password_link")
    browser.start_session(begun)
    return browser.see_other("/account?notice=password_changed")


def _sign_in_page(browser: SessionBrowser, email: str = "", retry_after: int | None = None) -> Reply:
    return browser.page(
        "accounts/sign_in.html",
        action=f"{SIGN_IN}?locale={browser.locale}",
        form_token=browser.form_token("sign-in"),
        **forms.sign_in(email, retry_after),
        self_service=browser.settings.self_service,
        locale_links=_locale_links(browser, SIGN_IN),
    )


def _password_page(browser: SessionBrowser, error: str | None = None, retry_after: int = 0) -> Reply:
    return browser.page(
        "accounts/password.html",
        **forms.change_password("/account", error, retry_after),
        form_token=browser.form_token("password"),
    )


def _new_password_page(browser: SessionBrowser, error: str | None = None) -> Reply:
    path = f"/account/new-password/{browser.call.path['token']}"
    return browser.page(
        "accounts/new_password.html",
        status=200 if error is None else 400,
        action=f"{path}?locale={browser.locale}",
        form_token=browser.form_token("new-password", browser.call.path["token"]),
        error=error,
        locale_links=_locale_links(browser, path),
    )


def _locale_links(browser: SessionBrowser, path: str) -> list[tuple[str, str, str, bool]]:
    return [(tag, label, f"{path}?locale={tag}", tag == browser.locale) for tag, label in browser.locales.items()]


ROUTES: Sequence[Route] = (
    Route(method="GET", path=SIGN_IN, handler=_show_sign_in),
    Route(method="POST", path=SIGN_IN, handler=_sign_in),
    Route(method="POST", path="/account/sign-out", handler=_sign_out),
    Route(method="GET", path="/account/password", handler=signed_in(_show_password)),
    Route(method="POST", path="/account/password", handler=signed_in(_change_password)),
    Route(method="GET", path="/account/new-password/{token}", handler=_show_new_password),
    Route(method="POST", path="/account/new-password/{token}", handler=_set_new_password),
)
