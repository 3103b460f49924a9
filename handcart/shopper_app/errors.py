"""Refusals of the app's operations: `{"error": {"rule", "message", ...}}`.

`rule` is the name by which the app knows what to do; `message` is a sentence in English for the shopper.
"""

from typing import Any

from handcart.core.errors import ApiError
from handcart.core.web.body import json_reply
from handcart.core.web.call import Reply

# The rules of errors that every server has, by their status.
_RULES = {
    400: "invalid",
    403: "other_site",
    404: "not_found",
    405: "not_found",
    408: "try_again",
    413: "too_large",
    415: "invalid",
    429: "too_many_requests",
    503: "try_again",
}


class AppError(ApiError):
    """One refusal by its rule; `more` has further values of the error."""

    def __init__(
        self, status: int, rule: str, message: str, headers: dict[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(status, message, None, headers=headers, more=more)
        self.rule = rule

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": {"rule": self.rule, "message": self.message, **self.more}}


def refuse(error: ApiError) -> Reply:
    """The reply for any error of the app's operations."""
    if not isinstance(error, AppError):
        more = {} if error.key is None else {"key": error.key}
        rule = _RULES.get(error.status, "internal_error")
        error = AppError(error.status, rule, error.message, error.headers, **more)
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return json_reply(error.body(), error.status, headers)


def signed_out() -> AppError:
    """The browser is no device of an open shopper, or its session has ended."""
    return AppError(401, "signed_out", "This phone is signed out. Ask for a new invitation.")


def locked() -> AppError:
    """The device is locked."""
    return AppError(423, "locked", "The app is locked. Enter your PIN.")
