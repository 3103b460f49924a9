"""Create, read, change, stage and cancel orders: wire in, one op, wire out. `routes` has the table."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct, structs

from handcart.core import clock, errors, ids
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.call import Call
from handcart.orders import checks, create, customers, lines, links, ops, queries, replacements
from handcart.orders.create import NewOrder
from handcart.orders.models import (
    CARRIED,
    DELIVERY,
    DISPATCH,
    LAST_MILE,
    PICKUP,
    REPLACED,
    TO_REFUND,
    Order,
    OrderDetails,
    OrderLine,
)
from handcart.orders.ops import Changes
from handcart.orders.replacements import Selection
from handcart.orders.wire import (
    CancelDispatchRequest,
    CarriedOrderResponse,
    CreateDeliveryRequest,
    CreateDispatchRequest,
    CreateLastMileRequest,
    CreatePickupRequest,
    FulfillmentDetails,
    GetOrderResponse,
    OrderedItem,
    OrderItemAnswer,
    OrderResponse,
    OrdersResponse,
    OrderUser,
    OrderWarning,
    ReplacementSelectionsRequest,
    UpdateCarriedRequest,
    UpdateOrderRequest,
    UpdateTipRequest,
)
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.stores import queries as stores
from handcart.stores.models import ItemName
from handcart.users.models import plain_phone_number

# Fields of a request that an order keeps under another name.
_RENAMED = {"user_phone": "phone_number"}
# They would lie under the paths of other operations, or be taken for steps in a path.
_RESERVED_IDS = (DELIVERY, PICKUP, LAST_MILE, ".", "..")
_DETAILS = {field.name for field in structs.fields(OrderDetails)}


async def create_delivery(tx: Tx, call: Call) -> OrderResponse:
    body: CreateDeliveryRequest = call.body
    order = _new_order(
        call,
        body,
        DELIVERY,
        hold_id=body.service_option_hold_id,
        items=body.items,
        tip_cents=body.initial_tip_cents or 0,
    )
    return await _full(tx, call, await create.create_shopped(tx, call.caller, call.path["user_id"], order))


async def create_pickup(tx: Tx, call: Call) -> OrderResponse:
    body: CreatePickupRequest = call.body
    order = _new_order(call, body, PICKUP, hold_id=body.service_option_hold_id, items=body.items)
    return await _full(tx, call, await create.create_shopped(tx, call.caller, call.path["user_id"], order))


async def create_last_mile(tx: Tx, call: Call) -> CarriedOrderResponse:
    body: CreateLastMileRequest = call.body
    order = _new_order(
        call,
        body,
        LAST_MILE,
        hold_id=body.service_option_hold_id,
        window=_window(body.start_at, body.end_at),
        tip_cents=body.initial_tip_cents or 0,
        alcoholic=bool(body.alcoholic),
    )
    return await _carried(tx, call, await create.create_last_mile(tx, call.caller, call.path["user_id"], order))


async def create_dispatch(tx: Tx, call: Call) -> CarriedOrderResponse:
    body: CreateDispatchRequest = call.body
    order = _new_order(
        call,
        body,
        DISPATCH,
        window=_window(body.start_at, body.end_at),
        tip_cents=body.initial_tip_cents or 0,
        alcoholic=bool(body.alcoholic),
    )
    or_soonest = bool(body.fallback_to_soonest_sameday)
    made = await create.create_dispatch(tx, call.caller, body.user_id, order, or_soonest=or_soonest)
    return await _carried(tx, call, made)


async def get(tx: Tx, call: Call) -> GetOrderResponse:
    order = await queries.get(tx, call.caller, call.path["user_id"], call.path["order_id"])
    full = await _full(tx, call, order)
    return GetOrderResponse(**structs.asdict(full), pos_payment_method="UNSPECIFIED")


async def get_carried(tx: Tx, call: Call) -> CarriedOrderResponse:
    return await _carried(tx, call, await queries.get_carried(tx, call.caller, call.path["order_id"], _user_of(call)))


async def get_orders(tx: Tx, call: Call) -> OrdersResponse:
    orders = await queries.of_user(tx, call.caller, call.path["user_id"])
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    return OrdersResponse([await _full(tx, call, order, retailer) for order in orders])


async def update(tx: Tx, call: Call) -> OrderResponse:
    body: UpdateOrderRequest = call.body
    changes = Changes(
        details=_given(special_instructions=body.special_instructions, **_of_user(body.user)),
        hold_id=body.service_option_hold_id,
        tip_cents=body.initial_tip_cents,
        items=body.items,
    )
    order = await ops.update_shopped(tx, call.caller, call.path["user_id"], call.path["order_id"], changes)
    return await _full(tx, call, order)


async def update_last_mile(tx: Tx, call: Call) -> CarriedOrderResponse:
    user_id, order_id = call.path["user_id"], call.path["order_id"]
    return await _carried(tx, call, await ops.update_carried(tx, call.caller, user_id, order_id, _changes(call.body)))


async def update_carried(tx: Tx, call: Call) -> CarriedOrderResponse:
    order_id = call.path["order_id"]
    order = await ops.update_carried(tx, call.caller, _user_of(call), order_id, _changes(call.body))
    return await _carried(tx, call, order)


async def set_replacements(tx: Tx, call: Call) -> OrderResponse:
    body: ReplacementSelectionsRequest = call.body
    chosen = [Selection(one.line_num, one.replacement_items or (), one.count, one.weight) for one in body.selections]
    user_id, order_id = call.path["user_id"], call.path["order_id"]
    return await _full(tx, call, await replacements.choose(tx, call.caller, user_id, order_id, chosen))


async def update_tip(tx: Tx, call: Call) -> OrderResponse:
    body: UpdateTipRequest = call.body
    user_id, order_id = call.path["user_id"], call.path["order_id"]
    return await _full(tx, call, await ops.update_tip(tx, call.caller, user_id, order_id, body.tip_amount_cents))


async def stage(tx: Tx, call: Call) -> CarriedOrderResponse:
    details = _given(**structs.asdict(call.body))
    order = await ops.stage(tx, call.caller, call.path.get("user_id"), call.path["order_id"], details)
    return await _carried(tx, call, order)


async def cancel(tx: Tx, call: Call) -> OrderResponse:
    return await _full(tx, call, await ops.cancel(tx, call.caller, call.path["user_id"], call.path["order_id"]))


async def cancel_carried(tx: Tx, call: Call) -> CarriedOrderResponse:
    body: CancelDispatchRequest = call.body
    return await _carried(tx, call, await ops.cancel_carried(tx, call.caller, call.path["order_id"], body.user_id))


def _new_order(call: Call, body: Any, kind: str, **fields: Any) -> NewOrder:
    """The order that a request asks for; fields that are only stored become details.

    Raises the refusal of metadata that is nested too deeply: such a body has no fingerprint.
    """
    for refusal in checks.depth(getattr(body, "metadata", None), getattr(body, "items", None) or ()):
        raise refusal
    kept = {_RENAMED.get(name, name): value for name, value in structs.asdict(body).items()}
    kept.update(_of_user(kept.pop("user", None)))
    if kind in CARRIED:  # their customers get text messages unless they refuse
        kept["sms_opt_in"] = not kept["customer_sms_opt_out"]
    kept["locale"] = kept.get("locale") or _accepted_locale(call)
    kept["phone_number"] = plain_phone_number(kept.get("phone_number"))
    details = {name: value for name, value in kept.items() if name in _DETAILS and value is not None}
    if body.order_id in _RESERVED_IDS:
        raise errors.invalid("order_id")
    return NewOrder(
        order_id=body.order_id if body.order_id is not None else str(ids.new_id()),
        kind=kind,
        details=OrderDetails(**details),
        fingerprint=_fingerprint(call, body, kind),
        location_code=body.location_code,
        leave_unattended=bool(kept.get("leave_unattended")),
        **fields,
    )


def _fingerprint(call: Call, body: Struct, kind: str) -> bytes:
    """Tells whether two creations ask for the same; fields that are unknown to us do not count."""
    content = msgspec.json.encode([kind, call.path.get("user_id"), body], order="deterministic")
    return blake2b(content, digest_size=16).digest()


def _accepted_locale(call: Call) -> str | None:
    """The documented locale that `Accept-Language` prefers by weight (RFC 9110 section 12.5.4), if it names one."""
    accepted = pages.accepted_languages(call.header(b"accept-language") or "")
    return next((found for tag in accepted if (found := customers.documented_locale(tag))), None)


def _changes(body: UpdateCarriedRequest) -> Changes:
    details = ("items_count", "bags_count", "items_weight", "cart_total", "bag_label", "special_instructions")
    return Changes(
        details=_given(**{name: getattr(body, name) for name in details}),
        option_id=body.service_option_id,
        window=_window(body.start_at, body.end_at),
        tip_cents=body.initial_tip_cents,
        alcoholic=body.alcoholic,
    )


def _given(**fields: Any) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _of_user(user: OrderUser | None) -> dict[str, Any]:
    if user is None:
        return {}
    phone_number = plain_phone_number(user.phone_number)
    return dict(_given(**{**structs.asdict(user), "phone_number": phone_number}))


def _window(start_at: str | None, end_at: str | None) -> tuple[int, int] | None:
    """Both ends of a window, or None without a window; raises if only one end is given."""
    if start_at is None and end_at is None:
        return None
    if start_at is None or end_at is None:
        raise errors.blank("start_at" if start_at is None else "end_at")
    return clock.from_wire(start_at, "start_at"), clock.from_wire(end_at, "end_at")


def _user_of(call: Call) -> str | None:
    """The query parameter `user_id` of the dispatch endpoints."""
    values = parse_qs(call.query.decode("latin-1"), keep_blank_values=True).get("user_id", [])
    if len(values) > 1 or any("\0" in value for value in values):
        raise errors.invalid("user_id")
    return values[0] if values else None


async def _carried(tx: Tx, call: Call, order: Order) -> CarriedOrderResponse:
    return CarriedOrderResponse(**await _answer(tx, call, order))


async def _full(tx: Tx, call: Call, order: Order, retailer: Retailer | None = None) -> OrderResponse:
    """An order with its lines. `retailer`: the caller's, if it is read already."""
    answer = await _answer(tx, call, order, retailer)
    if order.kind in CARRIED:
        return OrderResponse(**answer)
    return OrderResponse(
        **answer,
        items=[_line(line) for line in order.lines if not line.is_removed],
        warnings=[OrderWarning(**warning) for warning in order.details.warnings],
    )


async def _answer(tx: Tx, call: Call, order: Order, retailer: Retailer | None = None) -> dict[str, Any]:
    retailer = retailer or await retailers.retailer(tx, call.caller.retailer_id)
    return {
        "id": order.order_id,
        "status": order.status,
        "order_url": links.shown(tx, retailer, order),
        "created_at": clock.to_wire(order.created_at),
        "is_express": order.is_instacartplus,
        "is_instacartplus": order.is_instacartplus,
        "fulfillment_details": FulfillmentDetails(
            window_starts_at=clock.to_wire(order.window_starts_at),
            window_ends_at=clock.to_wire(order.window_ends_at),
            store_location=await stores.location_code(tx, call.caller.retailer_id, order.store_number),
            delivered_at=None if order.delivered_at is None else clock.to_wire(order.delivered_at),
            bag_count=order.bag_count if order.bag_count is not None else order.details.bags_count,
        ),
        "cancellation_reason": order.cancellation_reason,
        "locale": (order.details.locale or customers.LOCALES[0]).replace("-", "_"),
        "metadata": order.details.metadata,
    }


def _line(line: OrderLine) -> OrderItemAnswer:
    asked = ItemName() if line.is_added else ItemName(line.upc, line.rrc)
    got = lines.delivered(line)
    now = got or asked
    return OrderItemAnswer(
        line_num=line.line_num,
        qty=lines.qty(line),
        qty_unit=line.qty_unit,
        item=OrderedItem(
            now.upc or "",
            now.rrc or "",
            asked.upc or "",
            asked.rrc or "",
            (got and got.upc) or "",
            (got and got.rrc) or "",
        ),
        scan_code=line.scans[0].scanned_string if line.scans else None,
        replacement_policy=line.replacement_policy,
        special_instructions=line.special_instructions,
        metadata=line.metadata,
        replaced=line.status == REPLACED,
        refunded=True if line.status == TO_REFUND else None,
    )
