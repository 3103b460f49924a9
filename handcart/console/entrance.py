"""Sign in to the console, the first page, and sign out."""

from collections.abc import Sequence
from urllib.parse import urlencode

from handcart.console.browser import PersonBrowser, credential_of, leads_on, person_of, signed_in
from handcart.core.web.browser import form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.pages import LOCALES
from handcart.sign_in import forms, passkeys, sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.errors import PasskeyRefused, SignInRefused
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


async def _sign_in_with_passkey(call: Call) -> Reply:
    browser = SessionBrowser(call, STAFF)
    form = await browser.form()
    browser.check_form(form, "sign-in")
    try:
        signed_in_now = await call.app.database.write(
            access.sign_in_with_passkey,
            browser.call.url,
            credential_of(form),
            browser.session,
            browser.name,
        )
    except PasskeyRefused as refused:
        return _sign_in_page(browser, passkey_error=refused.reason)
    browser.start_session(signed_in_now)
    return browser.see_other(_wanted(browser))


async def _sign_out(call: Call) -> Reply:
    browser = SessionBrowser(call, STAFF)
    browser.check_form(await browser.form(), "sign-out")
    await call.app.database.write(sessions.end, browser.session)
    browser.forget_session()
    return browser.see_other("/console/sign-in")


async def _home(browser: PersonBrowser) -> Reply:
    """Lead to the first place of the navigation; a person without places is told so."""
    first = next((places[0] for places in browser.places().values()), None)
    if first is None:
        return browser.page("console/home.html")
    query = browser.call.query.decode("latin-1")
    return browser.see_other(f"{first.path}?{query}" if query else first.path)


def _sign_in_page(
    browser: SessionBrowser, email: str = "", retry_after: int | None = None, passkey_error: str | None = None
) -> Reply:
    query, path, public_url = {"to": _wanted(browser)}, "/console/sign-in", browser.call.url
    options = None
    if passkeys.are_possible(public_url):
        options = passkeys.request_options(browser.call.app.keys, public_url, browser.session)
    context = forms.sign_in(email, retry_after)
    return browser.page(
        "console/sign_in.html",
        action=f"{path}?{urlencode({**query, 'locale': browser.locale})}",
        form_token=browser.form_token("sign-in"),
        options=options,
        passkey_action=f"{path}/passkey?{urlencode({**query, 'locale': browser.locale})}",
        passkey_error=passkey_error,
        **context | ({"status": 401} if passkey_error else {}),
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
    Route(method="POST", path="/console/sign-in/passkey", handler=_sign_in_with_passkey),
    Route(method="POST", path="/console/sign-out", handler=_sign_out),
)
