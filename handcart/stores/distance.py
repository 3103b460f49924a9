"""The distance from a store to a place, and whether the store serves it.

The model: roads are ROAD_FACTOR times as long as the great circle and are driven at KILOMETRES_PER_MINUTE, so that
30 minutes are 15.4 km as the crow flies. If a store has a polygon, it replaces the 30 minutes. The numbers 30 and 60:
https://docs.instacart.com/connect/api/fulfillment/delivery/find_stores
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Any

from handcart.stores.models import PICKUP, Point, Store

EARTH_KILOMETRES = 6371.0
KILOMETRES_PER_DEGREE = 111.19  # of latitude; rounded down, so that no box is too small
ROAD_FACTOR = 1.3
KILOMETRES_PER_MINUTE = 40 / 60
NEAR_MINUTES = 30
FAR_MINUTES = 60
FAR_KILOMETRES = FAR_MINUTES * KILOMETRES_PER_MINUTE / ROAD_FACTOR

# A postal code without an address is a circle of this radius around the center of its area.
POSTAL_KILOMETRES = 3.0


def kilometres(start: Point, end: Point) -> float:
    """The distance along the great circle."""
    south, north = radians(start.latitude), radians(end.latitude)
    half_turn = sin((north - south) / 2) ** 2
    half_turn += cos(south) * cos(north) * sin(radians(end.longitude - start.longitude) / 2) ** 2
    return 2 * EARTH_KILOMETRES * asin(min(1.0, sqrt(half_turn)))


def minutes(start: Point, end: Point) -> float:
    """The driving time by road."""
    return kilometres(start, end) * ROAD_FACTOR / KILOMETRES_PER_MINUTE


def is_near(store: Store, point: Point) -> bool:
    """Whether a place is in a store's normal area: its polygon, or else 30 minutes."""
    if store.service_area is not None:
        return contains(store.service_area, point)
    return minutes(store.point, point) <= NEAR_MINUTES


def is_far(store: Store, point: Point) -> bool:
    """Whether a store delivers at long distance and the place is 30 to 60 minutes away (inclusive)."""
    return store.delivers_long_distance and NEAR_MINUTES <= minutes(store.point, point) <= FAR_MINUTES


def serves(store: Store, kind: str, point: Point) -> bool:
    """Whether a store serves a place with orders of this kind. For pickup, customers drive up to an hour."""
    if kind == PICKUP:
        return minutes(store.point, point) <= FAR_MINUTES
    return is_near(store, point) or is_far(store, point)


def contains(area: Mapping[str, Any], point: Point) -> bool:
    """Whether a GeoJSON Polygon or MultiPolygon contains a point (RFC 7946, 3.1.6 and 3.1.7)."""
    return any(_holds(rings, point) for rings in polygons(area))


def reach(point: Point, area: Mapping[str, Any] | None) -> tuple[float, float, float, float]:
    """South, north, west and east bounds of everything that a store could serve, in degrees."""
    latitude = FAR_KILOMETRES / KILOMETRES_PER_DEGREE
    longitude = latitude / max(0.01, cos(radians(abs(point.latitude) + latitude)))
    corners = [(point.longitude - longitude, point.latitude - latitude)]
    corners += [(point.longitude + longitude, point.latitude + latitude)]
    for rings in [] if area is None else polygons(area):
        corners += [(position[0], position[1]) for position in rings[0]]
    longitudes, latitudes = zip(*corners, strict=True)
    return min(latitudes), max(latitudes), min(longitudes), max(longitudes)


def polygons(area: Mapping[str, Any]) -> Sequence[Any]:
    """The rings of each polygon: the outline, then the holes."""
    return area["coordinates"] if area["type"] == "MultiPolygon" else [area["coordinates"]]


def _holds(rings: Sequence[Any], point: Point) -> bool:
    outline, *holes = rings
    return _is_inside(outline, point) and not any(_is_inside(hole, point) for hole in holes)


def around(point: Point) -> Sequence[Point]:
    """A point and eight points on the circle of its postal code (`POSTAL_KILOMETRES`)."""
    latitude = POSTAL_KILOMETRES / KILOMETRES_PER_DEGREE
    longitude = latitude / max(0.01, cos(radians(point.latitude)))
    rim = [(cos(radians(turn)), sin(radians(turn))) for turn in range(0, 360, 45)]
    return (
        point,
        *(Point(point.latitude + north * latitude, point.longitude + east * longitude) for north, east in rim),
    )


def _is_inside(ring: Sequence[Sequence[float]], point: Point) -> bool:
    """Whether a line from the point to the east crosses the ring an odd number of times."""
    inside = False
    for start, end in pairwise(ring):
        if (start[1] > point.latitude) != (end[1] > point.latitude):
            share = (point.latitude - start[1]) / (end[1] - start[1])
            inside ^= point.longitude < start[0] + share * (end[0] - start[0])
    return inside
