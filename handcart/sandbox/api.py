"""`/v2/fulfillment_sandbox`: wire in, one op, wire out. `routes` has the table."""

from handcart.batches import errors as batch_errors
from handcart.batches import ops as batches
from handcart.batches.ops import AskedOrder
from handcart.core.db import Tx
from handcart.core.http import Call
from handcart.sandbox.wire import (
    AdvanceBatchRequest,
    BatchResponse,
    CreateShopperRequest,
    GenerateBatchRequest,
    IdResponse,
)

_MOST_DIGITS = 16


async def create_shopper(tx: Tx, call: Call) -> IdResponse:
    body: CreateShopperRequest = call.body
    shopper = await batches.create_shopper(tx, call.caller.retailer_id, body.email, body.phone)
    return IdResponse(shopper.id)


async def generate_batch(tx: Tx, call: Call) -> BatchResponse:
    body: GenerateBatchRequest = call.body
    asked = [AskedOrder(order.id, order.user_id) for order in body.orders]
    batch = await batches.generate(
        tx, call.caller.retailer_id, int(body.shopper_id), asked, body.batch_type, body.workflow_state
    )
    return BatchResponse(batch.id, body.workflow_state or batch.workflow_state)


async def advance_batch(tx: Tx, call: Call) -> BatchResponse:
    body: AdvanceBatchRequest = call.body
    batch_id = _number(call.path["batch_id"])
    if batch_id is None:
        raise batch_errors.batch_not_found()
    batch = await batches.advance(tx, call.caller.retailer_id, batch_id, body.workflow_state)
    return BatchResponse(batch.id, body.workflow_state or batch.workflow_state)


def _number(text: str) -> int | None:
    """An id of ours in a path."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
