"""A retailer's catalog as people change it, one item at a time; `items` imports many."""

from collections.abc import Sequence

from handcart.core.db import Tx
from handcart.core.web.versions import check, version_of
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import files, items, search
from handcart.stores.errors import StoreRefused
from handcart.stores.models import Item, ItemCode


async def page(tx: Tx, retailer: Retailer, text: str, after: str, limit: int) -> Sequence[Item]:
    """Items by rrc, from the one after `after`; with a text, those that `search` finds by words or a code."""
    if not text:
        return await items.page(tx, retailer.id, after, limit)
    exact = await items.find(tx, retailer.id, [ItemCode(text, None), ItemCode(None, text)])
    if there := [one for one in exact if one is not None]:
        return there[:1]
    return (await search.by_name(tx, retailer.id, text, limit)).items


async def item(tx: Tx, retailer_id: int, rrc: str) -> Item | None:
    """An item by its rrc."""
    (found,) = await items.find(tx, retailer_id, [ItemCode(None, rrc)])
    return found


def version(item: Item) -> str:
    """The version of an item, which `change` compares."""
    return version_of(item)


async def add(tx: Tx, actor: Actor, retailer_id: int, given: Item) -> None:
    """Add an item; raises `StoreRefused` if its rrc or its upc is taken."""
    roles.require(actor, "change_catalog", retailer_id, actor.store_number)
    if await lock(tx, retailer_id, given.rrc) is not None:
        raise StoreRefused("taken")
    await _save(tx, actor, "add_item", retailer_id, given, None)


async def change(tx: Tx, actor: Actor, retailer_id: int, given: Item, seen: str) -> None:
    """Change an item. `seen`: its version as the person saw it; raises `Changed` if it is no longer so."""
    roles.require(actor, "change_catalog", retailer_id, actor.store_number)
    there = await lock(tx, retailer_id, given.rrc)
    if there is None:
        raise StoreRefused("unknown_item")
    check(seen, there)
    await _save(tx, actor, "change_item", retailer_id, given, there)


async def lock(tx: Tx, retailer_id: int, rrc: str) -> Item | None:
    """The item with this rrc, locked until the transaction ends."""
    await tx.one("SELECT rrc FROM items WHERE retailer_id = $1 AND rrc = $2 FOR UPDATE", retailer_id, rrc)
    return await item(tx, retailer_id, rrc)


async def _save(tx: Tx, actor: Actor, operation: str, retailer_id: int, given: Item, there: Item | None) -> None:
    if given.upc is not None:
        (other,) = await items.find(tx, retailer_id, [ItemCode(given.upc, None)])
        if other is not None and other.rrc != given.rrc:
            raise StoreRefused("upc_taken")
    await items.save_all(tx, retailer_id, [given])
    before = {} if there is None else files.item_values(there)
    detail = {name: value for name, value in files.item_values(given).items() if value != before.get(name, "")}
    subject = f"item/{(await retailers.retailer(tx, retailer_id)).slug}/{given.rrc}"
    await audit.record(tx, actor, operation, subject, retailer_id=retailer_id, detail=detail)
