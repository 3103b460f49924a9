"""What the operator's commands refuse, and what the header that names a banner can get wrong."""

from handcart.core import errors
from handcart.core.errors import ApiError


class Refused(ValueError):
    """An operator's command that cannot be done; the text says what to change."""


def retailer_missing() -> ApiError:
    """A client of several banners that names none."""
    return errors.blank("X-Retailer-Id")


def retailer_unknown() -> ApiError:
    """A banner that the organization does not have."""
    return errors.invalid("X-Retailer-Id")
