"""The distance model and polygons."""

from math import asin, atan2, cos, degrees, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handcart.stores import distance
from handcart.stores.models import Point

NEW_YORK, LOS_ANGELES = Point(40.7128, -74.0060), Point(34.0522, -118.2437)
points = st.builds(Point, st.floats(-85, 85), st.floats(-170, 170))


def test_two_cities_are_known_then_the_distance_is_the_printed_one() -> None:
    assert distance.kilometres(NEW_YORK, LOS_ANGELES) == pytest.approx(3936, abs=2)
    assert distance.minutes(NEW_YORK, LOS_ANGELES) == pytest.approx(3936 * 1.3 * 1.5, abs=5)


@given(points, points)
def test_two_places_are_measured_then_both_ways_are_equal_and_bounded(start: Point, end: Point) -> None:
    there = distance.kilometres(start, end)
    assert there == pytest.approx(distance.kilometres(end, start))
    assert 0 <= there <= 20_016
    assert distance.kilometres(start, start) == 0


@given(points, st.floats(0, 360), st.floats(0, 1))
def test_place_is_within_an_hour_then_the_reach_holds_it(store: Point, turn: float, share: float) -> None:
    """The box that the database is asked by never leaves out what the exact model takes in."""
    place = moved(store, turn, share * distance.FAR_KILOMETRES)
    south, north, west, east = distance.reach(store, None)
    assert distance.minutes(store, place) <= 60.001
    assert south <= place.latitude <= north
    assert west <= place.longitude <= east


def moved(start: Point, turn: float, kilometres: float) -> Point:
    """The end of a great circle's arc."""
    angle, bearing = kilometres / distance.EARTH_KILOMETRES, radians(turn)
    latitude, longitude = radians(start.latitude), radians(start.longitude)
    end = asin(sin(latitude) * cos(angle) + cos(latitude) * sin(angle) * cos(bearing))
    east = atan2(sin(bearing) * sin(angle) * cos(latitude), cos(angle) - sin(latitude) * sin(end))
    return Point(degrees(end), degrees(longitude + east))


RING = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]
ARROW = [[0, 0], [10, 5], [0, 10], [5, 5], [0, 0]]


@pytest.mark.parametrize(
    ("rings", "latitude", "longitude", "is_inside"),
    [
        ([RING], 5, 5, True),
        ([RING], 5, 11, False),
        ([RING], -1, 5, False),
        ([RING[::-1]], 5, 5, True),
        ([RING, HOLE], 5, 5, False),
        ([RING, HOLE], 5, 3, True),
        ([RING, HOLE], 5, 7, True),
        ([ARROW], 5, 7, True),
        ([ARROW], 5, 3, False),
        ([ARROW], 2, 3, True),
    ],
)
def test_polygon_is_asked_then_outline_and_holes_decide(
    rings: list[list[list[float]]], latitude: float, longitude: float, is_inside: bool
) -> None:
    polygon = {"type": "Polygon", "coordinates": rings}
    assert distance.contains(polygon, Point(latitude, longitude)) is is_inside


def test_polygon_leaves_the_hour_then_the_reach_holds_both() -> None:
    south, north, west, east = distance.reach(Point(5, 5), {"type": "Polygon", "coordinates": [RING]})
    assert (south, north, west, east) == (0, 10, 0, 10)
    south, north, west, east = distance.reach(Point(50, 5), {"type": "Polygon", "coordinates": [RING]})
    assert (south, west, east) == (0, 0, 10)
    assert north == pytest.approx(50.277, abs=0.001)


@given(points)
def test_postal_code_is_a_circle_then_its_rim_is_three_kilometres_away(middle: Point) -> None:
    centre, *rim = distance.around(middle)
    assert centre == middle
    assert len(rim) == 8
    for place in rim:
        assert distance.kilometres(middle, place) == pytest.approx(3, rel=0.02)


def test_area_with_several_polygons_then_each_counts_and_so_does_its_reach() -> None:
    far = [[[5, 5], [9, 5], [9, 9], [5, 9], [5, 5]], [[6, 6], [7, 6], [7, 7], [6, 7], [6, 6]]]
    area = {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]], far]}
    inside = [distance.contains(area, Point(*place)) for place in ((0.2, 0.8), (8, 8), (6.5, 6.5), (3, 3))]
    assert inside == [True, True, False, False]
    south, north, west, east = distance.reach(Point(0, 0), area)
    assert north >= 9 <= east
    assert south < 0 > west
