"""The refusals about orders. The names of the dispatch ones are documented; most texts are not: docs/wire-choices.md.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/create_order, .../delivery/cancel_order,
.../lastmile/create_order_single_call.
"""

from collections.abc import Sequence

from handcart.core.errors import ApiError

_PARAMS_ERROR = 2001
_INVALID_REQUEST = 4001


def order_not_found() -> ApiError:
    """No such order of this user at this retailer."""
    return ApiError(404, "Resource not found", 4000)


def order_id_taken() -> ApiError:
    """An order with this id exists, with other content."""
    return ApiError(400, "has already been taken", key="order_id")


def too_large(key: str, most: int) -> ApiError:
    """A part of the request is longer than `most` bytes of JSON."""
    return ApiError(400, f"is too large (maximum is {most // 1024} KiB of JSON)", key=key)


def too_deep(key: str, most: int) -> ApiError:
    """A part of the request has more than `most` levels of objects and lists."""
    return ApiError(400, f"is nested too deeply (maximum is {most} levels)", key=key)


def too_late() -> ApiError:
    """The order is no longer brand new."""
    return ApiError(400, "too_late", key="order_id")


def too_early() -> ApiError:
    """The order is not completed, so that it can be neither tipped nor rated."""
    return ApiError(400, "Order is not completed", key="order_id")


def not_carried() -> ApiError:
    """Only last mile orders can be staged."""
    return ApiError(400, "Only last mile orders can be staged", key="order_id")


def not_included(key: str) -> ApiError:
    """A value that is not in the documented list."""
    return ApiError(400, "is not included in the list", key=key)


def not_pickup() -> ApiError:
    """The order is not picked up by its customer."""
    return ApiError(400, "Pickup unavailable for non-pickup orders", _INVALID_REQUEST)


def not_staged() -> ApiError:
    """A pickup order that is not ready: the customer has nothing to fetch."""
    return ApiError(400, "Params error", _PARAMS_ERROR, more={"order_delivery_id": "Order delivery is not staged."})


def no_pickup_status() -> ApiError:
    """The customer of an order that is not picked up cannot arrive at the store."""
    return ApiError(404, "No pickup status found for order", 4000)


def has_delegate() -> ApiError:
    """Only customers who fetch their orders themselves can say when they come."""
    return ApiError(400, "is not available with a pickup delegate", key="schedule_pickup_eta")


def unknown_lines(line_nums: Sequence[str]) -> ApiError:
    """Replacements were chosen for lines that the order does not have."""
    return ApiError(400, f"Unknown line_num: {', '.join(line_nums)}", key="selections")


def order_item_not_found(order_item_id: str) -> ApiError:
    """The order has no such item, or no longer."""
    return ApiError(404, f"Order item {order_item_id} not found", 4000)


def already_answered() -> ApiError:
    """The customer has answered this replacement, or a newer one has taken its place."""
    return ApiError(400, "Order item change already responded to", 4001)


def nothing_to_answer() -> ApiError:
    """The item has no replacement that waits for an answer, or it is too late to answer."""
    return ApiError(400, "Order item has no change to respond to", 4001)


def unresolved_alternative() -> ApiError:
    """The alternative is not in the catalog, or this order cannot have it."""
    return ApiError(400, "Could not resolve alternative item to a valid product")


def negative_tip() -> ApiError:
    """A negative tip."""
    return ApiError(400, "must be greater than or equal to 0", key="tip_amount_cents")


def invalid_last_name() -> ApiError:
    """A last name with characters that are not allowed in names."""
    return ApiError(400, "Invalid last name", key="last_name")


def window_not_available() -> ApiError:
    """The wanted window of a dispatch order is full, or not offered."""
    return ApiError(400, "Requested delivery window not available at this store", key="start_at")


def no_windows_available() -> ApiError:
    """No window of that day is available."""
    return ApiError(400, "No delivery windows currently available", key="start_at")


def alcohol_not_enabled() -> ApiError:
    """The store sells no alcohol."""
    return ApiError(400, "Alcohol delivery not enabled for this store", key="alcoholic")


def store_closed() -> ApiError:
    """The store does not deliver, or not at that time."""
    return ApiError(400, "Store is currently closed for delivery", key="location_code")


def alcohol_not_allowed(key: str) -> ApiError:
    """Alcohol was added to an order whose place or time does not allow alcohol."""
    return ApiError(400, "Invalid zip code for alcohol", key=key)


def no_free_slot() -> ApiError:
    """No store has a free slot for a sample order of this kind."""
    return ApiError(400, "No store of the retailer has a free time slot for such an order", key="kind")


def nothing_to_sell() -> ApiError:
    """The catalog has no item for a sample order."""
    return ApiError(400, "The retailer's catalog has no item for such an order", key="kind")
