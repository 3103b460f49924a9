"""`handcart money`: fees of retailers, pay of shoppers, statements and payouts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from handcart.cli.options import (
    database_options,
    json_option,
    read,
    retailer_option,
    settings_of,
    show,
    table,
    write_as_actor,
)
from handcart.core import clock

_CENTS = click.IntRange(0, 1_000_000)
_FEES = ("delivery", "pickup", "last_mile", "dispatch")
_PAY = ("delivery", "pickup", "delivery_only", "runner_customer")


def _options(*options: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _cents(name: str, what: str) -> Callable[[Any], Any]:
    return click.option(
        f"--{name.replace('_', '-')}", f"{name}_cents", type=_CENTS, default=0, metavar="CENTS", help=what
    )


_day_option = click.option("--from", "valid_from", required=True, metavar="DAY", help="First day, such as 2027-12-31.")
_month_option = click.option("--month", required=True, metavar="MONTH", help="Month, such as 2027-12.")


@click.group()
def money() -> None:
    """Fees of retailers and pay of shoppers; statements and payouts.

    Amounts are whole cents. A month is that of HANDCART_TIME_ZONE.
    """


@money.group("fees")
def fees() -> None:
    """What a retailer pays the operator."""


@fees.command("set")
@database_options
@json_option
@retailer_option
@_day_option
@_options(*(_cents(one, f"For each completed {one.replace('_', ' ')} order.") for one in _FEES))
@click.option(
    "--goods-basis-points",
    type=click.IntRange(0, 10_000),
    default=0,
    metavar="N",
    help="Hundredths of a per cent of the goods: 150 for 1.5 per cent.",
)
@_cents("minimum", "Minimum of the fees of a month.")
def set_fees(retailer: str, as_json: bool, database: str | None, data: str | None, **amounts: Any) -> None:
    """Set a retailer's fees from a day on. Fees that are not given are 0. Earlier fees stay for earlier days."""
    from handcart.money import ops
    from handcart.money.models import Fees

    options = {"database": database, "data": data}
    zone = settings_of(**options).time_zone
    done = _of_retailer(options, retailer, ops.set_fees, Fees(**amounts), zone)
    show(as_json, _given(done), f"The fees of {retailer} are valid from {done.valid_from} on.")


@fees.command("list")
@database_options
@json_option
@retailer_option
def list_fees(retailer: str, as_json: bool, **database: Any) -> None:
    """List a retailer's fees, the latest first."""
    from handcart.cli.options import of_retailer
    from handcart.money import rates
    from handcart.money.models import Fees

    async def listed(tx: Any, retailer_id: int) -> Sequence[Fees]:
        return await rates.history(tx, Fees, retailer_id)

    found = read(database, of_retailer(retailer, listed))
    _show_rates(as_json, found, "No fees are set.")


@money.group("pay")
def pay() -> None:
    """What the operator pays shoppers."""


@pay.command("set")
@database_options
@json_option
@click.option("--shopper", metavar="SHOPPER", help="Id or phone number; without it, shoppers without pay of their own.")
@_day_option
@_options(*(_cents(one, f"For each batch of the type {one}.") for one in _PAY))
@_cents("item", "For each piece that the shopper picked.")
@_cents("mile", "For each mile from the store to the customer, along a straight line.")
def set_pay(shopper: str | None, as_json: bool, database: str | None, data: str | None, **amounts: Any) -> None:
    """Set the pay from a day on. Amounts that are not given are 0. Earlier pay stays for earlier days.

    Shoppers get the whole tips, whatever the pay.
    """
    from handcart.money import ops
    from handcart.money.models import Pay
    from handcart.staff.models import command_line

    options = {"database": database, "data": data}
    zone = settings_of(**options).time_zone

    async def set_it(tx: Any) -> Pay:
        return await ops.set_pay(tx, command_line(), await _person(tx, shopper), Pay(**amounts), zone)

    done = write_as_actor(options, set_it)
    show(as_json, _given(done), f"The pay is valid from {done.valid_from} on.")


@pay.command("list")
@database_options
@json_option
@click.option("--shopper", metavar="SHOPPER", help="Id or phone number; without it, the general pay.")
def list_pay(shopper: str | None, as_json: bool, **database: Any) -> None:
    """List the pay, the latest first."""
    from handcart.money import rates
    from handcart.money.models import Pay

    async def listed(tx: Any) -> Sequence[Pay]:
        return await rates.history(tx, Pay, await _person(tx, shopper))

    _show_rates(as_json, read(database, listed), "No pay is set.")


@money.command("statement")
@database_options
@json_option
@retailer_option
@_month_option
def show_statement(retailer: str, month: str, as_json: bool, **database: Any) -> None:
    """Show what a retailer owes for a month, without taxes."""
    from handcart.cli.options import of_retailer
    from handcart.money import months, queries

    zone = settings_of(**database).time_zone
    found = read(database, of_retailer(retailer, queries.statement, months.read(month), zone))
    _show_statement(as_json, retailer, found)


@money.command("close")
@database_options
@json_option
@retailer_option
@_month_option
def close_month(retailer: str, month: str, as_json: bool, **database: Any) -> None:
    """Close a retailer's month: its statement never changes again. Later changes go to the first open month."""
    from handcart.money import ops

    zone = settings_of(**database).time_zone
    _show_statement(as_json, retailer, _of_retailer(database, retailer, ops.close, month, zone))


@money.command("payouts")
@database_options
@json_option
@_month_option
def list_payouts(month: str, as_json: bool, **database: Any) -> None:
    """List what each shopper gets for a month."""
    from handcart.money import months, queries

    found = read(database, queries.payouts, months.read(month))
    rows = [
        {
            "shopper_id": str(one.person_id),
            "name": one.name,
            "tips_cents": one.tips,
            "pay_cents": one.pay,
            "cents": one.cents,
        }
        for one in found
    ]
    cells = [[str(value) for value in row.values()] for row in rows]
    header = ("id", "name", "tips", "pay", "all")
    show(as_json, {"payouts": rows}, table(header, cells, numbers=header[2:]) if rows else "There are no payouts.")


@money.command("payout")
@database_options
@json_option
@click.option("--shopper", required=True, metavar="SHOPPER", help="Id or phone number.")
@click.option("--from", "first", required=True, metavar="DAY", help="First day, such as 2027-12-01.")
@click.option("--to", "last", required=True, metavar="DAY", help="Last day, such as 2027-12-31.")
def show_payout(shopper: str, first: str, last: str, as_json: bool, **database: Any) -> None:
    """Show the lines of a shopper's payout, each with its order."""
    from handcart.money import queries
    from handcart.money.models import Line
    from handcart.retailers import ops as retailers

    days = queries.period(first, last, settings_of(**database).time_zone)

    async def found(tx: Any) -> tuple[Sequence[Line], Mapping[int, str]]:
        known = {one.id: one.slug for one in await retailers.retailers(tx)}
        return await queries.payout_lines(tx, await _person(tx, shopper), days), known

    lines, slugs = read(database, found)
    rows = [
        {
            "at": clock.to_wire(one.at),
            "retailer": slugs[one.retailer_id],
            "order_id": one.order_id,
            "kind": one.kind,
            "quantity": one.quantity,
            "cents": one.cents,
            "is_correction": one.is_correction,
        }
        for one in lines
    ]
    total = sum(one.cents for one in lines)
    cells = [[str(row[name]) for name in ("at", "retailer", "order_id", "kind", "quantity", "cents")] for row in rows]
    text = table(("at", "retailer", "order", "kind", "quantity", "cents"), cells, numbers=("quantity", "cents"))
    show(as_json, {"lines": rows, "cents": total}, f"{text}\n{total} cents in all" if rows else "There are no lines.")


def _of_retailer(database: Mapping[str, Any], slug: str, op: Callable[..., Any], *args: Any) -> Any:
    """An operation of the user of this machine on a retailer."""
    from handcart.retailers import ops as retailers
    from handcart.staff.models import command_line

    async def run(tx: Any) -> Any:
        return await op(tx, command_line(), (await retailers.require(tx, slug)).id, *args)

    return write_as_actor(dict(database), run)


async def _person(tx: Any, shopper: str | None) -> int:
    from handcart.money import rates
    from handcart.shoppers import queries as shoppers

    return rates.EVERYBODY if shopper is None else (await shoppers.find(tx, shopper)).id


def _given(rates: Any) -> dict[str, Any]:
    from msgspec import structs

    found: dict[str, Any] = structs.asdict(rates)
    return {**found, "set_at": clock.to_wire(rates.set_at)}


def _show_rates(as_json: bool, found: Sequence[Any], none: str) -> None:
    rows = [_given(one) for one in found]
    if not rows:
        show(as_json, {"rates": []}, none)
        return
    cells = [[str(value) for value in row.values()] for row in rows]
    header = [name.removesuffix("_cents").replace("_", " ") for name in rows[0]]
    show(as_json, {"rates": rows}, table(header, cells, numbers=header[1:-2]))


def _show_statement(as_json: bool, slug: str, found: Any) -> None:
    shown = {
        "retailer": slug,
        "month": found.month,
        "closed_at": None if found.closed_at is None else clock.to_wire(found.closed_at),
        "orders": found.orders,
        **{f"{kind}_cents": found.cents(kind) for kind in found.sums},
        "due_cents": found.due,
        "shoppers_cents": sum(share.cents for share in found.shares),
        "operator_cents": found.operator,
    }
    lines = [
        [name.replace("_cents", "").replace("_", " "), "-" if value is None else str(value)]
        for name, value in shown.items()
    ]
    show(as_json, shown, table(("what", "value"), lines, numbers=("value",)))
