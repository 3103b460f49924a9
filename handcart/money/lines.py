"""The lines of orders: what each ended order costs its retailer, and brings its shoppers."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.batches.models import Finished
from handcart.core.db import Tx
from handcart.money import months, rates
from handcart.money.models import (
    FEE_GOODS,
    FEE_MINIMUM,
    FEE_ORDER,
    GOODS,
    PAY_BATCH,
    PAY_ITEM,
    PAY_MILE,
    REFUND,
    TIP,
    Fees,
    Line,
)
from handcart.reports.models import Ended

# Types of batches in which a shopper picks, and those that go to the customer by road.
_PICKED, _DRIVEN = ("delivery", "pickup"), ("delivery", "delivery_only")
_COLUMNS = "retailer_id, order_id, month, kind, person_id, batch_id, at, quantity, cents, is_correction"
_OF_ORDER = f"SELECT {_COLUMNS} FROM money_lines WHERE retailer_id = $1 AND order_id = $2"  # noqa: S608
_SUM = (
    "INSERT INTO month_sums (retailer_id, month, kind, person_id, quantity, cents) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (retailer_id, month, kind, person_id) DO UPDATE SET"
    " quantity = month_sums.quantity + excluded.quantity, cents = month_sums.cents + excluded.cents"
)

# A line by its kind, its shopper and its batch; quantity and cents.
_Amounts = dict[tuple[str, int, int], tuple[int, int]]


def rounded(cents: int, parts: int) -> int:
    """`cents` divided by `parts`, half a cent up."""
    return (2 * cents + parts) // (2 * parts)


async def lock(tx: Tx, retailer_id: int) -> str:
    """Lock a retailer's books until this transaction ends; returns the last month that is closed, or an empty text."""
    await tx.one("SELECT id FROM retailers WHERE id = $1 FOR NO KEY UPDATE", retailer_id)
    return await closed_until(tx, retailer_id)


async def closed_until(tx: Tx, retailer_id: int) -> str:
    """The last month that is closed; an empty text if none is."""
    row = await tx.one("SELECT max(month) AS month FROM closed_months WHERE retailer_id = $1", retailer_id)
    return "" if row is None or row["month"] is None else row["month"]


async def price(tx: Tx, retailer_id: int, ended: Ended, work: Sequence[Finished], time_zone: str, now: int) -> None:
    """Write the lines of an ended order, in place of those of open months.

    If the order has lines in closed months, the difference becomes corrections in the first open month.
    """
    closed = await lock(tx, retailer_id)
    stored = [read(row) for row in await tx.all(_OF_ORDER, retailer_id, ended.order_id)]
    frozen: _Amounts = {}
    for line in stored:
        if line.month <= closed:
            _add(frozen, (line.kind, line.person_id, line.batch_id), line.quantity, line.cents)
        else:
            await _remove(tx, line)
    own = months.of(time_zone, ended.ended_at)
    month = own if own > closed else months.after(closed)
    at = ended.ended_at if month == own else max(now, months.begins(time_zone, month))
    wanted = await _amounts(tx, retailer_id, ended, work, months.day_of(time_zone, ended.ended_at))
    for key, (quantity, cents) in frozen.items():
        _add(wanted, key, -quantity, -cents)
    for (kind, person_id, batch_id), (quantity, cents) in wanted.items():
        if quantity or cents:
            await write(
                tx,
                Line(retailer_id, ended.order_id, month, kind, person_id, batch_id, at, quantity, cents, month != own),
            )


async def write(tx: Tx, line: Line) -> None:
    """Add a line, and its amount to the sum of its month."""
    await tx.run(
        f"INSERT INTO money_lines ({_COLUMNS})"  # noqa: S608 (the names above)
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(line.retailer_id, line.order_id, line.month, line.kind, line.person_id, line.batch_id),
        *(line.at, line.quantity, line.cents, line.is_correction),
    )
    await tx.run(_SUM, line.retailer_id, line.month, line.kind, line.person_id, line.quantity, line.cents)


async def write_minimum(tx: Tx, retailer_id: int, month: str, at: int, cents: int) -> None:
    """Add the rest up to the minimum of a month."""
    await write(tx, Line(retailer_id, "", month, FEE_MINIMUM, 0, 0, at, 1, cents, False))


def read(row: Any) -> Line:
    """The line of a row."""
    return Line(**{**dict(row), "is_correction": bool(row["is_correction"])})


async def _remove(tx: Tx, line: Line) -> None:
    await tx.run(
        "DELETE FROM money_lines WHERE retailer_id = $1 AND order_id = $2 AND month = $3 AND kind = $4"
        " AND person_id = $5 AND batch_id = $6",
        *(line.retailer_id, line.order_id, line.month, line.kind, line.person_id, line.batch_id),
    )
    await tx.run(_SUM, line.retailer_id, line.month, line.kind, line.person_id, -line.quantity, -line.cents)


async def _amounts(tx: Tx, retailer_id: int, ended: Ended, work: Sequence[Finished], day: str) -> _Amounts:
    """What an order costs and brings by the fees and the pay of its day. A canceled order costs nothing.

    Its shoppers are paid for what they finished before it was canceled.
    """
    found: _Amounts = {}
    if ended.counts.orders:
        fees = await rates.valid(tx, Fees, retailer_id, day) or Fees(valid_from=day)
        found = dict(_of_retailer(ended, fees))
        if ended.tip_cents:
            # The shopper who brought the order to the customer; if that is nobody, the one before.
            person_id = next((one.person_id for one in reversed(work) if one.person_id), 0)
            found[TIP, person_id, 0] = (1, ended.tip_cents)
    for one in work:
        if one.person_id:
            found |= await _of_shopper(tx, retailer_id, ended, one, day)
    return found


def _of_retailer(ended: Ended, fees: Fees) -> Mapping[tuple[str, int, int], tuple[int, int]]:
    found = {(FEE_ORDER, 0, 0): (1, getattr(fees, f"{ended.kind}_cents"))}
    if ended.goods_cents is not None:
        found[GOODS, 0, 0] = (1, ended.goods_cents)
        if fees.goods_basis_points:
            share = rounded(ended.goods_cents * fees.goods_basis_points, 10_000)
            found[FEE_GOODS, 0, 0] = (fees.goods_basis_points, share)
    if ended.counts.refunded:
        found[REFUND, 0, 0] = (ended.counts.refunded, ended.counts.refund_cents)
    return found


async def _of_shopper(tx: Tx, retailer_id: int, ended: Ended, one: Finished, day: str) -> _Amounts:
    pay = await rates.pay_of(tx, one.person_id, day)
    key = (one.person_id, one.batch_id)
    found: _Amounts = {}
    cents = getattr(pay, f"{one.type}_cents")
    if cents and not await _is_paid(tx, retailer_id, one.batch_id, ended.order_id):
        found[PAY_BATCH, *key] = (1, cents)
    if one.type in _PICKED and pay.item_cents and ended.counts.units:
        found[PAY_ITEM, *key] = (ended.counts.units, ended.counts.units * pay.item_cents)
    if one.type in _DRIVEN and pay.mile_cents and ended.miles:
        found[PAY_MILE, *key] = (ended.miles, rounded(ended.miles * pay.mile_cents, 100))
    return found


async def _is_paid(tx: Tx, retailer_id: int, batch_id: int, order_id: str) -> bool:
    """Whether another order of a batch has the line with the batch's pay."""
    row = await tx.one(
        "SELECT 1 FROM money_lines WHERE retailer_id = $1 AND batch_id = $2 AND kind = 'pay_batch'"
        " AND order_id <> $3 GROUP BY order_id HAVING sum(cents) > 0 LIMIT 1",
        *(retailer_id, batch_id, order_id),
    )
    return row is not None


def _add(amounts: _Amounts, key: tuple[str, int, int], quantity: int, cents: int) -> None:
    before = amounts.get(key, (0, 0))
    amounts[key] = (before[0] + quantity, before[1] + cents)
