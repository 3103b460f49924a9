"""Shifts: when and where a shopper is planned to work, and when they did."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.shoppers import queries
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.models import Person
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import queries as stores

# The longest shift, and the most that a shopper works in seven days in a row that begin with a shift.
MOST_HOURS = 14
MOST_WEEK_HOURS = 60
MOST_AREA = 100
# Shifts of a list.
MOST_LISTED = 5_000
_WEEK = 7 * clock.DAY
_NAMES = (
    *("id", "person_id", "starts_at", "ends_at", "break_starts_at", "break_ends_at", "retailer_id", "store_number"),
    *("area", "started_at", "ended_at"),
)
_ALL = f"SELECT {', '.join(_NAMES)} FROM shifts"  # noqa: S608 (the names above)
_SENTENCES = {
    "times": "a shift begins before it ends",
    "too_long": f"a shift has at most {MOST_HOURS} hours",
    "break": "a break begins and ends within its shift",
    "actual": "the actual times begin before they end",
    "overlap": "the shopper has another shift at that time",
    "too_many_hours": f"a shopper works at most {MOST_WEEK_HOURS} hours in seven days",
    "area": f"the name of an area has at most {MOST_AREA} characters",
    "store": "there is no such store",
    "shopper": "the shopper is closed",
    "shift": "the shift was removed in the meantime",
}


class Shift(Struct, frozen=True, kw_only=True):
    """A shift, in microseconds. `retailer_id` and `store_number`: its store; None: no store. `area`: a name, or empty.

    `started_at` and `ended_at`: when the shopper really worked; None: unknown.
    """

    person_id: int
    starts_at: int
    ends_at: int
    break_starts_at: int | None = None
    break_ends_at: int | None = None
    retailer_id: int | None = None
    store_number: int | None = None
    area: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    id: int = 0

    @property
    def worked(self) -> int:
        """The planned time without the break."""
        rest = (self.break_ends_at or 0) - (self.break_starts_at or 0)
        return self.ends_at - self.starts_at - rest


class Copied(Struct, frozen=True):
    """How many shifts of a week were copied, and how many were not because they cannot be there."""

    copied: int
    left_out: int


async def add(tx: Tx, actor: Actor, shift: Shift) -> Shift:
    """Plan a shift of an open shopper. Raises `ShopperRefused`."""
    roles.require(actor, "change_shifts")
    made = await _insert(tx, shift)
    await audit.record(tx, actor, "add_shift", f"shopper/{made.person_id}", detail=_detail(made))
    return made


async def change(tx: Tx, actor: Actor, shift: Shift) -> Shift:
    """Change times, place and actual times of a shift. Raises `ShopperRefused`."""
    roles.require(actor, "change_shifts")
    before = await require(tx, shift.id)
    await _check(tx, shift)
    values = structs.asdict(shift)
    sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(_NAMES[1:], 2))
    await tx.run(f"UPDATE shifts SET {sets} WHERE id = $1", *(values[name] for name in _NAMES))  # noqa: S608
    detail = {"before": _detail(before), "after": _detail(shift)}
    await audit.record(tx, actor, "change_shift", f"shopper/{shift.person_id}", detail=detail)
    return shift


async def remove(tx: Tx, actor: Actor, shift_id: int) -> None:
    """Remove a shift. Raises `ShopperRefused`."""
    roles.require(actor, "change_shifts")
    before = await require(tx, shift_id)
    await tx.run("DELETE FROM shifts WHERE id = $1", shift_id)
    await audit.record(tx, actor, "remove_shift", f"shopper/{before.person_id}", detail=_detail(before))


async def copy_week(tx: Tx, actor: Actor, monday: date, time_zone: str) -> Copied:
    """Plan the shifts of the week before once more in the week of `monday`, at the same hours of the clock.

    What cannot be there is left out: shifts that overlap others, and those of shoppers who are closed.
    """
    roles.require(actor, "change_shifts")
    since, until = week(monday - timedelta(days=7), time_zone)
    copied = left_out = 0
    for one in await between(tx, since, until):
        moved = {
            name: None if at is None else _week_later(at, time_zone)
            for name in ("starts_at", "ends_at", "break_starts_at", "break_ends_at")
            for at in [getattr(one, name)]
        }
        try:
            await _insert(tx, structs.replace(one, **moved, started_at=None, ended_at=None))
            copied += 1
        except ShopperRefused:
            left_out += 1
    if copied:
        detail = {"week": monday.isoformat(), "copied": copied, "left_out": left_out}
        await audit.record(tx, actor, "copy_shifts", "shifts", detail=detail)
    return Copied(copied, left_out)


async def forget_later(tx: Tx, person_id: int, now: int) -> None:
    """Remove the shifts of a shopper that have not begun."""
    await tx.run("DELETE FROM shifts WHERE person_id = $1 AND starts_at > $2", person_id, now)


async def find(tx: Tx, shift_id: int) -> Shift | None:
    """A shift by its id."""
    row = await tx.one(f"{_ALL} WHERE id = $1", shift_id)
    return None if row is None else _read(row)


async def require(tx: Tx, shift_id: int) -> Shift:
    """A shift by its id, locked; raises `ShopperRefused` if there is none."""
    row = await tx.one(f"{_ALL} WHERE id = $1 FOR UPDATE", shift_id)
    if row is None:
        raise refusal("shift")
    return _read(row)


async def between(tx: Tx, since: int, until: int) -> Sequence[Shift]:
    """The shifts that begin in a span of time, by their beginning."""
    rows = await tx.all(
        f"{_ALL} WHERE starts_at >= $1 AND starts_at < $2 ORDER BY starts_at, id LIMIT $3", since, until, MOST_LISTED
    )
    return [_read(row) for row in rows]


async def during(tx: Tx, since: int, until: int) -> Sequence[Shift]:
    """The shifts that lie in a span of time, wholly or in part, by their beginning."""
    rows = await tx.all(
        f"{_ALL} WHERE starts_at > $1 AND starts_at < $2 AND ends_at > $3 ORDER BY starts_at, id LIMIT $4",
        *(since - MOST_HOURS * clock.HOUR - 1, until, since, MOST_LISTED),
    )
    return [_read(row) for row in rows]


async def upcoming(tx: Tx, person_id: int, now: int, most: int) -> Sequence[Shift]:
    """The shifts of a shopper that have not ended, the next one first."""
    rows = await tx.all(
        f"{_ALL} WHERE person_id = $1 AND starts_at > $2 AND ends_at > $3 ORDER BY starts_at LIMIT $4",
        *(person_id, now - MOST_HOURS * clock.HOUR - 1, now, most),
    )
    return [_read(row) for row in rows]


def moment(day: date, hour: str, time_zone: str) -> int:
    """A time of a day's clock, such as 09:30, in microseconds; 24:00 is the end of the day.

    A time that the clocks skip is as long after the change as it says; one that comes twice is the first.
    Raises `ValueError`.
    """
    if hour == "24:00":
        day, hour = day + timedelta(days=1), "00:00"
    if len(hour) != 5:
        raise ValueError(hour)
    local = datetime.combine(day, time.fromisoformat(hour), ZoneInfo(time_zone))
    return int(local.timestamp()) * clock.SECOND


def week(monday: date, time_zone: str) -> tuple[int, int]:
    """The beginning and the end of a week, which has 167 or 169 hours when clocks change."""
    return moment(monday, "00:00", time_zone), moment(monday + timedelta(days=7), "00:00", time_zone)


def refusal(reason: str) -> ShopperRefused:
    """The refusal of a rule of this module."""
    return ShopperRefused(reason, _SENTENCES[reason])


async def _insert(tx: Tx, shift: Shift) -> Shift:
    made = structs.replace(shift, id=ids.new_id())
    await _check(tx, made)
    values = structs.asdict(made)
    places = ", ".join(f"${place}" for place in range(1, len(_NAMES) + 1))
    await tx.run(
        f"INSERT INTO shifts ({', '.join(_NAMES)}) VALUES ({places})",  # noqa: S608 (the names above)
        *(values[name] for name in _NAMES),
    )
    return made


async def _check(tx: Tx, shift: Shift) -> None:
    """Raise `ShopperRefused` unless a shift can be. Locks its shopper, so that no two changes overlap unseen."""
    if shift.ends_at <= shift.starts_at:
        raise refusal("times")
    if shift.ends_at - shift.starts_at > MOST_HOURS * clock.HOUR:
        raise refusal("too_long")
    begin, end = shift.break_starts_at, shift.break_ends_at
    if (begin is None) != (end is None):
        raise refusal("break")
    if begin is not None and end is not None and not shift.starts_at <= begin < end <= shift.ends_at:
        raise refusal("break")
    if shift.started_at is not None and shift.ended_at is not None and shift.ended_at <= shift.started_at:
        raise refusal("actual")
    if len(shift.area) > MOST_AREA or not shift.area.isprintable():
        raise refusal("area")
    if shift.retailer_id is not None and (
        await stores.store_by_number(tx, shift.retailer_id, shift.store_number or 0) is None
    ):
        raise refusal("store")
    person: Person | None = await queries.person(tx, shift.person_id)
    if person is None or person.closed_at is not None:
        raise refusal("shopper")
    await tx.one("SELECT id FROM shoppers WHERE id = $1 FOR UPDATE", shift.person_id)
    await _check_others(tx, shift)


async def _check_others(tx: Tx, shift: Shift) -> None:
    rows = await tx.all(
        f"{_ALL} WHERE person_id = $1 AND starts_at > $2 AND starts_at < $3 AND id <> $4 ORDER BY starts_at",
        *(shift.person_id, shift.starts_at - _WEEK - clock.DAY, shift.ends_at + _WEEK, shift.id),
    )
    others = [_read(row) for row in rows]
    if any(one.starts_at < shift.ends_at and shift.starts_at < one.ends_at for one in others):
        raise refusal("overlap")
    every = sorted([*others, shift], key=lambda one: one.starts_at)
    for first in every:
        days = [one for one in every if first.starts_at <= one.starts_at < first.starts_at + _WEEK]
        if shift in days and sum(one.worked for one in days) > MOST_WEEK_HOURS * clock.HOUR:
            raise refusal("too_many_hours")


def _week_later(at: int, time_zone: str) -> int:
    local = datetime.fromtimestamp(at // clock.SECOND, ZoneInfo(time_zone))
    later = (local.replace(tzinfo=None) + timedelta(days=7)).replace(tzinfo=ZoneInfo(time_zone))
    return int(later.timestamp()) * clock.SECOND


def _detail(shift: Shift) -> dict[str, Any]:
    times = ("starts_at", "ends_at", "break_starts_at", "break_ends_at", "started_at", "ended_at")
    shown = {name: clock.to_wire(getattr(shift, name)) for name in times if getattr(shift, name) is not None}
    return {"shift": str(shift.id), **shown}


def _read(row: Any) -> Shift:
    return Shift(**dict(row))
