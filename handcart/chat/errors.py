"""Why a message is refused."""

from handcart.core.errors import ApiError


def not_allowed() -> ApiError:
    """The chat of the order is not open, or nobody has the order."""
    return ApiError(403, "Sending a message is not allowed at this time", None)


def too_long(most: int) -> ApiError:
    """A text with too many characters."""
    return ApiError(400, f"is too long (maximum is {most} characters)", key="body")
