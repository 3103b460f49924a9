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


def blocked() -> AppError:
    """The shopper is blocked."""
    return AppError(403, "blocked", "You are blocked from working. Call your dispatcher.")


def wrong_pin(tries_left: int) -> AppError:
    """The PIN is wrong."""
    return AppError(401, "wrong_pin", f"Wrong PIN. Tries left: {tries_left}.", tries_left=tries_left)


def refused_pin(reason: str) -> AppError:
    """A new PIN that is too easy to guess. Its form is checked before."""
    message = "This PIN is too easy to guess. Avoid repeated digits, and digits that count up or down."
    return AppError(400, f"pin_{reason}", message)


def refused_passkey(reason: str) -> AppError:
    """A passkey that is not accepted; `reason` as in `PasskeyRefused`."""
    return AppError(400, f"passkey_{reason}", "This passkey was not accepted. Use your PIN.")


def no_passkey() -> AppError:
    """The shopper has no passkey with this id."""
    return AppError(404, "no_passkey", "This passkey is already removed.")


def no_device() -> AppError:
    """The shopper has no device with this id."""
    return AppError(404, "no_device", "This phone is already signed out.")


def too_many_acts(most: int) -> AppError:
    """One call has too many acts."""
    return AppError(413, "too_many_acts", f"Send at most {most} acts at once.")


def many_acts(seconds: int) -> AppError:
    """Too many acts of one shopper came in a short time."""
    message = "Too many steps came from your phones. The app sends the rest later."
    return AppError(429, "wait", message, {"Retry-After": str(seconds)}, seconds=seconds)


def no_work() -> AppError:
    """The shopper has no work, so nobody needs to know the position."""
    return AppError(409, "no_work", "You have no work now, so your position is not kept.")


def too_many_positions(most: int) -> AppError:
    """One call has too many positions."""
    return AppError(413, "too_many_positions", f"Send at most {most} positions at once.")


def many_positions(seconds: int) -> AppError:
    """Too many positions of one shopper came in a short time."""
    message = "Too many positions came from your phones. The app goes on later."
    return AppError(429, "wait", message, {"Retry-After": str(seconds)}, seconds=seconds)


def invalid(message: str) -> AppError:
    """A value that cannot be taken."""
    return AppError(400, "invalid", message)


def locked() -> AppError:
    """The device is locked."""
    return AppError(423, "locked", "The app is locked. Enter your PIN.")
