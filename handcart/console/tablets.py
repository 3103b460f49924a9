"""The tablets of stores: list, make, link and end them; unlock PINs for them; and the page of one's own PIN."""

import asyncio
from collections.abc import Sequence
from typing import Any

from handcart.console import ops, step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.ops import ListedTablet
from handcart.core import ids, qr
from handcart.core.db import Tx
from handcart.core.db.installation import issuer
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.retailers import ops as retailers
from handcart.sign_in import passwords
from handcart.sign_in.passwords import PinRefused
from handcart.staff import pins, roles, tablets
from handcart.staff.errors import TabletRefused
from handcart.staff.models import Actor, Person
from handcart.staff.tablets import Invitation
from handcart.stores import queries as stores

_PATH = "/console/tablets"
_PIN = "/console/me/pin"
_NOTICES = ("ended", "unlocked")
# Stores that the form offers by name.
_MOST_STORES = 500


async def _list(browser: PersonBrowser) -> Reply:
    return await _page(browser)


async def _add(browser: PersonBrowser) -> Reply:
    form = await browser.posted("add-tablet")
    slug, _, location_code = form.get("store", "").strip().partition("/")
    try:
        invitation = await browser.write(ops.add_tablet, browser.settings, slug, location_code, form.get("name", ""))
    except TabletRefused as refused:
        return await _page(browser, error=refused.reason, typed=form)
    return await _page(browser, invitation=invitation)


async def _link(browser: PersonBrowser) -> Reply:
    await browser.posted("link-tablet")
    url = await browser.call.app.database.read(issuer, browser.settings)
    try:
        invitation = await browser.write(tablets.invite, _id(browser), url)
    except TabletRefused as refused:
        return await _page(browser, error=refused.reason)
    return await _page(browser, invitation=invitation)


async def _end(browser: PersonBrowser) -> Reply:
    await browser.posted("end-tablet")
    try:
        await browser.write(tablets.end, _id(browser))
    except TabletRefused as refused:
        return await _page(browser, error=refused.reason)
    return browser.see_other(f"{_PATH}?notice=ended")


async def _unlock(browser: PersonBrowser) -> Reply:
    await browser.posted("unlock-pin")
    try:
        await browser.write(pins.unlock, _id(browser))
    except TabletRefused as refused:
        return await _page(browser, error=refused.reason)
    return browser.see_other(f"{_PATH}?notice=unlocked")


async def _page(
    browser: PersonBrowser,
    *,
    error: str | None = None,
    typed: dict[str, str] | None = None,
    invitation: Invitation | None = None,
) -> Reply:
    actor, zone = browser.actor, browser.settings.time_zone
    roles.require(actor, "change_tablets", actor.retailer_id, actor.store_number)
    found, locked, known = await browser.call.app.database.read(_read, actor)
    return browser.page(
        "console/tablets.html",
        status=200 if error is None else 400,
        path=_PATH,
        error=error,
        notice=browser.notice(_NOTICES),
        typed={name: (typed or {}).get(name, "")[:200] for name in ("store", "name")},
        tablets=[
            {
                "tablet": one.tablet,
                "store": str(one.where),
                "person": None if one.person is None else one.person.name,
                "joined_at": _moment(browser, one.tablet.joined_at, zone),
                "used_at": _moment(browser, one.tablet.used_at, zone),
            }
            for one in found
        ],
        locked=locked,
        stores=known,
        tokens={name: browser.form_token(name) for name in ("add-tablet", "link-tablet", "end-tablet", "unlock-pin")},
        invitation=None
        if invitation is None
        else {
            "name": invitation.tablet.name,
            "url": invitation.url,
            "qr": qr.svg(invitation.url),
            "ends_at": pages.moment(browser.locale, invitation.ends_at, zone),
        },
    )


async def _read(tx: Tx, actor: Actor) -> tuple[Sequence[ListedTablet], Sequence[Person], list[tuple[str, str]]]:
    """The tablets that the actor may change, the people with locked PINs, and stores with their names."""
    known = [
        (f"{retailer.slug}/{store.location_code}", store.name)
        for retailer in await retailers.retailers(tx)
        if actor.retailer_id in (None, retailer.id)
        for store in await stores.stores(tx, retailer.id)
        if actor.store_number in (None, store.number)
    ]
    locked = await pins.locked(tx, actor.retailer_id, actor.store_number)
    return await ops.tablets_of(tx, actor), locked, known[:_MOST_STORES]


def _moment(browser: PersonBrowser, at: int | None, zone: str) -> str | None:
    return None if at is None else pages.moment(browser.locale, at, zone)


def _id(browser: PersonBrowser) -> int:
    return ids.parse(browser.call.path["id"]) or 0


async def _show_pin(browser: PersonBrowser) -> Reply:
    return _pin_page(browser)


async def _choose_pin(browser: PersonBrowser) -> Reply:
    form = await browser.posted("pin")
    roles.require(browser.actor, "work_in_store", browser.actor.retailer_id, browser.actor.store_number)
    if page := await step_up.asked(browser, form):
        return page
    pin = form.get("pin", "")
    if pin != form.get("pin_again", ""):
        return _pin_page(browser, "different")
    try:
        pin_hash = await asyncio.to_thread(passwords.hash_new_pin, pin)
    except PinRefused as refused:
        return _pin_page(browser, refused.reason)
    await browser.write(pins.choose, pin_hash)
    return browser.see_other("/console/me?notice=pin_chosen")


def _pin_page(browser: PersonBrowser, error: str | None = None) -> Reply:
    actor = browser.actor
    roles.require(actor, "work_in_store", actor.retailer_id, actor.store_number)
    context: dict[str, Any] = {"error": error, "form_token": browser.form_token("pin"), "action": _PIN}
    return browser.page("console/pin.html", status=200 if error is None else 400, **context)


ROUTES: Sequence[Route] = (
    Route(method="GET", path=_PATH, handler=signed_in(_list)),
    Route(method="POST", path=f"{_PATH}/add", handler=signed_in(_add)),
    Route(method="POST", path=f"{_PATH}/{{id}}/link", handler=signed_in(_link)),
    Route(method="POST", path=f"{_PATH}/{{id}}/end", handler=signed_in(_end)),
    Route(method="POST", path=f"{_PATH}/people/{{id}}/unlock", handler=signed_in(_unlock)),
    Route(method="GET", path=_PIN, handler=signed_in(_show_pin)),
    Route(method="POST", path=_PIN, handler=signed_in(_choose_pin)),
)
