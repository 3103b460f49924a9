"""Areas that people write or draw: what is read, and what is refused."""

import msgspec
import pytest

from handcart.stores import areas
from handcart.stores.models import Point
from tests.support.stores import store

HERE = store("here")
SQUARE = "41.8, -87.7\n41.9, -87.7\n41.9, -87.6\n41.8, -87.6"
REFUSED = {
    "words": ("around the corner", "shape"),
    "two points": ("41.8, -87.7\n41.9, -87.7", "shape"),
    "three equal points": ("41.8, -87.7\n41.8, -87.7\n41.8, -87.7", "shape"),
    "out of range": ("91, -87.7\n41.9, -87.7\n41.9, -87.6", "shape"),
    "not a number": ("nan, -87.7\n41.9, -87.7\n41.9, -87.6", "shape"),
    "a point of GeoJSON": ('{"type": "Point", "coordinates": [-87, 41]}', "shape"),
    "broken JSON": ("{", "shape"),
    "a bow tie": ("41.8, -87.7\n41.9, -87.6\n41.9, -87.7\n41.8, -87.6", "crosses"),
    "a border that turns back": ("41.8, -87.7\n41.9, -87.7\n41.85, -87.7\n41.8, -87.6", "crosses"),
    "a border that touches itself": ("41.8,-87.7\n41.9,-87.7\n41.9,-87.6\n41.8,-87.65\n41.9,-87.65", "crosses"),
    "longitude first": ("-87.7, 41.8\n-87.7, 41.9\n-87.6, 41.9", "far"),
    "another city": ("45.5, -73.6\n45.6, -73.6\n45.6, -73.5", "far"),
    "too many points": ("\n".join(f"41.{number:04}, -87.7" for number in range(201)), "points"),
    "too long": (" " * 40_000, "points"),
}


def test_lines_or_geojson_then_the_same_area() -> None:
    area = areas.of_text(SQUARE, HERE)
    assert area is not None
    assert area["coordinates"][0][0] == [-87.7, 41.8]
    assert areas.of_text(msgspec.json.encode(area).decode(), HERE) == area
    assert areas.of_text(SQUARE.replace(", ", ";") + "\n\n41.8;-87.7", HERE) == area
    assert areas.of_text(areas.to_text(area), HERE) == area
    assert areas.of_text("  \n", HERE) is None


def test_area_that_cannot_be_then_its_reason() -> None:
    wrong = {}
    for name, (text, reason) in REFUSED.items():
        try:
            areas.of_text(text, HERE)
            wrong[name] = "accepted"
        except areas.AreaRefused as refused:
            if refused.reason != reason:
                wrong[name] = refused.reason
    assert not wrong


def test_area_at_the_date_line_then_refused() -> None:
    with pytest.raises(areas.AreaRefused, match="date line"):
        areas.of_text("52, 179.9\n53, 179.9\n53, -179.9", store("atka", point=Point(52.2, -174.2)))


def test_hole_or_second_part_then_accepted_unless_it_crosses() -> None:
    outline = [[-87.7, 41.8], [-87.6, 41.8], [-87.6, 41.9], [-87.7, 41.9], [-87.7, 41.8]]
    hole = [[-87.66, 41.84], [-87.64, 41.84], [-87.64, 41.86], [-87.66, 41.84]]
    across = [[-87.66, 41.84], [-87.5, 41.84], [-87.64, 41.86], [-87.66, 41.84]]

    def read(*rings: object) -> object:
        return areas.of_text(msgspec.json.encode({"type": "Polygon", "coordinates": rings}).decode(), HERE)

    assert read(outline, hole)
    with pytest.raises(areas.AreaRefused, match="crosses"):
        read(outline, across)
    two = {"type": "MultiPolygon", "coordinates": [[outline], [[[x - 1, y] for x, y in outline]]]}
    assert areas.to_text(areas.of_text(msgspec.json.encode(two).decode(), HERE)).startswith("{")


def test_orders_outside_of_an_area_then_counted() -> None:
    inside, outside = Point(41.85, -87.65), Point(41.95, -87.65)
    assert areas.outside(HERE, areas.of_text(SQUARE, HERE), [inside, outside, outside]) == 2
    assert areas.outside(HERE, None, [inside, outside]) == 0
