"""The order endpoints: path, handler, and the errors that each may return."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.web import idempotency
from handcart.core.web.call import Call, Handler, Route, route
from handcart.oauth.scopes import FULFILLMENT
from handcart.orders import api, checks
from handcart.orders import errors as order_errors
from handcart.orders.models import OrderId
from handcart.orders.wire import (
    CancelDispatchRequest,
    CarriedOrderResponse,
    CreateDeliveryRequest,
    CreateDispatchRequest,
    CreateLastMileRequest,
    CreatePickupRequest,
    GetOrderResponse,
    IdempotencyKey,
    OrderResponse,
    OrdersResponse,
    ReplacementSelectionsRequest,
    StageOrderRequest,
    UpdateCarriedRequest,
    UpdateOrderRequest,
    UpdateTipRequest,
)
from handcart.retailers.models import RetailerId
from handcart.slots import errors as slot_errors
from handcart.stores import carts
from handcart.users import errors as user_errors
from handcart.users.models import UserId

_DOCS = "https://docs.instacart.com/connect/api/fulfillment"
_USER = (user_errors.user_not_found(), user_errors.user_not_active())
_FIND = (*_USER, order_errors.order_not_found())
_NEW = (
    *_USER,
    order_errors.order_id_taken(),
    slot_errors.invalid_hold(),
    errors.invalid("location_code"),
    slot_errors.not_available(slot_errors.HOLD_KEY),
    slot_errors.expired(slot_errors.HOLD_KEY),
)
_LINES = (
    order_errors.too_large("items[0].metadata", checks.MOST_METADATA),
    order_errors.too_large("items", checks.MOST_ORDER),
)
_METADATA = (order_errors.too_large("metadata", checks.MOST_METADATA),)
_SHOPPED = (
    *_NEW,
    *_METADATA,
    *_LINES,
    *carts.refusals(),
    errors.blank("user.phone_number"),
    errors.invalid("user.phone_number"),
    errors.blank("user.birthday"),
    errors.invalid("user.birthday"),
    errors.invalid("paid_with_ebt"),
)
_ADDRESS = (errors.invalid("address"), errors.invalid("address.postal_code"))
_WINDOW = (
    errors.blank("start_at"),
    errors.invalid("start_at"),
    errors.blank("end_at"),
    errors.invalid("end_at"),
)
_CARRIED = (
    *_NEW,
    *_METADATA,
    *_WINDOW,
    *_ADDRESS,
    errors.invalid("user_phone"),
    order_errors.alcohol_not_enabled(),
)
_DISPATCH = (
    *_USER,
    *_METADATA,
    order_errors.order_id_taken(),
    errors.invalid("location_code"),
    errors.invalid("user_phone"),
    *_WINDOW,
    *_ADDRESS,
    order_errors.invalid_last_name(),
    order_errors.window_not_available(),
    order_errors.no_windows_available(),
    order_errors.alcohol_not_enabled(),
    order_errors.store_closed(),
)
_CHANGE_CARRIED = (
    *_FIND,
    *_WINDOW,
    order_errors.too_late(),
    errors.invalid("service_option_id"),
    slot_errors.not_available("service_option_id"),
    slot_errors.expired("service_option_id"),
    order_errors.alcohol_not_enabled(),
    order_errors.alcohol_not_allowed("alcoholic"),
)
# Only a dispatch order may have a window that no listed slot has.
_CHANGE_DISPATCH = (
    *_CHANGE_CARRIED,
    errors.invalid("user_id"),
    slot_errors.not_available("start_at"),
    slot_errors.expired("start_at"),
)


_TYPES: Mapping[str, Any] = {"X-Retailer-Id": RetailerId, "user_id": UserId, "order_id": OrderId}
_route = partial(route, docs=_DOCS, types=_TYPES, scope=FULFILLMENT, tag="Orders")


def _create(operation_id: str, path: str, handler: Handler, summary: str, source: str, **fields: Any) -> Route:
    about = (
        "The slot is booked and the order is stored before the answer. A repeated request with the same order id and"
        " content returns the existing order; with other content it is refused. `Idempotency-Key` is Handcart's own"
        " addition."
    )

    async def once(tx: Tx, call: Call) -> Any:
        return await idempotency.once(tx, call, handler, operation_id)

    fields["refusals"] = (*fields["refusals"], idempotency.malformed(), idempotency.reused())
    types = {"X-Retailer-Id": RetailerId, "Idempotency-Key": IdempotencyKey, "user_id": UserId}
    return _route(operation_id, path, once, summary, source, types=types, description=about, **fields)


_USERS = "/v2/fulfillment/users/{user_id}/orders"
_LASTMILE = "/v2/fulfillment/lastmile/orders"

ROUTES: Sequence[Route] = (
    _create(
        "create_order_delivery",
        f"{_USERS}/delivery",
        api.create_delivery,
        "Create a delivery order",
        "delivery/create_order",
        body=CreateDeliveryRequest,
        response=OrderResponse,
        refusals=(*_SHOPPED, *carts.limit_refusals(), *_ADDRESS),
    ),
    _create(
        "create_order_pickup",
        f"{_USERS}/pickup",
        api.create_pickup,
        "Create a pickup order",
        "pickup/create_order",
        body=CreatePickupRequest,
        response=OrderResponse,
        refusals=_SHOPPED,
    ),
    _create(
        "create_order_last_mile",
        f"{_USERS}/last_mile",
        api.create_last_mile,
        "Create a last mile order",
        "last_mile/create_order",
        body=CreateLastMileRequest,
        response=CarriedOrderResponse,
        refusals=_CARRIED,
    ),
    _create(
        "create_order_last_mile_deprecated",
        "/v2/fulfillment/lastmile/users/{user_id}/orders",
        api.create_last_mile,
        "Create a last mile order (deprecated)",
        "deprecated",
        body=CreateLastMileRequest,
        response=CarriedOrderResponse,
        refusals=_CARRIED,
        deprecated=True,
    ),
    _create(
        "create_order_dispatch",
        _LASTMILE,
        api.create_dispatch,
        "Create a dispatch last mile order",
        "lastmile/create_order_single_call",
        body=CreateDispatchRequest,
        response=CarriedOrderResponse,
        refusals=_DISPATCH,
    ),
    _route(
        "get_order",
        f"{_USERS}/{{order_id}}",
        api.get,
        "Get an order",
        "delivery/get_order",
        method="GET",
        response=GetOrderResponse,
        refusals=_FIND,
    ),
    _route(
        "get_order_dispatch",
        f"{_LASTMILE}/{{order_id}}",
        api.get_carried,
        "Get a dispatch last mile order",
        "lastmile/get_order_dispatch",
        method="GET",
        response=CarriedOrderResponse,
        parameters=_TYPES,  # `user_id` is in the query
        refusals=(*_FIND, errors.invalid("user_id")),
    ),
    _route(
        "get_orders",
        _USERS,
        api.get_orders,
        "Get orders (deprecated)",
        "delivery/get_orders",
        method="GET",
        response=OrdersResponse,
        refusals=_USER,
        deprecated=True,
    ),
    _route(
        "update_order",
        f"{_USERS}/{{order_id}}",
        api.update,
        "Update a delivery or pickup order",
        "delivery/update_order",
        method="PUT",
        body=UpdateOrderRequest,
        response=OrderResponse,
        refusals=(
            *_FIND,
            order_errors.too_late(),
            slot_errors.invalid_hold(),
            slot_errors.not_available(slot_errors.HOLD_KEY),
            slot_errors.expired(slot_errors.HOLD_KEY),
            order_errors.alcohol_not_allowed("items"),
            *_LINES,
            *carts.refusals(),
            *carts.limit_refusals(),
            errors.invalid("user.phone_number"),
            errors.blank("user.birthday"),
            errors.invalid("user.birthday"),
        ),
    ),
    _route(
        "update_order_last_mile",
        f"{_USERS}/{{order_id}}/last_mile",
        api.update_last_mile,
        "Update a last mile order",
        "last_mile/update_order",
        method="PUT",
        body=UpdateCarriedRequest,
        response=CarriedOrderResponse,
        refusals=_CHANGE_CARRIED,
    ),
    _route(
        "update_order_dispatch",
        f"{_LASTMILE}/{{order_id}}",
        api.update_carried,
        "Update a dispatch last mile order",
        "lastmile/update_order_dispatch",
        method="PUT",
        body=UpdateCarriedRequest,
        response=CarriedOrderResponse,
        parameters=_TYPES,  # `user_id` is in the query
        refusals=_CHANGE_DISPATCH,
    ),
    _route(
        "set_item_replacements",
        f"{_USERS}/{{order_id}}/replacement_selections",
        api.set_replacements,
        "Set item replacements",
        "delivery/set_item_replacements",
        method="PUT",
        body=ReplacementSelectionsRequest,
        response=OrderResponse,
        refusals=(
            *_FIND,
            order_errors.too_late(),
            order_errors.unknown_lines(["99"]),
            order_errors.too_large("selections", checks.MOST_ORDER),
            errors.combine([errors.invalid("selections[0].line_num"), errors.invalid("selections[0].count")]),
        ),
    ),
    _route(
        "update_tip",
        f"{_USERS}/{{order_id}}/tip",
        api.update_tip,
        "Update a tip",
        "delivery/update_tip",
        method="PUT",
        body=UpdateTipRequest,
        response=OrderResponse,
        refusals=(*_FIND, order_errors.too_early(), order_errors.negative_tip()),
    ),
    _route(
        "stage_order",
        f"{_USERS}/{{order_id}}/staged",
        api.stage,
        "Stage a last mile order",
        "last_mile/stage_order",
        body=StageOrderRequest,
        response=CarriedOrderResponse,
        refusals=(*_FIND, order_errors.not_carried(), order_errors.too_late()),
    ),
    _route(
        "stage_order_dispatch",
        f"{_LASTMILE}/{{order_id}}/staged",
        api.stage,
        "Stage a dispatch last mile order",
        "lastmile/stage_order_dispatch",
        body=StageOrderRequest,
        response=CarriedOrderResponse,
        refusals=(order_errors.order_not_found(), order_errors.too_late()),
    ),
    _route(
        "cancel_order",
        f"{_USERS}/{{order_id}}/cancel",
        api.cancel,
        "Cancel an order",
        "delivery/cancel_order",
        response=OrderResponse,
        refusals=(*_FIND, order_errors.too_late()),
    ),
    _route(
        "cancel_order_dispatch",
        f"{_LASTMILE}/{{order_id}}/cancel",
        api.cancel_carried,
        "Cancel a dispatch last mile order",
        "lastmile/cancel_order_dispatch",
        body=CancelDispatchRequest,
        response=CarriedOrderResponse,
        refusals=(*_FIND, order_errors.too_late()),
    ),
)
