"""Shifts: a week with a row for each shopper, hours drawn to scale, against the booked demand of a store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from handcart.console import files, scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.web import pages, versions
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.retailers import ops as retailers
from handcart.shoppers import queries as shoppers
from handcart.shoppers import shifts
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.shifts import Shift
from handcart.slots import queries as slots
from handcart.slots import windows
from handcart.slots.queries import Taken
from handcart.staff import roles
from handcart.staff.models import Actor
from handcart.stores import queries as stores

if TYPE_CHECKING:
    from markupsafe import Markup

PATH = "/console/shifts"
_FIELDS = ("week", "place", "q")
_GIVEN = ("day", "from", "to", "break_from", "break_to", "place", "area", "actual_from", "actual_to")
_COLUMNS = (
    *("shift_id", "shopper", "retailer", "store", "area", "starts_at", "ends_at", "break_starts_at", "break_ends_at"),
    *("started_at", "ended_at"),
)
# Width of an hour, and heights of a bar of hours and of the plot of demand, in units of the drawing.
_HOUR, _BAR, _DEMAND = 6, 12, 48


class Store(Struct, frozen=True):
    """A store as forms name it: `slug/location code`."""

    key: str
    name: str
    retailer_id: int
    number: int
    time_zone: str


class Week(Struct, frozen=True):
    """A week that is shown: its days, the stores to choose from, the chosen one, and the time zone of its clock."""

    fields: Mapping[str, str]
    monday: date
    places: Sequence[Store]
    place: Store | None
    time_zone: str

    @property
    def days(self) -> Sequence[date]:
        return [self.monday + timedelta(days=number) for number in range(7)]

    @property
    def span(self) -> tuple[int, int]:
        return shifts.week(self.monday, self.time_zone)

    def url(self, **changes: str) -> str:
        """The address of the week, changed."""
        return scope.address(PATH, {**self.fields, **changes})


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser)


async def _page(browser: PersonBrowser, error: str | None = None, form: Mapping[str, str] | None = None) -> Reply:
    roles.require(browser.actor, "see_shifts")
    week = await _week(browser)
    database = browser.call.app.database
    after = _after(dict(browser.query).get("after", ""))
    people = await database.read(shoppers.people, text=week.fields["q"], after=after, limit=shoppers.MOST_LISTED)
    # Shifts of the night before the week reach into it.
    since, until = week.span
    planned = await database.read(shifts.between, since - shifts.MOST_HOURS * clock.HOUR, until)
    of_people: dict[int, list[Shift]] = {}
    for shift in planned:
        of_people.setdefault(shift.person_id, []).append(shift)
    here = [one for one in planned if _is_here(week, one)]
    days = [_span(day, week.time_zone) for day in week.days]
    taken = [] if week.place is None else await database.read(_taken, week)
    working = _working(taken, here)
    return browser.page(
        "console/shifts.html",
        status=200 if error is None else 400,
        error=error,
        week=week,
        previous=week.url(week=(week.monday - timedelta(days=7)).isoformat()),
        following=week.url(week=(week.monday + timedelta(days=7)).isoformat()),
        days=[
            {
                "name": pages.weekday(browser.locale, span[0], week.time_zone),
                "iso": day.isoformat(),
                "demand": _demand(taken, working, *span) if taken else None,
                "counts": _counts(taken, here, *span),
            }
            for day, span in zip(week.days, days, strict=True)
        ],
        rows=[
            {
                "person": one,
                "days": [_cell(week, of_people.get(one.id, []), *span) for span in days],
                "hours": _hours(sum(shift.worked for shift in of_people.get(one.id, []) if shift.starts_at >= since)),
            }
            for one in people
        ],
        people=people,
        more=scope.address(PATH, {**week.fields, "after": f"{people[-1].name}/{people[-1].id}"})
        if len(people) == shoppers.MOST_LISTED
        else None,
        path=PATH,
        file_url=scope.address(f"{PATH}.csv", week.fields),
        given=_typed(form, week),
        may_change=roles.includes(browser.actor, "change_shifts"),
        tokens={name: browser.form_token(f"{name}-shifts") for name in ("add", "copy")},
        notice=browser.notice(("shift_added", "shift_removed", "shift_changed", "week_copied", "nothing_copied")),
    )


async def _file(browser: PersonBrowser) -> Reply:
    """The shifts of the week, with times in UTC."""
    roles.require(browser.actor, "see_shifts")
    week = await _week(browser)
    database = browser.call.app.database
    planned = await database.read(shifts.between, *week.span)
    known = {(one.retailer_id, one.number): one.key for one in week.places}
    names = await database.read(_names, sorted({one.person_id for one in planned}))
    rows = []
    for one in planned:
        slug, _, code = known.get((one.retailer_id or 0, one.store_number or 0), "/").partition("/")
        times = (one.starts_at, one.ends_at, one.break_starts_at, one.break_ends_at, one.started_at, one.ended_at)
        shown = ["" if at is None else clock.to_wire(at) for at in times]
        rows.append([str(one.id), names.get(one.person_id, ""), slug, code, one.area, *shown])
    return files.csv(f"shifts-{week.monday.isoformat()}.csv", _COLUMNS, rows)


async def _add(browser: PersonBrowser) -> Reply:
    form = await browser.posted("add-shifts")
    roles.require(browser.actor, "change_shifts")
    week = await _week(browser)

    async def add(tx: Tx, actor: Actor) -> None:
        await shifts.add(tx, actor, _shift(form, week.places, week.time_zone, ids.parse(form.get("shopper", "")) or 0))

    try:
        await browser.write(add)
    except ShopperRefused as refused:
        return await _page(browser, refused.reason, form)
    return browser.see_other(week.url(notice="shift_added"))


async def _copy(browser: PersonBrowser) -> Reply:
    await browser.posted("copy-shifts")
    roles.require(browser.actor, "change_shifts")
    week = await _week(browser)
    copied = await browser.write(shifts.copy_week, week.monday, week.time_zone)
    return browser.see_other(week.url(notice="week_copied" if copied.copied else "nothing_copied"))


async def _show_one(browser: PersonBrowser) -> Reply:
    return await _one_page(browser)


async def _one_page(
    browser: PersonBrowser, error: str | None = None, form: Mapping[str, str] | None = None, status: int = 400
) -> Reply:
    roles.require(browser.actor, "see_shifts")
    shift = await _found(browser)
    week = await _week(browser, shift)
    person = await browser.call.app.database.read(shoppers.person, shift.person_id)
    assert person is not None
    stored = _values(shift, week)
    return browser.page(
        "console/shift.html",
        status=200 if error is None else status,
        error=error,
        shift=shift,
        person=person,
        week=week,
        back=week.url(),
        stored=stored,
        given={name: (form or stored).get(name, "")[: shifts.MOST_AREA] for name in _GIVEN},
        is_changed=error == "changed",
        path=f"{PATH}/{shift.id}",
        version=versions.version_of(shift),
        form_token=browser.form_token("shift", str(shift.id)),
        may_change=roles.includes(browser.actor, "change_shifts"),
    )


async def _change(browser: PersonBrowser) -> Reply:
    async def change(tx: Tx, actor: Actor, form: Mapping[str, str], shift: Shift, week: Week) -> None:
        made = _shift(form, week.places, week.time_zone, shift.person_id)
        await shifts.change(tx, actor, structs.replace(made, id=shift.id))

    return await _do(browser, change, "shift_changed")


async def _remove(browser: PersonBrowser) -> Reply:
    async def remove(tx: Tx, actor: Actor, form: Mapping[str, str], shift: Shift, week: Week) -> None:
        await shifts.remove(tx, actor, shift.id)

    return await _do(browser, remove, "shift_removed")


async def _do(browser: PersonBrowser, operation: Callable[..., Any], done: str) -> Reply:
    """Do what a form about a shift asks for, if the shift is still the one that the form showed."""
    form = await browser.posted("shift", browser.call.path["shift_id"])
    roles.require(browser.actor, "change_shifts")
    shift = await _found(browser)
    week = await _week(browser, shift)

    async def checked(tx: Tx, actor: Actor) -> None:
        versions.check(form.get("version", ""), await shifts.require(tx, shift.id))
        await operation(tx, actor, form, shift, week)

    try:
        await browser.write(checked)
    except versions.Changed:
        return await _one_page(browser, "changed", form, 409)
    except ShopperRefused as refused:
        return await _one_page(browser, refused.reason, form)
    return browser.see_other(week.url(notice=done))


async def _found(browser: PersonBrowser) -> Shift:
    found = await browser.call.app.database.read(shifts.find, ids.parse(browser.call.path["shift_id"]) or 0)
    if found is None:
        raise PageRefused(404, "not_found")
    return found


async def _week(browser: PersonBrowser, shift: Shift | None = None) -> Week:
    """The week of the address, or of a shift; by default this one, at the store of the address or the first one."""
    query = dict(browser.query)
    fields = {name: query.get(name, "").strip()[:200] for name in _FIELDS}
    places = await browser.call.app.database.read(_stores)
    place = next((one for one in places if one.key == fields["place"]), None)
    if shift is not None:
        own = [one for one in places if (one.retailer_id, one.number) == (shift.retailer_id, shift.store_number)]
        place = own[0] if own else None
        fields["place"] = place.key if place else ""
    elif fields["place"] and place is None:
        raise PageRefused(404, "not_found")
    elif place is None and places:
        place = places[0]
    zone = browser.settings.time_zone if place is None else place.time_zone
    at = clock.of_process() if shift is None else shift.starts_at
    day = _day(fields["week"]) or date.fromisoformat(windows.start_of(zone, at).date)
    if shift is not None:
        day = date.fromisoformat(windows.start_of(zone, at).date)
    monday = day - timedelta(days=day.weekday())
    fields["week"] = monday.isoformat()
    return Week(fields, monday, places, place, zone)


async def _stores(tx: Tx) -> Sequence[Store]:
    return [
        Store(f"{one.slug}/{store.location_code}", f"{store.name} ({one.slug})", one.id, store.number, store.time_zone)
        for one in await retailers.retailers(tx)
        for store in await stores.stores(tx, one.id)
    ]


async def _taken(tx: Tx, week: Week) -> Sequence[Taken]:
    assert week.place is not None
    store = await stores.store_by_number(tx, week.place.retailer_id, week.place.number)
    return [] if store is None else await slots.taken(tx, week.place.retailer_id, store, *week.span)


async def _names(tx: Tx, people: Sequence[int]) -> Mapping[int, str]:
    found = [await shoppers.person(tx, one) for one in people]
    return {one.id: one.name for one in found if one is not None}


def _shift(form: Mapping[str, str], places: Sequence[Store], time_zone: str, person_id: int) -> Shift:
    """The shift of a form, whose hours are those of a time zone; raises `ShopperRefused`.

    An end that is not after the beginning is on the next day.
    """
    day = _day(form.get("day", ""))
    place = next((one for one in places if one.key == form.get("place", "")), None)
    if form.get("place") and place is None:
        raise shifts.refusal("store")
    if day is None:
        raise shifts.refusal("times")
    start, end = _hour(form, "from", "times"), _hour(form, "to", "times")
    if not start or not end:
        raise shifts.refusal("times")

    def at(hour: str) -> int | None:
        if not hour:
            return None
        return shifts.moment(day if hour > start or hour == start else day + timedelta(days=1), hour, time_zone)

    def actual(hour: str, first: str) -> int | None:
        """An actual time; one that is before the first by the clock is on the next day."""
        return None if not hour else shifts.moment(day + timedelta(days=int(hour < first)), hour, time_zone)

    ends_at = shifts.moment(day if end > start else day + timedelta(days=1), end, time_zone)
    began, ended = _hour(form, "actual_from", "actual"), _hour(form, "actual_to", "actual")
    return Shift(
        person_id=person_id,
        starts_at=shifts.moment(day, start, time_zone),
        ends_at=ends_at,
        break_starts_at=at(_hour(form, "break_from", "break")),
        break_ends_at=at(_hour(form, "break_to", "break")),
        retailer_id=None if place is None else place.retailer_id,
        store_number=None if place is None else place.number,
        area=form.get("area", "").strip(),
        started_at=actual(began, ""),
        ended_at=actual(ended, began),
    )


def _hour(form: Mapping[str, str], name: str, rule: str) -> str:
    """A time of the clock in a form, as 09:30; empty if there is none."""
    text = form.get(name, "").strip()
    try:
        if text and text != "24:00":
            datetime.strptime(text, "%H:%M")
            if len(text) != 5 or not text.isascii():
                raise ValueError(text)
    except ValueError:
        raise shifts.refusal(rule) from None
    return text


def _values(shift: Shift, week: Week) -> dict[str, str]:
    """A shift as the fields of its form."""

    def hour(at: int | None) -> str:
        return "" if at is None else _clock(at, week.time_zone)

    return {
        "day": windows.start_of(week.time_zone, shift.starts_at).date,
        "from": hour(shift.starts_at),
        "to": hour(shift.ends_at),
        "break_from": hour(shift.break_starts_at),
        "break_to": hour(shift.break_ends_at),
        "place": "" if week.place is None else week.place.key,
        "area": shift.area,
        "actual_from": hour(shift.started_at),
        "actual_to": hour(shift.ended_at),
    }


def _typed(form: Mapping[str, str] | None, week: Week) -> Mapping[str, str]:
    start = {"day": week.monday.isoformat(), "from": "09:00", "to": "17:00", "place": week.fields["place"]}
    found = start if form is None else form
    return {name: found.get(name, "")[: shifts.MOST_AREA] for name in (*_GIVEN, "shopper")}


def _cell(week: Week, planned: Sequence[Shift], since: int, until: int) -> Mapping[str, Any]:
    """The shifts of a shopper that begin on a day, and a drawing of all hours of the day that are planned."""
    own = [one for one in planned if one.starts_at < until and one.ends_at > since]
    known = {(one.retailer_id, one.number): one.name for one in week.places}
    begun = [one for one in own if one.starts_at >= since]
    return {
        "shifts": [
            {
                "url": f"{PATH}/{one.id}",
                "hours": f"{_clock(one.starts_at, week.time_zone)}\N{EN DASH}{_clock(one.ends_at, week.time_zone)}",
                "where": one.area or known.get((one.retailer_id or 0, one.store_number or 0), ""),
            }
            for one in begun
        ],
        "drawing": _hours_drawn(own, since, until) if own else "",
    }


def _hours_drawn(own: Sequence[Shift], since: int, until: int) -> "Markup":
    """A day's hours to scale; a day has 23 or 25 hours when clocks change."""
    from markupsafe import Markup

    width = _place(until - since)
    shapes = [Markup("<rect class='day' width='{}' height='{}'/>").format(width, _BAR)]
    for one in own:
        begin, end = max(one.starts_at, since), min(one.ends_at, until)
        shapes.append(_rect("", begin, end, since))
        if one.break_starts_at is not None and one.break_ends_at is not None and one.break_ends_at > since:
            shapes.append(_rect("rest", max(one.break_starts_at, since), min(one.break_ends_at, until), since))
    return Markup("<svg class='hours' aria-hidden='true' viewBox='0 0 {} {}'>{}</svg>").format(
        width, _BAR, Markup("").join(shapes)
    )


def _rect(name: str, begin: int, end: int, since: int) -> "Markup":
    from markupsafe import Markup

    return Markup("<rect class='{}' x='{}' width='{}' height='{}'/>").format(
        name, _place(begin - since), max(_place(end - begin), 0), _BAR
    )


def _demand(taken: Sequence[Taken], working: Mapping[int, int], since: int, until: int) -> "Markup":
    """A day's booked places over all places, by the hour at which windows begin, and the shoppers who work then."""
    from markupsafe import Markup

    hours = [one for one in taken if since <= one.start.at < until]
    top = max([one.capacity for one in taken] + [one.booked for one in taken] + [1])
    shapes, path = [], ""
    most = max([*working.values(), 1])
    for one in hours:
        x = _place(one.start.at - since)
        for name, many in (("capacity", one.capacity), ("booked", one.booked)):
            height = round(many / top * _DEMAND, 1)
            shapes.append(
                Markup("<rect class='{}' x='{}' y='{}' width='{}' height='{}'/>").format(
                    name, x + 0.5, _DEMAND - height, _HOUR - 1, height
                )
            )
        y = round(_DEMAND - 1 - working.get(one.start.at, 0) / most * (_DEMAND - 2), 1)
        path += f"{'L' if path else 'M'}{x} {y}L{x + _HOUR} {y}"
    shapes.append(Markup("<path d='{}'/>").format(path))
    return Markup("<svg class='demand' aria-hidden='true' viewBox='0 0 {} {}'>{}</svg>").format(
        _place(until - since), _DEMAND, Markup("").join(shapes)
    )


def _counts(taken: Sequence[Taken], here: Sequence[Shift], since: int, until: int) -> Mapping[str, Any]:
    """A day's booked places, all its places, and the hours that shoppers work at the store or anywhere."""
    hours = [one for one in taken if since <= one.start.at < until]
    return {
        "booked": sum(one.booked for one in hours),
        "capacity": sum(one.capacity for one in hours),
        "hours": _hours(sum(one.worked for one in here if since <= one.starts_at < until)),
    }


def _working(taken: Sequence[Taken], here: Sequence[Shift]) -> Mapping[int, int]:
    """How many shoppers work at the beginning of each hour; hours are an hour apart."""
    found: dict[int, int] = {}
    first = taken[0].start.at if taken else 0
    for one in here:
        at = first - (first - one.starts_at) // clock.HOUR * clock.HOUR
        while at < one.ends_at:
            found[at] = found.get(at, 0) + 1
            at += clock.HOUR
    return found


def _is_here(week: Week, one: Shift) -> bool:
    """Whether a shift is at the chosen store, or at none in particular."""
    place = week.place
    return (
        one.retailer_id is None
        or place is None
        or (one.retailer_id, one.store_number)
        == (
            place.retailer_id,
            place.number,
        )
    )


def _place(microseconds: int) -> float:
    return round(microseconds / clock.HOUR * _HOUR, 1)


def _hours(microseconds: int) -> str:
    return f"{microseconds / clock.HOUR:.1f}".removesuffix(".0")


def _clock(at: int, time_zone: str) -> str:
    return datetime.fromtimestamp(at // clock.SECOND, ZoneInfo(time_zone)).strftime("%H:%M")


def _span(day: date, time_zone: str) -> tuple[int, int]:
    return shifts.moment(day, "00:00", time_zone), shifts.moment(day, "24:00", time_zone)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2098 else None


def _after(text: str) -> tuple[str, int] | None:
    name, _, number = text.rpartition("/")
    return (name, ids.parse(number) or 0) if name else None


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_show)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
    Route(method="POST", path=f"{PATH}/add", handler=signed_in(_add)),
    Route(method="POST", path=f"{PATH}/copy", handler=signed_in(_copy)),
    Route(method="GET", path=f"{PATH}/{{shift_id}}", handler=signed_in(_show_one)),
    Route(method="POST", path=f"{PATH}/{{shift_id}}/change", handler=signed_in(_change)),
    Route(method="POST", path=f"{PATH}/{{shift_id}}/remove", handler=signed_in(_remove)),
)
