"""The items of an order, and the customer's answers to replacements.

https://docs.instacart.com/connect/api/post_checkout/order_items/get_order_items, .../handle_order_item_replacement
"""

import hmac
from collections.abc import Mapping, Sequence

from handcart.core.db import Tx
from handcart.core.errors import ApiError, blank, raise_any
from handcart.core.web.call import Call, Route
from handcart.core.web.wire import Empty, TreatIdsAsInternal
from handcart.orders import errors as order_errors
from handcart.orders import lines, proof, replacements
from handcart.orders.models import (
    APPROVED,
    FOUND,
    NOT_FOUND,
    REJECTED,
    REPLACED,
    TO_REFUND,
    Alternative,
    Order,
    OrderLine,
)
from handcart.post_checkout import errors
from handcart.post_checkout.endpoints import FIND, PATH, TYPES, endpoint
from handcart.post_checkout.items_wire import (
    AnswerReplacementRequest,
    ItemResponse,
    LineItemResponse,
    OrderItemId,
    OrderItemsResponse,
)
from handcart.post_checkout.orders import find, lock
from handcart.retailers import ops as retailers
from handcart.stores import items
from handcart.stores.models import Item, ItemCode, ItemName

# The documented statuses of what the shopper did with a line.
STATUSES: Mapping[str, str] = {
    NOT_FOUND: "NOT_PICKED",
    FOUND: "FOUND",
    REPLACED: "REPLACED",
    TO_REFUND: "TO_REFUND",
}
_NO_REPLACEMENT = "SUBSTITUTION_STATUS_UNSPECIFIED"


async def get_items(tx: Tx, call: Call) -> OrderItemsResponse:
    order = await find(tx, call)
    retailer_id = call.caller.retailer_id
    present = [line for line in order.lines if not line.is_removed]
    names = [ItemName(line.upc, line.rrc) for line in present]
    names += [line.substitute for line in present if line.substitute is not None]
    codes = [ItemCode(name.upc, name.rrc) for name in names]
    catalog = dict(zip(codes, await items.find(tx, retailer_id, codes), strict=True))
    rules = (await retailers.retailer(tx, retailer_id)).rules
    certified = await proof.certified_lines(tx, retailer_id, rules, order)
    return OrderItemsResponse(
        [_shown(tx, retailer_id, order, line, catalog, is_certified=line.line_num in certified) for line in present]
    )


async def answer_replacement(tx: Tx, call: Call) -> Empty:
    body: AnswerReplacementRequest = call.body
    order = await lock(tx, call)
    line = _line(tx, call.caller.retailer_id, order, call.path["order_item_id"])
    raise_any([*_wrong_status(body.status), *_wrong_alternative(body)])
    named = body.alternative_item
    alternative = None if named is None else Alternative(ItemName(named.upc, named.rrc), named.count, named.weight)
    is_approved = body.status == APPROVED
    await replacements.answer(tx, call.caller.retailer_id, order, line.line_num, is_approved, alternative)
    return Empty()


def _ids(tx: Tx, retailer_id: int, order: Order, line: OrderLine) -> Sequence[str]:
    """The id of a line's item: 128 bits. After that, the ids that it had under earlier secret keys."""
    return [one.hex() for one in tx.keys.link_macs("order item", str(retailer_id), str(order.number), line.line_num)]


def _line(tx: Tx, retailer_id: int, order: Order, item_id: str) -> OrderLine:
    """The line of an item's id; raises the documented 404."""
    for line in order.lines:
        known = _ids(tx, retailer_id, order, line)
        if not line.is_removed and any(hmac.compare_digest(item_id.encode(), one.encode()) for one in known):
            return line
    raise order_errors.order_item_not_found(item_id)


def _wrong_status(status: str | None) -> Sequence[ApiError]:
    if not status:
        return blank("status"), order_errors.not_included("status")
    return () if status in (APPROVED, REJECTED) else (order_errors.not_included("status"),)


def _wrong_alternative(body: AnswerReplacementRequest) -> Sequence[ApiError]:
    named = body.alternative_item
    if named is None:
        return ()
    found = [errors.not_allowed_when_approved()] if body.status == APPROVED else []
    if (named.rrc is None) == (named.upc is None):
        found.append(errors.wrong_alternative(errors.ONE_CODE))
    if (named.count is None) == (named.weight is None):
        found.append(errors.wrong_alternative(errors.ONE_AMOUNT))
    if named.count is not None and named.count <= 0:
        found.append(errors.wrong_alternative(errors.SOME_PIECES))
    if named.weight is not None and named.weight <= 0:
        found.append(errors.wrong_alternative(errors.SOME_WEIGHT))
    return found


def _shown(
    tx: Tx,
    retailer_id: int,
    order: Order,
    line: OrderLine,
    catalog: Mapping[ItemCode, Item | None],
    *,
    is_certified: bool,
) -> LineItemResponse:
    found = lines.qty(line) if line.status == FOUND else line.qty
    product = ItemName(line.upc, line.rrc)
    return LineItemResponse(
        id=_ids(tx, retailer_id, order, line)[0],
        line_num=line.line_num,
        status=STATUSES[line.status],
        replacement_status=line.replacement_status or _NO_REPLACEMENT,
        certified_delivery=is_certified,
        item=_item(product, _of(catalog, product), found, line.qty_unit),
        replacement=None if line.substitute is None else _replacement(line, line.substitute, catalog),
    )


def _of(catalog: Mapping[ItemCode, Item | None], name: ItemName) -> Item | None:
    return catalog[ItemCode(name.upc, name.rrc)]


def _replacement(line: OrderLine, name: ItemName, catalog: Mapping[ItemCode, Item | None]) -> ItemResponse:
    item = _of(catalog, name)
    amount, unit = line.qty, line.qty_unit
    if line.delivered_count is not None and (unit == "each" or line.delivered_weight is None):
        amount, unit = line.delivered_count, "each"
    elif line.delivered_weight is not None:
        by_weight = item.cost_unit if item is not None and item.cost_unit != "each" else "lb"
        amount, unit = line.delivered_weight, by_weight if unit == "each" else unit
    return _item(name, item, amount, unit)


def _item(name: ItemName, item: Item | None, amount: float, unit: str) -> ItemResponse:
    """A product and its amount; a product that the catalog does not have is named by its code."""
    return ItemResponse(
        name=item.name if item is not None else name.upc or name.rrc or "",
        image_url=None if item is None else item.image_url,
        quantity=_written(amount, unit),
        cost_unit=unit,
    )


def _written(amount: float, unit: str) -> str:
    """An amount as the documentation's samples have it: pieces as 2, weights as 2.0."""
    return str(int(amount)) if unit == "each" else str(float(amount))


ROUTES: Sequence[Route] = (
    endpoint(
        "get_order_items",
        f"{PATH}/items",
        get_items,
        "Get an order's items",
        "order_items/get_order_items",
        method="GET",
        types={**TYPES, "X-Treat-Ids-As-Internal": TreatIdsAsInternal},
        response=OrderItemsResponse,
        refusals=FIND,
    ),
    endpoint(
        "handle_order_item_replacement",
        f"{PATH}/items/{{order_item_id}}/replacement",
        answer_replacement,
        "Approve or refuse a replacement",
        "order_items/handle_order_item_replacement",
        method="PUT",
        types={**TYPES, "order_item_id": OrderItemId},
        body=AnswerReplacementRequest,
        response=Empty,
        refusals=(
            *FIND,
            order_errors.order_item_not_found("1111"),
            order_errors.not_included("status"),
            errors.not_allowed_when_approved(),
            *(errors.wrong_alternative(message) for message in errors.ALTERNATIVES),
            order_errors.unresolved_alternative(),
            order_errors.already_answered(),
            order_errors.nothing_to_answer(),
        ),
        description="A request without `status` gets two errors: `can't be blank` and `is not included in the list`.",
    ),
)
