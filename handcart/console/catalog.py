"""The catalog: search, an item's page, add and change items, what each store has and at what price."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from handcart.console import files, scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.body import picture_reply
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.pictures import encoding
from handcart.pictures import queries as pictures
from handcart.pictures.errors import PictureRefused
from handcart.retailers.models import Retailer
from handcart.staff import roles
from handcart.staff.models import Actor
from handcart.stores import assortment, catalog, items, photos
from handcart.stores import files as store_files
from handcart.stores import queries as stores
from handcart.stores.errors import StoreRefused
from handcart.stores.models import TEMPERATURES, Item
from handcart.stores.tables import BadCell

PATH = "/console/catalog"
_ITEM = f"{PATH}/{{slug}}/{{rrc}}"
_PAGE = 100
_MOST_IN_FILE = 10_000
_MOST_SHELVES = 100
_TEXTS = ("name", "upc", "par_weight", "beverage_weight", "department", "aisle", "shelf", "image_url")
_CHOICES = {
    "cost_unit": ("each", "lb", "kg"),
    "alcohol_kind": ("wine", "beer", "spirits"),
    "temperature": TEMPERATURES,
}
_FLAGS = ("is_ebt_eligible", "is_bulky")
_REASONS = ("DXM", "NRT", "spray_paint")
_PRICE = re.compile(r"([0-9]{1,7})(?:[.,]([0-9]{1,2}))?", re.ASCII)
_DONE = ("added", "changed", "shelf", "photo", "imported")


async def _list(browser: PersonBrowser) -> Reply:
    retailers, retailer, text = await _wish(browser)
    after = dict(browser.query).get("after", "")
    found: Sequence[Item] = []
    if retailer is not None:
        found = await browser.call.app.database.read(catalog.page, retailer, text, after, _PAGE + 1)
    shown, fields = found[:_PAGE], {"retailer": "" if retailer is None else retailer.slug, "q": text}
    is_more = len(found) > _PAGE
    return browser.page(
        "console/catalog.html",
        rows=[_row(browser, retailer, one) for one in shown if retailer is not None],
        retailers=retailers,
        fields=fields,
        more=scope.address(PATH, {**fields, "after": shown[-1].rrc}) if is_more and not text else None,
        is_cut=is_more and bool(text),
        first=scope.address(PATH, fields) if after else None,
        file=scope.address(f"{PATH}.csv", {**fields, "after": after}),
        may_change=roles.includes(browser.actor, "change_catalog"),
        done=_done(browser),
    )


async def _file(browser: PersonBrowser) -> Reply:
    """The same items as CSV, from the first one of the page, at most 10,000."""
    _, retailer, text = await _wish(browser)
    found: Sequence[Item] = []
    if retailer is not None:
        after = dict(browser.query).get("after", "")
        found = await browser.call.app.database.read(catalog.page, retailer, text, after, _MOST_IN_FILE)
    cells = (list(store_files.item_values(one).values()) for one in found)
    return files.csv("items.csv", store_files.ITEM_COLUMNS, cells)


async def _wish(browser: PersonBrowser) -> tuple[Sequence[Retailer], Retailer | None, str]:
    """The retailers to choose from, the chosen one, by default the first, and the search."""
    actor, query = browser.actor, dict(browser.query)
    roles.require(actor, "see_catalog", actor.retailer_id, actor.store_number)
    known = await scope.known_retailers(browser)
    slug = query.get("retailer", "").strip() or (known[0].slug if known else "")
    retailer = await scope.retailer_of(browser, "see_catalog", slug) if slug else None
    return known, retailer, query.get("q", "").strip()[:100]


async def _show_add(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "change_catalog", actor.retailer_id, actor.store_number)
    empty = dict.fromkeys((*_TEXTS, *_CHOICES, "rrc", "price"), "")
    flags = dict.fromkeys((*_FLAGS, *_REASONS), False)
    values = {**empty, **flags, "cost_unit": "each", "retailer": dict(browser.query).get("retailer", "")}
    return await _add_page(browser, values)


async def _add(browser: PersonBrowser) -> Reply:
    form, actor = await browser.posted("add-item"), browser.actor
    roles.require(actor, "change_catalog", actor.retailer_id, actor.store_number)
    if not form.get("retailer"):
        return await _add_page(browser, _given(form), "retailer")
    retailer = await scope.retailer_of(browser, "change_catalog", form["retailer"])
    try:
        item = _read(form, form.get("rrc", "").strip())
        await browser.write(catalog.add, retailer.id, item)
    except BadCell as bad:
        return await _add_page(browser, _given(form), bad.column)
    except StoreRefused as refused:
        return await _add_page(browser, _given(form), refused.reason)
    return browser.see_other(f"{_path(retailer.slug, item.rrc)}?done=added")


async def _add_page(browser: PersonBrowser, values: Mapping[str, Any], error: str | None = None) -> Reply:
    return browser.page(
        "console/item_add.html",
        200 if error is None else 400,
        values=values,
        stored=None,
        error=error,
        retailers=await scope.known_retailers(browser),
        form_token=browser.form_token("add-item"),
        choices=_CHOICES,
        flags=_FLAGS,
        reasons=_REASONS,
    )


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser, await scope.retailer_of(browser, "see_catalog"))


async def _change(browser: PersonBrowser) -> Reply:
    retailer, form = await _posted(browser, "change_catalog", "change")
    try:
        item = _read(form, browser.call.path["rrc"])
        await browser.write(catalog.change, retailer.id, item, form.get("version", ""))
    except BadCell as bad:
        return await _page(browser, retailer, error=bad.column, status=400, values=_given(form))
    except StoreRefused as refused:
        return await _page(browser, retailer, error=refused.reason, values=_given(form))
    except Changed:
        return await _page(browser, retailer, error="stale", values=_given(form), is_stale=True)
    return browser.see_other(f"{_path(retailer.slug, item.rrc)}?done=changed")


async def _set_shelf(browser: PersonBrowser) -> Reply:
    retailer, form = await _posted(browser, "change_availability", "shelf")
    rrc, code = browser.call.path["rrc"], form.get("store", "").strip()
    try:
        price = _cents(form.get("own_price", ""), "own_price") if form.get("own_price", "").strip() else None
        is_available = form.get("is_available") == "yes"
        await browser.write(assortment.set_shelf, retailer.id, code, rrc, is_available=is_available, price_cents=price)
    except BadCell as bad:
        return await _page(browser, retailer, error=bad.column, status=400, shelf=form)
    except StoreRefused as refused:
        return await _page(browser, retailer, error=f"shelf_{refused.reason}", shelf=form)
    return browser.see_other(f"{_path(retailer.slug, rrc)}?done=shelf#shelves")


async def _photo(browser: PersonBrowser) -> Reply:
    """The photo of an item, at the console's own listener."""
    picture_id = browser.call.path["picture_id"]
    return picture_reply(await browser.call.app.database.read(_photo_of, browser.actor, picture_id), picture_id)


async def _photo_of(tx: Tx, actor: Actor, picture_id: str) -> bytes:
    roles.require(actor, "see_catalog", actor.retailer_id, actor.store_number)
    picture = await pictures.find(tx, picture_id)
    owner = None if picture is None else photos.retailer_of(picture)
    if picture is None or owner is None or actor.retailer_id not in (None, owner):
        raise PageRefused(404, "not_found")
    return await pictures.jpeg(tx, picture)


async def _upload(browser: PersonBrowser) -> Reply:
    """Take a photo of an item, or remove it if the form has none and asks for that."""
    form, content = await _sent(browser)
    actor, rrc = browser.actor, browser.call.path["rrc"]
    roles.require(actor, "change_catalog", actor.retailer_id, actor.store_number)
    retailer = await scope.retailer_of(browser, "change_catalog")
    seen = form.get("version", "")
    try:
        if form.get("do") == "remove":
            await browser.write(photos.remove, retailer.id, rrc, seen)
        elif content:
            encoded = await encoding.encode(content, actor.id or 0)
            await browser.write(photos.upload, retailer.id, rrc, content, encoded, seen, browser.settings)
        else:
            return await _page(browser, retailer, error="no_photo", status=400)
    except PictureRefused as refused:
        return await _page(browser, retailer, error=f"photo_{refused.reason}", status=400)
    except StoreRefused as refused:
        return await _page(browser, retailer, error=refused.reason)
    except Changed:
        return await _page(browser, retailer, error="stale")
    return browser.see_other(f"{_path(retailer.slug, rrc)}?done=photo")


async def _sent(browser: PersonBrowser) -> tuple[dict[str, str], bytes]:
    """The fields and the file of a posted form about the item's photo."""
    subject = ("item", browser.call.path["slug"], browser.call.path["rrc"], "photo")
    return await files.posted(browser, *subject, file="photo", most_bytes=photos.MOST_BYTES)


async def _posted(browser: PersonBrowser, operation: str, action: str) -> tuple[Retailer, dict[str, str]]:
    form = await browser.posted("item", browser.call.path["slug"], browser.call.path["rrc"], action)
    actor = browser.actor
    roles.require(actor, operation, actor.retailer_id, actor.store_number)
    return await scope.retailer_of(browser, operation), form


async def _page(
    browser: PersonBrowser,
    retailer: Retailer,
    *,
    error: str | None = None,
    status: int = 409,
    values: Mapping[str, Any] | None = None,
    is_stale: bool = False,
    shelf: Mapping[str, str] | None = None,
) -> Reply:
    """The page of an item. After a refusal it says why, and its forms have what the person wrote."""
    database, actor, rrc = browser.call.app.database, browser.actor, browser.call.path["rrc"]
    item = await database.read(catalog.item, retailer.id, rrc)
    if item is None:
        raise PageRefused(404, "not_found")
    subject = ("item", retailer.slug, rrc)
    shelves = await database.read(assortment.shelves, retailer.id, rrc, actor.store_number, limit=_MOST_SHELVES)
    own = None
    if actor.store_number is not None:
        own = await database.read(stores.store_by_number, retailer.id, actor.store_number)
    return browser.page(
        "console/item.html",
        200 if error is None else status,
        retailer=retailer,
        item=item,
        path=_path(retailer.slug, rrc),
        error=error,
        done=_done(browser) if error is None else None,
        values=values or _values(item),
        stored=_values(item) if is_stale else None,
        version=catalog.version(item),
        photo=await database.read(photos.of_item, retailer.id, rrc),
        price=_shown_price(browser, item.price_cents),
        shelves=[
            {"one": one, "price": "" if one.price_cents is None else _shown_price(browser, one.price_cents)}
            for one in shelves
        ],
        shelf=shelf or {},
        own_store=None if own is None else own.location_code,
        choices=_CHOICES,
        flags=_FLAGS,
        reasons=_REASONS,
        may={name: roles.includes(actor, name) for name in ("change_catalog", "change_availability", "see_audit")},
        tokens={name: browser.form_token(*subject, name) for name in ("change", "shelf", "photo")},
    )


def _row(browser: PersonBrowser, retailer: Retailer, one: Item) -> dict[str, Any]:
    return {
        "item": one,
        "url": _path(retailer.slug, one.rrc),
        "upc": "" if one.upc is None else items.shown_upc(one.upc),
        "price": _shown_price(browser, one.price_cents) if one.price_cents else "",
        "place": ", ".join(filter(None, (one.department, one.aisle, one.shelf))),
    }


def _read(form: Mapping[str, str], rrc: str) -> Item:
    """The item that a form describes; raises `BadCell`."""
    given: dict[str, Any] = {name: form.get(name, "") for name in (*_TEXTS, *_CHOICES)}
    given |= {name: "true" if form.get(name) else "false" for name in _FLAGS}
    given["restricted_reasons"] = " ".join(name for name in _REASONS if form.get(name))
    given["price_cents"] = str(_cents(form.get("price", ""), "price"))
    return store_files.item_of({**given, "rrc": rrc})


def _cents(text: str, column: str) -> int:
    """A price such as 3.49 in cents; 0 if empty. Raises `BadCell`."""
    if not text.strip():
        return 0
    found = _PRICE.fullmatch(text.strip())
    cents = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else -1
    if not 0 <= cents <= assortment.MOST_CENTS:
        raise BadCell(column, "write a price such as 3.49")
    return cents


def _values(item: Item) -> dict[str, Any]:
    """The fields of the form for an item."""
    return {
        **store_files.item_values(item),
        **{name: getattr(item, name) for name in _FLAGS},
        **{name: name in item.restricted_reasons for name in _REASONS},
        "price": f"{item.price_cents // 100}.{item.price_cents % 100:02}" if item.price_cents else "",
    }


def _given(form: Mapping[str, str]) -> dict[str, Any]:
    """What a refused form had, to show it again."""
    return {
        **{name: form.get(name, "")[:500] for name in (*_TEXTS, *_CHOICES, "rrc", "price", "retailer")},
        **{name: bool(form.get(name)) for name in (*_FLAGS, *_REASONS)},
    }


def _shown_price(browser: PersonBrowser, cents: int) -> str:
    return pages.decimal(browser.locale, cents / 100)


def _path(slug: str, rrc: str) -> str:
    return f"{PATH}/{slug}/{quote(rrc, '')}"


def _done(browser: PersonBrowser) -> str | None:
    done = dict(browser.query).get("done", "")
    return done if done in _DONE else None


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
    Route(method="GET", path=f"{PATH}/add", handler=signed_in(_show_add)),
    Route(method="POST", path=f"{PATH}/add", handler=signed_in(_add)),
    Route(method="GET", path=_ITEM, handler=signed_in(_show)),
    Route(method="POST", path=f"{_ITEM}/change", handler=signed_in(_change)),
    Route(method="POST", path=f"{_ITEM}/shelf", handler=signed_in(_set_shelf)),
    Route(method="POST", path=f"{_ITEM}/photo", handler=signed_in(_upload)),
    Route(method="GET", path=f"{PATH}/pictures/{{picture_id}}", handler=signed_in(_photo)),
)
