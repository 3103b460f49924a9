"""Read figures by day, week, retailer, store or shopper. Only sums of days are read, never orders."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct, structs

from handcart.core.db import Tx
from handcart.reports.models import COUNTS, Counts, Day
from handcart.slots import queries as slots
from handcart.slots import windows
from handcart.stores.models import Store

GROUPS = ("day", "week", "retailer", "store", "shopper")
_KEYS: Mapping[str, str] = {
    "day": "day",
    "week": "day",
    "retailer": "retailer_id",
    "store": "retailer_id, store_number",
    "shopper": "person_id",
}
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in COUNTS)


class Wanted(Struct, frozen=True):
    """What is asked for: days from the first to the last, and of whom; None: of all. `by`: one of `GROUPS`."""

    first: str
    last: str
    by: str = "day"
    retailer_id: int | None = None
    store_number: int | None = None
    person_id: int | None = None


async def figures(tx: Tx, wanted: Wanted) -> Sequence[Day]:
    """Figures by group, in the order of days, else with most orders first. A store's key is `retailer id/number`.

    Served by the index `daily_totals`, which has a row for each store and day, or, if shoppers are asked for, by
    `daily_figures_of_shoppers`.
    """
    keys = _KEYS[wanted.by]
    of_shoppers = wanted.by == "shopper" or wanted.person_id is not None
    where = f"day >= $1 AND day <= $2 AND person_id {'>= 0' if of_shoppers else '= -1'}"
    values: list[Any] = [wanted.first, wanted.last]
    for name in ("retailer_id", "store_number", "person_id"):
        value = getattr(wanted, name)
        if value is not None:
            values.append(value)
            where += f" AND {name} = ${len(values)}"
    rows = await tx.all(f"SELECT {keys}, {_SUMS} FROM daily_figures WHERE {where} GROUP BY {keys}", *values)  # noqa: S608
    found: dict[str, Counts] = {}
    for row in rows:
        key = _week(row["day"]) if wanted.by == "week" else "/".join(str(row[name]) for name in keys.split(", "))
        found[key] = plus(found.get(key, Counts()), row)
    if wanted.by in ("day", "week"):
        return [Day(key, found.get(key, Counts())) for key in _all_keys(wanted)]
    return [Day(key, counts) for key, counts in sorted(found.items(), key=lambda one: (-one[1].orders, one[0]))]


def plus(counts: Counts, more: Any) -> Counts:
    """The sum of figures and of a row with the same columns."""
    return Counts(**{name: getattr(counts, name) + int(more[name]) for name in COUNTS})


def total(found: Sequence[Day]) -> Counts:
    """The sum of figures."""
    together = Counts()
    for one in found:
        together = plus(together, structs.asdict(one.counts))
    return together


async def callbacks(tx: Tx, wanted: Wanted) -> Mapping[str, tuple[int, int]]:
    """By day or week, how many callbacks arrived and failed."""
    where, values = "day >= $1 AND day <= $2", [wanted.first, wanted.last]
    if wanted.retailer_id is not None:
        where, values = f"{where} AND retailer_id = $3", [*values, wanted.retailer_id]  # type: ignore[list-item]
    rows = await tx.all(
        "SELECT day, sum(delivered) AS delivered, sum(failed) AS failed FROM daily_callbacks"  # noqa: S608
        f" WHERE {where} GROUP BY day",
        *values,
    )
    return _grouped(wanted, [(row["day"], int(row["delivered"]), int(row["failed"])) for row in rows])


async def slots_filled(tx: Tx, wanted: Wanted, store: Store) -> Mapping[str, tuple[int, int]]:
    """By day or week, the booked places of a store and all its places, by the plans as they are now."""
    assert wanted.retailer_id is not None
    since = windows.midnight(store.time_zone, date.fromisoformat(wanted.first))
    until = windows.midnight(store.time_zone, date.fromisoformat(wanted.last) + timedelta(days=1))
    hours = await slots.taken(tx, wanted.retailer_id, store, since, until)
    return _grouped(wanted, [(one.start.date, one.booked, one.capacity) for one in hours])


def _grouped(wanted: Wanted, rows: Sequence[tuple[str, int, int]]) -> Mapping[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for day, one, other in rows:
        key = _week(day) if wanted.by == "week" else day
        before = found.get(key, (0, 0))
        found[key] = (before[0] + one, before[1] + other)
    return found


def _all_keys(wanted: Wanted) -> Sequence[str]:
    """The days or weeks of a period, also those without orders."""
    first, last = date.fromisoformat(wanted.first), date.fromisoformat(wanted.last)
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    return days if wanted.by == "day" else list(dict.fromkeys(map(_week, days)))


def _week(day: str) -> str:
    """The Monday of a day's week."""
    there = date.fromisoformat(day)
    return (there - timedelta(days=there.weekday())).isoformat()
