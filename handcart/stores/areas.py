"""The area that a store delivers to, as people write or draw it: read, checked, and compared with orders.

A text is GeoJSON (a Polygon, a MultiPolygon, or a Feature with one), or lines of `latitude, longitude`. Without an
area, a store delivers to places within 30 minutes by road.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import msgspec

from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web.versions import check
from handcart.staff.models import Actor
from handcart.stores import distance, files, ops, queries
from handcart.stores.models import Point, Store
from handcart.stores.tables import BadCell

MOST_POINTS = 200
MOST_KILOMETRES = 200
_MOST_CHARACTERS = 32_000
_LINE = re.compile(
    r"\s*([+-]?[0-9]{1,3}(?:\.[0-9]{1,12})?)\s*[,;\s]\s*([+-]?[0-9]{1,3}(?:\.[0-9]{1,12})?)\s*", re.ASCII
)
# Nearer to the date line, a shape may lie on both sides of it.
_DATE_LINE = 179.0

_SENTENCES = {
    "shape": "write GeoJSON, or at least three lines of latitude and longitude",
    "points": f"an area has at most {MOST_POINTS} points",
    "crosses": "the border crosses or touches itself",
    "date_line": "the area lies at the date line",
    "far": f"a point is more than {MOST_KILOMETRES} km from the store",
}
Position = tuple[float, float]
Segment = tuple[Position, Position]


class AreaRefused(Refused):
    """An area that is refused; nothing was changed. `reason` names the sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason = reason


def of_text(text: str, store: Store) -> Mapping[str, Any] | None:
    """The area that a text describes, None for an empty one. Raises `AreaRefused`."""
    if len(text) > _MOST_CHARACTERS:
        raise AreaRefused("points")
    if not text.strip():
        return None
    area = _geojson(text) if text.lstrip().startswith("{") else _of_lines(text)
    _check(area, store.point)
    return area


def to_text(area: Mapping[str, Any] | None) -> str:
    """An area as `of_text` reads it: lines for one border, GeoJSON for several."""
    if area is None:
        return ""
    if area["type"] == "Polygon" and len(area["coordinates"]) == 1:
        return "\n".join(f"{position[1]:.6g}, {position[0]:.6g}" for position in area["coordinates"][0][:-1])
    return msgspec.json.encode(area).decode()


def outside(store: Store, area: Mapping[str, Any] | None, points: Iterable[Point]) -> int:
    """How many of the points the store would not serve if it had this area."""
    changed = msgspec.structs.replace(store, service_area=area)
    return sum(not distance.serves(changed, "delivery", point) for point in points)


async def change(
    tx: Tx, actor: Actor, retailer_id: int, location_code: str, area: Mapping[str, Any] | None, seen: str
) -> Store:
    """Give a store an area. `seen`: the version of the store as the person saw it; raises `Changed`, `StoreRefused`."""
    there = await ops.lock(tx, actor, "change_stores", retailer_id, location_code)
    check(seen, files.store_values(there))
    await ops.save(tx, retailer_id, [msgspec.structs.replace(there, service_area=area)])
    count = None if area is None else sum(map(len, rings(area)))
    return await ops.recorded(tx, actor, "change_area", retailer_id, location_code, detail={"points": count})


def rings(area: Mapping[str, Any]) -> list[Sequence[Sequence[float]]]:
    """All borders of an area: outlines and holes."""
    polygons = area["coordinates"] if area["type"] == "MultiPolygon" else [area["coordinates"]]
    return [ring for polygon in polygons for ring in polygon]


def _geojson(text: str) -> Mapping[str, Any]:
    try:
        area = files.area_of(text)
    except BadCell:
        raise AreaRefused("shape") from None
    assert area is not None
    return area


def _of_lines(text: str) -> Mapping[str, Any]:
    found = [_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]
    points = [[float(one[2]), float(one[1])] for one in found if one]
    if len(points) != len(found) or any(abs(one[0]) > 180 or abs(one[1]) > 90 for one in points):
        raise AreaRefused("shape")
    kept = [one for place, one in enumerate(points) if place == 0 or one != points[place - 1]]
    if len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    if len(kept) < 3:
        raise AreaRefused("shape")
    return {"type": "Polygon", "coordinates": [[*kept, kept[0]]]}


def _check(area: Mapping[str, Any], store: Point) -> None:
    borders = [[(float(one[0]), float(one[1])) for one in ring] for ring in rings(area)]
    if sum(map(len, borders)) > MOST_POINTS + len(borders):
        raise AreaRefused("points")
    corners = [position for border in borders for position in border]
    longitudes = [longitude for longitude, _ in corners]
    if max(map(abs, longitudes)) > _DATE_LINE or max(longitudes) - min(longitudes) > 180:
        raise AreaRefused("date_line")
    if any(distance.kilometres(store, Point(latitude, longitude)) > MOST_KILOMETRES for longitude, latitude in corners):
        raise AreaRefused("far")
    if _crosses([segment for border in borders for segment in pairwise(border)]):
        raise AreaRefused("crosses")


def _crosses(segments: Sequence[Segment]) -> bool:
    """Whether two segments meet, except one that ends where the next one starts, or a segment has no length."""
    return any(start == end for start, end in segments) or any(
        _meet(one, other) for one, other in combinations(segments, 2)
    )


def _meet(one: Segment, other: Segment) -> bool:
    (a, b), (c, d) = one, other
    if b == c or a == d:  # neighbours meet at their common point, and nowhere else unless the border turns back
        turn, before, after = (b, a, d) if b == c else (a, b, c)
        if a == d and b == c:
            return True
        dot = (before[0] - turn[0]) * (after[0] - turn[0]) + (before[1] - turn[1]) * (after[1] - turn[1])
        return _side(before, turn, after) == 0 and dot > 0
    sides = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(side == 0 and _is_between(*end) for side, end in zip(sides, ends, strict=True))


def _side(start: Position, end: Position, point: Position) -> int:
    """On which side of a line a point lies: 1, -1, or 0 on the line."""
    area = (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
    return (area > 1e-14) - (area < -1e-14)


def _is_between(start: Position, end: Position, point: Position) -> bool:
    return all(min(start[axis], end[axis]) <= point[axis] <= max(start[axis], end[axis]) for axis in (0, 1))


async def points(tx: Tx, addresses: Iterable[Any]) -> list[Point]:
    """The places of addresses; those of unknown postal codes are left out. Each postal code is looked up once."""
    codes: dict[str, Point | None] = {}
    found = []
    for one in addresses:
        if one.latitude is not None and one.longitude is not None:
            found.append(Point(one.latitude, one.longitude))
            continue
        if one.postal_code not in codes:
            codes[one.postal_code] = await queries.point_of(tx, one)
        place = codes[one.postal_code]
        if place is not None:
            found.append(place)
    return found
