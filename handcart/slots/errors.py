"""The refusals about slots and holds. Their texts are Handcart's choice: see docs/wire-choices.md.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/create_service_option_hold,
.../delivery/create_desired_window_hold.
"""

from handcart.core.errors import ApiError, Refused

# The field of a request that names a hold, and so the key of the refusals about it.
HOLD_KEY = "service_option_hold_id"


def invalid_hold() -> ApiError:
    """The user has no hold by this id, or it is not for such an order."""
    return ApiError(400, "is invalid", key=HOLD_KEY)


def not_available(key: str) -> ApiError:
    """The slot is full, does not fit the cart or the store's hours, or was in no list of the retailer."""
    return ApiError(400, "Service option is not available", key=key)


def expired(key: str) -> ApiError:
    """The window has begun (ETA, immediate: more than 15 minutes ago). An expired hold alone never gives this error."""
    return ApiError(400, "Service option is expired", key=key)


_SENTENCES = {
    "oversold": "more orders are booked or held than the change allows: move orders first, or close the store",
    "kind": "choose kinds of orders that the store takes",
    "number": "write whole numbers within the ranges beside the fields",
    "week": "write 7 rows from Monday, each with 24 numbers",
    "day": "write a date from today on",
    "hours": "write hours such as 9-17, or none for the whole day",
    "none": "there is no such plan or exception any more",
}


class PlanRefused(Refused):
    """A change of a plan or an exception that is refused; nothing was changed. `reason` names the sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason = reason
