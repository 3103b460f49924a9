"""A person's own page: role, password, passkeys, browsers that are signed in."""

import asyncio
from collections.abc import Sequence
from typing import Any

from handcart.console import ops, step_up
from handcart.console.browser import PersonBrowser, credential_of, signed_in
from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.sign_in import forms, passkeys, passwords, sessions
from handcart.sign_in.errors import PasskeyRefused, SignInRefused
from handcart.sign_in.models import STAFF, Passkey, Session
from handcart.sign_in.passwords import PasswordRefused
from handcart.staff import access, queries, roles
from handcart.staff.models import Person

_NOTICES = ("welcome", "password_changed", "session_ended", "passkey_added", "passkey_removed", "pin_chosen")
# The field with a new passkey while the password is asked for.
_NEW = "new_passkey"


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser)


async def _page(browser: PersonBrowser, error: str | None = None) -> Reply:
    read, public_url = browser.call.app.database.read, browser.call.url
    person = await _person(browser)
    known = await read(passkeys.of_person, STAFF, person.id)
    options = None
    if passkeys.are_possible(public_url):
        keys = browser.call.app.keys
        options = passkeys.creation_options(keys, public_url, STAFF, browser.session, person.id, person.email, known)
    this = await read(sessions.find, STAFF, browser.session)
    return browser.page(
        "console/me.html",
        status=200 if error is None else 400,
        error=error,
        options=options,
        passkeys=shown_passkeys(browser, known),
        passkey_name=browser.name,
        add_token=browser.form_token("add-passkey"),
        remove_token=browser.form_token("remove-passkey"),
        person=person,
        where=await read(ops.where, person.retailer_id, person.store_number),
        sessions=shown_sessions(browser, await read(sessions.of_person, STAFF, person.id), this),
        notice=browser.notice(_NOTICES),
        end_token=browser.form_token("end-session"),
        has_pin=roles.includes(browser.actor, "work_in_store") and browser.actor.retailer_id is not None,
    )


async def _end_session(browser: PersonBrowser) -> Reply:
    await browser.posted("end-session")
    session_id = ids.parse(browser.call.path["session_id"]) or 0
    await browser.write(access.end_session, browser.actor.id or 0, session_id)
    return browser.see_other("/console/me?notice=session_ended")


async def _add_passkey(browser: PersonBrowser) -> Reply:
    form = await browser.posted("add-passkey")
    if _NEW not in form:  # else the form comes from the page that asks, whose passkey is in the field `credential`
        form[_NEW] = form.pop(step_up.CREDENTIAL, "")
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked
    try:
        await browser.write(
            access.add_passkey,
            browser.call.url,
            browser.session,
            credential_of({step_up.CREDENTIAL: form[_NEW]}),
            form.get("name", "").strip() or browser.name,
        )
    except PasskeyRefused as refused:
        return await _page(browser, refused.reason)
    return browser.see_other("/console/me?notice=passkey_added")


async def _remove_passkey(browser: PersonBrowser) -> Reply:
    form = await browser.posted("remove-passkey")
    await browser.write(access.remove_passkey, browser.actor.id or 0, form.get("passkey", ""))
    return browser.see_other("/console/me?notice=passkey_removed")


async def _show_password(browser: PersonBrowser) -> Reply:
    return _password_page(browser)


async def _change_password(browser: PersonBrowser) -> Reply:
    form = await browser.posted("password")
    current, new = form.get("current_password", ""), form.get("new_password", "")
    try:
        await access.check_password(browser.call.app.database, await _person(browser), current, browser.call.address)
    except SignInRefused as refused:
        return _password_page(browser, "rate_limited" if refused.retry_after else "current", refused.retry_after)
    if current == new:
        return _password_page(browser, "same")
    try:
        password_hash = await asyncio.to_thread(passwords.hash_new, new)
    except PasswordRefused as refused:
        return _password_page(browser, refused.reason)
    changed = await browser.write(access.change_password, password_hash, browser.session, browser.name)
    if changed is None:
        return browser.see_other("/console/sign-in")
    browser.start_session(changed)
    return browser.see_other("/console/me?notice=password_changed")


def shown_passkeys(browser: PersonBrowser, found: Sequence[Passkey]) -> list[dict[str, Any]]:
    """What `console/passkeys.html` shows of passkeys."""
    zone = browser.settings.time_zone
    return [
        {
            "credential_id": one.credential_id,
            "name": one.name,
            "created_at": pages.moment(browser.locale, one.created_at, zone),
            "used_at": pages.moment(browser.locale, one.used_at, zone) if one.used_at else None,
        }
        for one in found
    ]


def shown_sessions(
    browser: PersonBrowser, found: Sequence[Session], this: Session | None = None
) -> list[dict[str, Any]]:
    """What `console/sessions.html` shows of sessions."""
    zone = browser.settings.time_zone
    return [
        {
            "id": one.id,
            "name": one.name,
            "seen_at": pages.moment(browser.locale, one.seen_at, zone),
            "is_this": this is not None and one.id == this.id,
        }
        for one in found
    ]


async def _person(browser: PersonBrowser) -> Person:
    async def own(tx: Tx) -> Person:
        found = await queries.person(tx, browser.actor.id or 0)
        assert found is not None
        return found

    return await browser.call.app.database.read(own)


def _password_page(browser: PersonBrowser, error: str | None = None, retry_after: int = 0) -> Reply:
    return browser.page(
        "accounts/password.html",
        **forms.change_password("/console/me", error, retry_after),
        form_token=browser.form_token("password"),
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/console/me", handler=signed_in(_show)),
    Route(method="POST", path="/console/me/sessions/{session_id}/end", handler=signed_in(_end_session)),
    Route(method="POST", path="/console/me/passkeys/add", handler=signed_in(_add_passkey)),
    Route(method="POST", path="/console/me/passkeys/remove", handler=signed_in(_remove_passkey)),
    Route(method="GET", path="/console/me/password", handler=signed_in(_show_password)),
    Route(method="POST", path="/console/me/password", handler=signed_in(_change_password)),
)
