"""The map: stores with their areas, shoppers with their last positions, and the stops of their work.

The server draws a plan of it; the same facts are in a list beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.assignment import queries
from handcart.assignment.models import Filters, Row
from handcart.console import news, tiles
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import Wish, order_url, wish_of, word
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.orders import queries as orders
from handcart.orders.models import PICKUP
from handcart.shoppers import positions
from handcart.shoppers import queries as shoppers
from handcart.shoppers.models import Person, Position
from handcart.staff import roles
from handcart.stores import distance, plan, postal
from handcart.stores import queries as stores
from handcart.stores.models import Point, Store

PATH = "/console/map"
WIDTH, HEIGHT = 800, 560
# A position that is older is shown in grey; one that is older than `_FORGOTTEN` is not shown.
STALE = 3 * clock.MINUTE
_FORGOTTEN = 12 * clock.HOUR
# Maximum numbers of orders and of stores that are drawn, and of corners of one outline.
_MOST_ORDERS = 300
_MOST_STORES = 300
_MOST_CORNERS = 400


class Stop(Struct, frozen=True):
    """An order that a shopper has, and the place of its customer; None for pickup, and for unknown places."""

    row: Row
    point: Point | None


class Facts(Struct, frozen=True):
    """What the map shows. `people`: shoppers with work, or with a position; `seen`: their positions, by person."""

    stores: Sequence[Store]
    people: Sequence[Person]
    seen: Mapping[int, Position]
    stops: Mapping[int, Sequence[Stop]]
    now: int


async def _show(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "see_map", actor.retailer_id, actor.store_number)
    wish, shopper_id = await wish_of(browser), ids.parse(dict(browser.query).get("shopper", ""))
    facts = await browser.call.app.database.read(_facts, wish, shopper_id)
    if browser.settings.map_tiles:
        browser.policy += "; worker-src 'self'"
    everybody = await browser.call.app.database.read(_facts, wish, None) if shopper_id is not None else facts
    return browser.page(
        "console/map.html",
        path=PATH,
        wish=wish,
        shopper_id=shopper_id,
        choices=[(one.id, one.name) for one in everybody.people],
        drawing=_drawing(facts),
        tiles=tiles.PATH if browser.settings.map_tiles else None,
        marks=_marks(facts) if browser.settings.map_tiles else None,
        people=[_person(browser, facts, one) for one in facts.people],
        stores=facts.stores,
        news=news.PATH,
        version=await browser.call.app.database.read(news.version, actor.retailer_id or 0),
        time=pages.moment(browser.locale, facts.now, browser.settings.time_zone),
        most_orders=_MOST_ORDERS if sum(map(len, facts.stops.values())) >= _MOST_ORDERS else None,
    )


async def _facts(tx: Tx, wish: Wish, shopper_id: int | None) -> Facts:
    """The stores of the filters; the work there, and who does it; without a store, also everybody who was seen."""
    filters = Filters(
        retailer_id=wish.filters.retailer_id,
        store_number=wish.filters.store_number,
        shopper_id=shopper_id,
        is_taken=True,
    )
    rows = await queries.orders(tx, filters, most=_MOST_ORDERS)
    now = clock.of_process()
    seen = await positions.newest(tx, now - _FORGOTTEN)
    stops: dict[int, list[Stop]] = {}
    for stop in await _stops(tx, rows):
        assert stop.row.person_id is not None
        stops.setdefault(stop.row.person_id, []).append(stop)
    wanted = set(stops) if filters.retailer_id is not None else set(stops) | set(seen)
    if shopper_id is not None:
        wanted = {shopper_id}
    found = [await shoppers.person(tx, one) for one in sorted(wanted)]
    people = sorted((one for one in found if one is not None), key=lambda one: one.name)
    return Facts(await _stores(tx, wish, rows), people, seen, stops, now)


async def _stops(tx: Tx, rows: Sequence[Row]) -> Sequence[Stop]:
    points: dict[tuple[int, str], Point | None] = {}
    for retailer_id in {row.retailer_id for row in rows}:
        some = [row.order_id for row in rows if row.retailer_id == retailer_id and row.kind != PICKUP]
        for order_id, address in (await orders.doors(tx, retailer_id, some)).items():
            points[retailer_id, order_id] = await postal.of_address(tx, address)
    return [Stop(row, points.get((row.retailer_id, row.order_id))) for row in rows]


async def _stores(tx: Tx, wish: Wish, rows: Sequence[Row]) -> Sequence[Store]:
    """The stores of the filters; without a retailer, those where there is work."""
    if wish.filters.retailer_id is None:
        there = sorted({(row.retailer_id, row.store_number) for row in rows})
        found = [await stores.store_by_number(tx, *one) for one in there[:_MOST_STORES]]
        return [one for one in found if one is not None]
    number = wish.filters.store_number
    return [one for one in wish.stores if number in (None, one.number)][:_MOST_STORES]


def _drawing(facts: Facts) -> dict[str, Any] | None:
    """The plan: outlines, lines from shoppers to their stops, and marks, in the plan's units; None if nothing is."""
    shown = {one.id: Point(at.latitude, at.longitude) for one in facts.people if (at := facts.seen.get(one.id))}
    doors = [stop.point for stops in facts.stops.values() for stop in stops if stop.point is not None]
    frame = plan.frame([*(one.point for one in facts.stores), *shown.values(), *doors], WIDTH, HEIGHT)
    if frame is None:
        return None
    kilometres, length = frame.scale()
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "scale": {"kilometres": f"{kilometres:g}", "length": length},
        "areas": [path for one in facts.stores if (path := _outline(frame, one))],
        "stores": [{"store": one, "at": frame.at(one.point)} for one in facts.stores],
        "stops": [
            {"row": stop.row, "at": frame.at(stop.point), "from": frame.at(shown[person]) if person in shown else None}
            for person, stops in facts.stops.items()
            for stop in stops
            if stop.point is not None
        ],
        "shoppers": [
            {
                "person": one,
                "initials": _initials(one.name),
                "at": frame.at(shown[one.id]),
                "is_stale": facts.now - facts.seen[one.id].at > STALE,
            }
            for one in facts.people
            if one.id in shown
        ],
    }


def _marks(facts: Facts) -> list[dict[str, Any]]:
    """What the street map shows: the stores, stops and shoppers of the plan, with their places in degrees."""

    def mark(kind: str, name: str, text: str, at: Point, *, is_grave: bool = False) -> dict[str, Any]:
        return {"kind": kind, "name": name, "text": text, "at": (at.longitude, at.latitude), "isGrave": is_grave}

    doors = [(stop.row, stop.point) for stops in facts.stops.values() for stop in stops if stop.point is not None]
    seen = [(one, facts.seen[one.id]) for one in facts.people if one.id in facts.seen]
    return [
        *(mark("store", pages.cleaned(one.name), pages.cleaned(one.location_code), one.point) for one in facts.stores),
        *(mark("stop", pages.cleaned(row.order_id), "", at, is_grave=bool(row.warnings)) for row, at in doors),
        *(
            mark(
                "shopper",
                pages.cleaned(one.name),
                _initials(one.name),
                Point(at.latitude, at.longitude),
                is_grave=facts.now - at.at > STALE,
            )
            for one, at in seen
        ),
    ]


def _outline(frame: plan.Frame, store: Store) -> str:
    """The service area of a store as the data of an SVG path; empty without one."""
    if store.service_area is None:
        return ""
    parts = []
    for rings in distance.polygons(store.service_area):
        for ring in rings:
            step = len(ring) // _MOST_CORNERS + 1
            corners = [frame.at(Point(one[1], one[0])) for one in ring[::step]]
            parts.append("M" + " L".join(f"{x:g} {y:g}" for x, y in corners) + " Z")
    return " ".join(parts)


def _initials(name: str) -> str:
    return "".join(part[0] for part in name.split()[:2]).upper()


def _person(browser: PersonBrowser, facts: Facts, person: Person) -> dict[str, Any]:
    """A shopper in the list beside the plan."""
    at = facts.seen.get(person.id)
    return {
        "person": person,
        "minutes": None if at is None else max(0, (facts.now - at.at) // clock.MINUTE),
        "is_stale": at is not None and facts.now - at.at > STALE,
        "stops": [
            {
                "row": stop.row,
                "url": order_url(stop.row.slug, stop.row.order_id),
                "state": word(browser.locale, "console.state", stop.row.status),
                "window": pages.window(
                    browser.locale, stop.row.window_starts_at, stop.row.window_ends_at, stop.row.time_zone
                ),
                "has_place": stop.point is not None,
            }
            for stop in facts.stops.get(person.id, ())
        ],
    }


ROUTES: Sequence[Route] = (Route(method="GET", path=PATH, handler=signed_in(_show)),)
