"""Accounts of customers, for support: find one, its links, membership and sessions, and what can be done to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from handcart.accounts import ops as accounts
from handcart.accounts.models import Account, PasswordLink
from handcart.console import step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.me import shown_sessions
from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.db.installation import issuer
from handcart.core.errors import Refused
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.linking import ops as linking
from handcart.sign_in import sessions
from handcart.sign_in.models import CUSTOMER
from handcart.staff import audit, roles
from handcart.staff.models import Actor

PATH = "/console/accounts"
ONE = PATH + "/{account_id}"
_NOTICES = ("granted", "ended", "unlinked", "session_ended", "sessions_ended", "deleted")
_MOST_REASON = 200


async def _list(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "see_accounts")
    text = dict(browser.query).get("q", "").strip()[:254]
    found = await browser.call.app.database.read(accounts.search, text) if text else []
    return browser.page(
        "console/accounts.html",
        path=PATH,
        q=text,
        accounts=found,
        sees_customers=roles.includes(browser.actor, "see_customers"),
        notice=browser.notice(_NOTICES),
    )


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser, await _account(browser, "see_accounts"))


async def _grant(browser: PersonBrowser) -> Reply:
    form, account = await _posted(browser)
    zone = browser.settings.time_zone

    async def grant(tx: Tx) -> Mapping[str, Any]:
        until = form.get("until", "").strip()
        await accounts.grant_membership(tx, account.id, accounts.end_of(until, zone))
        return {"until": until}

    return await _do(browser, account, form, "granted", "grant_membership", grant)


async def _end_membership(browser: PersonBrowser) -> Reply:
    form, account = await _posted(browser)

    async def end(tx: Tx) -> None:
        await accounts.end_membership(tx, account.id)

    return await _do(browser, account, form, "ended", "end_membership", end)


async def _unlink(browser: PersonBrowser) -> Reply:
    form, account = await _posted(browser)

    async def unlink(tx: Tx) -> Mapping[str, Any]:
        slug = form.get("retailer", "")
        for link in await linking.links_of_account(tx, account.id):
            if link.retailer_slug == slug:
                await linking.unlink(tx, link.isolation_id, account.id, "operator")
                return {"retailer": slug}
        raise Refused(f"the account is not linked at {slug!r}")

    return await _do(browser, account, form, "unlinked", "unlink_account", unlink)


async def _end_session(browser: PersonBrowser) -> Reply:
    form, account = await _posted(browser)
    session_id = ids.parse(browser.call.path["session_id"]) or 0

    async def end(tx: Tx) -> None:
        await sessions.end_one(tx, CUSTOMER, account.id, session_id)

    return await _do(browser, account, form, "session_ended", "end_account_session", end)


async def _end_sessions(browser: PersonBrowser) -> Reply:
    form, account = await _posted(browser)

    async def end(tx: Tx) -> None:
        await sessions.end_all(tx, CUSTOMER, account.id)

    return await _do(browser, account, form, "sessions_ended", "end_account_sessions", end)


async def _delete(browser: PersonBrowser) -> Reply:
    form, account = await _posted(browser)
    if not form.get("sure"):
        return await _page(browser, account, error="sure")

    async def delete(tx: Tx) -> None:
        await linking.close_own_account(tx, account, browser.locale, browser.settings.brand)

    done = await _do(browser, account, form, "deleted", "delete_account", delete)
    return done if done.status != 303 else browser.see_other(f"{PATH}?notice=deleted")


async def _password_link(browser: PersonBrowser) -> Reply:
    form, account = await _posted(browser)
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked

    async def make(tx: Tx, actor: Actor) -> PasswordLink:
        roles.require(actor, "change_accounts")
        made = await accounts.password_link(tx, account.id, await issuer(tx, browser.settings))
        await _record(tx, actor, "make_password_link", account, _reason(form), None)
        return made

    try:
        made = await browser.write(make)
    except Refused as refused:
        return await _page(browser, account, refused=str(refused))
    return browser.page(
        "console/account_link.html",
        to_account=f"{PATH}/{account.id}",
        url=made.url,
        until=pages.moment(browser.locale, made.ends_at, browser.settings.time_zone),
    )


async def _export(browser: PersonBrowser) -> Reply:
    """What is stored about the account, as a file: for people who may see customers."""
    form, account = await _posted(browser)
    roles.require(browser.actor, "see_customers")
    if page := await step_up.asked(browser, form):
        return page

    async def export(tx: Tx, actor: Actor) -> Mapping[str, Any]:
        roles.require(actor, "change_accounts")
        await _record(tx, actor, "export_account", account, _reason(form), None)
        return await linking.exported(tx, account.id)

    try:
        body = msgspec.json.format(msgspec.json.encode(await browser.write(export)))
    except Refused as refused:
        return await _page(browser, account, refused=str(refused))
    name = f'attachment; filename="account-{account.id}.json"'
    return Reply(200, body, ((b"content-type", b"application/json"), (b"content-disposition", name.encode())))


async def _do(
    browser: PersonBrowser,
    account: Account,
    form: Mapping[str, str],
    notice: str,
    operation: str,
    change: Callable[[Tx], Awaitable[Mapping[str, Any] | None]],
) -> Reply:
    """Change the account of the address, and lead to its page, which says what was done."""

    async def run(tx: Tx, actor: Actor) -> None:
        roles.require(actor, "change_accounts")
        if not await accounts.lock(tx, account.id):
            raise Refused("the account was closed")
        await _record(tx, actor, operation, account, _reason(form), await change(tx))

    try:
        await browser.write(run)
    except Refused as refused:
        return await _page(browser, account, refused=str(refused))
    return browser.see_other(f"{PATH}/{account.id}?notice={notice}")


async def _posted(browser: PersonBrowser) -> tuple[dict[str, str], Account]:
    form = await browser.posted("account", browser.call.path["account_id"])
    return form, await _account(browser, "change_accounts")


async def _account(browser: PersonBrowser, operation: str) -> Account:
    """The open account of the address; 404 if there is none."""
    roles.require(browser.actor, operation)
    number = ids.parse(browser.call.path["account_id"])
    found = None if number is None else await browser.call.app.database.read(accounts.by_id, number)
    if found is None:
        raise PageRefused(404, "not_found")
    return found


def _reason(form: Mapping[str, str]) -> str:
    """The reason of a form; raises `Refused` if there is none."""
    reason = form.get("reason", "").strip()[:_MOST_REASON]
    if not reason:
        raise Refused("give a reason: the audit log keeps it")
    return reason


async def _record(
    tx: Tx, actor: Actor, operation: str, account: Account, reason: str, detail: Mapping[str, Any] | None
) -> None:
    await audit.record(tx, actor, operation, f"account/{account.id}", reason=reason, detail=detail)


async def _page(
    browser: PersonBrowser, account: Account, *, error: str | None = None, refused: str | None = None
) -> Reply:
    read, zone, locale = browser.call.app.database.read, browser.settings.time_zone, browser.locale
    found = await read(linking.linked_account, account.id)
    ends_at = found.membership.ends_at
    return browser.page(
        "console/account.html",
        200 if error is None and refused is None else 400,
        path=f"{PATH}/{account.id}",
        list_path=PATH,
        account=account,
        member=found.membership,
        member_until=pages.moment(locale, ends_at, zone) if ends_at else None,
        links=[(link, pages.moment(locale, link.linked_at, zone)) for link in found.links],
        sessions=shown_sessions(browser, await read(sessions.of_person, CUSTOMER, account.id)),
        error=error,
        refused=refused,
        notice=browser.notice(_NOTICES) if error is None and refused is None else None,
        sees_customers=roles.includes(browser.actor, "see_customers"),
        may_change=roles.includes(browser.actor, "change_accounts"),
        may_see_audit=roles.includes(browser.actor, "see_audit"),
        form_token=browser.form_token("account", str(account.id)),
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=ONE, handler=signed_in(_show)),
    Route(method="POST", path=f"{ONE}/membership/grant", handler=signed_in(_grant)),
    Route(method="POST", path=f"{ONE}/membership/end", handler=signed_in(_end_membership)),
    Route(method="POST", path=f"{ONE}/unlink", handler=signed_in(_unlink)),
    Route(method="POST", path=ONE + "/sessions/{session_id}/end", handler=signed_in(_end_session)),
    Route(method="POST", path=f"{ONE}/sessions/end", handler=signed_in(_end_sessions)),
    Route(method="POST", path=f"{ONE}/password-link", handler=signed_in(_password_link)),
    Route(method="POST", path=f"{ONE}/export", handler=signed_in(_export)),
    Route(method="POST", path=f"{ONE}/delete", handler=signed_in(_delete)),
)
