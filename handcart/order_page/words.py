"""Quantities, times and distances in the words of a locale."""

from handcart.core import clock
from handcart.stores.models import Store

_KILOMETRES_PER_MILE = 1.609344


def amount(locale: str, number: float, unit: str) -> str:
    """An amount of goods, such as `2\u00d7` or `1.5 lb`."""
    from babel.numbers import format_decimal

    written: str = format_decimal(number, "#,##0.##", locale=locale.replace("-", "_"))
    return f"{written}\u00d7" if unit == "each" else f"{written}\u00a0{unit}"


def clock_time(locale: str, at: int, time_zone: str) -> str:
    """The time of day in a time zone, such as 3:05 PM."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from babel.dates import format_time

    then = datetime.fromtimestamp(at // clock.SECOND, UTC).astimezone(ZoneInfo(time_zone))
    written: str = format_time(then, "short", locale=locale.replace("-", "_"))
    return written


def distance(locale: str, store: Store, kilometres: float) -> str:
    """A distance in miles in the United States, else in kilometres."""
    return amount(locale, round(kilometres / unit_kilometres(store), 1), "mi" if store.country == "US" else "km")


def unit_kilometres(store: Store) -> float:
    """The unit of distances in the store's country, in kilometres."""
    return _KILOMETRES_PER_MILE if store.country == "US" else 1.0
