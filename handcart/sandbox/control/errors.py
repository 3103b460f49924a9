"""Why a sample order cannot be placed, or an event cannot be triggered."""

from collections.abc import Iterable

from handcart.core.errors import ApiError


def no_free_slot() -> ApiError:
    """No store has a free slot for a sample order of this kind."""
    return ApiError(400, "No store of the retailer has a free time slot for such an order", key="kind")


def nothing_to_sell() -> ApiError:
    """The catalog has no item for a sample order."""
    return ApiError(400, "The retailer's catalog has no item for such an order", key="kind")


def no_event_of_it(kinds: Iterable[str]) -> ApiError:
    """Orders of this kind do not have the event. `kinds`: kinds of orders that have it."""
    return ApiError(400, "does not exist for this kind of order", key="event_name", more={"kinds": sorted(kinds)})
