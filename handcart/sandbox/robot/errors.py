"""Why the robot shopper refuses an order."""

from collections.abc import Sequence

from handcart.core.errors import ApiError


def no_scenario_for_it(kinds: Sequence[str]) -> ApiError:
    """The scenario does not fit the order. `kinds`: kinds of orders that it is for."""
    return ApiError(400, "does not fit this order", key="scenario", more={"kinds": list(kinds)})
