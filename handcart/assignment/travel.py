"""Travel between places: the great circle, longer by a factor for roads, at one average speed.

Short ways have more detours than long ones, so the factor falls with the length of the great circle.
"""

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt

from handcart.stores.distance import EARTH_KILOMETRES
from handcart.stores.models import Point

# Upper ends of lengths in metres, with the factor from the great circle to the road.
FACTORS = ((2_000.0, 1.45), (15_000.0, 1.3), (float("inf"), 1.22))
# Time to leave one stop and to park at another, in seconds.
STOP_SECONDS = 120

Matrix = list[list[int]]


def matrix(points: Sequence[Point | None], kmh: int) -> tuple[Matrix, Matrix]:
    """Seconds and metres from each place to each other one. None: an unknown place, which is beside all others."""
    vectors = [None if one is None else _vector(one) for one in points]
    metres = [[0 if a is None or b is None else _metres(a, b) for b in vectors] for a in vectors]
    pace = 3.6 / kmh
    seconds = [[round(length * pace) + STOP_SECONDS if length else 0 for length in row] for row in metres]
    return seconds, metres


def metres(start: Point, end: Point) -> int:
    """The length of the road from one place to another."""
    return _metres(_vector(start), _vector(end))


def _vector(point: Point) -> tuple[float, float, float]:
    latitude, longitude = radians(point.latitude), radians(point.longitude)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _metres(a: tuple[float, float, float], b: tuple[float, float, float]) -> int:
    chord = sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)
    length = 2_000 * EARTH_KILOMETRES * asin(min(1.0, chord / 2))
    return round(length * next(factor for most, factor in FACTORS if length < most))
