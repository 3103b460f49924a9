"""One call on the wire, without I/O: the request, how the response is read, and when the call may be repeated."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Generic, TypeVar
from uuid import uuid4

import httpx
import msgspec

from .errors import (
    ApiError,
    BadRequest,
    ConnectError,
    ErrorDetail,
    Forbidden,
    NotFound,
    OAuthError,
    RateLimited,
    ServerError,
    TransportError,
    Unauthorized,
    UnexpectedResponse,
)
from .models import HoldAnswer, Link, LinkAnswer, Order, OrdersAnswer, ServiceOptionHold, Success, Token

T = TypeVar("T")

BACKOFF_SECONDS = 0.5  # doubles with every repeat
LONGEST_WAIT_SECONDS = 10.0  # if the server asks for more, the error is raised at once: a customer is waiting

STATUS_ERRORS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
}
USER_AGENT = "handcart-client/0.2.0"
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Retry(Enum):
    """When a call may be repeated; each level includes the one before."""

    UNSENT = 0
    """The request was not sent: refused connections. For single-use values, such as an authorization code."""
    REFUSED = 1
    """The server says that it did nothing: 429 and 503. For calls that would act twice."""
    SAFE = 2
    """The effect is unknown: time-outs, broken connections, 502 and 504. For calls that may safely act twice."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One call. `read` makes the result from the body of a 2xx response."""

    method: str
    path: str
    read: Callable[[bytes], T]
    body: Mapping[str, object] | None = field(default=None, repr=False)
    bearer: bool = True
    retry: Retry = Retry.REFUSED
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def with_token(self, token: Token) -> "Operation[T]":
        """The same call with another token than the client's own."""
        return replace(self, bearer=False, headers={**self.headers, "Authorization": f"Bearer {token.access_token}"})

    def content(self) -> bytes | None:
        """The JSON body, without values of None."""
        if self.body is None:
            return None
        return msgspec.json.encode({name: value for name, value in self.body.items() if value is not None})


def reader(kind: type[T]) -> Callable[[bytes], T]:
    """A function that reads a JSON body into a struct; unknown fields are ignored."""
    return msgspec.json.Decoder(kind).decode


def read_nothing(body: bytes) -> None:
    """For responses without content: accepts nothing, or any JSON."""
    if body.strip():
        msgspec.json.decode(body)


def accepted(body: bytes) -> None:
    """For calls whose only response is {"success": true}."""
    if not msgspec.json.decode(body, type=Success).success:
        raise msgspec.ValidationError("`success` is false")


def read_link(body: bytes) -> Link:
    return msgspec.json.decode(body, type=LinkAnswer).link()


def creation(path: str, body: Mapping[str, object]) -> Operation[Order]:
    """A call that creates an order. Every repeat sends the same key, so it finds the order already created."""
    headers = {"Idempotency-Key": str(uuid4())}
    return Operation("POST", path, reader(Order), body=body, retry=Retry.SAFE, headers=headers)


def read_hold(body: bytes) -> ServiceOptionHold:
    return msgspec.json.decode(body, type=HoldAnswer).service_option_hold


def read_orders(body: bytes) -> tuple[Order, ...]:
    return msgspec.json.decode(body, type=OrdersAnswer).orders


def result(operation: Operation[T], response: httpx.Response) -> T:
    """The result of a 2xx response; raises the matching error for others."""
    if response.status_code >= 400:
        raise refusal(operation, response)
    if not response.is_success:
        raise unexpected(response, "the server answered with a redirect, which is never followed")
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if response.content and media_type not in ("", "application/json") and not media_type.endswith("+json"):
        raise unexpected(response, f"the server answered with {media_type[:80]!r} instead of JSON")
    try:
        return operation.read(response.content)
    except UNREADABLE as error:
        # Messages of msgspec contain types, fields and positions, never values.
        raise unexpected(response, f"the server's answer cannot be read: {error}") from None


def refusal(operation: Operation[T], response: httpx.Response) -> ConnectError:
    """The error for a 4xx or 5xx response, whatever its body."""
    status = response.status_code
    kind = ServerError if status >= 500 else STATUS_ERRORS.get(status, ApiError)
    body = json_object(response.content)
    slug, detail = body.get("error"), error_detail(body)
    error: ConnectError
    if isinstance(slug, str):
        description = body.get("error_description")
        message = description if isinstance(description, str) else slug
        is_oauth = not operation.bearer and not issubclass(kind, RateLimited | ServerError)
        error = OAuthError(message, error=slug) if is_oauth else kind(message)
    elif detail:
        inner = inner_errors(body)
        error = kind(detail.message, code=detail.code, key=(inner or [detail])[0].key, errors=(*inner,) or (detail,))
    else:
        error = kind(reason(status))
    return with_facts(error, response)


def unexpected(response: httpx.Response, message: str) -> ConnectError:
    return with_facts(UnexpectedResponse(message), response)


def with_facts(error: ConnectError, response: httpx.Response) -> ConnectError:
    error.status = response.status_code
    error.request_id = response.headers.get("X-Request-Id")
    error.retry_after = retry_after(response.headers.get("Retry-After", ""))
    return error


def json_object(content: bytes) -> dict[str, object]:
    """The JSON object in the body of an error; an empty one if there is none."""
    try:
        body = msgspec.json.decode(content)
    except UNREADABLE:
        return {}
    return body if isinstance(body, dict) else {}


def error_detail(body: dict[str, object]) -> ErrorDetail | None:
    """The single form: {"error": {"message": ..., "code": ...}, "meta": {"key": ...}}."""
    error, meta = body.get("error"), body.get("meta")
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    code, facts = error.get("code"), meta if isinstance(meta, dict) else {}
    key, line_nums = facts.get("key"), facts.get("line_nums")
    return ErrorDetail(
        error["message"],
        code if type(code) is int else None,
        key if isinstance(key, str) else None,
        tuple(one for one in line_nums if isinstance(one, str)) if isinstance(line_nums, list) else (),
    )


def inner_errors(body: dict[str, object]) -> list[ErrorDetail]:
    """The multiple form: `error.errors` repeats the single form."""
    error = body.get("error")
    listed = error.get("errors") if isinstance(error, dict) else None
    found = [error_detail(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [detail for detail in found if detail]


def reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "the server refused without saying why"


def retry_after(header: str) -> float | None:
    """Seconds to wait, from either form of RFC 9110 section 10.2.3; None for anything else."""
    if header.isascii() and header.isdigit():
        return float(header[:12])
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def no_answer(error: httpx.TransportError) -> TransportError:
    """The error for a broken or refused connection. The original is not chained: its frames contain the request."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return TransportError(f"no answer from the server ({text})", may_have_arrived=not isinstance(error, NEVER_SENT))


def may_repeat(retry: Retry, error: ConnectError) -> bool:
    """Whether a call that failed with this error may be repeated."""
    if isinstance(error, TransportError):
        return not error.may_have_arrived or retry is Retry.SAFE
    if error.status in (429, 503):
        return retry is not Retry.UNSENT
    return error.status in (502, 504) and retry is Retry.SAFE


def pause(repeats: int, asked: float | None) -> float | None:
    """Seconds to wait before the next repeat, with jitter; None if the server asks for more than the maximum."""
    backoff = min(BACKOFF_SECONDS * (1 << min(repeats, 10)), LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1)  # noqa: S311
    if asked is None:
        return backoff
    return max(asked, backoff) if asked <= LONGEST_WAIT_SECONDS else None
