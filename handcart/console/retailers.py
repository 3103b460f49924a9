"""Retailers: the list, a new one, and a retailer's page with its settings and what they mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.console import files
from handcart.console.browser import PLACES, PersonBrowser, signed_in
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web.body import picture_reply
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed, check, version_of
from handcart.pictures import encoding, logos
from handcart.pictures import queries as pictures
from handcart.pictures.errors import PictureRefused
from handcart.pictures.models import Encoded
from handcart.retailers import ops, settings
from handcart.retailers.models import SWITCHES, ListedRetailer, Retailer, Rules
from handcart.staff import audit, roles
from handcart.staff.models import Actor

PATH = "/console/retailers"
_NOTICES = ("added", "changed", "logo")
_FIELDS = ("slug", "name", "organization")
# The places of the navigation that a retailer's page leads to, with the retailer as their filter.
_OF_RETAILER = ("orders", "clients", "webhooks", "requests", "audit")
# A new retailer's switches, as `handcart retailer create` has them.
_DEFAULTS = {"allows_user_deletion": True, "is_lenient": False, "serves_everywhere": False}


async def _list(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "see_retailers", actor.retailer_id, actor.store_number)
    found = await browser.call.app.database.read(_listed, actor)
    return browser.page(
        "console/retailers.html",
        path=PATH,
        retailers=[(one, _own_values(one.retailer)) for one in found],
        may_change=roles.includes(actor, "change_retailers"),
        notice=browser.notice(_NOTICES),
    )


async def _listed(tx: Tx, actor: Actor) -> list[ListedRetailer]:
    return [one for one in await ops.listed_retailers(tx) if actor.retailer_id in (None, one.retailer.id)]


def _own_values(retailer: Retailer) -> list[str]:
    """The settings that differ from those of a new retailer."""
    new = {**_DEFAULTS, **{name: getattr(Rules(), name) for name in settings.NAMES if name not in SWITCHES}}
    return [name for name, value in settings.values(retailer).items() if value != new[name]]


async def _show_add(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "change_retailers")
    return _add_page(browser, {})


async def _add(browser: PersonBrowser) -> Reply:
    form = await browser.posted("add-retailer")
    try:
        made = await browser.write(add_posted, form)
    except Refused as refused:
        return _add_page(browser, form, str(refused))
    return browser.see_other(f"{PATH}/{made.slug}?notice=added")


async def add_posted(tx: Tx, actor: Actor, form: Mapping[str, str]) -> Retailer:
    """Add the retailer of a posted form. Raises `Refused`."""
    roles.require(actor, "change_retailers")
    text = {name: form.get(name, "").strip() or None for name in _FIELDS}
    made = await ops.create_retailer(
        tx,
        slug=text["slug"] or "",
        name=text["name"],
        organization=text["organization"],
        shares_users=bool(form.get("shares_users")),
    )
    subject, detail = f"retailer/{made.slug}", {"organization": text["organization"] or made.slug}
    await audit.record(tx, actor, "add_retailer", subject, retailer_id=made.id, detail=detail)
    return made


def _add_page(browser: PersonBrowser, form: Mapping[str, str], error: str | None = None) -> Reply:
    return browser.page(
        "console/retailer_add.html",
        200 if error is None else 400,
        path=PATH,
        error=error,
        typed={name: form.get(name, "")[:200] for name in (*_FIELDS, "shares_users")},
        form_token=browser.form_token("add-retailer"),
    )


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser, await listed_of(browser, "see_retailers"))


async def _change(browser: PersonBrowser) -> Reply:
    slug = browser.call.path["slug"]
    form = await browser.posted("retailer", slug)
    there = await listed_of(browser, "change_retailers")
    try:
        await browser.write(_change_posted, slug, form)
    except Refused as refused:
        return await _page(browser, there, form, str(refused), status=400)
    except Changed:
        return await _page(browser, await listed_of(browser, "change_retailers"), form, is_stale=True, status=409)
    return browser.see_other(f"{PATH}/{slug}?notice=changed")


async def _change_posted(tx: Tx, actor: Actor, slug: str, form: Mapping[str, str]) -> None:
    there = await ops.lock(tx, slug)
    roles.require(actor, "change_retailers", there.id, actor.store_number)
    check(form.get("version", ""), there)
    stored = {name: settings.written(value) for name, value in settings.values(there).items()}
    pairs = [
        f"{name}={text}" for name, value in stored.items() if (text := form.get(name, value).strip() or "none") != value
    ]
    await ops.change(tx, slug, settings.read(pairs))
    reason = form.get("reason", "").strip()[:200] or None
    await audit.record(
        tx,
        actor,
        "change_retailer",
        f"retailer/{slug}",
        retailer_id=there.id,
        reason=reason,
        detail={pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs},
    )


async def _logo(browser: PersonBrowser) -> Reply:
    """The logo of a retailer; 404 if it has none."""
    found = await listed_of(browser, "see_retailers")
    picture_id, content = await browser.call.app.database.read(_logo_of, found.retailer.id)
    return picture_reply(content, picture_id)


async def _logo_of(tx: Tx, retailer_id: int) -> tuple[str, bytes]:
    picture = await logos.of_retailer(tx, retailer_id)
    if picture is None:
        raise PageRefused(404, "not_found")
    return picture.id, await pictures.jpeg(tx, picture)


async def _change_logo(browser: PersonBrowser) -> Reply:
    """Take a logo, or remove it if the form asks for that."""
    slug = browser.call.path["slug"]
    form, sent = await files.posted(browser, "retailer", slug, "logo", file="logo", most_bytes=logos.MOST_BYTES)
    there = await listed_of(browser, "change_retailers")
    try:
        encoded = None if form.get("do") == "remove" else await encoding.encode(sent, browser.actor.id or 0)
    except PictureRefused as refused:
        return await _page(browser, there, error=str(refused), status=400)
    await browser.write(_change_logo_posted, slug, sent, encoded)
    return browser.see_other(f"{PATH}/{slug}?notice=logo")


async def _change_logo_posted(tx: Tx, actor: Actor, slug: str, sent: bytes, encoded: Encoded | None) -> None:
    there = await ops.lock(tx, slug)
    roles.require(actor, "change_retailers", there.id, actor.store_number)
    if encoded is None:
        await logos.remove(tx, there.id)
    else:
        await logos.replace(tx, there.id, sent, encoded)
    detail = {"logo": "removed" if encoded is None else "uploaded"}
    await audit.record(tx, actor, "change_retailer", f"retailer/{slug}", retailer_id=there.id, detail=detail)


async def _page(
    browser: PersonBrowser,
    found: ListedRetailer,
    form: Mapping[str, str] | None = None,
    error: str | None = None,
    *,
    is_stale: bool = False,
    status: int = 200,
) -> Reply:
    retailer = found.retailer
    typed: Mapping[str, str] = form or {}
    meanings = settings.meanings(browser.locale.partition("-")[0])
    rows: list[dict[str, Any]] = []
    for name, value in settings.values(retailer).items():
        stored = settings.written(value)
        rows.append(
            {
                "name": name,
                "meaning": meanings[name],
                "stored": stored,
                "value": typed.get(name, stored)[:500],
                "choices": settings.choices(name),
            }
        )
    links = {
        place.key: place.path
        for place in PLACES
        if place.key in _OF_RETAILER and roles.includes(browser.actor, place.operation)
    }
    return browser.page(
        "console/retailer.html",
        status,
        path=f"{PATH}/{retailer.slug}",
        list_path=PATH,
        found=found,
        rows=rows,
        links=links,
        error=error,
        is_stale=is_stale,
        reason=typed.get("reason", "")[:200],
        version=version_of(retailer),
        may_change=roles.includes(browser.actor, "change_retailers"),
        form_token=browser.form_token("retailer", retailer.slug),
        logo=await browser.call.app.database.read(logos.of_retailer, retailer.id),
        logo_token=browser.form_token("retailer", retailer.slug, "logo"),
        notice=browser.notice(_NOTICES) if status == 200 else None,
    )


async def listed_of(browser: PersonBrowser, operation: str) -> ListedRetailer:
    """The retailer of the address, if the person may do an operation there; else 403, and 404 if there is none."""
    try:
        found = await browser.call.app.database.read(ops.listed_retailer, browser.call.path["slug"])
    except Refused:
        found = None
    actor = browser.actor
    roles.require(actor, operation, actor.retailer_id if found is None else found.retailer.id, actor.store_number)
    if found is None:
        raise PageRefused(404, "not_found")
    return found


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=f"{PATH}/add", handler=signed_in(_show_add)),
    Route(method="POST", path=f"{PATH}/add", handler=signed_in(_add)),
    Route(method="GET", path=f"{PATH}/{{slug}}", handler=signed_in(_show)),
    Route(method="POST", path=f"{PATH}/{{slug}}/change", handler=signed_in(_change)),
    Route(method="GET", path=f"{PATH}/{{slug}}/logo", handler=signed_in(_logo)),
    Route(method="POST", path=f"{PATH}/{{slug}}/logo", handler=signed_in(_change_logo)),
)
