"""A plan of places, drawn by the server, so that no map of a third party is needed. North is up."""

from collections.abc import Iterable, Mapping, Sequence
from math import cos, log10, radians

from msgspec import Struct

from handcart.stores.distance import KILOMETRES_PER_DEGREE
from handcart.stores.models import Point

WIDTH, HEIGHT = 320, 200
_MARGIN = 36
# Places that are nearer than this would be drawn as if they were far apart.
_LEAST_KILOMETRES = 0.4


class Frame(Struct, frozen=True):
    """The part of the world that a plan shows: its middle, and how many units of the plan a degree has."""

    middle: Point
    narrow: float
    per_degree: float
    width: int
    height: int

    def at(self, point: Point) -> tuple[float, float]:
        """Where a point is on the plan, in its units from the top left."""
        east = (point.longitude - self.middle.longitude) * self.narrow * self.per_degree
        north = (point.latitude - self.middle.latitude) * self.per_degree
        return round(self.width / 2 + east, 1), round(self.height / 2 - north, 1)

    def scale(self, unit_kilometres: float = 1.0) -> tuple[float, float]:
        """The kilometres of a round number of units, and the length of their line on the plan."""
        per_unit = self.per_degree / KILOMETRES_PER_DEGREE * unit_kilometres
        units = _round_number(self.width / 4 / per_unit)
        return units * unit_kilometres, round(units * per_unit, 1)


class Mark(Struct, frozen=True):
    """A place on the plan, in its units."""

    name: str
    x: float
    y: float


class Plan(Struct, frozen=True):
    """Places, and a scale: a line of `scale_length` units that is `scale_kilometres` long."""

    marks: Sequence[Mark]
    scale_kilometres: float
    scale_length: float


def frame(points: Iterable[Point], width: int = WIDTH, height: int = HEIGHT) -> Frame | None:
    """The frame in which all of these points are; None without any."""
    found = list(points)
    if not found:
        return None
    south, north = min(one.latitude for one in found), max(one.latitude for one in found)
    west, east = min(one.longitude for one in found), max(one.longitude for one in found)
    narrow = max(cos(radians((south + north) / 2)), 0.01)
    least = _LEAST_KILOMETRES / KILOMETRES_PER_DEGREE
    per_degree = min(
        (width - 2 * _MARGIN) / max((east - west) * narrow, least),
        (height - 2 * _MARGIN) / max(north - south, least),
    )
    return Frame(Point((south + north) / 2, (west + east) / 2), narrow, per_degree, width, height)


def draw(places: Mapping[str, Point], unit_kilometres: float = 1.0) -> Plan | None:
    """The plan of some places by name; None with fewer than two. The scale is a round number of units."""
    shown = frame(places.values())
    if shown is None or len(places) < 2:
        return None
    return Plan([Mark(name, *shown.at(point)) for name, point in places.items()], *shown.scale(unit_kilometres))


def _round_number(most: float) -> float:
    """The largest of 1, 2, 5, 10, 20 and so on, or their tenths, that is not over `most`."""
    power = 10.0 ** int(log10(most) // 1)
    return next(step * power for step in (5, 2, 1) if step * power <= most)
