"""The error responses of the API (a single error, multiple errors, OAuth's form), and refusals of commands.

An op raises one of these to refuse and roll back, or returns it to refuse and commit its writes.
Source: https://docs.instacart.com/connect/api/error_and_status_codes
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import CodeType
from typing import Any

INVALID_PARAMETER = 1001
TRY_AGAIN = 2003
INTERNAL = 5000
SEVERAL_ERRORS = 9999
_LONGEST_NAME = 200
_PACKAGE = Path(__file__).parents[1]


class Refused(ValueError):
    """Something that an operator gave is refused: an option, a setting, a file. The text is a sentence that says why.

    The command line prints the text. An error of this class that is an `ApiError` too is also an answer of the API.
    """


class ApiError(Exception):
    """One refusal under `/v2`: `{"error": {"message", "code"}, "meta": {"key"}}`.

    `key` is the dotted path of the wrong value in the request, or None where the documentation says
    "not applicable"; `more` has the other fields of `meta`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: int | None = INVALID_PARAMETER,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.more = more or {}
        self.message = message
        self.code = code
        self.key = key
        self.headers = headers or {}
        self.origin = _origin()

    def body(self) -> dict[str, Any]:
        """The documented JSON body."""
        meta = {**({} if self.key is None else {"key": self.key}), **self.more}
        return {"error": {"message": self.message, "code": self.code}, "meta": meta}


def _origin() -> tuple[CodeType, CodeType]:
    """The function that creates this error, and its caller: a development server's log names both."""
    frame = sys._getframe(2)
    while frame.f_code.co_name == "__init__" and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, (frame.f_back or frame).f_code


def rule_of(refusal: ApiError) -> str:
    """The function that refused, such as `slots.ops.hold`."""
    return function_name(refusal.origin[1])


def function_name(code: CodeType) -> str:
    """A function as `slots.ops.hold`: its module within this package, and its name."""
    file = Path(code.co_filename)
    if not file.is_relative_to(_PACKAGE):
        return code.co_qualname
    module = ".".join(file.relative_to(_PACKAGE).with_suffix("").parts)
    return f"{module}.{code.co_qualname.partition('.<')[0]}"


class SeveralErrors(ApiError):
    """Two or more refusals at once, in the documented multiple form (code 9999)."""

    def __init__(self, errors: Sequence[ApiError]) -> None:
        super().__init__(400, "There were issues with your request", SEVERAL_ERRORS)
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """The documented JSON body: each element repeats the single form."""
        errors = [error.body() for error in self.errors]
        return {"error": {"message": self.message, "code": self.code, "errors": errors}, "meta": {}}


class OAuthError(ApiError):
    """A refusal of the OAuth endpoints: `{"error": slug, "error_description": text}` (RFC 6749 section 5.2).

    As all responses of these endpoints, it has `Pragma: no-cache` and `Cache-Control: no-store` (section 5.1).
    """

    def __init__(self, status: int, error: str, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, description, None, None, {"Pragma": "no-cache", **(headers or {})})
        self.error = error

    def body(self) -> dict[str, Any]:
        """The documented JSON body."""
        return {"error": self.error, "error_description": self.message}


def combine(errors: Sequence[ApiError]) -> ApiError:
    """One error for a non-empty list: the error itself if there is one, else the multiple form."""
    return errors[0] if len(errors) == 1 else SeveralErrors(errors)


def raise_any(refusals: Iterable[ApiError | None]) -> None:
    """Raise one error with all refusals that are not None, if there are any."""
    found = [refusal for refusal in refusals if refusal is not None]
    if found:
        raise combine(found)


def blank(key: str) -> ApiError:
    """A required value that is missing, null or empty."""
    return ApiError(400, "can't be blank", key=key)


def invalid(key: str) -> ApiError:
    """A value that breaks its documented form."""
    return ApiError(400, "is invalid", key=key)


def unknown(key: str, given: str, known: Iterable[str], *, lists: bool = True) -> ApiError:
    """A name that is not in a fixed list; `meta` has the most similar name and, with `lists`, all names.

    Only for Handcart's own operations: the documented ones say `is invalid`.
    """
    names = sorted(known)
    alike = get_close_matches(given, names, 1) if len(given) <= _LONGEST_NAME else []
    return ApiError(
        400, "is unknown", key=key, more={"nearest": alike[0] if alike else None, **({"known": names} if lists else {})}
    )


def unauthorized(description: str, error: str | None = "invalid_token") -> ApiError:
    """A missing or invalid bearer token, with the challenge of RFC 6750 section 3."""
    challenge = 'Bearer realm="handcart"'
    if error:
        challenge += f', error="{error}", error_description="{description}"'
    return ApiError(401, description, None, headers={"WWW-Authenticate": challenge})


def forbidden_scope(scope: str) -> ApiError:
    """A token that lacks the scope of the endpoint (RFC 6750 section 3.1)."""
    description = f'Access to this resource requires scope "{scope}".'
    escaped = description.replace('"', "'")
    challenge = f'Bearer realm="handcart", error="insufficient_scope", error_description="{escaped}", scope="{scope}"'
    return ApiError(403, description, None, headers={"WWW-Authenticate": challenge})


def not_found() -> ApiError:
    """No such path."""
    return ApiError(404, "Not found", None)


def method_not_allowed(allowed: Sequence[str]) -> ApiError:
    """The path exists, the method does not."""
    return ApiError(405, "Method not allowed", None, headers={"Allow": ", ".join(sorted(allowed))})


def too_large(most: int) -> ApiError:
    """The body is longer than `most` bytes, a whole number of KiB."""
    size = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"
    return ApiError(413, f"Request body is too large: at most {size} is read", None, headers={"Connection": "close"})


def misdirected(public_url: str) -> ApiError:
    """A development server was called under a host name that is not its own (RFC 9110 section 15.5.20)."""
    message = f"This server is {public_url}. To reach it by another name, set HANDCART_PUBLIC_URL or --public-url"
    return ApiError(421, message, None)


def encoded() -> ApiError:
    """A body with a content coding (RFC 9110 section 15.5.16)."""
    message = "Content-Encoding is not supported: send the body as it is"
    return ApiError(415, message, None, headers={"Accept-Encoding": "identity"})


def not_json() -> ApiError:
    """A body whose Content-Type is not JSON in UTF-8."""
    return ApiError(415, "Content-Type must be application/json in UTF-8", None)


def timed_out() -> ApiError:
    """The body did not arrive in time."""
    return ApiError(408, "Request timeout", None, headers={"Connection": "close"})


def too_many_requests(retry_after: int) -> ApiError:
    """A rate limit is exceeded. `retry_after` is in seconds."""
    return ApiError(429, "Too many requests", None, headers={"Retry-After": str(retry_after)})


def internal() -> ApiError:
    """A defect in Handcart: details are in the log, not in the response."""
    message = "Sorry, an unexpected error occurred. Our team has been notified. Please try again later."
    return ApiError(500, message, INTERNAL)


def try_again() -> ApiError:
    """The request cannot be served now. Only development servers return it, on demand."""
    return ApiError(400, "The request could not be completed at this time, try again later.", TRY_AGAIN)


def unavailable() -> ApiError:
    """The database cannot be reached or did not accept the write in time: nothing was acknowledged."""
    return ApiError(503, "Service unavailable, please try again later", None, headers={"Retry-After": "1"})
