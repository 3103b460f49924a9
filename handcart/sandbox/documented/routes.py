"""The sandbox endpoints: path, handler, and the errors that each may return."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from handcart.batches import errors as batch_errors
from handcart.core import errors
from handcart.core.web.call import Route, route
from handcart.core.web.wire import SuccessResponse, TreatIdsAsInternal
from handcart.oauth.scopes import FULFILLMENT
from handcart.orders import errors as order_errors
from handcart.retailers.models import RetailerId
from handcart.sandbox.documented import api
from handcart.sandbox.documented import errors as sandbox_errors
from handcart.sandbox.documented.wire import (
    AdvanceBatchRequest,
    AuthorizeRequest,
    AuthorizeResponse,
    BatchId,
    BatchResponse,
    CreateInstacartUserRequest,
    CreateItemRequest,
    CreateShopperRequest,
    GenerateBatchRequest,
    IdResponse,
    InstacartUserId,
    LineNum,
    OrderId,
    ShopperId,
    SimulateCallbackRequest,
    UpdateItemRequest,
)
from handcart.shoppers import errors as shopper_errors
from handcart.sign_in.passwords import PasswordRefused

_DOCS = "https://docs.instacart.com/connect/api/sandbox"
_PATH = "/v2/fulfillment_sandbox"
_ITEMS = f"{_PATH}/shoppers/{{shopper_id}}/orders/{{order_id}}/items"
_TYPES: Mapping[str, Any] = {
    "X-Retailer-Id": RetailerId,
    "shopper_id": ShopperId,
    "batch_id": BatchId,
    "user_id": InstacartUserId,
    "order_id": OrderId,
    "line_num": LineNum,
}
_PICKING = (
    order_errors.order_not_found(),
    shopper_errors.shopper_not_found(),
    batch_errors.not_assigned(),
    batch_errors.not_being_picked(),
)
_WITH_IDS: Mapping[str, Any] = {**_TYPES, "X-Treat-Ids-As-Internal": TreatIdsAsInternal}
_route = partial(route, docs=_DOCS, types=_TYPES, scope=FULFILLMENT, tag="Sandbox")


ROUTES: Sequence[Route] = (
    _route(
        "create_shopper",
        f"{_PATH}/shoppers",
        api.create_shopper,
        "Create a shopper",
        "shoppers/create_shopper",
        body=CreateShopperRequest,
        response=IdResponse,
        refusals=(shopper_errors.phone_taken(), shopper_errors.invalid_email(), shopper_errors.invalid_phone()),
    ),
    _route(
        "generate_batch",
        f"{_PATH}/batches",
        api.generate_batch,
        "Generate a batch",
        "batches/generate_batch",
        types=_WITH_IDS,
        body=GenerateBatchRequest,
        response=BatchResponse,
        refusals=(
            order_errors.order_not_found(),
            errors.invalid("shopper_id"),
            errors.invalid("batch_type"),
            errors.invalid("workflow_state"),
            batch_errors.already_in_batch(),
            batch_errors.not_waiting(),
        ),
    ),
    _route(
        "advance_batch",
        f"{_PATH}/batches/{{batch_id}}/advance",
        api.advance_batch,
        "Advance a batch",
        "batches/advance_batch_state",
        body=AdvanceBatchRequest,
        response=BatchResponse,
        refusals=(
            batch_errors.batch_not_found(),
            errors.invalid("workflow_state"),
            batch_errors.not_ahead(),
            batch_errors.finished(),
        ),
    ),
    _route(
        "create_shopper_order_item",
        _ITEMS,
        api.create_item,
        "Let a shopper add an item",
        "shoppers/create_shopper_order_item",
        types=_WITH_IDS,
        body=CreateItemRequest,
        response=SuccessResponse,
        refusals=(*_PICKING, errors.blank("item")),
    ),
    *(
        _route(
            operation_id,
            f"{_ITEMS}/{{line_num}}",
            api.update_item,
            "Let a shopper find, replace or refund an item",
            "shoppers/update_shopper_order_item",
            types=_WITH_IDS,
            method=method,
            description="Connect's reference documents PUT, its how-to page POST.",
            body=UpdateItemRequest,
            response=SuccessResponse,
            refusals=(
                *_PICKING,
                errors.invalid("line_num"),
                errors.invalid("delivered_count"),
                errors.invalid("replacement_item"),
                errors.blank("replacement_item"),
                batch_errors.not_replaceable(),
            ),
        )
        for operation_id, method in (
            ("update_shopper_order_item", "PUT"),
            ("update_shopper_order_item_by_post", "POST"),
        )
    ),
    _route(
        "simulate_order_callback",
        f"{_PATH}/orders/{{order_id}}/callbacks",
        api.simulate_callback,
        "Simulate a callback",
        "orders/simulate_order_callback",
        description="`canceled` cancels the order; the other two do not change its status.",
        body=SimulateCallbackRequest,
        response=SuccessResponse,
        refusals=(order_errors.order_not_found(), order_errors.too_late()),
    ),
    _route(
        "create_instacart_user",
        f"{_PATH}/instacart_users",
        api.create_instacart_user,
        "Create a user of the platform",
        "instacart_users/create_instacart_user",
        tx=None,
        body=CreateInstacartUserRequest,
        response=IdResponse,
        refusals=(sandbox_errors.email_taken(), sandbox_errors.password_refused(PasswordRefused("too_short"))),
    ),
    _route(
        "authorize_instacart_user",
        f"{_PATH}/instacart_users/{{user_id}}/authorize",
        api.authorize_instacart_user,
        "Authorize a user of the platform",
        "instacart_users/authorize_instacart_user",
        description="Replaces sign-in and consent: returns the code that the redirect would carry.",
        body=AuthorizeRequest,
        response=AuthorizeResponse,
        refusals=(
            sandbox_errors.invalid_user(),
            errors.invalid("client_id"),
            errors.invalid("redirect_uri"),
            errors.invalid("scope"),
            errors.invalid("response_type"),
            errors.invalid("code_challenge"),
        ),
    ),
)
