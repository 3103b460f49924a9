"""The board: which orders there are, by state, and which of them need a person."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct, structs

from handcart.assignment import queries
from handcart.assignment.models import NEEDS, UNASSIGNED, Counts, Filters, Lane, Row
from handcart.assignment.queries import KINDS, STATES
from handcart.console import files, news
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock, ids
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import version_of
from handcart.orders import states
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.slots import windows
from handcart.staff import roles
from handcart.stores import queries as stores
from handcart.stores.models import Store

PATH = "/console/orders"
OPEN = tuple(state for state in STATES if state not in states.TERMINAL)
# Rows of a file, at most.
MOST_IN_FILE = 10_000
_FILE_PAGE = 500
_FIELDS = ("view", "state", "need", "retailer", "store", "shopper", "kind", "slack", "skill", "day", "id", "customer")
VIEWS = ("list", "state", "shopper", "store")
SKILLS = ("alcohol",)
# Before the id of a shopper of the API.
_OF_API = "api-"
# The time that is left until the window ends: over, short, or enough.
SLACKS = ("over", "short", "enough")
_SHORT = 30 * clock.MINUTE
# Orders of a column, at most.
_CARDS = {"state": 20, "shopper": 6, "store": 8}
_DAY = 24  # hours
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
    wish = await wish_of(browser)
    database = browser.call.app.database
    version = await database.read(news.version, browser.actor.retailer_id or 0)
    # What the page says of time changes with each minute.
    seen = (version, clock.now() // clock.MINUTE, browser.actor.id, browser.locale, browser.query)
    etag = b'"%s"' % version_of(*seen).encode()
    if browser.call.header(b"if-none-match") == etag.decode():
        return Reply(304, b"", [(b"etag", etag)])
    # A search finds orders in any state, which no column has.
    view = "" if wish.filters.customer is not None else wish.fields["view"]
    reply = await (_lanes(browser, wish, version, view) if view in _CARDS else _list(browser, wish, version))
    reply.headers = [*reply.headers, (b"etag", etag)]
    return reply


async def _lanes(browser: PersonBrowser, wish: Wish, version: str, view: str) -> Reply:
    """Columns by state, shopper or store; each has its first orders, and leads to the list of all of them."""
    read = browser.call.app.database.read
    counts = await read(queries.counts, wish.filters)
    found = await read(queries.lanes, wish.filters, view, _CARDS[view])
    if view == "state":
        found = sorted(found, key=lambda lane: STATES.index(lane.rows[0].status))
    lanes = [_lane(browser, wish, view, lane) for lane in found]
    if view == "shopper" and not wish.filters.is_unassigned and not wish.fields["shopper"]:
        lanes = [await _nobodys(browser, wish, counts), *lanes]
    return browser.page(
        "console/lanes.html",
        **_frame(browser, wish, version, counts),
        lanes=lanes,
        has_more=sum(len(lane.rows) for lane in found) == queries.LANE_ROWS,
    )


def _lane(browser: PersonBrowser, wish: Wish, view: str, lane: Lane) -> dict[str, Any]:
    first = lane.rows[0]
    name, fields = {
        "state": (word(browser.locale, "console.state", first.status), {"state": first.status}),
        "store": (first.store, {"retailer": first.slug, "store": first.location_code}),
        "shopper": (
            first.person or str(pages.text(browser.locale, "console.orders.api_shopper")),
            {"shopper": str(first.person_id)}
            if first.person_id is not None
            else {"retailer": first.slug, "shopper": f"{_OF_API}{first.shopper_id}"},
        ),
    }[view]
    return _column(browser, wish, name, lane.many, lane.rows, fields)


async def _nobodys(browser: PersonBrowser, wish: Wish, counts: Counts) -> dict[str, Any]:
    """The column of the orders that no shopper has."""
    waiting = structs.replace(wish.filters, is_unassigned=True)
    rows = await browser.call.app.database.read(queries.orders, waiting, None, _CARDS["shopper"])
    name = str(pages.text(browser.locale, "console.need.unassigned"))
    return _column(browser, wish, name, counts.unassigned, rows, {"need": UNASSIGNED})


def _column(
    browser: PersonBrowser, wish: Wish, name: str, many: int, rows: Sequence[Row], fields: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": name,
        "many": many,
        "more": max(many - len(rows), 0),
        "rows": [_card(browser, row) for row in rows],
        "url": wish.url(**{"view": "", "id": "", **fields}),
    }


async def _list(browser: PersonBrowser, wish: Wish, version: str) -> Reply:
    database = browser.call.app.database
    after = Row.parse_key(dict(browser.query).get("after", ""))
    rows = await database.read(queries.orders, wish.filters, after, queries.ROWS + 1)
    counts = await database.read(queries.counts, wish.filters)
    shown, more = rows[: queries.ROWS], len(rows) > queries.ROWS
    return browser.page(
        "console/orders.html",
        **_frame(browser, wish, version, counts),
        rows=[described(browser, row) for row in shown],
        next_url=wish.url(after=shown[-1].key_text) if more else None,
        first_url=wish.url() if after is not None else None,
    )


def _frame(browser: PersonBrowser, wish: Wish, version: str, counts: Counts) -> dict[str, Any]:
    """What all views of the board have: the filters, and where its news comes from."""
    view = wish.fields["view"] or VIEWS[0]
    return {
        "news": news.PATH,
        "version": version,
        "wish": wish,
        "views": [(name, wish.url(view="" if name == VIEWS[0] else name), name == view) for name in VIEWS],
        "states": _choices(wish, counts),
        "needs": needs(wish, counts),
        "kinds": KINDS,
        "slacks": SLACKS,
        "skills": SKILLS,
        "is_one_retailer": wish.filters.retailer_id is not None,
        "is_filtered": any(wish.fields[name] for name in _FIELDS if name not in ("view", "retailer")),
        "file_url": wish.url(f"{PATH}.csv", view=""),
    }


async def _file(browser: PersonBrowser) -> Reply:
    """The same orders as CSV, from the first one, with times in UTC."""
    wish = await wish_of(browser)
    rows: list[Row] = []
    after = None
    while len(rows) < MOST_IN_FILE:
        page = await browser.call.app.database.read(queries.orders, wish.filters, after, _FILE_PAGE)
        rows += page
        if len(page) < _FILE_PAGE:
            break
        after = page[-1].key
    return files.csv("orders.csv", _COLUMNS, map(_cells, rows))


def described(browser: PersonBrowser, row: Row) -> dict[str, Any]:
    """A row with the texts that a page shows."""
    return {
        **_card(browser, row),
        "window": pages.window(browser.locale, row.window_starts_at, row.window_ends_at, row.time_zone),
    }


def _card(browser: PersonBrowser, row: Row) -> dict[str, Any]:
    """A row with the texts of a card, which has no window: to write it takes longest."""
    return {
        "row": row,
        "url": order_url(row.slug, row.order_id),
        "state": word(browser.locale, "console.state", row.status),
        "kind": word(browser.locale, "console.kind", row.kind),
        "slack": slack_of(row),
        "left": left(browser.locale, row.window_ends_at - clock.now()),
    }


def slack_of(row: Row) -> str | None:
    """How much time is left for an open order: one of `SLACKS`; None for an order that has ended."""
    if row.status in states.TERMINAL:
        return None
    seconds = row.window_ends_at - clock.now()
    return "over" if seconds < 0 else "short" if seconds < _SHORT else "enough"


def left(locale: str, time: int) -> str:
    """The time until the end of a window in words, or since it."""
    minutes = abs(time) // clock.MINUTE
    hours, rest = divmod(minutes, 60)
    size = "days" if hours >= _DAY else "hours" if hours else "minutes"
    key = f"console.left.{'over' if time < 0 else 'until'}_{size}"
    return str(pages.text(locale, key, days=hours // 24, hours=hours, minutes=rest))


def order_url(slug: str, order_id: str) -> str:
    """The address of an order's page."""
    return f"{PATH}/{slug}/{quote(order_id, '')}"


def word(locale: str, group: str, name: str) -> str:
    """The text for one of a group of names; the name itself if there is no text for it."""
    key = f"{group}.{name.replace(' ', '_')}"
    known = key in pages.texts(locale.partition("-")[0])
    return str(pages.text(locale, key)) if known else name.replace("_", " ")


async def wish_of(browser: PersonBrowser) -> Wish:
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
    ends_from, ends_until = _within(day, fields["slack"])
    filters = Filters(
        retailer_id=None if retailer is None else retailer.id,
        store_number=None if store is None else store.number,
        status=fields["state"] if fields["state"] in STATES else None,
        kind=fields["kind"] if fields["kind"] in KINDS else None,
        shopper_id=ids.parse(fields["shopper"]),
        retailer_shopper_id=_of_api(fields["shopper"]) if retailer is not None else None,
        window_from=ends_from,
        window_until=ends_until,
        has_alcohol=True if fields["skill"] == "alcohol" else None,
        warning=need if need and need != UNASSIGNED else None,
        is_unassigned=need == UNASSIGNED,
        order_id=fields["id"] or None,
        customer=fields["customer"] or None,
    )
    return Wish(fields, known, there, filters)


def _of_api(shopper: str) -> int | None:
    """The shopper of the API that a field names."""
    return ids.parse(shopper.removeprefix(_OF_API)) if shopper.startswith(_OF_API) else None


def _within(day: tuple[int, int] | None, slack: str) -> tuple[int | None, int | None]:
    """The span in which windows end: that of a day, of a slack, or of both."""
    now = clock.now()
    spans = {"over": (None, now), "short": (now, now + _SHORT), "enough": (now + _SHORT, None)}
    both = (day or (None, None), spans.get(slack, (None, None)))
    return (
        max((one[0] for one in both if one[0] is not None), default=None),
        min((one[1] for one in both if one[1] is not None), default=None),
    )


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


def needs(wish: Wish, counts: Counts, path: str = PATH) -> list[dict[str, Any]]:
    """What orders may need, with the number of orders; choosing one again removes the filter."""
    many = {UNASSIGNED: counts.unassigned, **counts.warnings}
    chosen = wish.fields["need"]
    return [
        {
            "name": name,
            "count": count,
            "is_chosen": chosen == name,
            "url": wish.url(path, need="" if chosen == name else name, id="", customer="", state=""),
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
