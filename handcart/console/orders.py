"""The board: which orders there are, by state, and which of them need a person."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct

from handcart.assignment import queries
from handcart.assignment.models import NEEDS, UNASSIGNED, Counts, Filters, Row
from handcart.assignment.queries import KINDS, STATES
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.orders import states
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.slots import windows
from handcart.staff import roles
from handcart.stores import queries as stores
from handcart.stores import tables
from handcart.stores.models import Store

PATH = "/console/orders"
OPEN = tuple(state for state in STATES if state not in states.TERMINAL)
# Rows of a file, at most.
MOST_IN_FILE = 10_000
_FILE_PAGE = 500
_FIELDS = ("state", "need", "retailer", "store", "kind", "day", "id")
_COLUMNS = (
    *("order_id", "retailer", "store", "kind", "status", "window_starts_at", "window_ends_at", "created_at"),
    *("shopper", "batch_id", "accepted_at", "warnings", "cancellation_reason"),
)


class Wish(Struct, frozen=True):
    """What a person wants to see: the fields of the address, what they name, and the filters made from them."""

    fields: Mapping[str, str]
    retailers: Sequence[Retailer]
    stores: Sequence[Store]
    filters: Filters

    def url(self, path: str = PATH, **changes: str) -> str:
        """The address of the board with these filters, changed; an empty value removes a filter."""
        fields = {name: value for name, value in {**self.fields, **changes}.items() if value}
        return f"{path}?{urlencode(fields)}" if fields else path


async def _board(browser: PersonBrowser) -> Reply:
    wish = await _wish(browser)
    database = browser.call.app.database
    after = Row.parse_key(dict(browser.query).get("after", ""))
    rows = await database.read(queries.orders, wish.filters, after, queries.ROWS + 1)
    counts = await database.read(queries.counts, wish.filters)
    shown, more = rows[: queries.ROWS], len(rows) > queries.ROWS
    return browser.page(
        "console/orders.html",
        wish=wish,
        states=_choices(wish, counts),
        needs=_needs(wish, counts),
        kinds=KINDS,
        rows=[described(browser, row) for row in shown],
        is_one_retailer=wish.filters.retailer_id is not None,
        is_filtered=any(dict(browser.query).get(name, "").strip() for name in _FIELDS),
        next_url=wish.url(after=shown[-1].key_text) if more else None,
        first_url=wish.url() if after is not None else None,
        file_url=wish.url(f"{PATH}.csv"),
    )


async def _file(browser: PersonBrowser) -> Reply:
    """The same orders as CSV, from the first one, with times in UTC."""
    wish = await _wish(browser)
    rows: list[Row] = []
    after = None
    while len(rows) < MOST_IN_FILE:
        page = await browser.call.app.database.read(queries.orders, wish.filters, after, _FILE_PAGE)
        rows += page
        if len(page) < _FILE_PAGE:
            break
        after = page[-1].key
    text = tables.written(_COLUMNS, map(_cells, rows))
    disposition = (b"content-disposition", b'attachment; filename="orders.csv"')
    return Reply(200, text.encode(), [(b"content-type", b"text/csv; charset=utf-8"), disposition])


def described(browser: PersonBrowser, row: Row) -> dict[str, Any]:
    """A row with the texts that a page shows."""
    return {
        "row": row,
        "url": order_url(row.slug, row.order_id),
        "state": word(browser.locale, "console.state", row.status),
        "kind": word(browser.locale, "console.kind", row.kind),
        "window": pages.window(browser.locale, row.window_starts_at, row.window_ends_at, row.time_zone),
    }


def order_url(slug: str, order_id: str) -> str:
    """The address of an order's page."""
    return f"{PATH}/{slug}/{quote(order_id, '')}"


def word(locale: str, group: str, name: str) -> str:
    """The text for one of a group of names; the name itself if there is no text for it."""
    key = f"{group}.{name.replace(' ', '_')}"
    known = key in pages.texts(locale.partition("-")[0])
    return str(pages.text(locale, key)) if known else name.replace("_", " ")


async def _wish(browser: PersonBrowser) -> Wish:
    """The filters of the address, within what the person may see; 404 if they name a retailer or store there is not."""
    actor, database = browser.actor, browser.call.app.database
    roles.require(actor, "see_orders", actor.retailer_id, actor.store_number)
    query = dict(browser.query)
    fields = {name: query.get(name, "").strip() for name in _FIELDS}
    known = [one for one in await database.read(retailers.retailers) if actor.retailer_id in (None, one.id)]
    if len(known) == 1:
        fields["retailer"] = fields["retailer"] or known[0].slug
    retailer = _named(known, "slug", fields["retailer"])
    there: Sequence[Store] = [] if retailer is None else await database.read(stores.stores, retailer.id)
    there = [one for one in there if actor.store_number in (None, one.number)]
    if actor.store_number is not None and there:
        fields["store"] = fields["store"] or there[0].location_code
    store = _named(there, "location_code", fields["store"]) if retailer is not None else None
    if actor.retailer_id is not None and retailer is None:
        raise PageRefused(404, "not_found")
    day = _day(fields["day"], store.time_zone if store is not None else browser.settings.time_zone)
    need = fields["need"] if fields["need"] in NEEDS else ""
    filters = Filters(
        retailer_id=None if retailer is None else retailer.id,
        store_number=None if store is None else store.number,
        status=fields["state"] if fields["state"] in STATES else None,
        kind=fields["kind"] if fields["kind"] in KINDS else None,
        window_from=day and day[0],
        window_until=day and day[1],
        warning=need if need and need != UNASSIGNED else None,
        is_unassigned=need == UNASSIGNED,
        order_id=fields["id"] or None,
    )
    return Wish(fields, known, there, filters)


def _named(known: Sequence[Any], name: str, wanted: str) -> Any:
    """The one that is wanted by name; None if none is wanted."""
    if not wanted:
        return None
    found = next((one for one in known if getattr(one, name) == wanted), None)
    if found is None:
        raise PageRefused(404, "not_found")
    return found


def _day(text: str, time_zone: str) -> tuple[int, int] | None:
    """A day in a time zone, in microseconds; None if the text names none."""
    try:
        day = date.fromisoformat(text)
        return windows.midnight(time_zone, day), windows.midnight(time_zone, day + timedelta(days=1))
    except (ValueError, OverflowError):
        return None


def _choices(wish: Wish, counts: Counts) -> list[dict[str, Any]]:
    """The states to choose from, with the number of orders in each open one; states without orders are left out."""
    total = sum(counts.states.values())
    chosen = wish.filters.status
    found: list[dict[str, Any]] = [
        {"name": "open", "url": wish.url(state="", id=""), "count": total, "is_chosen": chosen is None}
    ]
    for state in OPEN:
        if counts.states.get(state) or state == chosen:
            found.append(_choice(wish, state, counts.states.get(state, 0)))
    return [*found, *(_choice(wish, state, None) for state in states.TERMINAL)]


def _choice(wish: Wish, state: str, count: int | None) -> dict[str, Any]:
    chosen = wish.filters.status == state
    return {"name": state, "url": wish.url(state=state, id=""), "count": count, "is_chosen": chosen}


def _needs(wish: Wish, counts: Counts) -> list[dict[str, Any]]:
    """What orders may need, with the number of orders; choosing one again removes the filter."""
    many = {UNASSIGNED: counts.unassigned, **counts.warnings}
    chosen = wish.fields["need"]
    return [
        {
            "name": name,
            "count": count,
            "is_chosen": chosen == name,
            "url": wish.url(need="" if chosen == name else name, id="", state=""),
        }
        for name, count in many.items()
    ]


def _cells(row: Row) -> Sequence[Any]:
    times = [clock.to_wire(at) for at in (row.window_starts_at, row.window_ends_at, row.created_at)]
    accepted_at = "" if row.accepted_at is None else clock.to_wire(row.accepted_at)
    shopper = row.person or row.last_person or row.shopper_id or row.last_shopper_id or ""
    return [
        *(row.order_id, row.slug, row.location_code, row.kind, row.status, *times),
        *(shopper, row.batch_id or "", accepted_at, " ".join(row.warnings), row.cancellation_reason or ""),
    ]


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_board)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
)
