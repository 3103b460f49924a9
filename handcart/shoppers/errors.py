"""The documented refusals about shoppers.

Source: https://docs.instacart.com/connect/api/sandbox/shoppers/create_shopper
"""

from handcart.core.errors import ApiError


def phone_taken() -> ApiError:
    """Another shopper has that phone number."""
    return ApiError(400, "An account already exists with this number", key="phone")


def invalid_email() -> ApiError:
    """Not an e-mail address."""
    return ApiError(400, "Invalid email", key="email")


def invalid_phone() -> ApiError:
    """Not a phone number."""
    return ApiError(400, "Invalid phone number", key="phone")


def shopper_not_found() -> ApiError:
    """No shopper by that id at this retailer, named in the path."""
    return ApiError(404, "Resource not found", 4000)
