"""People: the list, invitations, and the page of a person."""

from collections.abc import Sequence
from urllib.parse import urlencode

from handcart.console import ops, step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.me import shown_passkeys, shown_sessions
from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.staff import access, queries, roles
from handcart.staff import ops as staff
from handcart.staff.errors import PersonRefused
from handcart.staff.models import Invited

_NOTICES = ("role_changed", "session_ended", "passkey_removed", "person_closed")


async def _list(browser: PersonBrowser) -> Reply:
    query, most = dict(browser.query), queries.MOST_LISTED
    text = query.get("q", "")
    found = await browser.call.app.database.read(
        ops.people, browser.actor, text=text, after=query.get("after", ""), limit=most
    )
    more = None
    if len(found) == most:
        more = f"/console/people?{urlencode({'q': text, 'after': found[-1].person.email})}"
    return browser.page(
        "console/people.html",
        people=found,
        q=text,
        more=more,
        may_invite=roles.includes(browser.actor, "change_staff"),
        notice=browser.notice(_NOTICES),
    )


async def _show_invite(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "change_staff", actor.retailer_id, actor.store_number)
    return await _invite_page(browser)


async def _invite(browser: PersonBrowser) -> Reply:
    form = await browser.posted("invite")
    roles.require(browser.actor, "change_staff", browser.actor.retailer_id, browser.actor.store_number)
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked
    given = {name: form.get(name, "") for name in ("email", "name", "role", "retailer", "store")}
    try:
        made, url = await browser.write(ops.invite, browser.settings, **given)
    except PersonRefused as refused:
        return await _invite_page(browser, refused.reason, form)
    return _link_page(browser, made, url)


async def _show(browser: PersonBrowser) -> Reply:
    return await _person_page(browser)


async def _change_role(browser: PersonBrowser) -> Reply:
    form = await _posted(browser, "role")
    roles.require(browser.actor, "change_staff", browser.actor.retailer_id, browser.actor.store_number)
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked
    given = [form.get(name, "") for name in ("role", "retailer", "store")]
    try:
        await browser.write(ops.change_role, _id(browser), *given)
    except PersonRefused as refused:
        return await _person_page(browser, refused.reason, form)
    return browser.see_other(f"{_path(browser)}?notice=role_changed")


async def _make_link(browser: PersonBrowser) -> Reply:
    form = await _posted(browser, "link")
    roles.require(browser.actor, "change_staff", browser.actor.retailer_id, browser.actor.store_number)
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked
    try:
        made, url = await browser.write(ops.make_link, _id(browser), browser.settings)
    except PersonRefused as refused:
        return await _person_page(browser, refused.reason)
    return _link_page(browser, made, url)


async def _close(browser: PersonBrowser) -> Reply:
    form = await _posted(browser, "close")
    reason = form.get("reason", "").strip()[: staff.MOST_REASON]
    try:
        await browser.write(staff.close, _id(browser), reason)
    except PersonRefused as refused:
        return await _person_page(browser, refused.reason, form)
    return browser.see_other("/console/people?notice=person_closed")


async def _end_session(browser: PersonBrowser) -> Reply:
    await _posted(browser, "end-session")
    session_id = ids.parse(browser.call.path["session_id"]) or 0
    await browser.write(access.end_session, _id(browser), session_id)
    return browser.see_other(f"{_path(browser)}?notice=session_ended")


async def _remove_passkey(browser: PersonBrowser) -> Reply:
    form = await _posted(browser, "remove-passkey")
    await browser.write(access.remove_passkey, _id(browser), form.get("passkey", ""))
    return browser.see_other(f"{_path(browser)}?notice=passkey_removed")


async def _posted(browser: PersonBrowser, subject: str) -> dict[str, str]:
    return await browser.posted(subject, browser.call.path["person_id"])


def _path(browser: PersonBrowser) -> str:
    return f"/console/people/{browser.call.path['person_id']}"


def _id(browser: PersonBrowser) -> int:
    return ids.parse(browser.call.path["person_id"]) or 0


def _roles() -> list[tuple[str, str]]:
    return [(name, role.reach) for name, role in roles.ROLES.items()]


async def _invite_page(browser: PersonBrowser, error: str | None = None, form: dict[str, str] | None = None) -> Reply:
    typed = form or {}
    return browser.page(
        "console/invite.html",
        status=200 if error is None else 400,
        error=error,
        form_token=browser.form_token("invite"),
        name=typed.get("name", "")[: staff.MOST_NAME],
        email=typed.get("email", "")[: staff.MOST_EMAIL],
        roles=_roles(),
        retailers=await browser.call.app.database.read(ops.retailers_of, browser.actor),
        chosen={name: typed.get(name, "") for name in ("role", "retailer", "store")},
    )


def _link_page(browser: PersonBrowser, made: Invited, url: str) -> Reply:
    return browser.page("console/link.html", person=made.person, purpose=made.purpose.replace("-", "_"), url=url)


async def _person_page(browser: PersonBrowser, error: str | None = None, form: dict[str, str] | None = None) -> Reply:
    async def read(tx: Tx) -> tuple[ops.Shown | None, list[str]]:
        found = await ops.person(tx, browser.actor, _id(browser))
        return found, await ops.retailers_of(tx, browser.actor)

    found, retailers = await browser.call.app.database.read(read)
    if found is None:
        raise PageRefused(404, "not_found")
    person = found.person
    typed = form or {}
    zone = browser.settings.time_zone
    return browser.page(
        "console/person.html",
        status=200 if error is None else 400,
        error=error,
        person=person,
        where=found.where,
        retailers=retailers,
        sessions=shown_sessions(browser, found.sessions),
        passkeys=shown_passkeys(browser, found.passkeys),
        since=pages.moment(browser.locale, person.created_at, zone),
        closed=pages.moment(browser.locale, person.closed_at, zone) if person.closed_at else None,
        chosen={
            "role": typed.get("role", person.role),
            "retailer": typed.get("retailer", found.where.retailer or ""),
            "store": typed.get("store", found.where.store or ""),
        },
        may_change=person.closed_at is None and roles.includes(browser.actor, "change_staff"),
        may_see_audit=roles.includes(browser.actor, "see_audit"),
        roles=_roles(),
        path=_path(browser),
        tokens={
            name.replace("-", "_"): browser.form_token(name, str(person.id))
            for name in ("role", "link", "close", "end-session", "remove-passkey")
        },
        notice=browser.notice(_NOTICES),
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/console/people", handler=signed_in(_list)),
    Route(method="GET", path="/console/people/invite", handler=signed_in(_show_invite)),
    Route(method="POST", path="/console/people/invite", handler=signed_in(_invite)),
    Route(method="GET", path="/console/people/{person_id}", handler=signed_in(_show)),
    Route(method="POST", path="/console/people/{person_id}/role", handler=signed_in(_change_role)),
    Route(method="POST", path="/console/people/{person_id}/link", handler=signed_in(_make_link)),
    Route(method="POST", path="/console/people/{person_id}/close", handler=signed_in(_close)),
    Route(method="POST", path="/console/people/{person_id}/passkeys/remove", handler=signed_in(_remove_passkey)),
    Route(method="POST", path="/console/people/{person_id}/sessions/{session_id}/end", handler=signed_in(_end_session)),
)
