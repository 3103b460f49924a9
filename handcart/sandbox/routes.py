"""The sandbox endpoints: path, handler, and what each may refuse."""

from collections.abc import Sequence
from typing import Any

from handcart.batches import errors as batch_errors
from handcart.core import errors
from handcart.core.http import Handler, Route
from handcart.oauth.scopes import FULFILLMENT
from handcart.orders import errors as order_errors
from handcart.retailers.models import RetailerId
from handcart.sandbox import api
from handcart.sandbox.wire import (
    AdvanceBatchRequest,
    BatchResponse,
    CreateShopperRequest,
    GenerateBatchRequest,
    IdResponse,
    PathId,
)

_DOCS = "https://docs.instacart.com/connect/api/sandbox"
_PATH = "/v2/fulfillment_sandbox"


def _route(operation_id: str, path: str, handler: Handler, summary: str, source: str, **fields: Any) -> Route:
    parameters: dict[str, Any] = {"X-Retailer-Id": RetailerId}
    parameters |= {name: PathId for name in ("shopper_id", "batch_id", "user_id") if f"{{{name}}}" in path}
    return Route(
        operation_id=operation_id,
        path=f"{_PATH}{path}",
        handler=handler,
        scope=FULFILLMENT,
        parameters={**parameters, **fields.pop("parameters", {})},
        summary=summary,
        source=f"{_DOCS}/{source}",
        tag="Sandbox",
        **{"method": "POST", "tx": "write", **fields},
    )


ROUTES: Sequence[Route] = (
    _route(
        "create_shopper",
        "/shoppers",
        api.create_shopper,
        "Create a shopper",
        "shoppers/create_shopper",
        body=CreateShopperRequest,
        response=IdResponse,
        refusals=(batch_errors.phone_taken(), batch_errors.invalid_email(), batch_errors.invalid_phone()),
    ),
    _route(
        "generate_batch",
        "/batches",
        api.generate_batch,
        "Generate a batch",
        "batches/generate_batch",
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
        "/batches/{batch_id}/advance",
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
)
