"""Reading a request to an OAuth endpoint: JSON or form, strictly, and who sent it."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from handcart.core import errors as core_errors
from handcart.core.errors import OAuthError
from handcart.core.http import Call, media_type
from handcart.core.ratelimit import Limit, count, network
from handcart.oauth import errors
from handcart.retailers import ops as retailers

_WRONG_SECRETS = Limit(60, 60)
# Before anybody is known: a body of 1 MiB in 300,000 pieces would keep the parser, and everybody, waiting for 0.3 s.
_MOST_COMMAS = 1000
_CREDENTIALS = ("client_id=", "client_secret=", "code=", "token=", "assertion=", "grant_type=")


def read(call: Call) -> dict[str, str]:
    """The request's parameters; null counts as absent. Raises the documented OAuth errors."""
    query = call.query.decode("latin-1")
    if query and any(f"&{query}".find(f"&{name}") >= 0 for name in _CREDENTIALS):
        raise errors.query_params_forbidden()
    kind, charset = media_type(call)
    if charset not in ("", "utf-8", "utf8"):
        raise errors.invalid_request(errors.NOT_UTF_8)
    if kind == "application/json":
        parameters = _from_json(call.raw)
    elif kind == "application/x-www-form-urlencoded":
        parameters = _from_form(call.raw)
    else:
        raise errors.invalid_request(errors.NOT_JSON_OR_FORM)
    if any("\0" in value for value in parameters.values()):
        raise errors.invalid_request(errors.HOLDS_NUL)
    return parameters


def credentials(call: Call, parameters: dict[str, str], refusal: OAuthError) -> tuple[str, str]:
    """Client id and secret from the body or from HTTP Basic, not from both.

    Another scheme, such as the bearer token that some clients send with every request, proves no client.
    """
    header = [value for value in call.header_values(b"authorization") if _scheme(value) == "basic"]
    if not header:
        client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
        if not client_id or not secret:
            raise refusal
        return client_id, secret
    if "client_secret" in parameters or len(header) > 1:
        raise errors.invalid_request(errors.AUTHENTICATED_TWICE)
    client_id, secret = _from_basic(header[0], refusal)
    if parameters.get("client_id", client_id) != client_id:
        raise errors.invalid_request(errors.CLIENT_IDS_DIFFER)
    return client_id, secret


async def count_wrong_secret(call: Call, client_id: str) -> None:
    """Slow down who guesses a client's secret: by client and address, so that nobody else is hurt. Raises 429."""
    if await call.app.database.read(retailers.client, client_id) is None:  # made-up ids would fill the table
        return
    wait = await call.app.database.write(count, f"secret:{client_id}:{network(call.address)}", _WRONG_SECRETS)
    if wait:
        raise core_errors.too_many_requests(wait)


def _from_json(raw: bytes) -> dict[str, str]:
    if raw.count(b",") > _MOST_COMMAS:
        raise errors.invalid_request(errors.NOT_JSON)
    try:
        values = _strict.decode(raw.decode())
    except (ValueError, RecursionError):
        raise errors.invalid_request(errors.NOT_JSON) from None
    if not isinstance(values, dict):
        raise errors.invalid_request(errors.NOT_AN_OBJECT)
    present = {name: value for name, value in values.items() if value is not None}
    for name, value in present.items():
        if not isinstance(value, str) and name in _KNOWN:
            raise errors.not_a_string(name)
    return {name: value for name, value in present.items() if name in _KNOWN and _is_text(value)}


_KNOWN = frozenset(
    (
        "grant_type", "client_id", "client_secret", "scope", "code", "redirect_uri", "code_verifier", "assertion",
        "token", "token_type_hint",
    )
)  # fmt: skip


def _from_form(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
        return _single([(name, value) for name, value in pairs if name in _KNOWN])
    except ValueError:
        raise errors.invalid_request(errors.NOT_A_FORM) from None


def _from_basic(header: str, refusal: OAuthError) -> tuple[str, str]:
    """RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined."""
    encoded = header.partition(" ")[2]
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:  # not ASCII, not Base64 or not UTF-8
        raise refusal from None
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or "\0" in client_id:
        raise refusal
    return client_id, secret


def _scheme(header: str) -> str:
    return header.partition(" ")[0].lower()


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("repeated name")
    return values


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _short(number: str) -> int:
    if len(number) > 20:  # no parameter is a number at all, and long ones take long
        raise ValueError("number without end")
    return int(number)


def _is_text(value: str) -> bool:
    """A lone surrogate is no text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise errors.invalid_request(errors.NOT_UNICODE) from None
    return True


_strict = json.JSONDecoder(object_pairs_hook=_single, parse_constant=_refuse, parse_int=_short)
