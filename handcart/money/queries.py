"""Read statements of retailers, payouts of shoppers, and their lines. A person sees what their role includes."""

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct

from handcart.core.db import Tx
from handcart.money import lines, months, rates
from handcart.money.models import (
    FEE_MINIMUM,
    FEES,
    KINDS,
    PAY,
    TIP,
    Fees,
    Line,
    MoneyRefused,
    Payout,
    Share,
    Statement,
    Sum,
)
from handcart.slots import windows

# Lines of a page.
ROWS = 100
MOST_DAYS = 92
_COLUMNS = "retailer_id, order_id, month, kind, person_id, batch_id, at, quantity, cents, is_correction"
_OF_STATEMENT = (
    f"SELECT {_COLUMNS} FROM money_lines WHERE retailer_id = $1 AND month = $2"  # noqa: S608 (the names above)
    " AND at >= $3 AND (at, order_id, kind, person_id, batch_id) > ($3, $4, $5, $6, $7)"
    " AND ($8 >= 1 OR kind NOT IN ('pay_batch', 'pay_item', 'pay_mile'))"
    " ORDER BY at, order_id, kind, person_id, batch_id LIMIT $9"
)
_OF_PERSON = (
    f"SELECT {_COLUMNS} FROM money_lines WHERE person_id = $1 AND person_id <> 0"  # noqa: S608 (the names above)
    " AND at >= $2 AND at < $3 ORDER BY at, retailer_id, order_id, kind, batch_id"
)
# The place of a line: time, order, kind, shopper, batch. `NOTHING` is before all of them.
LineKey = tuple[int, str, str, int, int]
NOTHING: LineKey = (-1, "", "", 0, 0)


class Period(Struct, frozen=True):
    """Days from the first to the last, and their first and last moment (not included) in microseconds."""

    first: str
    last: str
    since: int
    until: int


def period(first: str, last: str, time_zone: str) -> Period:
    """Days that somebody wrote; raises `MoneyRefused`."""
    begin, end = months.read_day(first), months.read_day(last)
    if not timedelta(0) <= end - begin < timedelta(days=MOST_DAYS):
        raise MoneyRefused("period")
    return Period(first, last, windows.midnight(time_zone, begin), windows.midnight(time_zone, end + timedelta(days=1)))


def of_month(month: str, time_zone: str) -> Period:
    """The days of a month."""
    end = date.fromisoformat(f"{months.after(month)}-01") - timedelta(days=1)
    return period(f"{month}-01", end.isoformat(), time_zone)


async def statement(tx: Tx, retailer_id: int, month: str, time_zone: str) -> Statement:
    """A retailer's statement; while the month is open, with the rest up to the minimum as it is now."""
    rows = await tx.all(
        "SELECT kind, person_id, quantity, cents FROM month_sums WHERE retailer_id = $1 AND month = $2",
        *(retailer_id, month),
    )
    closed = await tx.one(
        "SELECT closed_at FROM closed_months WHERE retailer_id = $1 AND month = $2", retailer_id, month
    )
    found = [Sum(**dict(row)) for row in rows]
    if closed is None and (missing := await missing_to_minimum(tx, retailer_id, month, time_zone)):
        found.append(Sum(FEE_MINIMUM, 0, 1, missing))
    people = sorted({one.person_id for one in found if one.person_id})
    return Statement(
        retailer_id,
        month,
        None if closed is None else closed["closed_at"],
        {kind: _total(found, kind) for kind in KINDS if any(one.kind == kind for one in found)},
        [share for share in (_share(found, person_id) for person_id in people) if share.tips or share.pay],
    )


async def missing_to_minimum(tx: Tx, retailer_id: int, month: str, time_zone: str) -> int:
    """What the fees of an open month lack to the minimum that is valid on its last day."""
    fees = await rates.valid(tx, Fees, retailer_id, of_month(month, time_zone).last)
    if fees is None:
        return 0
    row = await tx.one(
        "SELECT coalesce(sum(cents), 0) AS cents FROM month_sums WHERE retailer_id = $1 AND month = $2"
        " AND kind IN ($3, $4, $5)",
        *(retailer_id, month, *FEES),
    )
    assert row is not None
    return int(max(fees.minimum_cents - row["cents"], 0))


async def closed_months(tx: Tx, retailer_id: int) -> Sequence[str]:
    """A retailer's months that are closed, the latest first."""
    rows = await tx.all(
        "SELECT month FROM closed_months WHERE retailer_id = $1 ORDER BY month DESC LIMIT 36", retailer_id
    )
    return [row["month"] for row in rows]


async def first_open(tx: Tx, retailer_id: int, closed: str) -> str:
    """The first month after the last closed one that has lines; a late month if none has."""
    row = await tx.one(
        "SELECT min(month) AS month FROM month_sums WHERE retailer_id = $1 AND month > $2", retailer_id, closed
    )
    return "9999-12" if row is None or row["month"] is None else row["month"]


async def statement_lines(
    tx: Tx, retailer_id: int, month: str, after: LineKey = NOTHING, most: int = ROWS, *, with_pay: bool = True
) -> Sequence[Line]:
    """The lines of a statement by time, from the one after `after` on."""
    rows = await tx.all(_OF_STATEMENT, retailer_id, month, *after, int(with_pay), most)
    return [lines.read(row) for row in rows]


def key_of(line: Line) -> LineKey:
    """The place of a line among those of its statement."""
    return line.at, line.order_id, line.kind, line.person_id, line.batch_id


async def payouts(tx: Tx, month: str) -> Sequence[Payout]:
    """What each shopper gets of a month, the largest amount first."""
    rows = await tx.all(
        "SELECT m.person_id, s.name, sum(CASE WHEN m.kind = $2 THEN m.cents ELSE 0 END) AS tips,"
        " sum(CASE WHEN m.kind IN ($3, $4, $5) THEN m.cents ELSE 0 END) AS pay"
        " FROM month_sums m JOIN shoppers s ON s.id = m.person_id WHERE m.month = $1 AND m.person_id <> 0"
        " GROUP BY m.person_id, s.name",
        *(month, TIP, *PAY),
    )
    found = [Payout(row["person_id"], row["name"], int(row["tips"]), int(row["pay"])) for row in rows]
    return sorted((one for one in found if one.tips or one.pay), key=lambda one: (-one.cents, one.person_id))


async def payout_lines(tx: Tx, person_id: int, days: Period) -> Sequence[Line]:
    """The lines of a shopper in a period, by time."""
    return [lines.read(row) for row in await tx.all(_OF_PERSON, person_id, days.since, days.until)]


def _total(found: Sequence[Sum], kind: str) -> Sum:
    of_kind = [one for one in found if one.kind == kind]
    return Sum(kind, 0, sum(one.quantity for one in of_kind), sum(one.cents for one in of_kind))


def _share(found: Sequence[Sum], person_id: int) -> Share:
    own = [one for one in found if one.person_id == person_id]
    tips = sum(one.cents for one in own if one.kind == TIP)
    return Share(person_id, tips, sum(one.cents for one in own if one.kind in PAY))
