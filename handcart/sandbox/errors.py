"""The documented refusals about the platform's own users.

Sources: https://docs.instacart.com/connect/api/sandbox/instacart_users/create_instacart_user,
.../instacart_users/authorize_instacart_user.
"""

from collections.abc import Iterable, Sequence

from handcart.core.errors import ApiError
from handcart.sign_in.passwords import PasswordRefused


def email_taken() -> ApiError:
    """An account with this e-mail address exists."""
    return ApiError(400, "An account already exists with this email", key="email")


def invalid_user() -> ApiError:
    """No account by that id was made in this sandbox."""
    return ApiError(400, "Invalid user_id", key="user_id")


def password_refused(refused: PasswordRefused) -> ApiError:
    """A password that accounts may not have."""
    return ApiError(400, str(refused), key="password")


def no_free_slot() -> ApiError:
    """No store has a free slot for a sample order of this kind."""
    return ApiError(400, "No store of the retailer has a free time slot for such an order", key="kind")


def nothing_to_sell() -> ApiError:
    """The catalog has no item for a sample order."""
    return ApiError(400, "The retailer's catalog has no item for such an order", key="kind")


def no_scenario_for_it(kinds: Sequence[str]) -> ApiError:
    """The scenario does not fit the order. `kinds`: kinds of orders that it is for."""
    return ApiError(400, "does not fit this order", key="scenario", more={"kinds": list(kinds)})


def no_event_of_it(kinds: Iterable[str]) -> ApiError:
    """Orders of this kind do not have the event. `kinds`: kinds of orders that have it."""
    return ApiError(400, "does not exist for this kind of order", key="event_name", more={"kinds": sorted(kinds)})
