"""The documented refusals about links.

Sources: https://docs.instacart.com/connect/api/fulfillment/users/link_user, .../users/get_user_link.
"""

from handcart.core.errors import ApiError


def user_not_linked() -> ApiError:
    """The user has no linked account."""
    return ApiError(400, "User Not Linked", key="user_id")


def linking_token_invalid() -> ApiError:
    """The token is unknown, expired, used, revoked, another retailer's, or not a linking token."""
    return ApiError(400, "Linking token is invalid", key="linking_token")


def account_already_linked() -> ApiError:
    """The account is linked to another user of this retailer."""
    return ApiError(
        400,
        "Validation failed: Common identities can only have one user per isolation context",
        key="linking_token",
    )


def user_already_linked() -> ApiError:
    """The user is linked to another account. Not documented: see docs/wire-choices.md."""
    return ApiError(400, "User Already Linked", key="user_id")
