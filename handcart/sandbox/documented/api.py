"""`/v2/fulfillment_sandbox`: wire in, one op, wire out. `routes` has the table."""

import asyncio
from collections.abc import Sequence

from msgspec import structs

from handcart.batches import errors as batch_errors
from handcart.batches import ops as batches
from handcart.batches import picking
from handcart.batches.ops import AskedOrder
from handcart.batches.picking import Picked
from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.web.call import Call
from handcart.core.web.wire import SuccessResponse
from handcart.orders.models import Scan
from handcart.sandbox.documented import errors, ops
from handcart.sandbox.documented.wire import (
    AdvanceBatchRequest,
    AuthorizeRequest,
    AuthorizeResponse,
    BatchResponse,
    CreateInstacartUserRequest,
    CreateItemRequest,
    CreateShopperRequest,
    GenerateBatchRequest,
    IdResponse,
    ShopperOrderItemScan,
    SimulateCallbackRequest,
    UpdateItemRequest,
)
from handcart.shoppers import errors as shopper_errors
from handcart.shoppers import ops as shoppers
from handcart.sign_in import passwords
from handcart.sign_in.passwords import PasswordRefused


async def create_shopper(tx: Tx, call: Call) -> IdResponse:
    body: CreateShopperRequest = call.body
    shopper = await shoppers.create(tx, call.caller.retailer_id, body.email, body.phone)
    return IdResponse(shopper.id)


async def generate_batch(tx: Tx, call: Call) -> BatchResponse:
    body: GenerateBatchRequest = call.body
    asked = [AskedOrder(order.id, order.user_id) for order in body.orders]
    batch = await batches.generate(
        tx, call.caller.retailer_id, body.shopper_id, asked, body.batch_type, body.workflow_state
    )
    return BatchResponse(batch.id, body.workflow_state or batch.workflow_state)


async def advance_batch(tx: Tx, call: Call) -> BatchResponse:
    body: AdvanceBatchRequest = call.body
    batch_id = ids.parse(call.path["batch_id"])
    if batch_id is None:
        raise batch_errors.batch_not_found()
    batch = await batches.advance(tx, call.caller.retailer_id, batch_id, body.workflow_state)
    return BatchResponse(batch.id, body.workflow_state or batch.workflow_state)


async def create_item(tx: Tx, call: Call) -> SuccessResponse:
    body: CreateItemRequest = call.body
    picked = Picked(None, body.delivered_count, body.delivered_weight, body.item, _scans(body.scans))
    await picking.add(tx, call.caller.retailer_id, _shopper_id(call), call.path["order_id"], picked)
    return SuccessResponse(success=True)


async def update_item(tx: Tx, call: Call) -> SuccessResponse:
    body: UpdateItemRequest = call.body
    picked = Picked(body.status, body.delivered_count, body.delivered_weight, body.replacement_item, _scans(body.scans))
    order_id, line_num = call.path["order_id"], call.path["line_num"]
    await picking.update(tx, call.caller.retailer_id, _shopper_id(call), order_id, line_num, picked)
    return SuccessResponse(success=True)


async def simulate_callback(tx: Tx, call: Call) -> SuccessResponse:
    body: SimulateCallbackRequest = call.body
    await ops.simulate(tx, call.caller.retailer_id, call.path["order_id"], body.event_name)
    return SuccessResponse(success=True)


async def create_instacart_user(call: Call) -> IdResponse:
    body: CreateInstacartUserRequest = call.body
    try:
        password_hash = await asyncio.to_thread(passwords.hash_new, body.password)
    except PasswordRefused as refused:
        raise errors.password_refused(refused) from None
    is_member = bool(body.express_member or body.instacartplus_member)
    made = await call.app.database.write(ops.create_user, call.caller, body.email, password_hash, is_member=is_member)
    return IdResponse(made.id)


async def authorize_instacart_user(tx: Tx, call: Call) -> AuthorizeResponse:
    body: AuthorizeRequest = call.body
    code = await ops.authorize(tx, call.caller, ids.parse(call.path["user_id"]), structs.asdict(body))
    return AuthorizeResponse(code)


def _shopper_id(call: Call) -> int:
    number = ids.parse(call.path["shopper_id"])
    if number is None:
        raise shopper_errors.shopper_not_found()
    return number


def _scans(scans: Sequence[ShopperOrderItemScan] | None) -> Sequence[Scan] | None:
    return None if scans is None else [Scan(scan.scanned_string, scan.scanned_string_type) for scan in scans]
