"""The catalog: save items, look them up, check lists of items."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from msgspec import Struct

from handcart.core.db import Tx
from handcart.retailers import ops as retailers
from handcart.stores import codes, words
from handcart.stores.models import Item, ItemCode

NOT_FOUND = "Item not found"
NEEDS_COUNT = "This item is sold by the unit: count can't be blank"
NEEDS_WEIGHT = "This item is sold by weight: weight can't be blank"
NEEDS_EITHER = "This item needs a count or a weight"

_COLUMNS = (
    "rrc, upc, name, cost_unit, par_weight, alcohol_kind, restricted_reasons, is_ebt_eligible, is_bulky,"
    " beverage_weight, price_cents, department, aisle, shelf, temperature, image_url"
)
# Numbers of codes in one statement: two fixed ones, so that the statements are constants. For few codes, a statement
# with 50 would make PostgreSQL read the whole catalog.
_BATCHES = (8, 50)


def _by_statement(code: str, batch: int) -> str:
    asked = ", ".join(f"${place}" for place in range(2, batch + 2))
    # No ORDER BY rrc: with it, SQLite would read the retailer's whole catalog along its key.
    return f"SELECT {_COLUMNS} FROM items WHERE retailer_id = $1 AND {code} IN ({asked})"  # noqa: S608


_BY = {(code, batch): _by_statement(code, batch) for code in ("upc", "rrc") for batch in _BATCHES}
_NAMES = _COLUMNS.split(", ")
_ANOTHER = (
    f"SELECT {_COLUMNS} FROM items WHERE retailer_id = $1 AND rrc > $2 AND rrc <> $3 AND cost_unit = $4"  # noqa: S608
    " AND alcohol_kind IS NULL AND restricted_reasons = '' AND (is_ebt_eligible OR NOT $5) ORDER BY rrc LIMIT 1"
)
_BETWEEN = f"SELECT {_COLUMNS} FROM items WHERE retailer_id = $1 AND upc >= $2 AND upc <= $3 ORDER BY upc LIMIT 1"  # noqa: S608
_AFTER = f"SELECT {_COLUMNS} FROM items WHERE retailer_id = $1 AND rrc > $2 ORDER BY rrc LIMIT $3"  # noqa: S608
_SAVED_AT_ONCE = 1000
_READ_AT_ONCE = 1000
# More than are suggested, because the most similar names are chosen from them.
_CANDIDATES = 40
_SIMILAR = (
    f"SELECT {_COLUMNS} FROM items WHERE retailer_id = $1 AND department = $2 AND cost_unit = $3"  # noqa: S608
    " AND rrc <> $4 AND coalesce(alcohol_kind, '') = $5 AND restricted_reasons = '' AND (is_ebt_eligible OR NOT $6)"
    " ORDER BY abs(price_cents - $7), rrc LIMIT $8"
)
_SAMPLES = (
    f"SELECT {_COLUMNS} FROM items WHERE retailer_id = $1 AND cost_unit = 'each' AND restricted_reasons = ''"  # noqa: S608
    " AND (alcohol_kind IS NOT NULL) = $2 ORDER BY rrc LIMIT $3"
)
_SAVE = (
    f"INSERT INTO items (retailer_id, {_COLUMNS})"  # noqa: S608 (the names above)
    f" VALUES ({', '.join(f'${place}' for place in range(1, len(_NAMES) + 2))})"
    f" ON CONFLICT (retailer_id, rrc) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)


class Wanted(Struct, frozen=True):
    """A requested item and its quantity: pieces, or weight in the item's cost unit."""

    code: ItemCode
    count: int | None
    weight: float | None
    line_num: str | None = None


class Problem(Struct, frozen=True):
    """A problem with an item; a warning does not prevent the order."""

    wanted: Wanted
    message: str
    is_warning: bool = False


async def save(tx: Tx, retailer_id: int, items: Iterable[Item]) -> int:
    """Add or update items, matched by rrc; returns the number of new items."""
    before = await _count(tx, retailer_id)
    await save_all(tx, retailer_id, items)
    return await _count(tx, retailer_id) - before


async def save_all(tx: Tx, retailer_id: int, items: Iterable[Item]) -> None:
    """As `save`, without the count, which reads the whole catalog."""
    rest = iter(items)
    while some := list(islice(rest, _SAVED_AT_ONCE)):
        await tx.many(_SAVE, [(retailer_id, *_values(item)) for item in some])
        await words.index(tx, retailer_id, some)


def _values(item: Item) -> Sequence[Any]:
    """The values of the columns."""
    return (
        item.rrc,
        None if item.upc is None else plain_upc(item.upc),
        item.name,
        item.cost_unit,
        item.par_weight,
        item.alcohol_kind,
        " ".join(item.restricted_reasons),
        item.is_ebt_eligible,
        item.is_bulky,
        item.beverage_weight,
        item.price_cents,
        item.department,
        item.aisle,
        item.shelf,
        item.temperature,
        item.image_url,
    )


async def find(tx: Tx, retailer_id: int, named: Sequence[ItemCode]) -> list[Item | None]:
    """The item of each code, in the same order; if both codes are given, the upc is used."""
    upcs = {plain_upc(code.upc) for code in named if code.upc is not None}
    rrcs = {code.rrc for code in named if code.upc is None and code.rrc is not None}
    by_upc = {item.upc: item for item in await _by(tx, retailer_id, "upc", sorted(upcs))}
    by_rrc = {item.rrc: item for item in await _by(tx, retailer_id, "rrc", sorted(rrcs))}
    return [by_rrc.get(code.rrc or "") if code.upc is None else by_upc.get(plain_upc(code.upc)) for code in named]


async def every(tx: Tx, retailer_id: int) -> Sequence[Item]:
    """The whole catalog, sorted by rrc."""
    found: list[Item] = []
    while rows := await tx.all(_AFTER, retailer_id, found[-1].rrc if found else "", _READ_AT_ONCE):
        found += map(_item, rows)
    return found


async def page(tx: Tx, retailer_id: int, after: str, limit: int) -> Sequence[Item]:
    """Items of the catalog by rrc, from the one after `after`."""
    return [_item(row) for row in await tx.all(_AFTER, retailer_id, after, limit)]


async def of_rrcs(tx: Tx, retailer_id: int, rrcs: Sequence[str]) -> Mapping[str, Item]:
    """The items with these rrcs, by rrc."""
    return {item.rrc: item for item in await _by(tx, retailer_id, "rrc", rrcs)} if rrcs else {}


async def first_between(tx: Tx, retailer_id: int, first: str, last: str) -> Item | None:
    """The item with the lowest upc, in its normal form, from `first` to `last`."""
    row = await tx.one(_BETWEEN, retailer_id, first, last)
    return None if row is None else _item(row)


async def another(tx: Tx, retailer_id: int, rrc: str, cost_unit: str, *, ebt_only: bool) -> Item | None:
    """Another unrestricted item with the same cost unit: the next one after `rrc`, else the first in the catalog."""
    for after in (rrc, ""):
        row = await tx.one(_ANOTHER, retailer_id, after, rrc, cost_unit, ebt_only)
        if row is not None:
            return _item(row)
    return None


async def similar(tx: Tx, retailer_id: int, item: Item, most: int, *, ebt_only: bool) -> Sequence[Item]:
    """Unrestricted items of the same department, cost unit and kind of alcohol: those whose names share most words.

    Among these the nearest in price are first. For an item without a department: `another`.
    """
    if item.department is None:
        other = await another(tx, retailer_id, item.rrc, item.cost_unit, ebt_only=ebt_only)
        return [] if other is None or item.alcohol_kind else [other]
    rows = await tx.all(
        _SIMILAR,
        retailer_id,
        item.department,
        item.cost_unit,
        item.rrc,
        item.alcohol_kind or "",
        ebt_only,
        item.price_cents,
        _CANDIDATES,
    )
    named = set(words.of_text(item.name))
    return sorted(map(_item, rows), key=lambda other: -len(named.intersection(words.of_text(other.name))))[:most]


async def samples(tx: Tx, retailer_id: int, most: int, *, is_alcohol: bool = False) -> list[Item]:
    """The first items of the catalog that are sold by the piece: alcohol, or unrestricted items."""
    return [_item(row) for row in await tx.all(_SAMPLES, retailer_id, is_alcohol, most)]


async def problems(tx: Tx, retailer_id: int, wanted: Sequence[Wanted]) -> list[Problem]:
    """The problems of a list of items: not in the catalog, or a quantity that does not fit how the item is sold.

    For a lenient retailer, unknown items are only a warning.
    https://docs.instacart.com/connect/fulfillment_guide/concepts/product_quantity
    """
    is_lenient = (await retailers.retailer(tx, retailer_id)).is_lenient
    found = []
    for one, item in zip(wanted, await find(tx, retailer_id, [one.code for one in wanted]), strict=True):
        if item is None:
            found.append(Problem(one, NOT_FOUND, is_lenient))
        elif message := quantity_problem(item, one):
            found.append(Problem(one, message))
    return found


@lru_cache(10_000)
def plain_upc(upc: str) -> str:
    """The normal form of a product code, so that different spellings are equal (`stores.codes`).

    Other texts are unchanged, except that 8 to 14 digits are padded to 14.
    """
    digits = upc.strip()
    is_long = digits.isascii() and digits.isdecimal() and 8 <= len(digits) <= 14
    return codes.read(digits) or (digits.zfill(14) if is_long else digits)


def shown_upc(upc: str) -> str:
    """A stored GTIN in its usual length: 12 digits if possible, else 13 or 14."""
    is_gtin = len(upc) == 14 and upc.isdecimal()
    return upc[2:] if is_gtin and upc.startswith("00") else upc[1:] if is_gtin and upc.startswith("0") else upc


def quantity_problem(item: Item, wanted: Wanted) -> str | None:
    """Why the quantity does not fit how the item is sold; None if it does."""
    if item.cost_unit == "each":
        return NEEDS_COUNT if wanted.count is None else None
    if item.par_weight is None:
        return NEEDS_WEIGHT if wanted.weight is None else None
    return NEEDS_EITHER if wanted.count is None and wanted.weight is None else None


async def _count(tx: Tx, retailer_id: int) -> int:
    row = await tx.one("SELECT count(*) AS found FROM items WHERE retailer_id = $1", retailer_id)
    assert row is not None
    found: int = row["found"]
    return found


async def _by(tx: Tx, retailer_id: int, code: str, values: Sequence[str]) -> list[Item]:
    found: list[Item] = []
    size = next((size for size in _BATCHES if len(values) <= size), _BATCHES[-1])
    for start in range(0, len(values), size):
        batch = values[start : start + size]
        asked = [*batch, *[batch[0]] * (size - len(batch))]
        rows = await tx.all(_BY[code, size], retailer_id, *asked)
        found += sorted(map(_item, rows), key=lambda item: item.rrc, reverse=True)
    return found


def _item(row: Any) -> Item:
    return _parsed(tuple(row))


@lru_cache(10_000)
def _parsed(values: tuple[Any, ...]) -> Item:
    """Parse a row. Cached by the whole row, so a changed row is never served stale."""
    row = dict(zip(_NAMES, values, strict=True))
    return Item(
        rrc=row["rrc"],
        upc=row["upc"],
        name=row["name"],
        cost_unit=row["cost_unit"],
        par_weight=row["par_weight"],
        alcohol_kind=row["alcohol_kind"],
        restricted_reasons=tuple(row["restricted_reasons"].split()),
        is_ebt_eligible=bool(row["is_ebt_eligible"]),
        is_bulky=bool(row["is_bulky"]),
        beverage_weight=row["beverage_weight"],
        price_cents=row["price_cents"],
        department=row["department"],
        aisle=row["aisle"],
        shelf=row["shelf"],
        temperature=row["temperature"],
        image_url=row["image_url"],
    )
