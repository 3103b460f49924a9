"""Order Feedback: the customer rates an order."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from handcart.core.db import Tx
from handcart.core.web.call import Call, Route, route
from handcart.core.web.wire import SuccessResponse
from handcart.oauth.scopes import RATING
from handcart.orders import errors as order_errors
from handcart.orders import ops as orders
from handcart.orders.errors import order_not_found
from handcart.orders.models import Order, Rating
from handcart.post_checkout.endpoints import FIND, TYPES
from handcart.post_checkout.orders import lock
from handcart.post_checkout.wire import RatingRequest
from handcart.users import errors as user_errors
from handcart.users import ops as users
from handcart.users.models import UserId

_TYPES: Mapping[str, Any] = {**TYPES, "user_id": UserId}
_feedback = partial(
    route,
    docs="https://docs.instacart.com/connect/api/fulfillment/order_feedback",
    types=_TYPES,
    scope=RATING,
    tag="Order feedback",
    body=RatingRequest,
    response=SuccessResponse,
)


async def rate(tx: Tx, call: Call) -> SuccessResponse:
    return await _rate(tx, call, await lock(tx, call))


async def rate_of_user(tx: Tx, call: Call) -> SuccessResponse:
    user_id = call.path["user_id"]
    await users.require(tx, call.caller.isolation_id, user_id)
    order = await lock(tx, call)
    if order.user_id != user_id:
        raise order_not_found()
    return await _rate(tx, call, order)


async def _rate(tx: Tx, call: Call, order: Order) -> SuccessResponse:
    body: RatingRequest = call.body
    rating = Rating(body.rating_value, body.highlights or (), body.thank_you_note or "")
    await orders.rate(tx, call.caller.retailer_id, order, rating)
    return SuccessResponse(success=True)


_RATE = (
    *FIND,
    order_errors.not_included("rating_value"),
    order_errors.not_included("highlights"),
    order_errors.too_early(),
)

ROUTES: Sequence[Route] = (
    _feedback(
        "create_or_update_order_feedback",
        "/v2/feedback/users/{user_id}/orders/{order_id}/rating",
        rate_of_user,
        "Create or update order feedback",
        "backend/create_or_update_order_feedback",
        refusals=(user_errors.user_not_found(), user_errors.user_not_active(), *_RATE),
    ),
    _feedback(
        "create_or_update_order_feedback_frontend",
        "/v2/feedback/orders/{order_id}/rating",
        rate,
        "Create or update order feedback, for the user of the token",
        "frontend/create_or_update_order_feedback",
        refusals=_RATE,
    ),
)
