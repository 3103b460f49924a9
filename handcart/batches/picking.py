"""A shopper's work on the items of an order: find, replace, refund, add.

https://docs.instacart.com/connect/api/sandbox/shoppers/update_shopper_order_item, .../create_shopper_order_item
"""

from collections.abc import Sequence

from msgspec import Struct

from handcart.batches import errors
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import ApiError, blank, invalid, raise_any
from handcart.orders import ops as orders
from handcart.orders import replacements, states
from handcart.orders.models import FOUND, NOT_FOUND, REPLACED, TO_REFUND, Order, OrderLine, Scan
from handcart.shoppers import queries as shoppers
from handcart.shoppers.errors import shopper_not_found
from handcart.stores import carts, items
from handcart.stores.models import Item, ItemCode, ItemName

_HAPPENED = {
    NOT_FOUND: states.PUT_BACK,
    FOUND: states.FOUND,
    REPLACED: states.REPLACED,
    TO_REFUND: states.REFUNDED,
}


class Picked(Struct, frozen=True):
    """A shopper's changes of a line; None: no change. `item`: the replacement.

    `unscanned`: how the shopper knew the product without a scan, `digits` or `picture`. `by`: the operator's
    shopper, None if the platform does not know the person.
    """

    status: str | None = None
    delivered_count: int | None = None
    delivered_weight: float | None = None
    item: ItemName | None = None
    scans: Sequence[Scan] | None = None
    unscanned: str | None = None
    by: int | None = None


async def update(tx: Tx, retailer_id: int, shopper_id: int, order_id: str, line_num: str, picked: Picked) -> Order:
    """Update a line. Default status: replaced if an item is given, else the line's status, else found."""
    order = await _being_picked(tx, retailer_id, shopper_id, order_id)
    line = next((line for line in order.lines if line.line_num == line_num and not line.is_removed), None)
    if line is None:
        raise invalid("line_num")
    status = picked.status or _status_of(line, picked)
    raise_any(_wrong_about(line, status, picked))
    item = None
    if status == REPLACED:
        item = picked.item or line.substitute or next(iter(replacements.wishes(line)), ItemName())
        item = await _named(tx, retailer_id, order, item)
        if replacements.is_refused(line, item):
            raise errors.replacement_refused()
    _pick(line, status, picked, item)
    await orders.note(tx, retailer_id, order, _HAPPENED[status], [line_num])
    return order


async def add(tx: Tx, retailer_id: int, shopper_id: int, order_id: str, picked: Picked) -> Order:
    """Add an item that the customer asked for, as a line with the next free number; default quantity: 1."""
    order = await _being_picked(tx, retailer_id, shopper_id, order_id)
    if picked.item is None or not (picked.item.upc or picked.item.rrc):
        raise blank("item")
    if len(order.lines) >= carts.MOST_LINES:
        raise invalid("item")
    (item,) = await items.find(tx, retailer_id, [ItemCode(picked.item.upc, picked.item.rrc)])
    name = await _named(tx, retailer_id, order, picked.item)
    by_weight = picked.delivered_weight is not None and picked.delivered_count is None
    unit = "each" if not by_weight else item.cost_unit if item is not None and item.cost_unit != "each" else "lb"
    amount = picked.delivered_weight if by_weight else picked.delivered_count
    line = OrderLine(
        line_num=_next_number(order.lines),
        qty=1 if amount is None else amount,
        qty_unit=unit,
        product=_product(item, picked.item),
        upc=name.upc,
        rrc=name.rrc,
        is_alcohol=item is not None and item.alcohol_kind is not None,
        is_added=True,
    )
    _pick(line, FOUND, picked)
    order.lines = [*order.lines, line]
    await orders.note(tx, retailer_id, order, states.ADDED)
    return order


async def take_back_alcohol(tx: Tx, retailer_id: int, order: Order) -> None:
    """Refund a locked order's alcohol that cannot be handed to the customer: it is returned to the store."""
    alcohol = [line.line_num for line in order.lines if line.is_alcohol and not line.is_removed]
    await refund(tx, retailer_id, order, alcohol)


async def refund(tx: Tx, retailer_id: int, order: Order, line_nums: Sequence[str]) -> None:
    """Refund lines of a locked order whose items the customer does not get, also after they were paid."""
    for line in order.lines:
        if line.line_num in line_nums and not line.is_removed:
            _pick(line, TO_REFUND, Picked(TO_REFUND, delivered_count=0, by=line.picked_by))
    await orders.note(tx, retailer_id, order, states.REFUNDED, line_nums)


async def _being_picked(tx: Tx, retailer_id: int, shopper_id: int, order_id: str) -> Order:
    """The order, locked, if it is in a live batch of the shopper and its items may change."""
    order = await orders.lock(tx, retailer_id, order_id)
    if not await shoppers.exists(tx, retailer_id, shopper_id):
        raise shopper_not_found()
    batch = await tx.one(
        "SELECT b.shopper_id FROM batch_orders o JOIN batches b ON b.retailer_id = o.retailer_id AND b.id = o.batch_id"
        " WHERE o.retailer_id = $1 AND o.order_id = $2 AND o.is_live",
        retailer_id,
        order_id,
    )
    if batch is None or batch["shopper_id"] != shopper_id:
        raise errors.not_assigned()
    if not states.may(order.kind, order.status, states.CHANGE_ITEMS):
        raise errors.not_being_picked()
    return order


def _status_of(line: OrderLine, picked: Picked) -> str:
    if picked.item is not None:
        return REPLACED
    return FOUND if line.status == NOT_FOUND else line.status


def _wrong_about(line: OrderLine, status: str, picked: Picked) -> list[ApiError | None]:
    is_nothing = status in (TO_REFUND, NOT_FOUND)
    has_code = picked.item is None or bool(picked.item.upc or picked.item.rrc)
    return [
        errors.not_replaceable() if status == REPLACED and line.replacement_policy == "no_replacements" else None,
        invalid("delivered_count") if is_nothing and picked.delivered_count else None,
        invalid("delivered_weight") if is_nothing and picked.delivered_weight else None,
        invalid("replacement_item") if picked.item is not None and status != REPLACED else None,
        None if has_code else blank("replacement_item"),
    ]


def _pick(line: OrderLine, status: str, picked: Picked, item: ItemName | None = None) -> None:
    """Apply the changes to a line; earlier values are kept if the status stays the same. `item`: the replacement."""
    if status != line.status:
        line.clear()
        if status == REPLACED:
            line.delivered_count, line.delivered_weight = line.replacement_count, line.replacement_weight
        else:
            replacements.withdraw(line, status)
    if item is not None:
        replacements.propose(line, item)
    line.status = status
    if picked.delivered_count is not None:
        line.delivered_count = picked.delivered_count
    if picked.delivered_weight is not None:
        line.delivered_weight = picked.delivered_weight
    if picked.scans is not None:
        line.scans = picked.scans
    if picked.unscanned is not None:
        line.unscanned = picked.unscanned
    line.version += 1
    is_picked = status != NOT_FOUND
    line.picked_by, line.picked_at = (picked.by, clock.now()) if is_picked else (None, None)


async def _named(tx: Tx, retailer_id: int, order: Order, name: ItemName) -> ItemName:
    """A product to add to an order, with both its codes if the catalog has it."""
    (item,) = await items.find(tx, retailer_id, [ItemCode(name.upc, name.rrc)])
    if item is None:
        return name
    if item.alcohol_kind is not None:  # alcohol is handed to an adult, never left at the door
        order.has_alcohol, order.leave_unattended = True, False
    upc = None if item.upc is None else items.shown_upc(item.upc)
    return ItemName(name.upc or upc, name.rrc or item.rrc)


def _product(item: Item | None, name: ItemName) -> str:
    if item is not None:
        return f"rrc:{item.rrc}"
    return f"rrc:{name.rrc}" if name.upc is None else f"upc:{items.plain_upc(name.upc)}"


def _next_number(lines: Sequence[OrderLine]) -> str:
    digits = [line.line_num for line in lines if line.line_num.isascii() and line.line_num.isdecimal()]
    return str(max((int(number) for number in digits), default=0) + 1)
