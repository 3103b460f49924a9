"""What can go wrong, one class per cause that a caller can act on.

    ConnectError
    ├── ApiError              the server refused; also the class of statuses without one of their own
    │   ├── BadRequest        400: look at `message` and `key`; most "not found" and state errors of Connect are here
    │   ├── Unauthorized      401: the credentials or the token do not count, a new token was tried once
    │   ├── Forbidden         403: no permission, or "User Not Active"
    │   ├── NotFound          404: no such order or slot; else no such path, check the base URL
    │   ├── RateLimited       429: slow down, see `retry_after`
    │   └── ServerError       5xx: try later, see `retry_after`
    ├── OAuthError            a token endpoint refused: `error` holds the slug, such as "invalid_grant"
    ├── TransportError        no answer: `may_have_arrived` says whether the server may have acted
    └── UnexpectedResponse    an answer that is not Connect's: a redirect, HTML, cut JSON, a missing field

Arguments that no server could accept (a plain-http base URL, an empty user id) raise `ValueError` before anything is
sent. No error carries a request body, a header or a token.

Source: https://docs.instacart.com/connect/api/error_and_status_codes
"""

from typing import NamedTuple


class ErrorDetail(NamedTuple):
    """One error of an answer: its text, its number (None where Connect documents none) and the field it is about.

    line_nums: the lines of the cart or order in question, where the server names them, as Handcart does.
    """

    message: str
    code: int | None = None
    key: str | None = None
    line_nums: tuple[str, ...] = ()


class ConnectError(Exception):
    """Base of every error of this package.

    status: HTTP status, None when there was no answer.
    code: Connect's error number, such as 1001; 9999 when several errors came in one answer.
    message: the server's own text, or a sentence of ours.
    key: dotted path of the field in question (`meta.key`); with several errors, that of the first.
    request_id: the `X-Request-Id` header of the answer, to quote when asking for support.
    errors: every error of the answer, one or more where the body was Connect's.
    retry_after: seconds the server asked to wait.
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
    """No answer. `may_have_arrived` is False when the request certainly never left this machine."""

    def __init__(self, message: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class UnexpectedResponse(ConnectError):
    """An answer that is not Connect's."""
