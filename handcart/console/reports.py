"""Reports: how work went, by day, week, retailer, store or shopper, as plots, as a table and as CSV."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from msgspec import Struct

from handcart.console import files, plots, scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.reports import queries
from handcart.reports.models import Counts, Day
from handcart.reports.queries import Wanted
from handcart.retailers.models import Retailer
from handcart.shoppers import queries as shoppers
from handcart.slots import windows
from handcart.staff import roles
from handcart.stores import queries as stores
from handcart.stores.models import Store

PATH = "/console/reports"
_FIELDS = ("from", "to", "by", "retailer", "store", "shopper")
# Days of a report: without a choice, and the most by what it shows.
_DEFAULT_DAYS = 28
_MOST_DAYS = 371
_MOST_BY_DAY = 92
_MOST_OF_SLOTS = 31
_MOST_OF_SHOPPERS = 31
# The tables of texts that have those of units and of measures.
_UNIT, _MEASURE = "console.reports.unit", "console.reports.measure"
_NONE = "\N{EN DASH}"
# Rows of a plot by name, and of a page: a file has all.
_MOST_BARS = 12
_MOST_ROWS = 200


class Measure(Struct, frozen=True):
    """A figure of a report: its value of the counts, None if it has none, and its unit."""

    key: str
    unit: str
    value: Callable[[Counts], float | None]


def _share(part: str, whole: str) -> Callable[[Counts], float | None]:
    return lambda counts: 100 * getattr(counts, part) / getattr(counts, whole) if getattr(counts, whole) else None


def _minutes(total: str, many: str) -> Callable[[Counts], float | None]:
    return lambda counts: (
        getattr(counts, total) / getattr(counts, many) / clock.MINUTE if getattr(counts, many) else None
    )


MEASURES = (
    Measure("completed", "number", lambda counts: counts.orders),
    Measure("canceled", "number", lambda counts: counts.canceled),
    Measure(
        "on_time",
        "percent",
        lambda counts: 100 * (counts.orders - counts.late) / counts.orders if counts.orders else None,
    ),
    Measure("found", "percent", _share("found", "lines")),
    Measure("replaced", "percent", _share("replaced", "lines")),
    Measure(
        "units_an_hour",
        "number",
        lambda counts: counts.picked_units / (counts.picking / clock.HOUR) if counts.picking else None,
    ),
    Measure("store_wait", "minutes", _minutes("store_wait", "store_waits")),
    Measure("pickup_wait", "minutes", _minutes("pickup_wait", "pickup_waits")),
    Measure("door_wait", "minutes", _minutes("door_wait", "door_waits")),
    Measure("refunds", "amount", lambda counts: counts.refund_cents / 100),
)
SLOTS, CALLBACKS = "slots_filled", "callbacks_delivered"


class Row(Struct, frozen=True):
    """A row of a report: its name, and the values by the keys of the measures."""

    name: str
    values: Mapping[str, float | None]


class Report(Struct, frozen=True):
    """What a person asked for and gets."""

    fields: Mapping[str, str]
    wanted: Wanted
    known: Sequence[Retailer]
    there: Sequence[Store]
    rows: Sequence[Row]
    total: Row
    units: Mapping[str, str]

    def url(self, path: str = PATH, **changes: str) -> str:
        """The address of the report with these filters, changed."""
        return scope.address(path, {**self.fields, **changes})


async def _page(browser: PersonBrowser) -> Reply:
    report = await _report(browser)
    locale = browser.locale
    return browser.page(
        "console/reports.html",
        report=report,
        groups=_groups(browser),
        plots=[_plot(browser, report, key) for key in report.units if _is_plotted(report, key)],
        measures=list(report.units),
        rows=[(one.name, _texts(locale, report, one)) for one in report.rows[:_MOST_ROWS]],
        total=_texts(locale, report, report.total),
        more=max(len(report.rows) - _MOST_ROWS, 0),
        file_url=report.url(f"{PATH}.csv"),
        path=PATH,
        may_see_shoppers=roles.includes(browser.actor, "see_shoppers"),
    )


async def _file(browser: PersonBrowser) -> Reply:
    report = await _report(browser)
    columns = [report.wanted.by, *(f"{key}_{unit}" for key, unit in report.units.items())]
    rows = [
        [one.name, *("" if value is None else round(value, 4) for value in map(one.values.get, report.units))]
        for one in report.rows
    ]
    return files.csv("reports.csv", columns, rows)


async def _report(browser: PersonBrowser) -> Report:
    """The report of the address, within what the person may see."""
    actor, database = browser.actor, browser.call.app.database
    roles.require(actor, "see_reports", actor.retailer_id, actor.store_number)
    query = dict(browser.query)
    fields = {name: query.get(name, "").strip() for name in _FIELDS}
    fields["by"] = fields["by"] if fields["by"] in _groups(browser) else "day"
    known = await scope.known_retailers(browser)
    if len(known) == 1:
        fields["retailer"] = fields["retailer"] or known[0].slug
    retailer = await scope.retailer_of(browser, "see_reports", fields["retailer"]) if fields["retailer"] else None
    there = [] if retailer is None else await database.read(stores.stores, retailer.id)
    store = next((one for one in there if one.location_code == fields["store"]), None)
    if fields["store"] and store is None:
        raise PageRefused(404, "not_found")
    fields["from"], fields["to"] = _days(fields, browser.settings.time_zone)
    wanted = Wanted(
        fields["from"],
        fields["to"],
        fields["by"],
        actor.retailer_id if retailer is None else retailer.id,
        None if store is None else store.number,
        _number(fields["shopper"]) if roles.includes(actor, "see_shoppers") and fields["shopper"] else None,
    )
    found = await database.read(queries.figures, wanted)
    units = {one.key: one.unit for one in MEASURES}
    extra = await _extra(browser, wanted, store)
    units |= dict.fromkeys(extra, "percent")
    names = await database.read(_names, wanted.by, [one.key for one in found])
    rows = [
        _row(names.get(one.key, one.key), one, {key: some.get(one.key) for key, some in extra.items()}) for one in found
    ]
    every = {key: _sum(list(some.values())) for key, some in extra.items()}
    return Report(fields, wanted, known, there, rows, _row("", Day("", queries.total(found)), every), units)


async def _extra(
    browser: PersonBrowser, wanted: Wanted, store: Store | None
) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """Measures that are not of orders: a part and the whole, by day or week."""
    if wanted.by not in ("day", "week") or wanted.person_id is not None:
        return {}
    database, found = browser.call.app.database, {}
    length = date.fromisoformat(wanted.last) - date.fromisoformat(wanted.first)
    if store is not None and length.days < _MOST_OF_SLOTS:
        found[SLOTS] = await database.read(queries.slots_filled, wanted, store)
    if store is None:
        counted = await database.read(queries.callbacks, wanted)
        found[CALLBACKS] = {key: (arrived, arrived + failed) for key, (arrived, failed) in counted.items()}
    return found


def _row(name: str, one: Day, extra: Mapping[str, tuple[int, int] | None]) -> Row:
    values = {measure.key: measure.value(one.counts) for measure in MEASURES}
    for key, counted in extra.items():
        values[key] = 100 * counted[0] / counted[1] if counted and counted[1] else None
    return Row(name, values)


def _sum(counted: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(one[0] for one in counted), sum(one[1] for one in counted)


async def _names(tx: Tx, by: str, keys: Sequence[str]) -> Mapping[str, str]:
    """What people call a retailer, a store or a shopper."""
    from handcart.retailers import ops as retailers

    if by == "shopper":
        people = [await shoppers.person(tx, int(key)) for key in keys]
        return {key: _NONE if one is None else one.name for key, one in zip(keys, people, strict=True)}
    if by in ("day", "week"):
        return {}
    slugs = {str(one.id): one.slug for one in await retailers.retailers(tx)}
    if by == "retailer":
        return slugs
    found = {}
    for key in keys:
        retailer_id, _, number = key.partition("/")
        found[key] = f"{slugs[retailer_id]} {await stores.location_code(tx, int(retailer_id), int(number))}"
    return found


def _groups(browser: PersonBrowser) -> Sequence[str]:
    hidden = {"shopper"} if not roles.includes(browser.actor, "see_shoppers") else set()
    hidden |= {"retailer"} if browser.actor.retailer_id is not None else set()
    return [one for one in queries.GROUPS if one not in hidden]


def _days(fields: Mapping[str, str], time_zone: str) -> tuple[str, str]:
    """The days of the address; by default four weeks until today. Too long a period is cut at its end."""
    today = date.fromisoformat(windows.start_of(time_zone, clock.of_process()).date)
    last = _day(fields["to"]) or today
    first = _day(fields["from"]) or last - timedelta(days=_DEFAULT_DAYS - 1)
    most = _MOST_BY_DAY if fields["by"] == "day" else _MOST_DAYS
    if fields["by"] == "shopper" or fields["shopper"]:
        most = _MOST_OF_SHOPPERS
    last = min(max(first, last), first + timedelta(days=most - 1))
    return first.isoformat(), last.isoformat()


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2098 else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def _is_plotted(report: Report, key: str) -> bool:
    return any(row.values.get(key) for row in report.rows)


def _plot(browser: PersonBrowser, report: Report, key: str) -> Mapping[str, Any]:
    locale, unit = browser.locale, report.units[key]
    title = str(pages.text(locale, f"{_MEASURE}.{key}"))
    points = [
        plots.Point(row.name, row.values.get(key), _text(locale, unit, row.values.get(key))) for row in report.rows
    ]
    most = max([point for point in points if point.value is not None], key=lambda point: point.value or 0)
    about = pages.text(
        locale,
        "console.reports.description",
        most=most.text,
        where=most.name,
        all=_text(locale, unit, report.total.values.get(key)),
    )
    if report.wanted.by not in ("day", "week"):
        drawn = plots.bars(key, title, str(about), points[:_MOST_BARS])
    elif unit in ("percent", "minutes"):
        drawn = plots.line(key, title, str(about), points, most.text)
    else:
        drawn = plots.columns(key, title, str(about), points, most.text)
    return {"key": key, "title": title, "svg": drawn, "total": _text(locale, unit, report.total.values.get(key))}


def _texts(locale: str, report: Report, row: Row) -> Sequence[str]:
    return [_text(locale, unit, row.values.get(key)) for key, unit in report.units.items()]


@lru_cache(1 << 14)  # a page has the same figures in plots and in its table
def _text(locale: str, unit: str, value: float | None) -> str:
    if value is None:
        return _NONE
    if unit == "amount":
        return pages.decimal(locale, value)
    shown = f"{value:.1f}" if value != int(value) else str(int(value))
    shown = shown.replace(".", ",") if locale.startswith("fr") else shown
    return str(pages.text(locale, f"{_UNIT}.{unit}", value=shown))


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_page)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
)
