"""Read the bodies of requests and write the bodies of replies."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from handcart.core import errors
from handcart.core.errors import ApiError
from handcart.core.web import wire
from handcart.core.web.call import (
    MOST_BODY_BYTES,
    Call,
    Header,
    Reply,
)

BODY_SECONDS = 15


_JSON = (b"content-type", b"application/json")


async def read_body(call: Call, most: int = MOST_BODY_BYTES, seconds: int | None = None) -> bytes:
    """The whole body; raises 413 over `most` bytes, 415 if compressed, 400 if incomplete.

    Raises 408 after `seconds`, by default `BODY_SECONDS`.
    """
    if any(coding.lower() not in ("", "identity") for coding in call.header_values(b"content-encoding")):
        raise errors.encoded()
    declared = call.header(b"content-length") or "0"
    if declared.isdecimal() and int(declared[-20:]) > most:  # the parser accepts 64 bits, and leading zeros
        raise errors.too_large(most)
    first, is_whole = _piece(await call.receive(), most, most)
    if is_whole:  # nearly always, so few requests need a timer
        return first
    body = bytearray(first)  # bytes would be copied for each piece
    try:
        async with asyncio.timeout(BODY_SECONDS if seconds is None else seconds):
            while not is_whole:
                piece, is_whole = _piece(await call.receive(), most - len(body), most)
                body += piece
    except TimeoutError:
        raise errors.timed_out() from None
    return bytes(body)


def _piece(message: Mapping[str, Any], room: int, most: int) -> tuple[bytes, bool]:
    """The next piece of the body, and whether it is the last; raises 413 if it is longer than `room`."""
    if message["type"] == "http.disconnect":
        raise ApiError(400, "Request body ended early", None)
    body: bytes = message.get("body", b"")
    if len(body) > room:
        raise errors.too_large(most)
    return body, not message.get("more_body")


def media_type(call: Call) -> tuple[str, str]:
    """The body's media type and charset, both in lower case; empty if not given."""
    value = (call.header(b"content-type") or "").lower()
    kind, _, rest = value.partition(";")
    charset = ""
    for parameter in rest.split(";"):
        name, _, text = parameter.partition("=")
        if name.strip() == "charset":
            charset = text.strip().strip('"')
    return kind.strip(), charset


def json_reply(answer: Any, status: int = 200, headers: Sequence[Header] = ()) -> Reply:
    """A reply with a JSON body."""
    return Reply(status, wire.encode(answer), (_JSON, *headers))


def picture_reply(jpeg: bytes, name: str) -> Reply:
    """A reply with a picture that a person took; `name` is that of its file, without the ending."""
    headers = (
        (b"content-type", b"image/jpeg"),
        (b"content-disposition", f'inline; filename="{name}.jpg"'.encode()),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"referrer-policy", b"no-referrer"),
    )
    return Reply(200, jpeg, headers)


def refusal_reply(error: ApiError) -> Reply:
    """The JSON reply for an error."""
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return json_reply(error.body(), error.status, headers)


def json_text(call: Call) -> bytes:
    kind, charset = media_type(call)
    # A body without a Content-Type is read as JSON; one with another type is refused.
    if (kind and kind != "application/json" and not kind.endswith("+json")) or charset not in ("", "utf-8", "utf8"):
        raise errors.not_json()
    return call.raw or b"{}"
