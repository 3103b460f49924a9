"""Locations of postal codes: every valid Canadian form, and known and unknown US codes."""

from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from handcart.stores import postal
from handcart.stores.models import PostalArea
from handcart.stores.wire import PostalCode
from tests.support.server import LiveServer

DISTRICTS, LETTERS = "ABCEGHJKLMNPRSTVXY", "ABCEGHJKLMNPRSTVWXYZ"


def locate(server: LiveServer, code: str) -> PostalArea | None:
    found: PostalArea | None = server.read(postal.locate, code)
    return found


def is_in_north_america(place: PostalArea) -> bool:
    ZoneInfo(place.time_zone)
    return 17 < place.point.latitude < 72 and -180 < place.point.longitude < -52


def test_canadian_code_is_valid_then_it_lies_in_canada(server: LiveServer) -> None:
    async def all_of_them(tx: Any) -> list[PostalArea | None]:
        beginnings = ("".join(three) for three in product(DISTRICTS, "0123456789", LETTERS))
        return [await postal.locate(tx, f"{beginning}1A1") for beginning in beginnings]

    places = server.read(all_of_them)
    assert len(places) == 3600
    for place in places:
        assert place is not None
        assert is_in_north_america(place)
        assert place.point.latitude > 41.9


def test_canadian_code_is_valid_then_the_wire_takes_it() -> None:
    for district, letter in product(DISTRICTS, LETTERS):
        for code in (f"{district}1{letter} 9{letter}0", f"{district}0{letter}0{letter}9".lower()):
            assert msgspec.convert(code, PostalCode) == code


@pytest.mark.parametrize("code", ["D1A1A1", "W1A1A1", "Z1A1A1", "A1D1A1", "A1A1O1", "A11A1A", "A1A 1A", "A1A1A1A"])
def test_canadian_code_impossible_then_refused(code: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(code, PostalCode)


@pytest.mark.parametrize(
    ("code", "city", "zone"),
    [
        ("K1A 0B1", "Ottawa", "America/Toronto"),
        ("V6B1A1", "Vancouver", "America/Vancouver"),
        ("T2P-2M5", "Calgary", "America/Edmonton"),
        ("P9N1A1", "Kenora", "America/Winnipeg"),
        ("P7A1A1", "Thunder Bay", "America/Toronto"),
        ("X0A0H0", "Iqaluit", "America/Iqaluit"),
        ("A1C5M3", "St. John's", "America/St_Johns"),
        ("94105", "San Francisco", "America/Los_Angeles"),
        ("85001", "Phoenix", "America/Phoenix"),
        ("99501-1234", "Anchorage", "America/Anchorage"),
        ("00901", "San Juan", "America/Puerto_Rico"),
    ],
)
def test_code_is_known_then_its_city_and_time_zone_are_right(
    server: LiveServer, code: str, city: str, zone: str
) -> None:
    place = locate(server, code)
    assert place is not None
    assert (place.city, place.time_zone) == (city, zone)


def test_us_codes_are_drawn_then_each_lies_where_its_neighbours_do(server: LiveServer) -> None:
    codes = [row["postal_code"] for row in server.sql("SELECT postal_code FROM postal_codes ORDER BY postal_code")]
    assert len(codes) > 40_000
    for code in Random(7).sample([code for code in codes if not code.startswith("969")], 1000):
        place = locate(server, code)
        assert place is not None
        assert is_in_north_america(place) or place.region in ("HI", "AK", "AS")
    zones = server.sql("SELECT DISTINCT time_zone FROM postal_codes")
    assert all(ZoneInfo(row["time_zone"]) for row in zones)


def test_us_code_is_unknown_then_its_first_three_digits_decide(server: LiveServer) -> None:
    assert server.sql("SELECT 1 AS known FROM postal_codes WHERE postal_code = $1", "60600") == []
    place = locate(server, "60600")
    assert place is not None
    assert place.point.latitude == pytest.approx(41.84, abs=0.1)
    assert place.time_zone == "America/Chicago"
    assert locate(server, "00000") is None
    assert locate(server, "09001") is None
