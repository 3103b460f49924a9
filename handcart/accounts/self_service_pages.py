"""Pages on which customers sign up, ask for a new password, and change their e-mail address. See `self_service`."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from urllib.parse import urlencode

from handcart.accounts import ops, self_service
from handcart.accounts.browser import SIGN_IN, signed_in, wrong_password
from handcart.accounts.models import Account
from handcart.accounts.self_service import TooMany
from handcart.core.errors import Refused
from handcart.core.web.browser import PageRefused, form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.sign_in import forms, passwords
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import CUSTOMER
from handcart.sign_in.passwords import PasswordRefused

_MOST_EMAIL = 254
# A form that names an address is answered after this time: to write a mail takes longer than to write none.
_ANSWER_SECONDS = 0.1
_PATHS = {"sign_up": "/account/sign-up", "forgotten": "/account/forgotten", "email_change": "/account/email"}
_ASK = {"sign_up": self_service.sign_up, "forgotten": self_service.forgotten}


async def _show_sign_up(call: Call) -> Reply:
    return _ask_page(SessionBrowser(call, CUSTOMER), "sign_up")


async def _sign_up(call: Call) -> Reply:
    return await _ask(call, "sign_up")


async def _show_forgotten(call: Call) -> Reply:
    return _ask_page(SessionBrowser(call, CUSTOMER), "forgotten")


async def _forgotten(call: Call) -> Reply:
    return await _ask(call, "forgotten")


async def _ask(call: Call, what: str) -> Reply:
    """Send the mail of a form that names an address; the page is the same whether the address has an account."""
    browser = SessionBrowser(call, CUSTOMER)
    form = await browser.form()
    browser.check_form(form, what)
    email, answers_at = form.get("email", "")[:_MOST_EMAIL], monotonic() + _ANSWER_SECONDS
    try:
        await call.app.database.write(_ASK[what], email, browser.locale, browser.settings.brand, call.address)
    except TooMany as refused:
        return _ask_page(browser, what, email, "rate_limited", refused.seconds)
    except Refused:
        return _ask_page(browser, what, email, "email")
    await _until(answers_at)
    return _ask_page(browser, what, is_sent=True)


async def _show_choose(call: Call) -> Reply:
    if not await call.app.database.read(self_service.invited, call.path["token"]):
        raise PageRefused(400, "account_link")
    return _choose_page(SessionBrowser(call, CUSTOMER))


async def _choose(call: Call) -> Reply:
    browser, token = SessionBrowser(call, CUSTOMER), call.path["token"]
    form = await browser.form()
    if not browser.brings(form, "choose", token):
        # The same form was posted twice: the first post signed the browser in and set another cookie.
        if await call.app.database.read(ops.signed_in, browser.session):
            return browser.see_other("/account")
        raise form_expired()
    if not await call.app.database.read(self_service.invited, token):
        raise PageRefused(400, "account_link")
    try:
        password_hash = await asyncio.to_thread(passwords.hash_new, form.get("new_password", ""))
    except PasswordRefused as refused:
        return _choose_page(browser, refused.reason)
    begun = await call.app.database.write(self_service.confirm, token, password_hash, browser.session)
    if begun is None:
        raise PageRefused(400, "account_link")
    browser.start_session(begun)
    return browser.see_other("/account?notice=made")


async def _show_email(browser: SessionBrowser, account: Account) -> Reply:
    return _ask_page(browser, "email_change")


async def _ask_email(browser: SessionBrowser, account: Account) -> Reply:
    form = await browser.form()
    browser.check_form(form, "email_change")
    email = form.get("email", "")[:_MOST_EMAIL]
    if wrong := await wrong_password(browser, account, form):
        return _ask_page(browser, "email_change", email, *wrong)
    call, answers_at = browser.call, monotonic() + _ANSWER_SECONDS
    try:
        await call.app.database.write(
            self_service.ask_email, account, email, browser.locale, browser.settings.brand, call.address
        )
    except TooMany as limited:
        return _ask_page(browser, "email_change", email, "rate_limited", limited.seconds)
    except Refused:
        return _ask_page(browser, "email_change", email, "email")
    await _until(answers_at)
    return _ask_page(browser, "email_change", is_sent=True)


async def _show_confirm_email(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    token, email = call.path["token"], dict(browser.query).get("email", "")
    if not await _is_owner(call, browser, token, email):
        return browser.see_other(SIGN_IN)
    return browser.page(
        "accounts/confirm.html",
        what="confirm_email",
        email=email,
        password=None,
        action=f"/account/email/{token}?{urlencode({'email': email, 'locale': browser.locale})}",
        form_token=browser.form_token("confirm-email", token, email),
        error=None,
    )


async def _confirm_email(call: Call) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    token, email = call.path["token"], dict(browser.query).get("email", "")
    browser.check_form(await browser.form(), "confirm-email", token, email)
    if not await _is_owner(call, browser, token, email):
        return browser.see_other(SIGN_IN)
    changed = await call.app.database.write(
        self_service.change_email, token, email, browser.locale, browser.settings.brand
    )
    if changed is None:
        raise PageRefused(400, "account_link")
    return browser.see_other(SIGN_IN)


async def _is_owner(call: Call, browser: SessionBrowser, token: str, email: str) -> bool:
    """Whether the owner of a link's account is signed in: a mistyped address belongs to a stranger.

    Raises `PageRefused` for a link that does not work.
    """
    account = await call.app.database.read(self_service.by_email_token, token, email)
    if account is None:
        raise PageRefused(400, "account_link")
    owner = await call.app.database.read(ops.signed_in, browser.session)
    return owner is not None and owner.id == account.id


async def _until(at: float) -> None:
    """Wait until a time, so that the time of an answer does not say whether an address has an account."""
    await asyncio.sleep(at - monotonic())


def _ask_page(
    browser: SessionBrowser,
    what: str,
    email: str = "",
    error: str | None = None,
    retry_after: int = 0,
    *,
    is_sent: bool = False,
) -> Reply:
    return browser.page(
        "accounts/ask_address.html",
        status=200 if error is None else (429 if retry_after else 400),
        what=what,
        email=email,
        with_password=what == "email_change",
        action=f"{_PATHS[what]}?locale={browser.locale}",
        back_url="/account" if what == "email_change" else f"{SIGN_IN}?locale={browser.locale}",
        form_token=browser.form_token(what),
        error=error,
        is_sent=is_sent,
        **forms.wait(retry_after),
    )


def _choose_page(browser: SessionBrowser, error: str | None = None) -> Reply:
    token = browser.call.path["token"]
    return browser.page(
        "accounts/confirm.html",
        status=200 if error is None else 400,
        what="choose",
        email="",
        password="new",  # noqa: S106 (which field)
        action=f"/account/sign-up/{token}?locale={browser.locale}",
        form_token=browser.form_token("choose", token),
        error=error,
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/account/sign-up", handler=_show_sign_up),
    Route(method="POST", path="/account/sign-up", handler=_sign_up),
    Route(method="GET", path="/account/sign-up/{token}", handler=_show_choose),
    Route(method="POST", path="/account/sign-up/{token}", handler=_choose),
    Route(method="GET", path="/account/forgotten", handler=_show_forgotten),
    Route(method="POST", path="/account/forgotten", handler=_forgotten),
    Route(method="GET", path="/account/email", handler=signed_in(_show_email)),
    Route(method="POST", path="/account/email", handler=signed_in(_ask_email)),
    Route(method="GET", path="/account/email/{token}", handler=_show_confirm_email),
    Route(method="POST", path="/account/email/{token}", handler=_confirm_email),
)
