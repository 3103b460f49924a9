"""Find the order that a call is about, and its state in the words of the Post-checkout API."""

from collections.abc import Mapping

from handcart.batches.models import Batch
from handcart.core.db import Tx
from handcart.core.web.call import Call
from handcart.orders import ops as orders
from handcart.orders import queries as order_queries
from handcart.orders import states
from handcart.orders.errors import order_not_found
from handcart.orders.models import DELIVERY, DISPATCH, LAST_MILE, PICKUP, Order
from handcart.post_checkout import errors

FULFILLMENT_TYPES: Mapping[str, str] = {
    DELIVERY: "delivery",
    PICKUP: "pickup",
    LAST_MILE: "last_mile_delivery",
    DISPATCH: "last_mile_delivery",
}


async def find(tx: Tx, call: Call) -> Order:
    """The order in the path of a call, without a lock. Raises 404, and 400 for an order without a user.

    A user's token finds the orders of its user; a client's token finds those of all users of its retailer.
    """
    return _of_caller(call, await order_queries.find(tx, call.caller.retailer_id, call.path["order_id"]))


async def lock(tx: Tx, call: Call) -> Order:
    """As `find`, but the order is locked until this transaction ends."""
    return _of_caller(call, await orders.lock(tx, call.caller.retailer_id, call.path["order_id"]))


def _of_caller(call: Call, order: Order | None) -> Order:
    if order is None:
        raise order_not_found()
    if call.caller.user_id is None:
        if order.user_id is None:
            raise errors.user_id_not_found()
    elif order.user_id != call.caller.user_id:
        raise order_not_found()
    return order


def workflow_state(order: Order, batch: Batch | None) -> str:
    """The state of an order. `batch`: the live batch that it is in.

    https://docs.instacart.com/connect/api/post_checkout/order/get_order
    """
    is_accepted = batch is not None and batch.accepted_at is not None
    if order.status == states.STAGED:
        return "ready_for_pickup"
    if order.status in (states.RUNNER_AWAITING, states.USER_AT_STORE) and is_accepted:
        return "runner_acknowledged"
    is_at_hand = order.status == states.BRAND_NEW and order.details.staged_at is not None
    if is_at_hand:
        return "staged_for_delivery" if batch is None else "waiting_for_delivery"
    return order.status
