"""The pages of one-time links: accept an invitation, choose a new password, become the first admin."""

import asyncio
from collections.abc import Sequence
from typing import Any

from handcart.console.browser import person_of
from handcart.core.db import Tx
from handcart.core.web.browser import PageRefused, form_expired
from handcart.core.web.call import Call, Handler, Reply, Route
from handcart.core.web.pages import LOCALES
from handcart.sign_in import links, passwords
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import STAFF, SignedIn
from handcart.sign_in.passwords import PasswordRefused
from handcart.staff import access, queries, roles
from handcart.staff.errors import PersonRefused
from handcart.staff.models import Person
from handcart.staff.ops import FIRST_ADMIN, INVITATION, NEW_PASSWORD


async def _look(tx: Tx, purpose: str, token: str) -> Person | None:
    """The person of a link that works, None for the first admin. Raises the page that says why it does not work."""
    link = await links.look(tx, STAFF, purpose, token)
    if link is None or link.state != "open":
        raise PageRefused(404 if link is None else 410, f"staff_link_{'unknown' if link is None else link.state}")
    return await queries.person(tx, link.person_id)


def _show(purpose: str) -> Handler:
    async def show(call: Call) -> Reply:
        try:
            person = await call.app.database.read(_look, purpose, call.path["token"])
        except PageRefused:
            # The person opens the used link again, in the browser in which they used it.
            if await person_of(call) is not None:
                return SessionBrowser(call, STAFF).see_other("/console")
            raise
        return _page(SessionBrowser(call, STAFF), purpose, person)

    return show


def _choose(purpose: str) -> Handler:
    async def choose(call: Call) -> Reply:
        browser, token = SessionBrowser(call, STAFF), call.path["token"]
        form = await browser.form()
        if not browser.brings(form, purpose, token):
            # The same form was posted twice, as at sign-in.
            if await person_of(call) is not None:
                return browser.see_other("/console")
            raise form_expired()
        person = await call.app.database.read(_look, purpose, token)
        try:
            password_hash = await asyncio.to_thread(passwords.hash_new, form.get("new_password", ""))
            signed_in = await _use(browser, purpose, form, password_hash)
        except (PasswordRefused, PersonRefused) as refused:
            return _page(browser, purpose, person, refused.reason, form)
        if signed_in is None:
            raise PageRefused(410, "staff_link_used")
        browser.start_session(signed_in)
        if purpose == FIRST_ADMIN:
            return browser.see_other("/console/first-run?notice=welcome")
        needs_pin = purpose == INVITATION and person is not None and _works_in_store(person)
        return browser.see_other("/console/me/pin" if needs_pin else "/console/me?notice=welcome")

    return choose


async def _use(browser: SessionBrowser, purpose: str, form: dict[str, str], password_hash: str) -> SignedIn | None:
    write, token = browser.call.app.database.write, browser.call.path["token"]
    if purpose == FIRST_ADMIN:
        email, name = form.get("email", ""), form.get("name", "")
        return await write(access.become_first_admin, token, email, name, password_hash, browser.session, browser.name)
    return await write(access.choose_password, purpose, token, password_hash, browser.session, browser.name)


def _works_in_store(person: Person) -> bool:
    """Whether a person uses the tablets of a store, which need a PIN."""
    return person.retailer_id is not None and roles.includes(queries.actor(person), "work_in_store")


def _page(
    browser: SessionBrowser,
    purpose: str,
    person: Person | None,
    error: str | None = None,
    form: dict[str, str] | None = None,
) -> Reply:
    token, typed = browser.call.path["token"], form or {}
    path = f"/console/{purpose}/{token}"
    context: dict[str, Any] = {
        "name": typed.get("name", "") if person is None else person.name,
        "email": typed.get("email", "")[:254] if person is None else person.email,
    }
    return browser.page(
        "console/joining.html",
        status=200 if error is None else 400,
        action=f"{path}?locale={browser.locale}",
        form_token=browser.form_token(purpose, token),
        purpose=purpose.replace("-", "_"),
        error=error,
        locale_links=[(tag, label, f"{path}?locale={tag}", tag == browser.locale) for tag, label in LOCALES.items()],
        **context,
    )


ROUTES: Sequence[Route] = tuple(
    Route(method=method, path=f"/console/{purpose}/{{token}}", handler=handler(purpose))
    for purpose in (INVITATION, NEW_PASSWORD, FIRST_ADMIN)
    for method, handler in (("GET", _show), ("POST", _choose))
)
