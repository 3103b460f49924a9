"""The endpoints of time slots: path, handler, and the errors that each may return."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from handcart.core import errors
from handcart.core.errors import ApiError
from handcart.core.web.call import Handler, Route, route
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers.models import RetailerId
from handcart.slots import api
from handcart.slots import errors as slot_errors
from handcart.slots.wire import (
    CartServiceOptionsResponse,
    HoldResponse,
    ListDeliveryRequest,
    ListLastMileRequest,
    ListPickupRequest,
    OptionId,
    PreviewDeliveryRequest,
    PreviewLastMileRequest,
    PreviewPickupRequest,
    ReserveReferenceRequest,
    ReserveWithCartRequest,
    ServiceOptionsResponse,
)
from handcart.stores import carts
from handcart.users import errors as user_errors
from handcart.users.models import UserId

_DOCS = "https://docs.instacart.com/connect/api/fulfillment"
_STORE = (errors.invalid("location_code"),)
_ADDRESS = (errors.invalid("address"), errors.invalid("address.postal_code"))
_USER = (user_errors.user_not_found(), user_errors.user_not_active())
_HOLD = (
    *_USER,
    errors.invalid("service_option_id"),
    slot_errors.not_available("service_option_id"),
    slot_errors.expired("service_option_id"),
)


_TYPES: Mapping[str, Any] = {"user_id": UserId, "service_option_id": OptionId, "X-Retailer-Id": RetailerId}
_route = partial(route, docs=_DOCS, types=_TYPES, scope=FULFILLMENT, tag="Time slots")


def _list_route(operation_id: str, path: str, handler: Handler, body: Any, *refusals: ApiError, **fields: Any) -> Route:
    kind = operation_id.rpartition("_options_")[2].removesuffix("_deprecated").replace("_", " ")
    verb = "Preview" if operation_id.startswith("preview") else "List"
    return _route(
        operation_id,
        path,
        handler,
        f"{verb} time slots, {kind}" + (" (deprecated)" if fields.get("deprecated") else ""),
        f"{kind.replace(' ', '_')}/{operation_id.partition('_')[0]}"
        + ("_service_options" if verb == "Preview" else "_cart_service_options"),
        tx="read",
        body=body,
        response=CartServiceOptionsResponse if hasattr(body, "items") else ServiceOptionsResponse,
        refusals=refusals,
        **fields,
    )


_BASE = "/v2/fulfillment"
_OF_USER = f"{_BASE}/users/{{user_id}}/service_options"

ROUTES: Sequence[Route] = (
    _list_route(
        "preview_service_options_delivery",
        f"{_BASE}/service_options/delivery",
        api.preview_delivery,
        PreviewDeliveryRequest,
        errors.invalid("postal_code"),
        errors.invalid("desired_windows"),
    ),
    _list_route(
        "preview_service_options_pickup",
        f"{_BASE}/service_options/pickup",
        api.preview_pickup,
        PreviewPickupRequest,
        *_STORE,
    ),
    _list_route(
        "preview_service_options_last_mile",
        f"{_BASE}/service_options/last_mile",
        api.preview_last_mile,
        PreviewLastMileRequest,
        *_STORE,
        errors.blank("location_code"),
        errors.invalid("postal_code"),
        errors.invalid("earliest_option_start_at"),
    ),
    _list_route(
        "preview_service_options_last_mile_deprecated",
        f"{_BASE}/lastmile/service_options",
        api.preview_last_mile,
        PreviewLastMileRequest,
        *_STORE,
        errors.blank("location_code"),
        errors.invalid("postal_code"),
        errors.invalid("earliest_option_start_at"),
        deprecated=True,
    ),
    _list_route(
        "list_service_options_delivery",
        f"{_OF_USER}/cart/delivery",
        api.list_delivery,
        ListDeliveryRequest,
        *_USER,
        *_STORE,
        *_ADDRESS,
        errors.invalid("desired_windows"),
        *carts.refusals(),
        *carts.limit_refusals(),
    ),
    _list_route(
        "list_service_options_delivery_deprecated",
        f"{_OF_USER}/cart",
        api.list_delivery,
        ListDeliveryRequest,
        *_USER,
        *_STORE,
        *_ADDRESS,
        errors.invalid("desired_windows"),
        *carts.refusals(),
        *carts.limit_refusals(),
        deprecated=True,
    ),
    _list_route(
        "list_service_options_pickup",
        f"{_OF_USER}/cart/pickup",
        api.list_pickup,
        ListPickupRequest,
        *_USER,
        *_STORE,
        *carts.refusals(),
    ),
    _list_route(
        "list_service_options_last_mile",
        f"{_OF_USER}/cart/last_mile",
        api.list_last_mile,
        ListLastMileRequest,
        *_USER,
        *_STORE,
        *_ADDRESS,
        errors.invalid("earliest_option_start_at"),
    ),
    _route(
        "create_service_option_hold",
        f"{_OF_USER}/{{service_option_id}}/reserve",
        api.reserve,
        "Reserve a time slot",
        "delivery/create_service_option_hold",
        response=HoldResponse,
        refusals=_HOLD,
        description="Holds the slot for ten minutes. The user's previous hold ends first, even if this one is refused,"
        " unless the slot id or the user is unknown.",
    ),
    _route(
        "create_service_option_hold_last_mile_deprecated",
        f"{_BASE}/lastmile/users/{{user_id}}/service_options/{{service_option_id}}/reserve",
        api.reserve,
        "Reserve a time slot (deprecated)",
        "deprecated",
        response=HoldResponse,
        refusals=_HOLD,
        deprecated=True,
    ),
    _route(
        "create_desired_window_hold",
        f"{_OF_USER}/reserve",
        api.reserve_reference,
        "Reserve a time slot for a desired window",
        "delivery/create_desired_window_hold",
        body=ReserveReferenceRequest,
        response=HoldResponse,
        refusals=(
            *_USER,
            slot_errors.not_available("service_option_id"),
            slot_errors.expired("service_option_id"),
        ),
    ),
    _route(
        "create_service_option_hold_with_cart",
        f"{_OF_USER}/{{service_option_id}}/reserve/cart",
        api.reserve_with_cart,
        "Reserve a previewed time slot (deprecated)",
        "delivery/create_service_option_hold_with_cart",
        body=ReserveWithCartRequest,
        response=HoldResponse,
        refusals=(*_HOLD, *_STORE, *_ADDRESS, *carts.refusals(), *carts.limit_refusals()),
        deprecated=True,
    ),
)
