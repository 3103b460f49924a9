"""Find stores: all of a retailer, by code or number, and those that serve a place."""

import re
from collections.abc import Sequence
from functools import lru_cache
from math import cos, radians
from typing import Any

import msgspec
from msgspec import Struct

from handcart.core.db import Tx
from handcart.core.errors import invalid
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.stores import distance, postal
from handcart.stores.models import DELIVERY, LAST_MILE, PICKUP, Address, Point, Store

_SELECTED = (
    "location_code, number, name, address_line_1, city, region, postal_code, country, latitude, longitude, time_zone,"
    " takes_delivery, takes_pickup, takes_last_mile, sells_alcohol, delivers_long_distance, opening_hours,"
    " service_area, closed_from, closed_until, closed_reason"
)
COLUMNS = _SELECTED.split(", ")
_STORES = f"SELECT {_SELECTED} FROM stores WHERE retailer_id = $1"  # noqa: S608 (the names above)
_BY_CODE = f"{_STORES} AND location_code = $2"
_BY_NUMBER = f"{_STORES} AND number = $2"
_TAKES = {DELIVERY: "takes_delivery", PICKUP: "takes_pickup", LAST_MILE: "takes_last_mile"}


_location_codes: dict[tuple[int, int], str] = {}
_MOST_REMEMBERED = 100_000
MOST_FOUND = 500


class Found(Struct, frozen=True):
    """Stores, nearest first; `is_partial`: they do not serve all requested places."""

    stores: Sequence[Store]
    is_partial: bool


async def find(tx: Tx, retailer_id: int, kind: str, places: Sequence[Point]) -> Found:
    """The stores that take orders of a kind for one of these places; distances are measured from the first place.

    Returns the nearest ones, at most `MOST_FOUND`.
    If there is none and the retailer serves everywhere, returns its nearest store.
    """
    candidates = await _within_reach(tx, retailer_id, kind, places)
    stores = [store for store in candidates if any(distance.serves(store, kind, place) for place in places)]
    is_served = [any(distance.serves(store, kind, place) for store in stores) for place in places]
    if not all(is_served) and (await retailers.retailer(tx, retailer_id)).serves_everywhere:
        return Found(_sorted(stores, places[0]) or await _nearest(tx, retailer_id, kind, places[0]), False)
    return Found(_sorted(stores, places[0]), bool(stores) and not all(is_served))


async def is_long_distance(tx: Tx, retailer_id: int, postal_code: str) -> bool:
    """Whether the stores that deliver to a postal code are all more than 30 minutes away."""
    place = await postal.locate(tx, postal_code)
    if place is None:
        return False
    stores = (await find(tx, retailer_id, DELIVERY, [place.point])).stores
    return bool(stores) and not any(distance.is_near(store, place.point) for store in stores)


async def stores(tx: Tx, retailer_id: int) -> Sequence[Store]:
    """All stores of a retailer, sorted by location code."""
    return [_store(row) for row in await tx.all(f"{_STORES} ORDER BY location_code", retailer_id)]


class Listed(Struct, frozen=True):
    """A store in a list of several retailers, with the slug of its own."""

    retailer_id: int
    slug: str
    store: Store

    @property
    def key(self) -> tuple[int, str]:
        """The place in the list: the next page begins after it."""
        return self.retailer_id, self.store.location_code


async def listed(
    tx: Tx,
    retailer_id: int | None = None,
    number: int | None = None,
    *,
    text: str = "",
    after: tuple[int, str] = (0, ""),
    limit: int,
) -> Sequence[Listed]:
    """Stores of one retailer, or of all, by location code: those whose code, name, city or postal code has the text.

    Reads along the unique index of retailer and location code.
    """
    columns = ", ".join(f"s.{column}" for column in COLUMNS)
    rows = await tx.all(
        f"SELECT s.retailer_id, r.slug, {columns} FROM stores s JOIN retailers r ON r.id = s.retailer_id"  # noqa: S608
        " WHERE (s.retailer_id, s.location_code) > ($1, $2)"
        + ("" if retailer_id is None else " AND s.retailer_id = $7")
        + " AND ($3 < 0 OR s.number = $3)"
        " AND ($4 = '' OR lower(s.location_code || ' ' || s.name || ' ' || s.city || ' ' || s.postal_code)"
        " LIKE $5 ESCAPE '!') ORDER BY s.retailer_id, s.location_code LIMIT $6",
        *after,
        -1 if number is None else number,
        text,
        f"%{_escaped(text.lower())}%",
        limit,
        *(() if retailer_id is None else (retailer_id,)),
    )
    return [Listed(row["retailer_id"], row["slug"], _parsed(tuple(row)[2:])) for row in rows]


def _escaped(text: str) -> str:
    """A text in which LIKE finds no pattern."""
    return re.sub("[!%_]", r"!\g<0>", text)


async def store(tx: Tx, retailer_id: int, location_code: str) -> Store | None:
    """A store by its location code."""
    row = await tx.one(_BY_CODE, retailer_id, location_code)
    return _store(row) if row else None


async def store_by_number(tx: Tx, retailer_id: int, number: int) -> Store | None:
    """A store by its number in slot ids."""
    row = await tx.one(_BY_NUMBER, retailer_id, number)
    return _store(row) if row else None


def takes(store: Store, kind: str) -> bool:
    """Whether a store takes orders of a kind."""
    return bool(getattr(store, _TAKES[kind]))


async def location_code(tx: Tx, retailer_id: int, number: int) -> str:
    """The location code of an existing store. It never changes, so this process caches it."""
    known = _location_codes.get((retailer_id, number))
    if known is None:
        found = await store_by_number(tx, retailer_id, number)
        assert found is not None
        known = found.location_code
        if len(_location_codes) >= _MOST_REMEMBERED:
            _location_codes.clear()
        _location_codes[retailer_id, number] = known
    return known


async def serving(tx: Tx, retailer_id: int, kind: str, location_code: str) -> Store:
    """A store that takes orders of a kind, by its location code; raises `is invalid` if there is none."""
    found = await store(tx, retailer_id, location_code)
    if found is None or not takes(found, kind):
        raise invalid("location_code")
    return found


async def locate(tx: Tx, retailer: Retailer, kind: str, store: Store, address: Address) -> Point:
    """The location of an address; raises `is invalid` if the store does not serve it with orders of this kind."""
    point = await point_of(tx, address)
    if point is None:
        raise invalid("address.postal_code")
    if retailer.serves_everywhere or distance.serves(store, kind, point):
        return point
    raise invalid("address")


async def point_of(tx: Tx, address: Address) -> Point | None:
    """The location of an address: its own coordinates, else the center of its postal code; None if that is unknown."""
    if address.latitude is not None and address.longitude is not None:
        return Point(address.latitude, address.longitude)
    place = await postal.locate(tx, address.postal_code)
    return None if place is None else place.point


async def _within_reach(tx: Tx, retailer_id: int, kind: str, places: Sequence[Point]) -> list[Store]:
    latitudes = [place.latitude for place in places]
    longitudes = [place.longitude for place in places]
    rows = await tx.all(
        f"{_STORES} AND {_TAKES[kind]} AND reach_south <= $2 AND reach_north >= $3 AND reach_west <= $4"
        " AND reach_east >= $5",
        retailer_id,
        max(latitudes),
        min(latitudes),
        max(longitudes),
        min(longitudes),
    )
    return [_store(row) for row in rows]


async def _nearest(tx: Tx, retailer_id: int, kind: str, place: Point) -> list[Store]:
    """The nearest store anywhere: candidates by distance on a flat map, then the nearest by the great circle."""
    rows = await tx.all(
        f"{_STORES} AND {_TAKES[kind]}"
        " ORDER BY (latitude - $2) * (latitude - $2) + (longitude - $3) * (longitude - $3) * $4 LIMIT 5",
        retailer_id,
        place.latitude,
        place.longitude,
        cos(radians(place.latitude)) ** 2,
    )
    return _sorted([_store(row) for row in rows], place)[:1]


def _sorted(stores: Sequence[Store], place: Point) -> list[Store]:
    nearest = sorted(stores, key=lambda store: (distance.kilometres(store.point, place), store.location_code))
    return nearest[:MOST_FOUND]


def _store(row: Any) -> Store:
    return _parsed(tuple(row))


@lru_cache(10_000)
def _parsed(values: tuple[Any, ...]) -> Store:
    """Parse a row. Cached by the whole row, so a changed row is never served stale."""
    row = dict(zip(COLUMNS, values, strict=True))
    hours, area = row["opening_hours"], row["service_area"]
    return Store(
        location_code=row["location_code"],
        number=row["number"],
        name=row["name"],
        address_line_1=row["address_line_1"],
        city=row["city"],
        region=row["region"],
        postal_code=row["postal_code"],
        country=row["country"],
        point=Point(row["latitude"], row["longitude"]),
        time_zone=row["time_zone"],
        takes_delivery=bool(row["takes_delivery"]),
        takes_pickup=bool(row["takes_pickup"]),
        takes_last_mile=bool(row["takes_last_mile"]),
        sells_alcohol=bool(row["sells_alcohol"]),
        delivers_long_distance=bool(row["delivers_long_distance"]),
        opening_hours=None if hours is None else msgspec.json.decode(hours),
        service_area=None if area is None else msgspec.json.decode(area),
        closed_from=row["closed_from"],
        closed_until=row["closed_until"],
        closed_reason=row["closed_reason"],
    )
