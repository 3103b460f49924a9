"""What a store has of its retailer's catalog: items that it does not have now, and prices of its own."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from handcart.core.db import Tx
from handcart.retailers import ops as retailers
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import items, queries
from handcart.stores.errors import StoreRefused
from handcart.stores.models import Item, ItemCode

MOST_CENTS = 100_000_000
_FEW = 8


class Shelf(Struct, frozen=True):
    """An item in one store. `price_cents`: the store's own price of one cost unit; None: the catalog's."""

    location_code: str
    name: str
    is_available: bool
    price_cents: int | None


async def in_store(tx: Tx, retailer_id: int, store_number: int, found: Sequence[Item]) -> list[Item]:
    """Those of the items that a store has, with its prices."""
    own: dict[str, Any] = {}
    for start in range(0, len(found), _FEW):
        asked = [one.rrc for one in found[start : start + _FEW]]
        asked += [asked[0]] * (_FEW - len(asked))
        rows = await tx.all(
            "SELECT rrc, is_available, price_cents FROM store_items WHERE retailer_id = $1 AND store_number = $2"
            " AND rrc IN ($3, $4, $5, $6, $7, $8, $9, $10)",
            *(retailer_id, store_number, *asked),
        )
        own |= {row["rrc"]: row for row in rows}
    there = (one for one in found if one.rrc not in own or own[one.rrc]["is_available"])
    return [
        structs.replace(one, price_cents=own[one.rrc]["price_cents"])
        if one.rrc in own and own[one.rrc]["price_cents"] is not None
        else one
        for one in there
    ]


async def shelves(
    tx: Tx, retailer_id: int, rrc: str, store_number: int | None = None, *, limit: int
) -> Sequence[Shelf]:
    """The stores that do not have an item, or have it at a price of their own, by location code."""
    rows = await tx.all(
        "SELECT s.location_code, s.name, i.is_available, i.price_cents FROM store_items i"
        " JOIN stores s ON s.retailer_id = i.retailer_id AND s.number = i.store_number"
        " WHERE i.retailer_id = $1 AND i.rrc = $2 AND ($3 < 0 OR i.store_number = $3)"
        " ORDER BY s.location_code LIMIT $4",
        *(retailer_id, rrc, -1 if store_number is None else store_number, limit),
    )
    return [Shelf(row["location_code"], row["name"], bool(row["is_available"]), row["price_cents"]) for row in rows]


async def set_shelf(
    tx: Tx,
    actor: Actor,
    retailer_id: int,
    location_code: str,
    rrc: str,
    *,
    is_available: bool,
    price_cents: int | None,
) -> None:
    """Say whether a store has an item, and at what price. Raises `StoreRefused`."""
    store = await queries.store(tx, retailer_id, location_code)
    number = actor.store_number if store is None else store.number
    roles.require(actor, "change_availability", retailer_id, number)
    if store is None:
        raise StoreRefused("unknown")
    (item,) = await items.find(tx, retailer_id, [ItemCode(None, rrc)])
    if item is None:
        raise StoreRefused("unknown_item")
    if price_cents is not None and not 0 <= price_cents <= MOST_CENTS:
        raise StoreRefused("price")
    place = (retailer_id, rrc, store.number)
    if is_available and price_cents is None:
        await tx.run("DELETE FROM store_items WHERE retailer_id = $1 AND rrc = $2 AND store_number = $3", *place)
    else:
        await tx.run(
            "INSERT INTO store_items (retailer_id, rrc, store_number, is_available, price_cents)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (retailer_id, rrc, store_number)"
            " DO UPDATE SET is_available = excluded.is_available, price_cents = excluded.price_cents",
            *(*place, is_available, price_cents),
        )
    slug = (await retailers.retailer(tx, retailer_id)).slug
    detail = {"store": location_code, "is_available": is_available, "price_cents": price_cents}
    subject = f"item/{slug}/{rrc}"
    await audit.record(tx, actor, "change_availability", subject, retailer_id=retailer_id, detail=detail)
