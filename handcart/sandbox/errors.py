"""The documented refusals about the platform's own users.

Sources: https://docs.instacart.com/connect/api/sandbox/instacart_users/create_instacart_user,
.../instacart_users/authorize_instacart_user.
"""

from collections.abc import Iterable, Sequence

from handcart.core.errors import ApiError
from handcart.core.passwords import PasswordRefused


def email_taken() -> ApiError:
    """There is such an account already."""
    return ApiError(400, "An account already exists with this email", key="email")


def invalid_user() -> ApiError:
    """No account by that id was made in this sandbox."""
    return ApiError(400, "Invalid user_id", key="user_id")


def password_refused(refused: PasswordRefused) -> ApiError:
    """A password that the sign-in page would not take."""
    return ApiError(400, str(refused), key="password")


def no_free_slot() -> ApiError:
    """No store takes a sample order of the kind."""
    return ApiError(400, "No store of the retailer has a free time slot for such an order", key="kind")


def nothing_to_sell() -> ApiError:
    """The catalog has nothing to put into a sample order."""
    return ApiError(400, "The retailer's catalog has no item for such an order", key="kind")


def no_scenario_for_it(kinds: Sequence[str]) -> ApiError:
    """The order is of another kind, or lacks what the scenario is about; `kinds` are those that can have it."""
    return ApiError(400, "is no scenario for this order", key="scenario", more={"kinds": list(kinds)})


def no_event_of_it(kinds: Iterable[str]) -> ApiError:
    """The order is of a kind that has no such event; `kinds` are those that have it."""
    return ApiError(400, "is no event of this kind of order", key="event_name", more={"kinds": sorted(kinds)})
