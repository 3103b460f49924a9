"""From bytes to request structs and back: one definition serves parsing, answers and the OpenAPI description.

Unknown fields are ignored; an explicit null counts as absent; every field that is wrong is named.
"""

import re
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from handcart.core import errors
from handcart.core.errors import ApiError

encode = msgspec.json.Encoder().encode


class SuccessResponse(Struct):
    """It was done."""

    success: bool


# PostgreSQL's text cannot hold NUL, so neither store takes it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`")


def decode(raw: bytes, request: type[Struct]) -> Struct:
    """Parse a JSON body into `request`; raises `ApiError` in the documented envelope, one error per wrong field."""
    if _NUL.search(raw):
        raise ApiError(400, "Request body must not contain NUL characters")
    try:
        decoded: Struct = _decoder(request).decode(raw)
        return decoded
    except msgspec.ValidationError:
        raise errors.of(_problems(raw, request)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ApiError(400, "Request body must be valid JSON") from None


@cache
def _decoder(request: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(request)


def _problems(raw: bytes, request: type[Struct]) -> list[ApiError]:
    values = msgspec.json.decode(raw)
    if not isinstance(values, dict):
        return [ApiError(400, "Request body must be a JSON object")]
    found = []
    for field in msgspec.structs.fields(request):
        problem = _problem(values.get(field.encode_name), field)
        if problem:
            found.append(problem)
    return found


def _problem(value: Any, field: msgspec.structs.FieldInfo) -> ApiError | None:
    key = field.encode_name
    if value is None or (field.required and isinstance(value, str) and not value.strip()):
        return errors.blank(key) if field.required else None
    try:
        msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        return _located(key, str(error))
    return None


def _located(key: str, text: str) -> ApiError:
    """The field's error at its dotted path, from msgspec's own words."""
    path = _PATH.search(text)
    where = key + (path["path"] if path else "")
    missing = _MISSING.match(text)
    return errors.blank(f"{where}.{missing['field']}") if missing else errors.invalid(where)
