"""The lines of an order and their products, as the run and the search of the catalog show them."""

import re
from collections.abc import Mapping, Sequence

from handcart.assignment import fitting
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import replacements
from handcart.orders.models import NOT_FOUND, Order, OrderLine
from handcart.shopper_app import wire
from handcart.stores import assortment, items
from handcart.stores.models import FROZEN, HOT, Item, ItemCode, ItemName

_SUGGESTIONS = 3
# Suggestions by retailer, rrc and whether the order is paid with EBT, each until a time. They are the dearest part of a
# run, and a run is read after each act; changes of the catalog wait for that time.
_suggested: dict[tuple[int, int, str, bool], tuple[int, Sequence[wire.Product]]] = {}
_SUGGESTED_FOR = 10 * clock.MINUTE
_MOST_SUGGESTED = 20_000
_LAST = {FROZEN: 1, HOT: 2}

Products = Mapping[ItemCode, Item]


async def products_of(tx: Tx, retailer_id: int, lines: Sequence[OrderLine]) -> Products:
    """The items of the catalog that the lines name."""
    named = {code: None for line in lines for code in (code_of(line), *map(_named, _others(line)))}
    found = await items.find(tx, retailer_id, list(named))
    return {code: item for code, item in zip(named, found, strict=True) if item is not None}


def _others(line: OrderLine) -> Sequence[ItemName]:
    others = (line.substitute, line.refused)
    return [*replacements.wishes(line), *(name for name in others if name is not None)]


def code_of(line: OrderLine) -> ItemCode:
    """The unique code of a line's product: two products of a catalog may share a upc."""
    kind, _, code = line.product.partition(":")
    return ItemCode(None, code) if kind == "rrc" else ItemCode(line.upc, None)


def _named(name: ItemName) -> ItemCode:
    return ItemCode(name.upc, name.rrc)


async def line_of(
    tx: Tx, retailer_id: int, order: Order, line: OrderLine, products: Products, pickers: Mapping[int, str]
) -> wire.Line:
    """A line as the app has it. `pickers`: the names of shoppers by their id."""
    item = products.get(code_of(line))
    return wire.Line(
        line_num=line.line_num,
        version=line.version,
        status=line.status,
        qty=line.qty,
        qty_unit=line.qty_unit,
        count=line.count,
        weight=line.weight,
        product=product(item, line.upc, line.rrc),
        special_instructions=line.special_instructions,
        replacement_policy=line.replacement_policy,
        replacement_items=[_product(name, products) for name in line.replacement_items],
        suggestions=await _suggestions(tx, retailer_id, order, line, item),
        delivered_count=line.delivered_count,
        delivered_weight=line.delivered_weight,
        substitute=_other(line.substitute, products),
        is_alcohol=line.is_alcohol,
        is_heavy=fitting.is_heavy_line(line, item),
        is_added=line.is_added,
        picked_by=None if line.picked_by is None else pickers[line.picked_by],
        replacement_status=line.replacement_status,
        proposed_at=None if line.proposed_at is None else clock.to_wire(line.proposed_at),
        refused=_other(line.refused, products),
        alternative=_alternative(line, products),
    )


async def _suggestions(
    tx: Tx, retailer_id: int, order: Order, line: OrderLine, item: Item | None
) -> Sequence[wire.Product]:
    if item is None or line.replacement_policy == "no_replacements":
        return []
    key = (retailer_id, order.store_number, item.rrc, order.details.paid_with_ebt)
    until, known = _suggested.get(key, (0, ()))
    if until <= clock.of_process():
        alike = await items.similar(tx, retailer_id, item, _SUGGESTIONS, ebt_only=order.details.paid_with_ebt)
        there = await assortment.in_store(tx, retailer_id, order.store_number, alike)
        known = [product(one, one.upc, one.rrc) for one in there]
        if len(_suggested) >= _MOST_SUGGESTED:
            _suggested.clear()
        _suggested[key] = (clock.of_process() + _SUGGESTED_FOR, known)
    return known


def _other(name: ItemName | None, products: Products) -> wire.Product | None:
    return None if name is None else _product(name, products)


def _product(name: ItemName, products: Products) -> wire.Product:
    return product(products.get(_named(name)), name.upc, name.rrc)


def _alternative(line: OrderLine, products: Products) -> wire.Alternative | None:
    one = line.alternative
    return None if one is None else wire.Alternative(_product(one.item, products), one.count, one.weight)


def product(item: Item | None, upc: str | None, rrc: str | None) -> wire.Product:
    """A product of the catalog, or one that only its codes name."""
    if item is None:
        return wire.Product(upc, rrc, name=rrc or upc or "")
    return wire.Product(
        upc=None if item.upc is None else items.shown_upc(item.upc),
        rrc=item.rrc,
        name=item.name,
        cost_unit=item.cost_unit,
        par_weight=item.par_weight,
        price_cents=item.price_cents,
        image_url=item.image_url,
        department=item.department,
        aisle=item.aisle,
        shelf=item.shelf,
        temperature=item.temperature,
        is_alcohol=item.alcohol_kind is not None,
    )


def sought(line: wire.Line) -> wire.Product:
    """What the shopper looks for: the product of a line, or what the customer named in its place."""
    if line.status == NOT_FOUND and line.alternative is not None:
        return line.alternative.product
    return line.product


def walk(product: wire.Product, place: int) -> tuple[object, ...]:
    """The key that sorts lines along a shopper's way: by aisle and shelf, or else by department and name.

    Frozen and hot products are last. Lines that have all of it in common stay as they are in the order.
    """
    by_place = (0, _natural(product.aisle), _natural(product.shelf)) if product.aisle else (1,)
    by_name = () if product.aisle else (product.department is None, product.department or "", product.name)
    return (_LAST.get(product.temperature or "", 0), *by_place, *by_name, place)


def _natural(text: str | None) -> Sequence[tuple[int, int, str]]:
    """A key that sorts the numbers in a text by their value: 2 before 10, A9 before A10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text or "")
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts]
