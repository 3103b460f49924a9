"""`/v2/handcart_sandbox/orders/{order_id}/events`: trigger any event of an order, in whatever state."""

from collections.abc import Sequence

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.web.call import Call, Route
from handcart.events.kinds import KINDS, bare
from handcart.orders import errors as order_errors
from handcart.orders import ops as orders
from handcart.orders import payloads
from handcart.orders.models import DISPATCH, LAST_MILE
from handcart.retailers.models import RetailerId
from handcart.sandbox.errors import no_event_of_it
from handcart.sandbox.own_api import route
from handcart.sandbox.own_wire import TriggerEventRequest, TriggerEventResponse
from handcart.sandbox.wire import OrderId


async def _trigger(tx: Tx, call: Call) -> TriggerEventResponse:
    body: TriggerEventRequest = call.body
    kind = KINDS.get(bare(body.event_name))
    if kind is None:
        raise errors.unknown("event_name", bare(body.event_name), KINDS)
    retailer_id = call.caller.retailer_id
    order = await orders.hold(tx, retailer_id, call.path["order_id"])
    if (LAST_MILE if order.kind == DISPATCH else order.kind) not in kind.options:
        raise no_event_of_it(kind.options)
    event_id, *_ = await payloads.emit(tx, retailer_id, order, [kind.name])
    return TriggerEventResponse(event_id)


ROUTES: Sequence[Route] = (
    route(
        "POST",
        "orders/{order_id}/events",
        "trigger_event",
        _trigger,
        "Trigger an event about an order",
        tx="write",
        parameters={"order_id": OrderId, "X-Retailer-Id": RetailerId},
        body=TriggerEventRequest,
        response=TriggerEventResponse,
        refusals=(
            order_errors.order_not_found(),
            errors.unknown("event_name", "late_delivry", KINDS),
            no_event_of_it(KINDS["late_pickup"].options),
        ),
        description="The event describes the order as it is now. The order does not change.",
    ),
)
