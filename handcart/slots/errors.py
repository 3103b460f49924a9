"""The refusals about slots and holds; none of their texts could be read: see docs/wire-choices.md.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/create_service_option_hold,
.../delivery/create_desired_window_hold.
"""

from handcart.core.errors import ApiError


def not_available(key: str) -> ApiError:
    """No place is left; the cart or the store's hours rule the slot out; or no list of the retailer held the id."""
    return ApiError(400, "Service option is not available", key=key)


def expired(key: str) -> ApiError:
    """The window has begun, or an ETA was promised too long ago."""
    return ApiError(400, "Service option is expired", key=key)
