"""Slots as days and hours."""

from datetime import date

import msgspec
from handcart_client import ServiceOption

from storefront.grid import grid_of, reason_of
from tests.storefront.platform import slot


def options(*slots):
    return [msgspec.convert(one, ServiceOption) for one in slots]


def ids(table):
    return [[option and option.id for option in row] for row in table.rows]


def test_slots_listed_then_a_grid_of_days_and_hours_with_gaps():
    grid = grid_of(
        options(
            slot(1, "2027-01-15T06:00:00-06:00", "2027-01-15T08:00:00-06:00"),
            slot(2, "2027-01-15T18:00:00-06:00", "2027-01-15T20:00:00-06:00", "no_capacity"),
            slot(3, "2027-01-16T09:00:00-06:00", "2027-01-16T11:00:00-06:00"),
            slot(4, "2027-01-16T18:00:00-06:00", "2027-01-16T20:00:00-06:00"),
            slot(5, "2027-01-15T10:05:00-06:00", "2027-01-15T12:00:00-06:00", "no_capacity", window_type="eta"),
        )
    )
    assert ids(grid.by_day) == [[None, 3], [2, 4]]
    assert ids(grid.by_night) == [[1]]
    assert grid.by_night.days == [date(2027, 1, 15)]
    assert grid.days == [date(2027, 1, 15), date(2027, 1, 16)]
    assert grid.day == date(2027, 1, 16), "the first with room by day"
    assert (grid.soon, grid.has_room) == ([], True)


def test_hour_comes_twice_then_it_has_two_rows():
    grid = grid_of(
        options(
            slot(1, "2027-11-07T01:00:00-05:00", "2027-11-07T02:00:00-06:00"),
            slot(2, "2027-11-07T01:00:00-06:00", "2027-11-07T03:00:00-06:00"),
        )
    )
    assert ids(grid.by_night) == [[1], [2]]


def test_day_asked_for_then_shown_if_it_exists():
    some = options(slot(1, "2027-01-15T09:00:00-06:00", "2027-01-15T11:00:00-06:00"))
    assert grid_of(some, "2027-01-15").day == grid_of(some, "<b>").day == date(2027, 1, 15)
    assert grid_of([]).day is None
    assert not grid_of([]).has_room


def test_reason_of_a_newer_server_then_still_a_sentence():
    known, unknown = options(
        slot(1, "2027-01-15T09:00:00-06:00", "2027-01-15T11:00:00-06:00", "new", "no_capacity"),
        slot(2, "2027-01-15T09:00:00-06:00", "2027-01-15T11:00:00-06:00", "new"),
    )
    assert reason_of(known)[0] == "Full"
    assert reason_of(unknown)[0] == "Not available"
