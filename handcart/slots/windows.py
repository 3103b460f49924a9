"""Two-hour windows that start on each full hour of a store's time zone.

Hours are counted in absolute time, so a day of 23 or 25 hours has as many windows; each window lasts two real hours,
and shows its times with the UTC offset at that time.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from handcart.core import clock
from handcart.stores.models import OpeningHours

# UTC offsets are multiples of a quarter of an hour, so within one only the minutes of a local time change.
_QUARTER = 15 * clock.MINUTE


class Start(Struct, frozen=True):
    """A full hour, in the store's time zone, at which a window starts. `weekday` 0 is Monday."""

    at: int
    date: str
    weekday: int
    hour: int


def starts(time_zone: str, since: int, until: int) -> Sequence[Start]:
    """The full hours of a time zone from `since` to before `until` (microseconds)."""
    return _starts(time_zone, -(-since // _QUARTER) * _QUARTER, until)


def times(time_zone: str, since: int, until: int) -> tuple[int, ...]:
    """The times of `starts`, in microseconds."""
    return _times(time_zone, -(-since // _QUARTER) * _QUARTER, until)


@lru_cache(1024)
def _starts(time_zone: str, since: int, until: int) -> Sequence[Start]:
    day = since // clock.DAY
    found = [start for later in range(day, until // clock.DAY + 1) for start in _of_utc_day(time_zone, later)]
    return [start for start in found if since <= start.at < until]


@lru_cache(1024)
def _times(time_zone: str, since: int, until: int) -> tuple[int, ...]:
    return tuple(start.at for start in _starts(time_zone, since, until))


def start_of(time_zone: str, at: int) -> Start:
    """The hour that contains a time."""
    return _start_of(time_zone, at - at % _QUARTER)


@lru_cache(1 << 14)
def _start_of(time_zone: str, quarter: int) -> Start:
    local = _local(time_zone, quarter)
    return Start(quarter - local.minute * clock.MINUTE, local.date().isoformat(), local.weekday(), local.hour)


def horizon(time_zone: str, now: int, days: int) -> int:
    """The end of the last of `days` days; today is the first."""
    today = date.fromisoformat(start_of(time_zone, now).date)
    return midnight(time_zone, today + timedelta(days=days))


@lru_cache(1024)
def midnight(time_zone: str, day: date) -> int:
    """The start of a day."""
    begin = datetime(day.year, day.month, day.day, tzinfo=_zone(time_zone))
    return int(begin.timestamp()) * clock.SECOND


def at_time(time_zone: str, day: date, text: str) -> int:
    """A time of a day, such as `15:30`, on the clock of a time zone; raises ValueError."""
    at = datetime.combine(day, time.fromisoformat(text), _zone(time_zone))
    return int(at.timestamp()) * clock.SECOND


def end_today(time_zone: str, now: int, text: str | None) -> int:
    """A time of today, such as `15:30`, on the clock of a time zone; None: the end of the day. Raises ValueError."""
    today = date.fromisoformat(start_of(time_zone, now).date)
    if text is None:
        return midnight(time_zone, today + timedelta(days=1))
    hour, colon, minute = text.strip().partition(":")
    if not (colon and hour.isascii() and hour.isdecimal() and minute.isascii() and minute[:2].isdecimal()):
        raise ValueError(text)
    return at_time(time_zone, today, f"{hour.zfill(2)}:{minute}")


def to_wire(time_zone: str, at: int) -> str:
    """ISO 8601 with milliseconds and the offset of a time zone."""
    return _local(time_zone, at).isoformat(timespec="milliseconds")


def is_open(time_zone: str, opening_hours: OpeningHours, start: Start) -> bool:
    """Whether a store is open during both hours of a window; across midnight, until 24:00 and from 0:00."""
    if opening_hours is None:
        return True
    return _covers(opening_hours, start) and _covers(opening_hours, _next(time_zone, start.at))


def _covers(opening_hours: Sequence[Sequence[Sequence[int]]], hour: Start) -> bool:
    begin = hour.hour * 60
    return any(opens <= begin and begin + 60 <= closes for opens, closes in opening_hours[hour.weekday])


@lru_cache(1 << 16)
def _next(time_zone: str, at: int) -> Start:
    """The next hour; when clocks change, its number is not always one higher."""
    return start_of(time_zone, at + clock.HOUR)


@lru_cache(1024)
def _of_utc_day(time_zone: str, day: int) -> Sequence[Start]:
    """The full hours of a time zone within a UTC day."""
    quarters = range(day * clock.DAY, (day + 1) * clock.DAY, _QUARTER)
    return [_start_of(time_zone, at) for at in quarters if _local(time_zone, at).minute == 0]


def _local(time_zone: str, at: int) -> datetime:
    return datetime.fromtimestamp(at / clock.SECOND, UTC).astimezone(_zone(time_zone))


@lru_cache(1000)
def _zone(time_zone: str) -> ZoneInfo:
    return ZoneInfo(time_zone)
