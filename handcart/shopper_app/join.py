"""The page that an invitation opens: it sets the shopper's PIN and signs the device in. Also in Spanish."""

import asyncio
from collections.abc import Sequence

from handcart.core.web.browser import form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.pages import LOCALES_WITH_SPANISH
from handcart.shoppers import invitations
from handcart.shoppers.models import Person
from handcart.sign_in import passwords, sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import SHOPPER
from handcart.sign_in.passwords import PinRefused

_APP = "/shopper"


class _Newcomer(SessionBrowser):
    """The browser that opens an invitation."""

    locales = LOCALES_WITH_SPANISH

    def __init__(self, call: Call) -> None:
        super().__init__(call, SHOPPER)
        self.token = call.path["token"]


async def _show(call: Call) -> Reply:
    # A preview of the link opens it too, so only the form uses it.
    browser = _Newcomer(call)
    person, state = await call.app.database.read(invitations.invited, browser.token)
    return _over(browser, state) if person is None else _page(browser, person)


async def _join(call: Call) -> Reply:
    browser, database = _Newcomer(call), call.app.database
    form = await browser.form()
    if not browser.brings(form, "join", browser.token):
        # The same form was posted twice: the first post signed the browser in and set another cookie.
        if await database.read(sessions.person_of, SHOPPER, browser.session):
            return browser.see_other(_APP)
        raise form_expired()
    person, state = await database.read(invitations.invited, browser.token)
    if person is None:
        return _over(browser, state)
    pin = form.get("pin", "")
    if pin != form.get("pin_again", ""):
        return _page(browser, person, "different")
    try:
        pin_hash = await asyncio.to_thread(passwords.hash_new_pin, pin)
    except PinRefused as refused:
        return _page(browser, person, refused.reason)
    signed_in = await database.write(invitations.join, browser.token, pin_hash, browser.session, browser.name)
    if signed_in is None:
        return _over(browser, "used")
    browser.start_session(signed_in)
    return browser.see_other(_APP)


def _page(browser: _Newcomer, person: Person, error: str | None = None) -> Reply:
    if not dict(browser.query).get("locale"):
        browser.locale = person.locale
    path = f"{_APP}/join/{browser.token}"
    return browser.page(
        "shopper_app/join.html",
        status=200 if error is None else 400,
        name=person.name,
        action=f"{path}?locale={browser.locale}",
        form_token=browser.form_token("join", browser.token),
        error=error,
        locale_links=[
            (tag, label, f"{path}?locale={tag}", tag == browser.locale) for tag, label in browser.locales.items()
        ],
    )


def _over(browser: _Newcomer, state: str) -> Reply:
    """The page of an invitation that does not work: why, and what to do."""
    return browser.page("shopper_app/join_over.html", status=404 if state == "unknown" else 410, state=state)


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/shopper/join/{token}", handler=_show),
    Route(method="POST", path="/shopper/join/{token}", handler=_join),
)
