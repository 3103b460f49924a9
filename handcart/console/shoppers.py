"""The operator's shoppers: list, add, change, invite, block and close them; their devices."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from handcart.assignment.queries import of_shopper as orders_of_shopper
from handcart.console import step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import order_url
from handcart.core import errors, ids, qr
from handcart.core.db import Tx
from handcart.core.db.installation import issuer
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.shoppers import invitations, ops, queries
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.models import LOCALES, SKILLS, VEHICLES, Invitation, Person
from handcart.sign_in import sessions
from handcart.sign_in.models import SHOPPER
from handcart.staff import roles
from handcart.staff.models import Actor

_PATH = "/console/shoppers"
_STATES = ("open", "working", "blocked", "closed")
_PAGE = 100
# Fields of a form that the page shows again if one of them is refused.
_FIELDS = ("name", "phone", "email", "locale", "languages", "vehicle", "most_orders", "home_store")
_MOST_DIGITS = 4


async def _list(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "see_shoppers")
    query = dict(browser.query)
    state = query.get("state") if query.get("state") in _STATES else "open"
    filters: dict[str, Any] = {
        "text": query.get("text", "")[:100],
        "state": state,
        "skill": query.get("skill") if query.get("skill") in SKILLS else None,
    }
    after = (query.get("after", ""), ids.parse(query.get("after_id", "")) or 0)
    found, homes = await browser.call.app.database.read(_listed, {**filters, "after": after, "limit": _PAGE + 1})
    more = None
    if len(found) > _PAGE:
        last = found[_PAGE - 1]
        given = {name: value for name, value in filters.items() if value}
        more = f"{_PATH}?{urlencode({**given, 'after': last.name, 'after_id': last.id})}"
    return browser.page(
        "console/shoppers.html",
        shoppers=found[:_PAGE],
        homes=homes,
        filters=filters,
        states=_STATES,
        skills=SKILLS,
        more=more,
        path=_PATH,
        may_add=roles.includes(browser.actor, "change_shoppers"),
    )


async def _listed(tx: Tx, filters: dict[str, Any]) -> tuple[Sequence[Person], dict[int, str | None]]:
    found = await queries.people(tx, **filters)
    return found, {one.id: await queries.home_store(tx, one) for one in found}


async def _show_add(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "change_shoppers")
    return _add_page(browser, _values(Person(id=0, name=""), None))


async def _add(browser: PersonBrowser) -> Reply:
    form = await browser.posted("add-shopper")

    async def add(tx: Tx, actor: Actor) -> Person:
        return await ops.add(tx, actor, **await _facts(tx, form))

    try:
        person = await browser.write(add)
    except ShopperRefused as refused:
        return _add_page(browser, _given(form), refused.reason)
    return browser.see_other(f"{_PATH}/{person.id}?notice=added")


def _add_page(browser: PersonBrowser, values: dict[str, Any], error: str | None = None) -> Reply:
    return browser.page(
        "console/shopper_add.html",
        status=200 if error is None else 400,
        action=f"{_PATH}/add",
        form_token=browser.form_token("add-shopper"),
        values=values,
        error=error,
        choices=_CHOICES,
        path=_PATH,
    )


async def _show(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "see_shoppers")
    return await _page(browser, await _shopper(browser), notice=dict(browser.query).get("notice"))


async def _change(browser: PersonBrowser) -> Reply:
    person, form = await _posted(browser, "change")

    async def change(tx: Tx, actor: Actor) -> None:
        await ops.change(tx, actor, person.id, **await _facts(tx, form))

    try:
        await browser.write(change)
    except ShopperRefused as refused:
        return await _page(browser, person, error=refused.reason, values=_given(form))
    return browser.see_other(f"{_PATH}/{person.id}?notice=changed")


async def _invite(browser: PersonBrowser) -> Reply:
    # The link is shown in the answer itself: only its hash is stored.
    person, form = await _posted(browser, "invite")
    roles.require(browser.actor, "invite_shoppers")
    if page := await step_up.asked(browser, form):
        return page
    url = await browser.call.app.database.read(issuer, browser.settings)
    try:
        invitation = await browser.write(invitations.invite, person.id, url)
    except ShopperRefused as refused:
        return await _page(browser, person, error=refused.reason)
    return await _page(browser, person, invitation=invitation)


async def _block(browser: PersonBrowser) -> Reply:
    person, form = await _posted(browser, "block")
    return await _done(browser, person, "blocked", ops.block, form.get("reason", ""))


async def _unblock(browser: PersonBrowser) -> Reply:
    person, _ = await _posted(browser, "unblock")
    return await _done(browser, person, "unblocked", ops.unblock)


async def _close(browser: PersonBrowser) -> Reply:
    person, form = await _posted(browser, "close")

    async def close(tx: Tx, actor: Actor, person_id: int) -> None:
        roles.require(actor, "change_shoppers")
        if not form.get("sure"):
            raise ShopperRefused("sure", "the shopper is not closed: tick the box first")
        await ops.close(tx, actor, person_id)

    return await _done(browser, person, "closed", close)


async def _end_device(browser: PersonBrowser) -> Reply:
    person, _ = await _posted(browser, "end-device", browser.call.path["device"])
    return await _done(browser, person, "device_ended", ops.end_device, ids.parse(browser.call.path["device"]) or 0)


async def _done(
    browser: PersonBrowser, person: Person, notice: str, op: Callable[..., Awaitable[Any]], *args: Any
) -> Reply:
    """Run an operation on a shopper, and lead to the page of the shopper, which says what was done."""
    try:
        await browser.write(op, person.id, *args)
    except ShopperRefused as refused:
        return await _page(browser, person, error=refused.reason)
    return browser.see_other(f"{_PATH}/{person.id}?notice={notice}")


async def _posted(browser: PersonBrowser, *subject: str) -> tuple[Person, dict[str, str]]:
    """The shopper of the path, and the fields of a form about this shopper."""
    form = await browser.posted("shopper", browser.call.path["id"], *subject)
    return await _shopper(browser), form


async def _shopper(browser: PersonBrowser) -> Person:
    person_id = ids.parse(browser.call.path["id"])
    person = None if person_id is None else await browser.call.app.database.read(queries.person, person_id)
    if person is None:
        raise errors.not_found()
    return person


async def _page(
    browser: PersonBrowser,
    person: Person,
    *,
    notice: str | None = None,
    error: str | None = None,
    values: dict[str, Any] | None = None,
    invitation: Invitation | None = None,
) -> Reply:
    database, locale, zone = browser.call.app.database, browser.locale, browser.settings.time_zone
    home = await database.read(queries.home_store, person)
    left = [] if person.may_work else await database.read(orders_of_shopper, person.id)
    found = await database.read(sessions.of_person, SHOPPER, person.id)
    number = str(person.id)
    may = {operation: roles.includes(browser.actor, operation) for operation in _OPERATIONS}
    return browser.page(
        "console/shopper.html",
        status=200 if error is None else 400,
        person=person,
        batches=len({(one.retailer_id, one.batch_id) for one in left}),
        orders=[(one.order_id, order_url(one.slug, one.order_id)) for one in left],
        home=home,
        path=f"{_PATH}/{person.id}",
        list_path=_PATH,
        may=may,
        notice=notice if notice in _NOTICES else None,
        error=error,
        values=values or _values(person, home),
        choices=_CHOICES,
        blocked_at=pages.moment(locale, person.blocked_at, zone) if person.blocked_at else None,
        devices=[
            {
                "id": str(one.id),
                "name": one.name,
                "signed_in_at": pages.moment(locale, one.created_at, zone),
                "seen_at": pages.moment(locale, one.seen_at, zone),
                "form_token": browser.form_token("shopper", number, "end-device", str(one.id)),
            }
            for one in found
        ],
        form_tokens={
            name: browser.form_token("shopper", number, name)
            for name in ("change", "invite", "block", "unblock", "close")
        },
        invitation=None
        if invitation is None
        else {
            "url": invitation.url,
            "qr": qr.svg(invitation.url),
            "ends_at": pages.moment(locale, invitation.ends_at, zone),
        },
    )


async def _facts(tx: Tx, form: dict[str, str]) -> dict[str, Any]:
    """The facts of a posted form. Raises `ShopperRefused`."""
    home, most = form.get("home_store", "").strip(), form.get("most_orders", "").strip()
    retailer_id, store_number = await queries.store(tx, home) if home else (None, None)
    return {
        **{name: form.get(name, "") for name in ("name", "phone", "email", "locale", "vehicle")},
        "languages": form.get("languages", "").replace(",", " ").lower().split(),
        "skills": [skill for skill in SKILLS if form.get(f"skill_{skill}")],
        "most_orders": int(most) if most.isascii() and most.isdecimal() and len(most) <= _MOST_DIGITS else 0,
        "home_retailer_id": retailer_id,
        "home_store_number": store_number,
    }


def _given(form: dict[str, str]) -> dict[str, Any]:
    """What a refused form had, to show it again."""
    return {
        **{name: form.get(name, "")[:300] for name in _FIELDS},
        "skills": [skill for skill in SKILLS if form.get(f"skill_{skill}")],
    }


def _values(person: Person, home: str | None) -> dict[str, Any]:
    return {
        "name": person.name,
        "phone": person.phone or "",
        "email": person.email or "",
        "locale": person.locale,
        "languages": ", ".join(person.languages),
        "vehicle": person.vehicle,
        "most_orders": str(person.most_orders),
        "home_store": home or "",
        "skills": person.skills,
    }


_OPERATIONS = ("invite_shoppers", "change_shoppers", "end_devices", "see_audit")
_NOTICES = ("added", "changed", "blocked", "unblocked", "closed", "device_ended")
_CHOICES = {"locales": LOCALES, "vehicles": VEHICLES, "skills": SKILLS}

ROUTES: Sequence[Route] = (
    Route(method="GET", path=_PATH, handler=signed_in(_list)),
    Route(method="GET", path=f"{_PATH}/add", handler=signed_in(_show_add)),
    Route(method="POST", path=f"{_PATH}/add", handler=signed_in(_add)),
    Route(method="GET", path=f"{_PATH}/{{id}}", handler=signed_in(_show)),
    Route(method="POST", path=f"{_PATH}/{{id}}/change", handler=signed_in(_change)),
    Route(method="POST", path=f"{_PATH}/{{id}}/invite", handler=signed_in(_invite)),
    Route(method="POST", path=f"{_PATH}/{{id}}/block", handler=signed_in(_block)),
    Route(method="POST", path=f"{_PATH}/{{id}}/unblock", handler=signed_in(_unblock)),
    Route(method="POST", path=f"{_PATH}/{{id}}/close", handler=signed_in(_close)),
    Route(method="POST", path=f"{_PATH}/{{id}}/devices/{{device}}/end", handler=signed_in(_end_device)),
)
