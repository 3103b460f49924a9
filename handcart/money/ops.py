"""Set fees and pay, price ended orders, close months."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.db import Tx
from handcart.money import lines, months, queries, rates
from handcart.money.models import Fees, MoneyRefused, Pay, Statement
from handcart.orders import counting
from handcart.reports import ops as reports
from handcart.retailers import ops as retailers
from handcart.shoppers import queries as shoppers
from handcart.slots import windows
from handcart.staff import audit, roles
from handcart.staff.models import Actor


async def count(tx: Tx, retailer_id: int, order_id: str, time_zone: str, now: int) -> None:
    """Count an order that has ended and write its lines, in place of those it had."""
    await lines.lock(tx, retailer_id)  # before the order, as `set_fees` does: two transactions never wait in a circle
    counted = await reports.count(tx, retailer_id, order_id)
    if counted is not None:
        await lines.price(tx, retailer_id, *counted, time_zone, now)


async def set_fees(tx: Tx, actor: Actor, retailer_id: int, fees: Fees, time_zone: str) -> Fees:
    """Set a retailer's fees from a day on, which no closed month contains. Raises `MoneyRefused`.

    Orders that ended on that day or later are priced again by the worker.
    """
    roles.require(actor, "change_money")
    retailer = await retailers.retailer(tx, retailer_id)
    day = months.read_day(fees.valid_from)
    if fees.valid_from[:7] <= await lines.lock(tx, retailer_id):
        raise MoneyRefused("closed")
    stored = await rates.save(tx, fees, retailer_id, actor.name)
    await reports.count_again(tx, retailer_id, windows.midnight(time_zone, day))
    await audit.record(
        tx, actor, "set_fees", f"retailer/{retailer.slug}", retailer_id=retailer_id, detail=_detail(stored)
    )
    assert isinstance(stored, Fees)
    return stored


async def set_pay(tx: Tx, actor: Actor, person_id: int, pay: Pay, time_zone: str) -> Pay:
    """Set a shopper's pay from a day on, or with `rates.EVERYBODY` that of all without their own.

    No closed month of a retailer for whom they work may contain the day. Raises `MoneyRefused`.
    """
    roles.require(actor, "change_money")
    day = months.read_day(pay.valid_from)
    if person_id != rates.EVERYBODY and await shoppers.person(tx, person_id) is None:
        raise MoneyRefused("shopper")
    known = await _retailers_of(tx, person_id)
    for retailer_id in known:
        if pay.valid_from[:7] <= await lines.lock(tx, retailer_id):
            raise MoneyRefused("closed")
    stored = await rates.save(tx, pay, person_id, actor.name)
    for retailer_id in known:
        await reports.count_again(tx, retailer_id, windows.midnight(time_zone, day))
    subject = f"shopper/{person_id}" if person_id != rates.EVERYBODY else "pay"
    await audit.record(tx, actor, "set_pay", subject, detail=_detail(stored))
    assert isinstance(stored, Pay)
    return stored


async def lock(tx: Tx, kind: type[rates.Rates], of: int) -> None:
    """Lock the fees of a retailer, or the pay of a shopper or of everybody, until this transaction ends.

    Who compares what a form showed with what is stored reads the stored rates after this.
    """
    if kind is Fees:
        await lines.lock(tx, of)
        return
    for retailer_id in await _retailers_of(tx, of):
        await lines.lock(tx, retailer_id)
    if of != rates.EVERYBODY:
        await shoppers.lock(tx, of)


async def lock_books(tx: Tx, retailer_id: int) -> None:
    """Lock a retailer's books until this transaction ends: no line is written, and no month is closed."""
    await lines.lock(tx, retailer_id)


async def close(tx: Tx, actor: Actor, retailer_id: int, month: str, time_zone: str) -> Statement:
    """Close a retailer's month that is over; its lines never change again. Closing it twice changes nothing.

    Raises `MoneyRefused` while an earlier month is open, or orders wait to be counted.
    """
    roles.require(actor, "change_money")
    month = months.read(month)
    closed = await lines.lock(tx, retailer_id)
    if month <= closed:
        return await queries.statement(tx, retailer_id, month, time_zone)
    if clock.of_process() < months.begins(time_zone, months.after(month)):
        raise MoneyRefused("not_over")
    if await queries.first_open(tx, retailer_id, closed) < month:
        raise MoneyRefused("earlier_open")
    if await counting.is_waiting(tx, retailer_id):
        raise MoneyRefused("still_counting")
    missing = await queries.missing_to_minimum(tx, retailer_id, month, time_zone)
    if missing:
        await lines.write_minimum(tx, retailer_id, month, months.begins(time_zone, months.after(month)) - 1, missing)
    await tx.run(
        "INSERT INTO closed_months (retailer_id, month, closed_at, closed_by) VALUES ($1, $2, $3, $4)",
        *(retailer_id, month, clock.of_process(), actor.name),
    )
    made = await queries.statement(tx, retailer_id, month, time_zone)
    slug = (await retailers.retailer(tx, retailer_id)).slug
    await audit.record(
        tx, actor, "close_month", f"retailer/{slug}", retailer_id=retailer_id, detail={"month": month, "due": made.due}
    )
    return made


async def note_export(tx: Tx, actor: Actor, subject: str, what: str, retailer_id: int | None) -> None:
    """Record that somebody takes lines of money away as a file: those of a retailer's month, or of a shopper's days."""
    roles.require(actor, "see_payouts" if retailer_id is None else "see_money", retailer_id)
    await audit.record(tx, actor, "export_money", subject, retailer_id=retailer_id, detail={"of": what})


async def _retailers_of(tx: Tx, person_id: int) -> Sequence[int]:
    """The retailers for whom a shopper works, or all retailers for `rates.EVERYBODY`, sorted."""
    if person_id == rates.EVERYBODY:
        return sorted(one.id for one in await retailers.retailers(tx))
    return sorted(await shoppers.retailer_ids(tx, person_id))


def _detail(stored: Fees | Pay) -> dict[str, object]:
    names = ("valid_from", *rates.AMOUNTS[type(stored)])
    return {name: getattr(stored, name) for name in names}
