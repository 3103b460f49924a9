"""Fees of retailers and pay of shoppers, with the day from which they are valid. A new one leaves the old ones."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct, convert, structs

from handcart.core import clock
from handcart.core.db import Tx
from handcart.money import months
from handcart.money.models import MOST_CENTS, MOST_POINTS, Fees, MoneyRefused, Pay

EVERYBODY = 0
Rates = Fees | Pay
T = TypeVar("T", bound=Rates)
AMOUNTS: Mapping[type[Struct], Sequence[str]] = {
    one: [name for name in one.__struct_fields__ if name not in ("valid_from", "set_at", "set_by")]
    for one in (Fees, Pay)
}
_TABLES: Mapping[type[Struct], tuple[str, str]] = {Fees: ("fees", "retailer_id"), Pay: ("pay_rates", "person_id")}


async def history(tx: Tx, kind: type[T], of: int) -> Sequence[T]:
    """The fees of a retailer or the pay of a shopper, the one valid from the latest day first."""
    table, key = _TABLES[kind]
    rows = await tx.all(
        f"SELECT {', '.join(kind.__struct_fields__)} FROM {table} WHERE {key} = $1"  # noqa: S608 (the names above)
        " ORDER BY valid_from DESC, set_at DESC",
        of,
    )
    return [convert(dict(row), kind) for row in rows]


async def valid(tx: Tx, kind: type[T], of: int, day: str) -> T | None:
    """Those that are valid on a day; None if there are none yet."""
    table, key = _TABLES[kind]
    row = await tx.one(
        f"SELECT {', '.join(kind.__struct_fields__)} FROM {table} WHERE {key} = $1 AND valid_from <= $2"  # noqa: S608
        " ORDER BY valid_from DESC, set_at DESC LIMIT 1",
        of,
        day,
    )
    return None if row is None else convert(dict(row), kind)


async def pay_of(tx: Tx, person_id: int, day: str) -> Pay:
    """The pay of a shopper on a day: their own, else that of all shoppers, else nothing."""
    own = await valid(tx, Pay, person_id, day)
    return own or await valid(tx, Pay, EVERYBODY, day) or Pay(valid_from=day)


async def save(tx: Tx, rates: Fees | Pay, of: int, set_by: str) -> Fees | Pay:
    """Add fees or pay; raises `MoneyRefused` for a day or an amount that cannot be."""
    months.read_day(rates.valid_from)
    for name in AMOUNTS[type(rates)]:
        if not 0 <= getattr(rates, name) <= (MOST_POINTS if name == "goods_basis_points" else MOST_CENTS):
            raise MoneyRefused("amount")
    table, key = _TABLES[type(rates)]
    stored = structs.replace(rates, set_at=clock.of_process(), set_by=set_by)
    values: dict[str, Any] = structs.asdict(stored)
    await tx.run(
        f"INSERT INTO {table} ({key}, {', '.join(values)})"  # noqa: S608 (the names above)
        f" VALUES ({', '.join(f'${place}' for place in range(1, len(values) + 2))})",
        of,
        *values.values(),
    )
    return stored
