"""Time slots as a table: a column for each day, a row for each time of day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from handcart_client import ServiceOption

# The word in the cell, and the sentence on hover and focus. The keys are Handcart's own; other servers have others.
REASONS = {
    "no_capacity": ("Full", "This time is fully booked. Please choose another time."),
    "alcohol_not_allowed": (
        "No alcohol",
        "We cannot hand over alcohol at this time. Choose another time, or remove it from your cart.",
    ),
    "store_closed": ("Closed", "The store is closed at this time."),
    "too_soon": ("Too soon", "There is not enough time left to shop for an order."),
    "cutoff_passed": ("Too late", "Orders for this day are closed."),
    "too_far_ahead": ("Later", "This day cannot be booked yet."),
}
NOT_AVAILABLE = ("Not available", "This time cannot be booked. Please choose another one.")
DAY_HOURS = range(7, 21)


# A row: the slots that start at one time of day, None on the days that have none.
Row = list[ServiceOption | None]


@dataclass(frozen=True)
class Table:
    """The days that have any of these hours, and a row for each of the hours."""

    days: list[date]
    rows: list[Row]


@dataclass(frozen=True)
class Grid:
    """The table of a list of slots.

    `soon`: slots that begin with the order. `by_day` and `by_night`: hours that most people want, and the others.
    `days`: all days; `day`: the one that a narrow screen shows. `has_room`: at least one slot is available.
    """

    soon: list[ServiceOption]
    by_day: Table
    by_night: Table
    days: list[date]
    day: date | None
    has_room: bool


def grid_of(options: Sequence[ServiceOption], wanted_day: str = "") -> Grid:
    """Arrange a list of slots; `wanted_day` is an ISO date, else the first day with room by day."""
    scheduled = [option for option in options if option.window.type == "scheduled"]
    by_day = [option for option in scheduled if option.window.start_at.hour in DAY_HOURS]
    by_night = [option for option in scheduled if option.window.start_at.hour not in DAY_HOURS]
    days = _days(scheduled)
    wanted = [day for day in days if day.isoformat() == wanted_day]
    open_days = _days(_open(by_day)) + _days(_open(by_night))
    return Grid(
        [option for option in _open(options) if option.window.type != "scheduled"],
        _table(by_day),
        _table(by_night),
        days,
        next(iter(wanted + open_days + days), None),
        bool(_open(options)),
    )


def _table(options: Sequence[ServiceOption]) -> Table:
    cells: dict[tuple[date, int, int], ServiceOption] = {}
    for option in options:
        day, hour = option.window.start_at.date(), option.window.start_at.hour
        # When clocks are set back, one hour occurs twice: the second one gets its own row.
        cells[day, hour, int((day, hour, 0) in cells)] = option
    days = _days(options)
    hours = sorted({(hour, again) for _, hour, again in cells})
    return Table(days, [[cells.get((day, *hour)) for day in days] for hour in hours])


def _days(options: Sequence[ServiceOption]) -> list[date]:
    return sorted({option.window.start_at.date() for option in options})


def _open(options: Sequence[ServiceOption]) -> list[ServiceOption]:
    return [option for option in options if option.availability.available]


def reason_of(option: ServiceOption) -> tuple[str, str]:
    """Why a slot is not available, as a word and as a sentence."""
    return next((REASONS[reason] for reason in option.availability.reasons if reason in REASONS), NOT_AVAILABLE)
