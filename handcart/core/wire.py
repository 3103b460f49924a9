"""From bytes to request structs and back: one definition serves parsing, answers and the OpenAPI description.

Unknown fields are ignored; an explicit null counts as absent; every field that is wrong is named.

Patterns end with `\\Z`, because Python's `$` also matches before a final newline. `core.openapi` publishes it as `$`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct

from handcart.core import errors
from handcart.core.errors import ApiError

encode = msgspec.json.Encoder().encode

# Characters that an id cannot have: control characters (C0, C1), line separators, and those that change the direction
# of text. A terminal or a page would obey them (CWE-150).
_OBEYED = r"\x00-\x1f\x7f-\x9f" + "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
# The pattern of an id that a client makes: one line with at least one visible character.
ID_PATTERN = rf"^[^{_OBEYED}]*[^\s{_OBEYED}][^{_OBEYED}]*\Z"

# An id of ours in a request.
WireId = Annotated[int, Meta(ge=0, le=2**53 - 1, description="As a number or a decimal string")]
DigitId = Annotated[str, Meta(pattern=r"^[0-9]{1,16}\Z")]


class SuccessResponse(Struct):
    """It was done."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Done": {"success": True}}

    success: bool


_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`")
_MOST_PROBLEMS = 100
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class NotJson(ValueError):
    """Text that is no JSON, or that names a member of an object twice."""


def decode_any(raw: bytes) -> Any:
    """A JSON value; raises `NotJson`.

    RFC 8259 section 4 leaves open what a repeated name means, so two readers may see two different requests.
    """
    try:
        value = msgspec.json.decode(raw)
        # msgspec keeps the last of two equal names: written again, the value lacks the colons of what was dropped.
        is_whole = _colons(raw) == encode(value).count(b":")
    except _UNREADABLE:
        raise NotJson from None
    if not is_whole:
        raise NotJson
    return value


def _colons(raw: bytes) -> int:
    """How many colons JSON text holds, those written as escapes included."""
    colons = raw.count(b":")
    if b"\\u003" in raw:
        without = raw.replace(b"\\\\", b"")  # a backslash that is escaped itself begins no escape
        colons += without.count(b"\\u003a") + without.count(b"\\u003A")
    return colons


def decode(raw: bytes, request: type[Struct]) -> Struct:
    """Parse a JSON body into `request`; raises `ApiError` in the documented envelope, one error per wrong field.

    A name that is repeated anywhere is refused, as in `decode_any`. NUL, which PostgreSQL's text cannot hold, is for
    the patterns of the fields to refuse.
    """
    try:
        decoded: Struct = _decoder(request).decode(raw)
        decode_any(raw)
        return decoded
    except NotJson:
        refusal = _not_json()
    except msgspec.ValidationError:
        refusal = errors.of(_problems(raw, request))
    except _UNREADABLE:
        refusal = _not_json()
    raise refusal


def query(raw: bytes, name: str, kind: Any) -> Any:
    """A parameter of a query string as `kind`, the first one by that name; None if it is not there.

    Raises 400, `is invalid`.
    """
    values = parse_qs(raw.decode("latin-1"), keep_blank_values=True).get(name)
    if values is None:
        return None
    try:
        return msgspec.convert(values[0], kind, strict=False)
    except msgspec.ValidationError:
        raise errors.invalid(name) from None


def refusals(request: type[Struct]) -> list[ApiError]:
    """What `decode` may raise for this request, one of each kind, for the OpenAPI description."""
    fields = msgspec.structs.fields(request)
    wrong = [errors.blank(field.encode_name) for field in fields if field.required]
    wrong.append(errors.invalid(fields[0].encode_name))
    if len(fields) > 1:
        wrong.append(errors.of([wrong[0], errors.invalid(fields[1].encode_name)]))
    return [*wrong, _not_json(), _not_an_object()]


def _not_json() -> ApiError:
    return ApiError(400, "Request body must be valid JSON")


def _not_an_object() -> ApiError:
    return ApiError(400, "Request body must be a JSON object")


@cache
def _decoder(request: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(request)


def _problems(raw: bytes, request: type[Struct]) -> list[ApiError]:
    """msgspec stops at the first wrong field, so the body is read again for the others; never empty."""
    try:
        values = decode_any(raw)
    except NotJson:
        return [_not_json()]
    if not isinstance(values, dict):
        return [_not_an_object()]
    return _of_fields(values, request, "")[:_MOST_PROBLEMS] or [_not_json()]


def _of_fields(values: Mapping[str, Any], request: type[Struct], prefix: str) -> list[ApiError]:
    found = []
    for field in msgspec.structs.fields(request):
        found += _of_field(values.get(field.encode_name), field, prefix + field.encode_name)
    return found


def _of_field(value: Any, field: msgspec.structs.FieldInfo, key: str) -> list[ApiError]:
    if value is None or (field.required and isinstance(value, str) and not value.strip()):
        return [errors.blank(key)] if field.required else []
    return _of_value(value, field.type, key)


def _of_value(value: Any, kind: Any, key: str) -> list[ApiError]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return _inside(value, kind, key) or [_located(key, str(error))]
    return []


def _inside(value: Any, kind: Any, key: str) -> list[ApiError]:
    """The problems of the fields of an object, or of the elements of a list."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _of_fields(value, kind, f"{key}.") if isinstance(value, dict) else []
    if get_origin(kind) is list and value == []:
        return [errors.blank(key)]
    if get_origin(kind) is list:
        return _of_elements(value, get_args(kind)[0], key) if isinstance(value, list) else []
    if get_origin(kind) in (Annotated, Union, UnionType):
        return [one for part in get_args(kind) for one in _inside(value, part, key)]
    return []


def _of_elements(values: Sequence[Any], kind: Any, key: str) -> list[ApiError]:
    found: list[ApiError] = []
    for place, element in enumerate(values):
        found += _of_value(element, kind, f"{key}[{place}]")
        if len(found) >= _MOST_PROBLEMS:  # each costs 30 us, and a body has room for half a million
            break
    return found


def _located(key: str, text: str) -> ApiError:
    """The field's error at its dotted path, from msgspec's own words."""
    path = _PATH.search(text)
    where = key + (path["path"] if path else "")
    missing = _MISSING.match(text)
    return errors.blank(f"{where}.{missing['field']}") if missing else errors.invalid(where)
