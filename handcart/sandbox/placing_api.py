"""`POST /v2/handcart_sandbox/orders`: place a sample order, for the robot shopper or to wait."""

from collections.abc import Sequence

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.web.call import Call, Route
from handcart.orders import ops as orders
from handcart.orders.models import DELIVERY
from handcart.sandbox import errors as sandbox_errors
from handcart.sandbox import placing, robot_api
from handcart.sandbox.own_api import route
from handcart.sandbox.robot_wire import PlaceOrderRequest, PlaceOrderResponse
from handcart.sandbox.scenarios import ALCOHOL_REFUSED, SCENARIOS
from handcart.stores import ops as stores
from handcart.users import errors as user_errors


async def _place_order(tx: Tx, call: Call) -> PlaceOrderResponse:
    body: PlaceOrderRequest = call.body
    caller = call.caller
    kind = body.kind or DELIVERY
    if body.scenario is not None:
        kinds = SCENARIOS[robot_api.scenario(body.scenario)].kinds
        kind = body.kind or kinds[0]
    order = await placing.place(
        tx,
        caller,
        kind,
        call.app.settings.issuer,
        user_id=body.user_id,
        is_member=bool(body.instacartplus_member),
        has_alcohol=body.scenario == ALCOHOL_REFUSED,
    )
    run = None
    if body.scenario is not None:
        run = await robot_api.start(tx, caller.retailer_id, order.order_id, body)
        order = await orders.hold(tx, caller.retailer_id, order.order_id)
    return PlaceOrderResponse(
        order_id=order.order_id,
        user_id=order.user_id,
        kind=order.kind,  # type: ignore[arg-type]
        status=order.status,
        location_code=await stores.location_code(tx, caller.retailer_id, order.store_number),
        run=run,
    )


ROUTES: Sequence[Route] = (
    route(
        "POST",
        "orders",
        "place_order",
        _place_order,
        "Place a sample order",
        tx="write",
        body=PlaceOrderRequest,
        response=PlaceOrderResponse,
        refusals=(
            user_errors.user_not_found(),
            user_errors.user_not_active(),
            errors.unknown("scenario", "repalced", SCENARIOS),
            sandbox_errors.no_free_slot(),
            sandbox_errors.nothing_to_sell(),
        ),
        description="The server chooses customer, address, cart and time slot. Without `scenario`, the order waits"
        " for a shopper, like any other order.",
    ),
)
