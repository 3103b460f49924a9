"""The errors, one class per cause that a caller can handle.

    ConnectError
    ├── ApiError              the server refused; also for statuses without their own class
    │   ├── BadRequest        400: see `message` and `key`; most "not found" and state errors of Connect are here
    │   ├── Unauthorized      401: invalid credentials or token; a new token was tried once
    │   ├── Forbidden         403: no permission, or "User Not Active"
    │   ├── NotFound          404: no such order or slot; or no such path, check the base URL
    │   ├── RateLimited       429: slow down, see `retry_after`
    │   └── ServerError       5xx: try later, see `retry_after`
    ├── OAuthError            a token endpoint refused: `error` has the slug, such as "invalid_grant"
    ├── TransportError        no response: `may_have_arrived` says whether the server may have acted
    └── UnexpectedResponse    a response that is not Connect's: a redirect, HTML, cut JSON, a missing field

Arguments that no server could accept (a plain-http base URL, an empty user id) raise `ValueError` before anything is
sent. No error contains a request body, a header or a token.

Source: https://docs.instacart.com/connect/api/error_and_status_codes
"""

from typing import NamedTuple


class ErrorDetail(NamedTuple):
    """One error of a response: its text, its number (None where Connect documents none) and its field.

    line_nums: the lines of the cart or order concerned, if the server names them, as Handcart does.
    """

    message: str
    code: int | None = None
    key: str | None = None
    line_nums: tuple[str, ...] = ()


class ConnectError(Exception):
    """Base of every error of this package.

    status: HTTP status, None if there was no response.
    code: Connect's error number, such as 1001; 9999 for several errors in one response.
    message: the server's text, or one from this package.
    key: dotted path of the field (`meta.key`); with several errors, that of the first.
    request_id: the `X-Request-Id` header of the response, to quote in support requests.
    errors: all errors of the response, at least one if the body was Connect's.
    retry_after: seconds that the server asks to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: int | None = None,
        key: str | None = None,
        request_id: str | None = None,
        errors: tuple[ErrorDetail, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.key = key
        self.request_id = request_id
        self.errors = errors
        self.retry_after = retry_after

    def __str__(self) -> str:
        facts = {"status": self.status, "code": self.code, "key": self.key, "request id": self.request_id}
        known = ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)
        return f"{self.message} ({known})" if known else self.message


class ApiError(ConnectError):
    """The server refused."""


class BadRequest(ApiError):
    """400."""


class Unauthorized(ApiError):
    """401."""


class Forbidden(ApiError):
    """403."""


class NotFound(ApiError):
    """404."""


class RateLimited(ApiError):
    """429."""


class ServerError(ApiError):
    """5xx."""


class OAuthError(ConnectError):
    """A token endpoint refused. `error` is the slug of RFC 6749 section 5.2, `message` its description."""

    def __init__(self, message: str, *, error: str = "", status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.error = error


class TransportError(ConnectError):
    """No response. `may_have_arrived` is False if the request certainly never left this machine."""

    def __init__(self, message: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class UnexpectedResponse(ConnectError):
    """A response that is not Connect's."""
