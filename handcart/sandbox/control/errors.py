"""Why an event cannot be triggered."""

from collections.abc import Iterable

from handcart.core.errors import ApiError


def not_sent() -> ApiError:
    """The event tells who the shopper is, or where, and the retailer has shopper information removal."""
    return ApiError(400, "is not sent under shopper information removal", key="event_name")


def no_event_of_it(kinds: Iterable[str]) -> ApiError:
    """Orders of this kind do not have the event. `kinds`: kinds of orders that have it."""
    return ApiError(400, "does not exist for this kind of order", key="event_name", more={"kinds": sorted(kinds)})
