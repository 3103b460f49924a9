"""Read requests from JSON and write responses; the same structs serve parsing, responses and the OpenAPI description.

Unknown fields are ignored; an explicit null counts as absent; errors name every wrong field.

An invalid body is read a second time with tolerance for common habits of callers: a JSON number for a code, a decimal
string for a Handcart id, and an empty string for an absent optional value.

Patterns end with `\\Z`, because Python's `$` also matches before a final newline. `core.web.openapi` publishes it
as `$`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
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
# The pattern of an id chosen by a client: one line with at least one visible character.
ID_PATTERN = rf"^[^{_OBEYED}]*[^\s{_OBEYED}][^{_OBEYED}]*\Z"

# The key in `Meta.extra` of the function that reads a field's value the second time.
_READ_AGAIN = "read_again"


def read_again(function: Callable[[Any], Any]) -> Meta:
    """Mark a field: `function` reads the value again if the body breaks its form. It returns other values unchanged."""
    return Meta(extra={_READ_AGAIN: function})


def _text(value: Any) -> Any:
    return str(value) if type(value) is int and value >= 0 else value


def _integer(value: Any) -> Any:
    is_decimal = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS
    return int(value) if is_decimal else value


_MOST_DIGITS = 19
# For codes made by others (UPCs, order ids, ...): a JSON number is read as its decimal string.
NUMBER_TOO = read_again(_text)
# For ids made by Handcart: a decimal string is read as its number.
STRING_TOO = read_again(_integer)

# A Handcart id in a request.
WireId = Annotated[int, Meta(ge=0, le=2**53 - 1, description="A decimal string is accepted too"), STRING_TOO]

# The header X-Treat-Ids-As-Internal of some documented operations.
TreatIdsAsInternal = Annotated[str, Meta(description="Ignored: an order has only one id", examples=["true"])]


class SuccessResponse(Struct):
    """The request succeeded."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Done": {"success": True}}

    success: bool


class Empty(Struct):
    """An empty answer."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Done": {}}


_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`")
_MOST_PROBLEMS = 100
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class NotJson(ValueError):
    """Text that is not JSON, or that has a member of an object twice."""


def decode_any(raw: bytes) -> Any:
    """Parse a JSON value; raises `NotJson`.

    RFC 8259 section 4 leaves open what a repeated name means, so two readers may see two different requests.
    """
    try:
        value = msgspec.json.decode(raw)
        # msgspec keeps the last of two equal names, so the value written again has fewer colons.
        is_whole = _colons(raw) == encode(value).count(b":")
    except _UNREADABLE:
        raise NotJson from None
    if not is_whole:
        raise NotJson
    return value


def _colons(raw: bytes) -> int:
    """The number of colons in JSON text, including escaped ones."""
    colons = raw.count(b":")
    if b"\\u003" in raw:
        without = raw.replace(b"\\\\", b"")  # an escaped backslash does not begin an escape
        colons += without.count(b"\\u003a") + without.count(b"\\u003A")
    return colons


def decode(raw: bytes, request: type[Struct]) -> Struct:
    """Parse a JSON body into `request`; raises `ApiError` in the documented envelope, one error per wrong field.

    Repeated names are refused, as in `decode_any`. NUL, which PostgreSQL's text cannot contain, must be refused by the
    patterns of the fields.
    """
    try:
        decoded: Struct = _decoder(request).decode(raw)
        decode_any(raw)
        return decoded
    except msgspec.ValidationError:
        pass
    except (NotJson, *_UNREADABLE):
        raise _not_json() from None
    try:
        sent = decode_any(raw)
    except NotJson:
        raise _not_json() from None
    if not isinstance(sent, dict):
        raise _not_an_object()
    meant = as_meant(sent, request)
    try:
        return msgspec.convert(meant, request)
    except msgspec.ValidationError:  # it names only the first wrong field
        problems = _of_fields(meant, request, "")[:_MOST_PROBLEMS]
    raise errors.combine(problems)


def query(raw: bytes, name: str, kind: Any) -> Any:
    """The first parameter with this name in a query string, as `kind`; None if it is absent.

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
    """The errors that `decode` may raise for this request, one of each kind, for the OpenAPI description."""
    fields = msgspec.structs.fields(request)
    wrong = [errors.blank(field.encode_name) for field in fields if field.required]
    wrong.append(errors.invalid(fields[0].encode_name))
    if len(fields) > 1:
        wrong.append(errors.combine([wrong[0], errors.invalid(fields[1].encode_name)]))
    return [*wrong, _not_json(), _not_an_object()]


def _not_json() -> ApiError:
    return ApiError(400, "Request body must be valid JSON")


def _not_an_object() -> ApiError:
    return ApiError(400, "Request body must be a JSON object")


@cache
def _decoder(request: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(request)


class _Field(Struct, frozen=True):
    """A field of a request. `drops_empty`: whether an empty string counts as absent."""

    name: str
    kind: Any
    drops_empty: bool


@cache
def _fields(request: type[Struct]) -> Sequence[_Field]:
    return [
        _Field(field.encode_name, field.type, not field.required and bool(_of_value("", field.type, "")))
        for field in msgspec.structs.fields(request)
    ]


def as_meant(values: Mapping[str, Any], request: type[Struct]) -> dict[str, Any]:
    """The values of a body, with codes, ids and absent values converted to the types in `request`."""
    read = dict(values)
    for field in _fields(request):
        if field.name in read:
            is_empty = field.drops_empty and read[field.name] == ""
            read[field.name] = None if is_empty else _value_as_meant(read[field.name], field.kind)
    return read


def _value_as_meant(value: Any, kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, Struct):
        return as_meant(value, kind) if isinstance(value, dict) else value
    origin, parts = get_origin(kind), get_args(kind)
    if origin is list:
        return [_value_as_meant(one, parts[0]) for one in value] if isinstance(value, list) else value
    if origin is Annotated:
        if isinstance(value, list) and any(len(value) > (about.max_length or len(value)) for about in parts[1:]):
            return value  # refused anyway, and slow to parse if long
        value = _value_as_meant(value, parts[0])
        for about in parts[1:]:
            value = (about.extra or {}).get(_READ_AGAIN, _unchanged)(value)
    elif origin in (Union, UnionType):
        for part in parts:
            value = _value_as_meant(value, part)
    return value


def _unchanged(value: Any) -> Any:
    return value


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
    """The field's error at its dotted path, from msgspec's message."""
    path = _PATH.search(text)
    where = key + (path["path"] if path else "")
    missing = _MISSING.match(text)
    return errors.blank(f"{where}.{missing['field']}") if missing else errors.invalid(where)
