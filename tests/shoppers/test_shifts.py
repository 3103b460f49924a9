"""Shifts: what is refused, weeks in which clocks change, and the copy of a week."""

from datetime import date
from typing import Any

import pytest

from handcart.core import clock
from handcart.shoppers import ops, shifts
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.shifts import Copied, Shift
from handcart.staff.models import SYSTEM
from tests.support.contents import nothing_written
from tests.support.server import LiveServer
from tests.support.shoppers import add_shift, add_shopper

ZONE = "America/Chicago"
HOUR = clock.HOUR


def at(text: str) -> int:
    return clock.from_wire(text, "time")


def hours(shift: Shift) -> tuple[str, str]:
    return clock.to_wire(shift.starts_at), clock.to_wire(shift.ends_at)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"ends_at": 100 * HOUR}, "times"),
        ({"ends_at": 114 * HOUR + 1}, "too_long"),
        ({"break_starts_at": 101 * HOUR}, "break"),
        ({"break_starts_at": 99 * HOUR, "break_ends_at": 101 * HOUR}, "break"),
        ({"break_starts_at": 102 * HOUR, "break_ends_at": 102 * HOUR}, "break"),
        ({"started_at": 2, "ended_at": 1}, "actual"),
        ({"area": "x" * 101}, "area"),
        ({"area": "a\nb"}, "area"),
        ({"retailer_id": 1, "store_number": 1}, "store"),
        ({"person_id": 1}, "shopper"),
    ],
)
def test_shift_cannot_be_then_refused_with_its_rule(server: LiveServer, change: dict[str, Any], rule: str) -> None:
    person_id = add_shopper(server).id
    values = {"person_id": person_id, "starts_at": 100 * HOUR, "ends_at": 108 * HOUR, **change}
    with nothing_written(server), pytest.raises(ShopperRefused) as refused:
        server.write(shifts.add, SYSTEM, Shift(**values))
    assert refused.value.reason == rule


@pytest.mark.parametrize(("begin", "is_free"), [(92, True), (93, False), (104, False), (107, False), (108, True)])
def test_other_shift_is_near_then_refused_only_if_they_overlap(server: LiveServer, begin: int, is_free: bool) -> None:
    person_id = add_shopper(server).id
    add_shift(server, person_id, starts_at=100 * HOUR)
    if is_free:
        add_shift(server, person_id, starts_at=begin * HOUR)
        return
    with pytest.raises(ShopperRefused) as refused:
        add_shift(server, person_id, starts_at=begin * HOUR)
    assert refused.value.reason == "overlap"


def test_seven_days_are_full_then_refused_until_one_is_removed(server: LiveServer) -> None:
    person_id = add_shopper(server).id
    made = [add_shift(server, person_id, starts_at=(100 + 24 * day) * HOUR, hours=12) for day in range(5)]
    with pytest.raises(ShopperRefused) as refused:
        add_shift(server, person_id, starts_at=(100 + 24 * 6) * HOUR, hours=1)
    assert refused.value.reason == "too_many_hours"
    add_shift(server, person_id, starts_at=(100 + 24 * 7) * HOUR, hours=12)
    with pytest.raises(ShopperRefused):
        server.write(shifts.add, SYSTEM, Shift(person_id=person_id, starts_at=99 * HOUR, ends_at=100 * HOUR))
    server.write(shifts.remove, SYSTEM, made[1].id)
    add_shift(server, person_id, starts_at=99 * HOUR, hours=1)


@pytest.mark.parametrize(
    ("monday", "before", "after"),
    [
        ("2027-03-08", "2027-03-07T09:00:00-06:00", "2027-03-14T09:00:00-05:00"),
        ("2027-11-01", "2027-10-31T09:00:00-05:00", "2027-11-07T09:00:00-06:00"),
    ],
)
def test_week_is_copied_over_a_change_of_clocks_then_same_hours(
    server: LiveServer, monday: str, before: str, after: str
) -> None:
    person_id = add_shopper(server).id
    first = add_shift(server, person_id, starts_at=at(before))
    copied: Copied = server.write(shifts.copy_week, SYSTEM, date.fromisoformat(monday), ZONE)
    assert copied.copied >= 1
    own = [one for one in server.read(shifts.between, at(after), at(after) + 1) if one.person_id == person_id]
    assert [one.starts_at for one in own] == [at(after)]
    again: Copied = server.write(shifts.copy_week, SYSTEM, date.fromisoformat(monday), ZONE)
    assert (again.copied, again.left_out) == (0, copied.copied + copied.left_out)
    server.write(shifts.remove, SYSTEM, first.id)
    server.write(shifts.remove, SYSTEM, own[0].id)


def test_clocks_change_then_a_week_and_its_days_have_their_hours() -> None:
    spans = [shifts.week(date.fromisoformat(day), ZONE) for day in ("2027-03-08", "2027-03-15", "2027-11-01")]
    assert [(until - since) // HOUR for since, until in spans] == [167, 168, 169]
    day = date(2027, 3, 14)
    assert shifts.moment(day, "24:00", ZONE) - shifts.moment(day, "00:00", ZONE) == 23 * HOUR
    assert clock.to_wire(shifts.moment(day, "02:30", ZONE)) == "2027-03-14T08:30:00Z"
    twice = date(2027, 11, 7)
    assert clock.to_wire(shifts.moment(twice, "01:30", ZONE)) == "2027-11-07T06:30:00Z"
    for text in ("9:00", "25:00", "09:00:00", "x"):
        with pytest.raises(ValueError, match=r"[0-9x]"):
            shifts.moment(day, text, ZONE)


def test_shopper_is_closed_then_later_shifts_are_gone(server: LiveServer) -> None:
    person_id = add_shopper(server).id
    past = add_shift(server, person_id, starts_at=HOUR)
    later = add_shift(server, person_id, starts_at=clock.now() + HOUR)
    assert [one.id for one in server.read(shifts.upcoming, person_id, clock.now(), 5)] == [later.id]
    server.write(ops.close, SYSTEM, person_id)
    assert server.read(shifts.find, past.id) == past
    assert server.read(shifts.find, later.id) is None
