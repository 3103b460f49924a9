"""Refusals of the header that names a banner."""

from handcart.core import errors
from handcart.core.errors import ApiError


def retailer_missing() -> ApiError:
    """A client of several banners did not name a banner."""
    return errors.blank("X-Retailer-Id")


def retailer_unknown() -> ApiError:
    """A banner that the organization does not have."""
    return errors.invalid("X-Retailer-Id")
