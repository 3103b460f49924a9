"""Slots: the windows of a store and day as a ledger, its plans and exceptions, changes with a preview."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from handcart.console import files, scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.scope import Place
from handcart.core import clock
from handcart.core.errors import Refused
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.slots import changes, planning, plans, queries, windows
from handcart.slots import files as slot_files
from handcart.slots.changes import Change, Difference, Settings, Undone
from handcart.slots.errors import PlanRefused
from handcart.slots.models import WINDOW
from handcart.slots.plans import Plan
from handcart.slots.queries import Occupancy
from handcart.staff import roles
from handcart.stores import queries as stores

PATH = "/console/slots"
_STORE = f"{PATH}/{{slug}}/{{location_code}}"
_MOST_STORES = 200
_MOST_SHOWN = 200
_HOWS = ("capacity", "weekly", "shoppers")
_COLUMNS = ("date", "window", "kind", "capacity", "held", "booked", "free", "shoppers", "reason")
# The names of the fields of each form, which the preview carries on.
_FIELDS = (
    *("operation", "kind", "how", "capacity", "week", "orders_per_hour", "same_day_only", "lead_minutes"),
    *("cutoff_hour", "horizon_days", "day", "hours", "places", "version"),
)
_RANGES = {
    "capacity": (0, 1_000_000),
    "places": (0, 1_000_000),
    "same_day_only": (0, 1_000_000),
    "lead_minutes": (0, 10_080),
    "cutoff_hour": (0, 24),
    "horizon_days": (1, plans.MOST_HORIZON_DAYS),
}


async def _choose(browser: PersonBrowser) -> Reply:
    """The choice of a store; leads to its ledger if there is one to choose, or one is chosen."""
    actor, query = browser.actor, dict(browser.query)
    roles.require(actor, "see_slots", actor.retailer_id, actor.store_number)
    text = query.get("q", "").strip()[:100]
    slug = query.get("retailer", "").strip()
    retailer = await scope.retailer_of(browser, "see_slots", slug) if slug else None
    found = await browser.call.app.database.read(
        stores.listed,
        actor.retailer_id if retailer is None else retailer.id,
        actor.store_number,
        text=text,
        limit=_MOST_STORES,
    )
    if len(found) == 1:
        return browser.see_other(_path(found[0].slug, found[0].store.location_code))
    return browser.page(
        "console/slots_choose.html",
        rows=[(one, _path(one.slug, one.store.location_code)) for one in found],
        fields={"q": text, "retailer": slug},
        retailers=await scope.known_retailers(browser),
        is_cut=len(found) == _MOST_STORES,
    )


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser, await scope.place_of(browser, "see_slots"))


async def _file(browser: PersonBrowser) -> Reply:
    """The windows of a day, for all kinds of orders, as CSV."""
    place = await scope.place_of(browser, "see_slots")
    day, rows = _day(browser, place), []
    for kind in place.store.kinds:
        found = await _occupancy(browser, place, kind, day)
        rows += [
            (
                *(day.isoformat(), f"{one.start.hour}:00", kind, one.capacity, one.held, one.booked, one.free),
                *("" if one.shoppers is None else one.shoppers, one.reason or ""),
            )
            for one in found
        ]
    return files.csv("slots.csv", _COLUMNS, rows)


async def _preview(browser: PersonBrowser) -> Reply:
    place, form = await _posted(browser, "preview")
    try:
        change = _read(form)
        await browser.write(
            changes.preview, place.retailer.id, place.store.location_code, change, form.get("version", "")
        )
    except Undone as undone:
        return _preview_page(browser, place, form, undone.differences)
    except PlanRefused as refused:
        return await _page(browser, place, error=refused.reason, form=form, status=400)
    except Changed:
        return await _page(browser, place, error="stale", form=form)
    raise AssertionError("a preview never ends without an exception")


async def _save(browser: PersonBrowser) -> Reply:
    place, form = await _posted(browser, "save")
    try:
        change = _read(form)
        await browser.write(changes.save, place.retailer.id, place.store.location_code, change, form.get("version", ""))
    except PlanRefused as refused:
        return await _page(browser, place, error=refused.reason, form=form)
    except Changed:
        return await _page(browser, place, error="stale", form=form)
    shown = scope.address(_path_of(place), {"kind": change.kinds[0], "day": change.day, "done": "saved"})
    return browser.see_other(shown)


async def _posted(browser: PersonBrowser, action: str) -> tuple[Place, dict[str, str]]:
    form = await browser.posted("slots", browser.call.path["slug"], browser.call.path["location_code"], action)
    return await scope.place_of(browser, "change_slots"), form


async def _page(
    browser: PersonBrowser,
    place: Place,
    *,
    error: str | None = None,
    form: Mapping[str, str] | None = None,
    status: int = 409,
) -> Reply:
    """The ledger of a store's day. After a refusal it says why, and its forms have what the person wrote."""
    database, store, query = browser.call.app.database, place.store, dict(browser.query)
    form = form or {}
    wanted = form.get("kind") or query.get("kind", "")
    kind = wanted if wanted in store.kinds else next(iter(store.kinds), "")
    day = _day(browser, place)
    rows = await _occupancy(browser, place, kind, day) if kind else []
    there = await database.read(changes.settings, place.retailer.id, store.location_code)
    plan = await database.read(plans.plan_for, place.retailer.id, store.location_code, kind)
    return browser.page(
        "console/slots.html",
        200 if error is None else status,
        place=place,
        store=store,
        path=_path_of(place),
        kind=kind,
        day=day.isoformat(),
        days=[
            (name, scope.address(_path_of(place), {"kind": kind, "day": (day + timedelta(days=more)).isoformat()}))
            for name, more in (("before", -1), ("after", 1))
        ],
        kinds=[(one, scope.address(_path_of(place), {"kind": one, "day": day.isoformat()})) for one in store.kinds],
        file=scope.address(f"{_path_of(place)}/windows.csv", {"day": day.isoformat()}),
        rows=[{"one": one, "window": _hours(place, one)} for one in rows],
        total=_total(rows),
        has_shoppers=plan.shoppers is not None,
        own_plan=any(one.location_code and one.kind == kind for one in there.plans),
        exceptions=_exceptions(there),
        version=there.version,
        values={**_values(plan, day), **{name: form[name][:20_000] for name in _FIELDS if name in form}},
        operation=form.get("operation"),
        hows=_HOWS,
        ranges=_RANGES,
        error=error,
        done="saved" if query.get("done") == "saved" and error is None else None,
        may_change=roles.includes(browser.actor, "change_slots"),
        form_token=_token(browser, place, "preview"),
    )


def _preview_page(
    browser: PersonBrowser, place: Place, form: Mapping[str, str], differences: Sequence[Difference]
) -> Reply:
    effects = ("oversold", "vanishes", "appears", "fewer", "more")
    counts = {name: sum(one.effect == name for one in differences) for name in effects}
    shown = sorted(differences, key=lambda one: (effects.index(one.effect or "more"), one.before.start.at, one.kind))
    return browser.page(
        "console/slots_preview.html",
        place=place,
        path=_path_of(place),
        fields={name: form[name] for name in _FIELDS if name in form},
        counts=counts,
        rows=[
            {"one": one, "window": _window(browser, place, one.before), "kind": one.kind} for one in shown[:_MOST_SHOWN]
        ],
        left_out=max(0, len(shown) - _MOST_SHOWN),
        back=scope.address(_path_of(place), {"kind": form.get("kind", ""), "day": form.get("day", "")}),
        form_token=_token(browser, place, "save"),
    )


async def _occupancy(browser: PersonBrowser, place: Place, kind: str, day: date) -> Sequence[Occupancy]:
    read = browser.call.app.database.read
    return (await read(queries.occupancy, place.retailer.id, place.store.location_code, kind, day)).windows


def _total(rows: Sequence[Occupancy]) -> Mapping[str, int]:
    return {name: sum(getattr(one, name) for one in rows) for name in ("capacity", "held", "booked", "free")}


def _exceptions(there: Settings) -> list[dict[str, Any]]:
    """Exceptions with the span of hours that they are for; those of consecutive hours stand together."""
    found: list[dict[str, Any]] = []
    for one in there.exceptions:
        last = found[-1] if found else None
        same = (one.date, one.location_code, one.kind, one.capacity)
        if last is not None and last["key"] == same and one.hour >= 0 and last["end"] == one.hour:
            last["end"] = one.hour + 1
        else:
            found.append({"key": same, "one": one, "end": one.hour + 1})
    return [{**one, "hours": "" if one["one"].hour < 0 else f"{one['one'].hour}-{one['end']}"} for one in found]


def _day(browser: PersonBrowser, place: Place) -> date:
    """The day of the address, else today on the store's clock."""
    try:
        return date.fromisoformat(planning.day_of(dict(browser.query).get("day", "")))
    except Refused:
        return date.fromisoformat(windows.start_of(place.store.time_zone, clock.now()).date)


def _window(browser: PersonBrowser, place: Place, one: Occupancy) -> str:
    return pages.window(browser.locale, one.start.at, one.start.at + WINDOW, place.store.time_zone)


def _hours(place: Place, one: Occupancy) -> str:
    """A window by its hours on the store's clock."""
    end = windows.start_of(place.store.time_zone, one.start.at + WINDOW)
    return f"{one.start.hour}:00 \u2013 {end.hour}:00"


def _values(plan: Plan, day: date) -> dict[str, str]:
    """The fields of the forms for a plan."""
    week = plan.shoppers or plan.weekly
    how = "shoppers" if plan.shoppers is not None else "weekly" if plan.weekly is not None else "capacity"
    return {
        "how": how,
        "capacity": str(plan.capacity),
        "week": "" if week is None else slot_files.week_text(week),
        "orders_per_hour": f"{plan.orders_per_hour:g}",
        "same_day_only": str(plan.same_day_only),
        "lead_minutes": str(plan.lead_minutes),
        "cutoff_hour": "" if plan.cutoff_hour is None else str(plan.cutoff_hour),
        "horizon_days": str(plan.horizon_days),
        "day": day.isoformat(),
        "hours": "",
        "places": "0",
    }


def _read(form: Mapping[str, str]) -> Change:
    """The change that a form asks for; raises `PlanRefused`."""
    operation, kinds = form.get("operation", ""), [form["kind"]] if form.get("kind") else []
    if operation in (changes.EXCEPTION, changes.NO_EXCEPTION):
        try:
            day = planning.day_of(form.get("day", "").strip())
        except Refused:
            raise PlanRefused("day") from None
        try:
            hours = planning.hours_of(form.get("hours", "").strip() or None)
        except Refused:
            raise PlanRefused("hours") from None
        places = _number(form, "places") if operation == changes.EXCEPTION else 0
        return Change(operation=operation, kinds=kinds, day=day, hours=hours, capacity=places)
    if operation == changes.NO_PLAN:
        return Change(operation=operation, kinds=kinds)
    return Change(operation=changes.PLAN, kinds=kinds, plan=_plan(form))


def _plan(form: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: _number(form, name) for name in ("same_day_only", "lead_minutes", "horizon_days")}
    found["cutoff_hour"] = _number(form, "cutoff_hour") if form.get("cutoff_hour", "").strip() else 24
    how = form.get("how", "")
    if how == "capacity":
        return found | {"capacity": _number(form, "capacity")}
    if how not in _HOWS:
        raise PlanRefused("number")
    try:
        found[how] = slot_files.week_of(form.get("week", ""), "week", are_whole=how == "weekly")
    except Refused:
        raise PlanRefused("week") from None
    if how == "shoppers":
        try:
            found["orders_per_hour"] = float(form.get("orders_per_hour", "").strip()[:20])
        except ValueError:
            raise PlanRefused("number") from None
    return found


def _number(form: Mapping[str, str], name: str) -> int:
    """The whole number of a field, within its range; raises `PlanRefused`."""
    text, (least, most) = form.get(name, "").strip(), _RANGES[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise PlanRefused("number")
    return int(text)


def _path(slug: str, location_code: str) -> str:
    return f"{PATH}/{slug}/{quote(location_code, '')}"


def _path_of(place: Place) -> str:
    return _path(place.retailer.slug, place.store.location_code)


def _token(browser: PersonBrowser, place: Place, action: str) -> str:
    return browser.form_token("slots", place.retailer.slug, place.store.location_code, action)


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_choose)),
    Route(method="GET", path=_STORE, handler=signed_in(_show)),
    Route(method="GET", path=f"{_STORE}/windows.csv", handler=signed_in(_file)),
    Route(method="POST", path=f"{_STORE}/preview", handler=signed_in(_preview)),
    Route(method="POST", path=f"{_STORE}/save", handler=signed_in(_save)),
)
