"""The documented refusals about users."""

from handcart.core.errors import ApiError


def user_not_found() -> ApiError:
    """No user by that id at this retailer."""
    return ApiError(400, "User Not Found", key="user_id")


def user_not_active() -> ApiError:
    """The user was deleted at the retailer's request."""
    return ApiError(403, "User Not Active", None)


def user_id_taken() -> ApiError:
    """A user with this id exists, with other content."""
    return ApiError(400, "has already been taken", key="user_id")


def deletion_not_allowed() -> ApiError:
    """The retailer's configuration does not allow deletion requests."""
    return ApiError(403, "User data deletion requests are not enabled for this retailer", None)
