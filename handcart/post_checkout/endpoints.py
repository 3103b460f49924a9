"""What all routes of the Post-checkout API share."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from handcart.core.web.call import route
from handcart.oauth.scopes import POST_CHECKOUT
from handcart.orders.errors import order_not_found
from handcart.orders.models import OrderId
from handcart.post_checkout import errors
from handcart.retailers.models import RetailerId

PATH = "/v2/post_checkout/orders/{order_id}"
# The refusals of `orders.find` and `orders.lock`.
FIND = (order_not_found(), errors.user_id_not_found())
TYPES: Mapping[str, Any] = {"X-Retailer-Id": RetailerId, "order_id": OrderId}

endpoint = partial(
    route,
    docs="https://docs.instacart.com/connect/api/post_checkout",
    types=TYPES,
    scope=POST_CHECKOUT,
    tag="Post-checkout",
)
