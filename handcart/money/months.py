"""Months of a time zone, written as 2027-12; days as 2027-12-31."""

from datetime import date, timedelta

from handcart.money.models import MoneyRefused
from handcart.slots import windows


def of(time_zone: str, at: int) -> str:
    """The month that contains a time."""
    return windows.start_of(time_zone, at).date[:7]


def day_of(time_zone: str, at: int) -> str:
    """The day that contains a time."""
    return windows.start_of(time_zone, at).date


def after(month: str) -> str:
    """The next month."""
    first = date.fromisoformat(f"{month}-01")
    return (first + timedelta(days=31)).isoformat()[:7]


def begins(time_zone: str, month: str) -> int:
    """The first moment of a month, in microseconds."""
    return windows.midnight(time_zone, date.fromisoformat(f"{month}-01"))


def read(text: str) -> str:
    """A month that somebody wrote; raises `MoneyRefused`."""
    try:
        if len(text) != 7 or not 2000 <= date.fromisoformat(f"{text}-01").year <= 2098:
            raise ValueError
    except ValueError:
        raise MoneyRefused("month") from None
    return text


def read_day(text: str) -> date:
    """A day that somebody wrote; raises `MoneyRefused`."""
    try:
        found = date.fromisoformat(text)
        if text != found.isoformat() or not 2000 <= found.year <= 2098:
            raise ValueError
    except ValueError:
        raise MoneyRefused("day") from None
    return found
