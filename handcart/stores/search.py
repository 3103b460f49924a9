"""Search a catalog as a shopper does: by words of a name, by a scanned or typed code, by the last digits of a code."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.core.db import Tx
from handcart.retailers.models import Retailer
from handcart.stores import items, weighed, words
from handcart.stores.models import Item, ItemCode
from handcart.stores.weighed import WeighedCode

# Fewer digits would find items by chance.
LEAST_DIGITS = 3
_DECIMALS = {"lb": 2, "kg": 3}


class Found(Struct, frozen=True):
    """Items of a catalog; `weight`: what the scale's code says about the first of them, in its cost unit."""

    items: Sequence[Item]
    weight: float | None = None


async def by_name(tx: Tx, retailer_id: int, text: str, most: int) -> Found:
    """The items whose names have all words of the text, or words that begin with them. A code is found as well."""
    code = "".join(text.split())
    if code.isascii() and code.isdecimal():
        return await _by_digits(tx, retailer_id, code, most)
    return await _named(tx, retailer_id, await words.rrcs(tx, retailer_id, text, most))


async def by_code(tx: Tx, retailer: Retailer, code: str, most: int) -> Found:
    """The item with this code: an rrc, a PLU, a GTIN of any length, a scale's code. Else those whose code ends so."""
    if scale := weighed.read(code):
        item = await _by_scale(tx, retailer.id, scale)
        if item is not None:
            return Found([item], _weight(retailer, scale, item))
    return await _by_digits(tx, retailer.id, code, most)


async def _by_digits(tx: Tx, retailer_id: int, code: str, most: int) -> Found:
    exact = await items.find(tx, retailer_id, [ItemCode(code, None), ItemCode(None, code)])
    if there := [item for item in exact if item is not None]:
        return Found(there[:1])
    if len(code) < LEAST_DIGITS or not (code.isascii() and code.isdecimal()):
        return Found([])
    return await _named(tx, retailer_id, await words.rrcs_by_end(tx, retailer_id, code, most))


async def _by_scale(tx: Tx, retailer_id: int, scale: WeighedCode) -> Item | None:
    """The item of a scale's code: its catalog has such a code, with any price, or the number as a PLU."""
    labelled = await items.first_between(tx, retailer_id, scale.first, scale.last)
    if labelled is not None:
        return labelled
    (by_plu,) = await items.find(tx, retailer_id, [ItemCode(scale.number, None)])
    return by_plu


def _weight(retailer: Retailer, scale: WeighedCode, item: Item) -> float | None:
    """The weight of the scale's code in the item's cost unit, from the price if the code has that."""
    if item.cost_unit not in _DECIMALS:
        return None
    if retailer.rules.scale_codes == "weight":
        return scale.thousandths / 1000
    if scale.price_cents is None or not item.price_cents:
        return None
    return round(scale.price_cents / item.price_cents, _DECIMALS[item.cost_unit])


async def _named(tx: Tx, retailer_id: int, rrcs: Sequence[str]) -> Found:
    found = await items.find(tx, retailer_id, [ItemCode(None, rrc) for rrc in rrcs])
    there = [item for item in found if item is not None]
    return Found(sorted(there, key=lambda item: (item.name, item.rrc)))
