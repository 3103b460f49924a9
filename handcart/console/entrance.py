"""Sign in to the console, the first page, and sign out."""

from collections.abc import Sequence
from urllib.parse import urlencode

from handcart.console.browser import PersonBrowser, leads_on, person_of, signed_in
from handcart.core.web.browser import form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.pages import LOCALES
from handcart.sign_in import forms, sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.models import STAFF
from handcart.staff import access


async def _show_sign_in(call: Call) -> Reply:
    browser = SessionBrowser(call, STAFF)
    if await person_of(call) is not None:
        return browser.see_other(_wanted(browser))
    return _sign_in_page(browser)


async def _sign_in(call: Call) -> Reply:
    browser = SessionBrowser(call, STAFF)
    form = await browser.form()
    if not browser.brings(form, "sign-in"):
        # The same form was posted twice: the first post signed the browser in and set another cookie.
        if await person_of(call) is not None:
            return browser.see_other(_wanted(browser))
        raise form_expired()
    try:
        signed_in_now = await access.sign_in(call.app.database, **browser.credentials(form), name=browser.name)
    except SignInRefused as refused:
        return _sign_in_page(browser, form.get("email", "")[:254], refused.retry_after)
    browser.start_session(signed_in_now)
    return browser.see_other(_wanted(browser))


async def _sign_out(call: Call) -> Reply:
    browser = SessionBrowser(call, STAFF)
    browser.check_form(await browser.form(), "sign-out")
    await call.app.database.write(sessions.end, browser.session)
    browser.forget_session()
    return browser.see_other("/console/sign-in")


async def _home(browser: PersonBrowser) -> Reply:
    return browser.page("console/home.html")


def _sign_in_page(browser: SessionBrowser, email: str = "", retry_after: int | None = None) -> Reply:
    query = {"to": _wanted(browser)}
    path = "/console/sign-in"
    return browser.page(
        "console/sign_in.html",
        action=f"{path}?{urlencode({**query, 'locale': browser.locale})}",
        form_token=browser.form_token("sign-in"),
        **forms.sign_in(email, retry_after),
        locale_links=[
            (tag, label, f"{path}?{urlencode({**query, 'locale': tag})}", tag == browser.locale)
            for tag, label in LOCALES.items()
        ],
    )


def _wanted(browser: SessionBrowser) -> str:
    return leads_on(dict(browser.query).get("to", ""))


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/console", handler=signed_in(_home)),
    Route(method="GET", path="/console/sign-in", handler=_show_sign_in),
    Route(method="POST", path="/console/sign-in", handler=_sign_in),
    Route(method="POST", path="/console/sign-out", handler=_sign_out),
)
