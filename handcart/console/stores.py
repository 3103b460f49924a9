"""Stores: the list and its CSV, a store's page, add and change one, close one for today."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import structs

from handcart.assignment import ops as work
from handcart.assignment import queries as orders
from handcart.assignment.errors import WorkRefused
from handcart.assignment.models import Filters
from handcart.console import files, scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import described
from handcart.console.scope import Place
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.orders import queries as order_queries
from handcart.orders import reschedule, states
from handcart.retailers.models import Retailer
from handcart.slots import queries as slots
from handcart.slots import windows
from handcart.slots.models import WINDOW
from handcart.staff import roles
from handcart.staff.models import Actor
from handcart.stores import files as store_files
from handcart.stores import hours, ops, pickup, queries
from handcart.stores.errors import StoreRefused
from handcart.stores.models import Store
from handcart.stores.tables import BadCell

PATH = "/console/stores"
_STORE = f"{PATH}/{{slug}}/{{location_code}}"
_PAGE = 100
_MOST_IN_FILE = 10_000
_TEXTS = ("name", "address_line_1", "city", "region", "postal_code", "country", "latitude", "longitude", "time_zone")
FLAGS = ("takes_delivery", "takes_pickup", "takes_last_mile", "sells_alcohol", "delivers_long_distance")
_DAYS = range(7)
_DONE = ("added", "changed", "closed", "reopened", "pickup", "canceled", "moved", "area", "imported")
# What clients are told about an order that is canceled because its store is closed.
_CLOSURE = ("retailer_driven", "store early closure")
_LONGEST_WINDOW = 12 * clock.HOUR
_MOST_MOVES = 12


async def _list(browser: PersonBrowser) -> Reply:
    retailer, fields = await _wish(browser)
    rows = await _listed(browser, retailer, fields, _after(browser), _PAGE + 1)
    shown, more = rows[:_PAGE], None
    if len(rows) > _PAGE:
        more = scope.address(PATH, {**fields, "after": "{}.{}".format(*shown[-1].key)})
    now = clock.now()
    return browser.page(
        "console/stores.html",
        rows=[
            {"store": one.store, "slug": one.slug, "url": scope.store_path(one.slug, one.store.location_code)}
            for one in shown
        ],
        now=now,
        fields=fields,
        retailers=await scope.known_retailers(browser),
        more=more,
        first=scope.address(PATH, fields) if _after(browser) != (0, "") else None,
        file=scope.address(f"{PATH}.csv", fields),
        may_add=roles.includes(browser.actor, "change_stores"),
        is_filtered=any(fields.values()),
        done=_done(browser),
    )


async def _file(browser: PersonBrowser) -> Reply:
    retailer, fields = await _wish(browser)
    rows = await _listed(browser, retailer, fields, (0, ""), _MOST_IN_FILE)
    cells = (list(store_files.store_values(one.store).values()) for one in rows)
    return files.csv("stores.csv", store_files.STORE_COLUMNS, cells)


async def _wish(browser: PersonBrowser) -> tuple[Retailer | None, dict[str, str]]:
    """The retailer and the fields of the filters."""
    actor, query = browser.actor, dict(browser.query)
    roles.require(actor, "see_stores", actor.retailer_id, actor.store_number)
    fields = {name: query.get(name, "").strip()[:100] for name in ("retailer", "q")}
    retailer = await scope.retailer_of(browser, "see_stores", fields["retailer"]) if fields["retailer"] else None
    return retailer, fields


async def _listed(
    browser: PersonBrowser, retailer: Retailer | None, fields: Mapping[str, str], after: tuple[int, str], limit: int
) -> Sequence[queries.Listed]:
    actor = browser.actor
    return await browser.call.app.database.read(
        queries.listed,
        actor.retailer_id if retailer is None else retailer.id,
        actor.store_number,
        text=fields["q"],
        after=after,
        limit=limit,
    )


def _after(browser: PersonBrowser) -> tuple[int, str]:
    number, _, code = dict(browser.query).get("after", "").partition(".")
    return ids.parse(number) or 0, code


async def _show_add(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "change_stores", actor.retailer_id, actor.store_number)
    return await _add_page(browser, {"retailer": dict(browser.query).get("retailer", ""), **_empty()})


async def _add(browser: PersonBrowser) -> Reply:
    form, actor = await browser.posted("add-store"), browser.actor
    roles.require(actor, "change_stores", actor.retailer_id, actor.store_number)
    if not form.get("retailer"):
        return await _add_page(browser, _given(form), "retailer")
    retailer = await scope.retailer_of(browser, "change_stores", form.get("retailer", ""))
    try:
        store = _read(form, form.get("location_code", "").strip(), None)
        await browser.write(ops.add, retailer.id, store)
    except BadCell as bad:
        return await _add_page(browser, _given(form), bad.column)
    except StoreRefused as refused:
        return await _add_page(browser, _given(form), refused.reason)
    return browser.see_other(f"{scope.store_path(retailer.slug, store.location_code)}?done=added")


async def _add_page(browser: PersonBrowser, values: Mapping[str, Any], error: str | None = None) -> Reply:
    return browser.page(
        "console/store_add.html",
        200 if error is None else 400,
        values=values,
        stored=None,
        error=error,
        retailers=await scope.known_retailers(browser),
        form_token=browser.form_token("add-store"),
        flags=FLAGS,
    )


async def _show(browser: PersonBrowser) -> Reply:
    return await show(browser, await scope.place_of(browser, "see_stores"))


async def _change(browser: PersonBrowser) -> Reply:
    place, form = await _posted(browser, "change_stores", "change")
    try:
        store = _read(form, place.store.location_code, place.store)
        await browser.write(ops.change, place.retailer.id, store, form.get("version", ""))
    except BadCell as bad:
        return await show(browser, place, error=bad.column, status=400, values=_given(form))
    except Changed:
        now = await scope.place_of(browser, "see_stores")
        return await show(browser, now, error="stale", values=_given(form), stored=_values(now.store))
    return browser.see_other(f"{place.path}?done=changed")


async def _close(browser: PersonBrowser) -> Reply:
    place, form = await _posted(browser, "close_stores", "close")
    try:
        until = _until(place.store, form)
        await browser.write(ops.close, place.retailer.id, place.store.location_code, until, form.get("reason", ""))
    except StoreRefused as refused:
        return await show(browser, place, error=f"close_{refused.reason}", closing=form)
    return browser.see_other(f"{place.path}?done=closed")


async def _reopen(browser: PersonBrowser) -> Reply:
    place, _ = await _posted(browser, "close_stores", "reopen")
    try:
        await browser.write(ops.reopen, place.retailer.id, place.store.location_code)
    except StoreRefused as refused:
        return await show(browser, place, error=f"close_{refused.reason}")
    return browser.see_other(f"{place.path}?done=reopened")


async def _settle(browser: PersonBrowser) -> Reply:
    """Move or cancel an order of a closed store."""
    order_id = browser.call.path["order_id"]
    place, form = await _posted(browser, "cancel_orders", "order", order_id)
    retailer_id, reason, seen = place.retailer.id, form.get("reason", ""), form.get("seen", "")
    try:
        if form.get("do") == "move":
            slot = ids.parse(form.get("slot", "")) or 0
            await browser.write(work.reschedule, retailer_id, order_id, slot, reason, seen=seen)
        else:
            await browser.write(work.cancel, retailer_id, order_id, reason, _CLOSURE, seen=seen)
    except WorkRefused as refused:
        return await show(browser, place, order_error=refused.rule)
    return browser.see_other(f"{place.path}?done={'moved' if form.get('do') == 'move' else 'canceled'}#orders")


async def _set_pickup(browser: PersonBrowser) -> Reply:
    place, form = await _posted(browser, "change_stores", "pickup")
    code, category = place.store.location_code, form.get("category", "")

    async def save(tx: Tx, actor: Actor) -> None:
        if form.get("instruction", "").strip():
            text = form["instruction"].replace("\r\n", "\n")
            kept = [one for one in await pickup.instructions(tx, place.retailer.id, code) if one.category == category]
            images = kept[0].images if kept and kept[0].location_code == code else ()
            given = pickup.Instruction(code, category, text, images)
            await pickup.save(tx, actor, place.retailer.id, given)
        else:
            await pickup.remove(tx, actor, place.retailer.id, code, category)

    try:
        await browser.write(save)
    except Refused:
        return await show(browser, place, error="pickup", status=400, pickup_text=form)
    return browser.see_other(f"{place.path}?done=pickup#pickup")


async def _posted(browser: PersonBrowser, operation: str, *subject: str) -> tuple[Place, dict[str, str]]:
    """The store of the address, and the fields of a form about it."""
    form = await browser.posted("store", browser.call.path["slug"], browser.call.path["location_code"], *subject)
    return await scope.place_of(browser, operation), form


async def show(
    browser: PersonBrowser,
    place: Place,
    *,
    error: str | None = None,
    status: int = 409,
    values: Mapping[str, Any] | None = None,
    stored: Mapping[str, Any] | None = None,
    closing: Mapping[str, str] | None = None,
    pickup_text: Mapping[str, str] | None = None,
    order_error: str | None = None,
) -> Reply:
    """The page of a store. After a refusal it says why, and its forms have what the person wrote."""
    database, store, locale = browser.call.app.database, place.store, browser.locale
    now = clock.now()
    is_closed = store.is_closed(now, now + 1)
    subject = ("store", place.retailer.slug, store.location_code)
    may = {name: _may(browser, place, name) for name in _OPERATIONS}
    return browser.page(
        "console/store.html",
        200 if error is None and order_error is None else status,
        place=place,
        store=store,
        path=place.path,
        may=may,
        error=error,
        order_error=order_error,
        done=_done(browser) if error is None and order_error is None else None,
        values=values or _values(store),
        stored=stored,
        version=ops.version(store),
        flags=FLAGS,
        hours=[hours.to_text(day) for day in store.opening_hours] if store.opening_hours is not None else None,
        today=windows.start_of(store.time_zone, now).weekday,
        at=pages.moment(locale, now, store.time_zone),
        is_closed=is_closed,
        closed_until=pages.moment(locale, store.closed_until or 0, store.time_zone),
        closing=closing or {},
        affected=await database.read(_affected, browser, place) if is_closed else [],
        seats=await database.read(_seats, place),
        pickup=await database.read(pickup.instructions, place.retailer.id, store.location_code),
        pickup_text=pickup_text or {},
        categories=pickup.CATEGORIES,
        tokens={name: browser.form_token(*subject, name) for name in ("change", "close", "reopen", "pickup")},
    )


async def _affected(tx: Tx, browser: PersonBrowser, place: Place) -> list[dict[str, Any]]:
    """The open orders whose windows lie in the time in which a store is closed, with the windows to move them to."""
    store, retailer = place.store, place.retailer
    assert store.closed_from is not None
    assert store.closed_until is not None
    filters = Filters(
        retailer_id=retailer.id,
        store_number=store.number,
        window_from=store.closed_from + 1,
        window_until=store.closed_until + _LONGEST_WINDOW,
    )
    moves: dict[tuple[str, bool], Sequence[tuple[int, str]]] = {}
    found = []
    for row in await orders.orders(tx, filters):
        if row.window_starts_at >= store.closed_until:
            continue
        kind, choices = (row.kind, row.has_alcohol), None
        if states.may(row.kind, row.status, states.UPDATE) and _may(browser, place, "reschedule_orders"):
            if kind not in moves:
                order = await order_queries.find(tx, retailer.id, row.order_id)
                assert order is not None
                slots_there = (await reschedule.offers(tx, retailer.id, order))[:_MOST_MOVES]
                moves[kind] = [(slot.id, _window(browser, store, slot.window)) for slot in slots_there]
            choices = moves[kind]
        token = browser.form_token("store", retailer.slug, store.location_code, "order", row.order_id)
        found.append({**described(browser, row), "moves": choices, "form_token": token})
    return found


def _window(browser: PersonBrowser, store: Store, window: Any) -> str:
    return pages.window(browser.locale, window.starts_at, window.ends_at, store.time_zone)


async def _seats(tx: Tx, place: Place) -> list[dict[str, Any]]:
    """The places of today's windows that have not begun, by kind."""
    today = date.fromisoformat(windows.start_of(place.store.time_zone, clock.now()).date)
    found = []
    for kind in place.store.kinds:
        seen = (await slots.occupancy(tx, place.retailer.id, place.store.location_code, kind, today)).windows
        ahead = [one for one in seen if one.start.at + WINDOW > clock.now()]
        found.append(
            {
                "kind": kind,
                "booked": sum(one.booked for one in ahead),
                "held": sum(one.held for one in ahead),
                "free": sum(one.free for one in ahead if one.reason is None),
            }
        )
    return found


def _may(browser: PersonBrowser, place: Place, operation: str) -> bool:
    """Whether the person may do an operation at this store."""
    with contextlib.suppress(PageRefused):
        roles.require(browser.actor, operation, place.retailer.id, place.store.number)
        return True
    return False


def _until(store: Store, form: Mapping[str, str]) -> int:
    """When the closing that a form asks for ends: at a time of today, or at midnight, on the store's clock."""
    text = None if form.get("whole_day") else form.get("until", "")
    try:
        return windows.end_today(store.time_zone, clock.now(), text)
    except ValueError:
        raise StoreRefused("until") from None


def _read(form: Mapping[str, str], location_code: str, there: Store | None) -> Store:
    """The store that a form describes; raises `BadCell`. It keeps the area of the store that is there."""
    given: dict[str, Any] = {name: form.get(name, "") for name in _TEXTS}
    given |= {name: "true" if form.get(name) else "false" for name in FLAGS}
    if not form.get("is_always_open"):
        given["opening_hours"] = [_day(form, day) for day in _DAYS]
    store = store_files.store_of({**given, "location_code": location_code})
    return store if there is None else structs.replace(store, service_area=there.service_area)


def _day(form: Mapping[str, str], day: int) -> Any:
    try:
        return hours.of_text(form.get(f"hours_{day}", ""))
    except ValueError:
        raise BadCell(f"hours_{day}", "write the hours as 8:00-22:00") from None


def _values(store: Store) -> dict[str, Any]:
    """The fields of the form for a store."""
    week = store.opening_hours or [[]] * len(_DAYS)
    return {
        **{name: "" if value is None else str(value) for name, value in store_files.store_values(store).items()},
        **{name: getattr(store, name) for name in FLAGS},
        "is_always_open": store.opening_hours is None,
        **{f"hours_{day}": hours.to_text(week[day]) for day in _DAYS},
    }


def _given(form: Mapping[str, str]) -> dict[str, Any]:
    """What a refused form had, to show it again."""
    names = (*_TEXTS, "location_code", "retailer", *(f"hours_{day}" for day in _DAYS))
    return {
        **{name: form.get(name, "")[:300] for name in names},
        **{name: bool(form.get(name)) for name in (*FLAGS, "is_always_open")},
    }


def _empty() -> dict[str, Any]:
    week = {f"hours_{day}": "8:00-22:00" for day in _DAYS}
    texts = dict.fromkeys((*_TEXTS, "location_code"), "")
    flags = {name: name.startswith("takes_") for name in FLAGS}
    return {**texts, **flags, **week, "country": "US", "is_always_open": False}


def _done(browser: PersonBrowser) -> str | None:
    done = dict(browser.query).get("done", "")
    return done if done in _DONE else None


_OPERATIONS = (
    *("change_stores", "close_stores", "see_slots", "see_audit", "see_orders", "cancel_orders", "reschedule_orders"),
)

ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
    Route(method="GET", path=f"{PATH}/add", handler=signed_in(_show_add)),
    Route(method="POST", path=f"{PATH}/add", handler=signed_in(_add)),
    Route(method="GET", path=_STORE, handler=signed_in(_show)),
    Route(method="POST", path=f"{_STORE}/change", handler=signed_in(_change)),
    Route(method="POST", path=f"{_STORE}/close", handler=signed_in(_close)),
    Route(method="POST", path=f"{_STORE}/reopen", handler=signed_in(_reopen)),
    Route(method="POST", path=f"{_STORE}/pickup", handler=signed_in(_set_pickup)),
    Route(method="POST", path=f"{_STORE}/orders/{{order_id}}", handler=signed_in(_settle)),
)
