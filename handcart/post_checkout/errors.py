"""The refusals of the Post-checkout API and of Order Feedback.

Source: https://docs.instacart.com/connect/api/post_checkout/overview, and the pages of the endpoints.
"""

from handcart.core.errors import ApiError

INVALID_REQUEST = 4001
# What can be wrong about an alternative to a replacement.
ONE_CODE = "must include exactly one of rrc or upc"
ONE_AMOUNT = "must include exactly one of count or weight"
SOME_PIECES = "count must be greater than 0"
SOME_WEIGHT = "weight must be greater than 0"
ALTERNATIVES = (ONE_CODE, ONE_AMOUNT, SOME_PIECES, SOME_WEIGHT)


def user_id_not_found() -> ApiError:
    """The order has no user, and a client's token can only name one: a dispatch order without a user, for example."""
    return ApiError(400, "User ID not found", INVALID_REQUEST)


def shopper_pii() -> ApiError:
    """The retailer hides its shoppers from customers."""
    return ApiError(403, "Shopper PII", None)


def wrong_alternative(message: str) -> ApiError:
    """An alternative without exactly one code and one amount above 0. `message`: one of `ALTERNATIVES`."""
    return ApiError(400, message, key="alternative_item")


def not_allowed_when_approved() -> ApiError:
    """An alternative together with an approval."""
    return ApiError(400, "must be blank", key="alternative_item")
