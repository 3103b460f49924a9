"""The lines of an order: made from a cart, and changed by their numbers.

https://docs.instacart.com/connect/api/fulfillment/delivery/update_order
"""

import math
from collections.abc import Mapping, Sequence

from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.orders.models import FOUND, NOT_FOUND, REJECTED, REPLACED, TO_REFUND, OrderLine
from handcart.stores import carts, items
from handcart.stores.carts import Cart, Line, OrderItem
from handcart.stores.models import ItemCode, ItemName

_PIECES_IN_A_BAG = 10


async def replacements(tx: Tx, retailer_id: int, cart: Cart, *, ebt_only: bool) -> Mapping[str, Sequence[ItemName]]:
    """The substitutes requested for each line; for an order paid with EBT, only eligible ones."""
    wished = {line.asked.line_num: list(line.asked.replacement_items or ()) for line in cart.lines}
    return await eligible(tx, retailer_id, wished, ebt_only=ebt_only)


async def eligible(
    tx: Tx, retailer_id: int, wished: Mapping[str, Sequence[ItemName]], *, ebt_only: bool
) -> Mapping[str, Sequence[ItemName]]:
    """The requested substitutes that the order's payment method allows."""
    if not ebt_only:
        return wished
    codes = [ItemCode(name.upc, name.rrc) for names in wished.values() for name in names]
    found = await items.find(tx, retailer_id, codes)
    allowed = {code for code, item in zip(codes, found, strict=True) if item is not None and item.is_ebt_eligible}
    return {
        line_num: [name for name in names if ItemCode(name.upc, name.rrc) in allowed]
        for line_num, names in wished.items()
    }


def of_cart(cart: Cart, wished: Mapping[str, Sequence[ItemName]]) -> list[OrderLine]:
    """The lines of a cart in the form stored in an order."""
    return [_line(line, wished[line.asked.line_num]) for line in cart.lines]


def merged(there: Sequence[OrderLine], asked: Sequence[OrderItem]) -> list[OrderItem]:
    """The requested lines, completed from the order: a known number keeps its product, and by default its quantity."""
    known = {line.line_num: line for line in there}
    return [_merged(known[one.line_num], one) if one.line_num in known else one for one in asked]


def asked(there: Sequence[OrderLine]) -> list[OrderItem]:
    """The lines of an order as a request for the same lines."""
    return [
        OrderItem(
            line_num=line.line_num,
            item=_name(line),
            count=line.count,
            weight=line.weight,
            special_instructions=line.special_instructions or None,
        )
        for line in there
        if not line.is_removed
    ]


def renumbered(there: Sequence[OrderLine], cart: Cart) -> ApiError | None:
    """The error if a product of the order comes with a new number and its old number is missing.

    If both numbers are there, `carts.read` reports the product as a duplicate.
    """
    present = {line.asked.line_num for line in cart.lines}
    gone = {line.product for line in there if not line.is_removed and line.line_num not in present}
    wrong = [line for line in cart.lines if line.product in gone]
    return carts.duplicates(wrong) if wrong else None


def kept(there: Sequence[OrderLine], now: Sequence[OrderLine]) -> list[OrderLine]:
    """The order's new lines; omitted ones are marked as removed, so that they keep their numbers."""
    known = {line.line_num: line for line in there}
    for line in now:
        before = known.get(line.line_num)
        line.is_edited = (
            before is None or before.is_edited or (line.qty, line.qty_unit) != (before.qty, before.qty_unit)
        )
        if line.line_num in known:
            line.upc, line.rrc = known[line.line_num].upc, known[line.line_num].rrc
            line.version = known[line.line_num].version + 1
    present = {line.line_num for line in now}
    removed = [line for line in there if line.line_num not in present]
    for line in removed:
        line.is_removed = True
    return [*now, *removed]


def still_in(there: Sequence[OrderLine], cart: Cart) -> list[OrderLine]:
    """The lines of an order that are still in its cart, unchanged."""
    present = {line.asked.line_num for line in cart.lines}
    return [line for line in there if line.line_num in present]


def qty(line: OrderLine) -> float:
    """The delivered quantity of a line, or the ordered one until the shopper has handled it. Whole numbers are int."""
    if line.status == TO_REFUND:
        return 0
    delivered = line.delivered_count if line.qty_unit == "each" else line.delivered_weight
    many = line.qty if line.status == NOT_FOUND or delivered is None else delivered
    return int(many) if many == int(many) else many


def delivered(line: OrderLine) -> ItemName | None:
    """The product that the customer gets; None if none was found yet."""
    if line.status == REPLACED:
        return line.substitute or ItemName()
    return ItemName(line.upc, line.rrc) if line.status == FOUND else None


def take_the_rest(lines: Sequence[OrderLine]) -> Sequence[OrderLine]:
    """Mark the lines that the shopper did not handle as found in full; returns those that are refunded instead.

    A line whose replacement the customer refused was not there, so that it is refunded.
    """
    refunded = [line for line in lines if line.status == NOT_FOUND and line.replacement_status == REJECTED]
    for line in lines:
        if line.status == NOT_FOUND:
            line.status = TO_REFUND if line.replacement_status == REJECTED else FOUND
    return refunded


def unpicked(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """The lines as they were before any shopper changed them."""
    left = [line for line in lines if not line.is_added]
    for line in left:
        if line.status != NOT_FOUND or line.replacement_status is not None:
            line.version += 1
        line.clear()
        line.status, line.picked_by, line.picked_at = NOT_FOUND, None, None
        line.replacement_status = line.proposed_at = line.refused = line.alternative = None
    return left


def bags(lines: Sequence[OrderLine]) -> int | None:
    """The number of bags for the delivered lines; None for an order whose items the retailer picks."""
    if not lines:
        return None
    pieces = sum(math.ceil(qty(line)) if line.qty_unit == "each" else 1 for line in lines if not line.is_removed)
    return math.ceil(pieces / _PIECES_IN_A_BAG)


def _name(line: OrderLine) -> ItemName:
    """The unique name of a line's product: two products in a catalog may share a upc."""
    kind, _, code = line.product.partition(":")
    return ItemName(rrc=code) if kind == "rrc" else ItemName(upc=line.upc)


def _merged(line: OrderLine, one: OrderItem) -> OrderItem:
    has_amount = one.count is not None or one.weight is not None
    return OrderItem(
        line_num=one.line_num,
        item=_name(line),
        count=one.count if has_amount else line.count,
        weight=one.weight if has_amount else line.weight,
        special_instructions=one.special_instructions,
        replacement_policy=one.replacement_policy,
        replacement_items=one.replacement_items,
        metadata=one.metadata if one.metadata is not None else line.metadata,
    )


def _line(line: Line, wished: Sequence[ItemName]) -> OrderLine:
    asked, item = line.asked, line.item
    upc = items.shown_upc(item.upc) if item is not None and item.upc is not None else None
    return OrderLine(
        line_num=asked.line_num,
        qty=line.qty,
        qty_unit=line.qty_unit,
        product=line.product,
        upc=asked.item.upc or upc,
        rrc=asked.item.rrc or (item.rrc if item is not None else None),
        special_instructions=line.special_instructions,
        replacement_policy=asked.replacement_policy or ("users_choice" if wished else "shoppers_choice"),
        replacement_items=wished,
        is_alcohol=line.is_alcohol,
        count=asked.count,
        weight=asked.weight,
        metadata=asked.metadata,
    )
