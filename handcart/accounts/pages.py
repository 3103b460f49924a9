"""Sign in to the account page, sign out, and set a new password: with the old one, or by an operator's link."""

import asyncio
from collections.abc import Sequence

from handcart.accounts import ops
from handcart.core.web.browser import PageRefused, form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.pages import LOCALES
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
        signed_in = await ops.sign_in(call.app.database, None, **browser.credentials(form))
    except SignInRefused as refused:
        return _sign_in_page(browser, form.get("email", "")[:254], refused.retry_after)
    browser.start_session(signed_in)
    return browser.see_other("/account")


async def _sign_out(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    browser.check_form(await browser.form(), "sign-out")
    await call.app.database.write(sessions.end, browser.session)
    return browser.see_other("/account/sign-in", clears=True)


async def _show_password(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    if await call.app.database.read(ops.signed_in, browser.session) is None:
        return browser.see_other("/account/sign-in")
    return _password_page(browser)


async def _change_password(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    form = await browser.form()
    account = await call.app.database.read(ops.signed_in, browser.session)
    if account is None:
        return browser.see_other("/account/sign-in")
    browser.check_form(form, "password")
    current, new = form.get("current_password", ""), form.get("new_password", "")
    try:
        await ops.check_password(call.app.database, account, current, call.address)
    except SignInRefused as refused:
        return _password_page(browser, "rate_limited" if refused.retry_after else "current", refused.retry_after)
    if current == new:
        return _password_page(browser, "same")
    try:
        password_hash = await asyncio.to_thread(passwords.hash_new, new)
    except PasswordRefused as refused:
        return _password_page(browser, refused.reason)
    signed_in = await call.app.database.write(ops.change_password, account.id, password_hash, browser.session)
    browser.start_session(signed_in)
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
    signed_in = await call.app.database.write(ops.set_password, token, password_hash, browser.session)
    if signed_in is None:
        raise PageRefused(400, "password_link")
    browser.start_session(signed_in)
    return browser.see_other("/account?notice=password_changed")


def _sign_in_page(browser: SessionBrowser, email: str = "", retry_after: int | None = None) -> Reply:
    return browser.page(
        "accounts/sign_in.html",
        action=f"/account/sign-in?locale={browser.locale}",
        form_token=browser.form_token("sign-in"),
        **forms.sign_in(email, retry_after),
        locale_links=_locale_links(browser, "/account/sign-in"),
    )


def _password_page(browser: SessionBrowser, error: str | None = None, retry_after: int = 0) -> Reply:
    return browser.page(
        "accounts/password.html",
        status=200 if error is None else (429 if retry_after else 400),
        action="/account/password",
        form_token=browser.form_token("password"),
        error=error,
        **forms.wait(retry_after),
        account_url="/account",
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
    return [(locale, label, f"{path}?locale={locale}", locale == browser.locale) for locale, label in LOCALES.items()]


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/account/sign-in", handler=_show_sign_in),
    Route(method="POST", path="/account/sign-in", handler=_sign_in),
    Route(method="POST", path="/account/sign-out", handler=_sign_out),
    Route(method="GET", path="/account/password", handler=_show_password),
    Route(method="POST", path="/account/password", handler=_change_password),
    Route(method="GET", path="/account/new-password/{token}", handler=_show_new_password),
    Route(method="POST", path="/account/new-password/{token}", handler=_set_new_password),
)
