"""Windows in the store's time zone: no hour is lost or doubled when clocks change."""

from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handcart.core import clock
from handcart.slots import windows
from handcart.slots.windows import Start

CHICAGO, ST_JOHNS, REGINA = "America/Chicago", "America/St_Johns", "America/Regina"
ZONES = (CHICAGO, ST_JOHNS, REGINA, "America/Phoenix", "Pacific/Honolulu", "America/Halifax", "America/Anchorage")


def at(text: str) -> int:
    """Microseconds of a time with its offset."""
    return int(datetime.fromisoformat(text).timestamp()) * clock.SECOND


def hours(time_zone: str, since: str, until: str) -> list[str]:
    found = windows.starts(time_zone, at(since), at(until))
    return [windows.to_wire(time_zone, start.at).removesuffix(":00").replace(":00.000", "")[5:] for start in found]


def test_hour_is_skipped_in_spring_then_the_night_has_one_window_less() -> None:
    assert hours(CHICAGO, "2027-03-13T23:00-06:00", "2027-03-14T05:00-05:00") == [
        "03-13T23:00-06",
        "03-14T00:00-06",
        "03-14T01:00-06",
        "03-14T03:00-05",
        "03-14T04:00-05",
    ]
    assert hours(ST_JOHNS, "2027-03-14T01:00-03:30", "2027-03-14T04:00-02:30") == [
        "03-14T01:00-03:30",
        "03-14T03:00-02:30",
    ]


def test_hour_comes_twice_in_autumn_then_both_have_a_window() -> None:
    assert hours(CHICAGO, "2027-11-07T00:00-05:00", "2027-11-07T04:00-06:00") == [
        "11-07T00:00-05",
        "11-07T01:00-05",
        "11-07T01:00-06",
        "11-07T02:00-06",
        "11-07T03:00-06",
    ]
    assert hours(ST_JOHNS, "2027-11-07T01:00-02:30", "2027-11-07T02:30-03:30") == [
        "11-07T01:00-02:30",
        "11-07T01:00-03:30",
        "11-07T02:00-03:30",
    ]
    assert hours(REGINA, "2027-11-07T00:00-06:00", "2027-11-07T03:00-06:00") == [
        "11-07T00:00-06",
        "11-07T01:00-06",
        "11-07T02:00-06",
    ]


@pytest.mark.parametrize("time_zone", ZONES)
def test_year_listed_then_each_hour_comes_once_with_its_local_time(time_zone: str) -> None:
    since = at("2027-01-01T12:00+00:00")
    found = windows.starts(time_zone, since, since + 365 * clock.DAY)
    assert {later.at - former.at for former, later in pairwise(found)} == {clock.HOUR}
    assert len(found) == 365 * 24
    assert 0 <= found[0].at - since < clock.HOUR
    for start in found:
        wall = datetime.fromtimestamp(start.at // clock.SECOND, ZoneInfo(time_zone))
        assert (wall.minute, wall.second) == (0, 0)
        assert start == Start(start.at, wall.date().isoformat(), wall.weekday(), wall.hour)
        assert windows.to_wire(time_zone, start.at) == wall.isoformat(timespec="milliseconds")
        assert at(windows.to_wire(time_zone, start.at)) == start.at


@given(st.sampled_from(ZONES), st.integers(at("2026-01-01T00:00Z"), clock.MOST - 1))
@example(ST_JOHNS, at("2027-11-07T01:59:59-02:30"))
@example(CHICAGO, at("2027-11-07T02:00-06:00") - 1)
@example(CHICAGO, at("2099-12-31T23:00-06:00") - 1)
def test_any_moment_then_its_hour_contains_it(time_zone: str, moment: int) -> None:
    start = windows.start_of(time_zone, moment)
    assert 0 <= moment - start.at < clock.HOUR
    assert windows.starts(time_zone, start.at, start.at + 1) == [start]


def test_empty_span_then_no_windows() -> None:
    moment = at("2027-06-10T10:00-05:00")
    assert [len(windows.starts(CHICAGO, moment + since, moment + until)) for since, until in ((0, 0), (0, 1))] == [0, 1]
    assert windows.starts(CHICAGO, moment + 1, moment + clock.HOUR) == []
    assert windows.starts(CHICAGO, moment, moment - clock.DAY) == []


@pytest.mark.parametrize(
    ("time_zone", "now", "days", "ends_at"),
    [
        (CHICAGO, "2027-06-10T00:00:00-05:00", 1, "2027-06-11T00:00-05:00"),
        (CHICAGO, "2027-06-10T23:59:59-05:00", 1, "2027-06-11T00:00-05:00"),
        (CHICAGO, "2027-06-11T04:59:59Z", 1, "2027-06-11T00:00-05:00"),
        (CHICAGO, "2027-06-11T05:00:00Z", 1, "2027-06-12T00:00-05:00"),
        (CHICAGO, "2027-03-13T12:00:00-06:00", 2, "2027-03-15T00:00-05:00"),
        (CHICAGO, "2027-11-06T12:00:00-05:00", 2, "2027-11-08T00:00-06:00"),
        (ST_JOHNS, "2027-12-31T12:00:00-03:30", 7, "2028-01-07T00:00-03:30"),
        (REGINA, "2027-03-13T12:00:00-06:00", 60, "2027-05-12T00:00-06:00"),
    ],
)
def test_days_of_the_horizon_then_the_last_ends_at_its_midnight(
    time_zone: str, now: str, days: int, ends_at: str
) -> None:
    assert windows.horizon(time_zone, at(now), days) == at(ends_at)


def week(**days: Any) -> list[Any]:
    """Opening hours in whole hours, by the first letters of the weekdays."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return [[[int(opens * 60), closes * 60] for opens, closes in days.get(name, [])] for name in names]


# 2027-06-10 is a Thursday; 2027-03-14 and 2027-11-07, on which the clocks change, are Sundays.
@pytest.mark.parametrize(
    ("opening_hours", "begin", "is_open"),
    [
        (None, "2027-06-10T03:00-05:00", True),
        (week(), "2027-06-10T12:00-05:00", False),
        (week(thu=[(8, 20)]), "2027-06-10T07:00-05:00", False),
        (week(thu=[(8, 20)]), "2027-06-10T08:00-05:00", True),
        (week(thu=[(8, 20)]), "2027-06-10T18:00-05:00", True),
        (week(thu=[(8, 20)]), "2027-06-10T19:00-05:00", False),
        (week(thu=[(8.5, 20)]), "2027-06-10T08:00-05:00", False),
        (week(thu=[(8, 12), (14, 20)]), "2027-06-10T11:00-05:00", False),
        (week(thu=[(8, 12), (14, 20)]), "2027-06-10T14:00-05:00", True),
        (week(thu=[(8, 12), (12, 20)]), "2027-06-10T11:00-05:00", True),
        (week(wed=[(8, 20)]), "2027-06-10T12:00-05:00", False),
        # over midnight
        (week(thu=[(8, 24)], fri=[(0, 2)]), "2027-06-10T22:00-05:00", True),
        (week(thu=[(8, 24)], fri=[(0, 2)]), "2027-06-10T23:00-05:00", True),
        (week(thu=[(8, 24)], fri=[(0, 2)]), "2027-06-11T00:00-05:00", True),
        (week(thu=[(8, 24)], fri=[(0, 2)]), "2027-06-11T01:00-05:00", False),
        (week(thu=[(8, 24)]), "2027-06-10T23:00-05:00", False),
        (week(sun=[(22, 24)], mon=[(0, 6)]), "2027-06-13T23:00-05:00", True),
        # 01:00 to 02:00 and 03:00 to 04:00 are the two hours after one another
        (week(sun=[(0, 3)]), "2027-03-14T01:00-06:00", False),
        (week(sun=[(0, 4)]), "2027-03-14T01:00-06:00", True),
        (week(sat=[(8, 24)], sun=[(0, 1)]), "2027-03-13T23:00-06:00", True),
        # and here 00:00 to 01:00 and 01:00 to 02:00, or 01:00 to 02:00 twice
        (week(sun=[(0, 2)]), "2027-11-07T01:00-05:00", True),
        (week(sun=[(0, 2)]), "2027-11-07T01:00-06:00", False),
        (week(sun=[(1, 3)]), "2027-11-07T01:00-06:00", True),
    ],
)
def test_store_keeps_hours_then_a_window_must_lie_in_them(opening_hours: Any, begin: str, is_open: bool) -> None:
    start = windows.start_of(CHICAGO, at(begin))
    assert windows.is_open(CHICAGO, opening_hours, start) is is_open
