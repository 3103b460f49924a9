"""The page that an invitation opens: it sets the shopper's PIN and signs the device in."""

import asyncio
from collections.abc import Sequence

from handcart.core.web.browser import PageRefused, form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.pages import LOCALES
from handcart.shoppers import invitations
from handcart.shoppers.models import Person
from handcart.sign_in import passwords, sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import SHOPPER
from handcart.sign_in.passwords import PinRefused

_APP = "/shopper"


async def _show(call: Call) -> Reply:
    # A preview of the link opens it too, so only the form uses it.
    return _page(SessionBrowser(call, SHOPPER), await _invited(call))


async def _join(call: Call) -> Reply:
    browser, token, database = SessionBrowser(call, SHOPPER), call.path["token"], call.app.database
    form = await browser.form()
    if not browser.brings(form, "join", token):
        # The same form was posted twice: the first post signed the browser in and set another cookie.
        if await database.read(sessions.person_of, SHOPPER, browser.session):
            return browser.see_other(_APP)
        raise form_expired()
    person, pin = await _invited(call), form.get("pin", "")
    if pin != form.get("pin_again", ""):
        return _page(browser, person, "different")
    try:
        pin_hash = await asyncio.to_thread(passwords.hash_new_pin, pin)
    except PinRefused as refused:
        return _page(browser, person, refused.reason)
    signed_in = await database.write(invitations.join, token, pin_hash, browser.session, browser.name)
    if signed_in is None:
        raise PageRefused(410, "join_used")
    browser.start_session(signed_in)
    return browser.see_other(_APP)


async def _invited(call: Call) -> Person:
    """The shopper of an open invitation; else a page that says what to do."""
    person, state = await call.app.database.read(invitations.invited, call.path["token"])
    if person is None:
        raise PageRefused(404 if state == "unknown" else 410, f"join_{state}")
    return person


def _page(browser: SessionBrowser, person: Person, error: str | None = None) -> Reply:
    path = f"{_APP}/join/{browser.call.path['token']}"
    return browser.page(
        "shopper_app/join.html",
        status=200 if error is None else 400,
        name=person.name,
        action=f"{path}?locale={browser.locale}",
        form_token=browser.form_token("join", browser.call.path["token"]),
        error=error,
        locale_links=[(tag, label, f"{path}?locale={tag}", tag == browser.locale) for tag, label in LOCALES.items()],
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/shopper/join/{token}", handler=_show),
    Route(method="POST", path="/shopper/join/{token}", handler=_join),
)
