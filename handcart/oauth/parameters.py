"""Read a request to an OAuth endpoint, JSON or form, strictly; and the client's credentials."""

import base64
from urllib.parse import parse_qsl, unquote_plus

from handcart.core.errors import OAuthError
from handcart.core.web import wire
from handcart.core.web.body import media_type
from handcart.core.web.call import Call
from handcart.oauth import errors

# Far more than a token request needs.
MOST_BODY_BYTES = 16 * 1024
_CREDENTIALS = frozenset(("client_id", "client_secret", "code", "token", "assertion", "grant_type"))


def read(call: Call) -> dict[str, str]:
    """The request's parameters; null counts as absent. Raises the documented OAuth errors."""
    if call.query and not _CREDENTIALS.isdisjoint(name for name, _ in _query(call)):
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

    Another scheme, such as the bearer token that some clients send with every request, does not authenticate a client.
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


def _from_json(raw: bytes) -> dict[str, str]:
    try:
        values = wire.decode_any(raw)
    except wire.NotJson:
        raise errors.invalid_request(errors.NOT_JSON) from None
    if not isinstance(values, dict):
        raise errors.invalid_request(errors.NOT_AN_OBJECT)
    known = {name: value for name, value in values.items() if name in _KNOWN and value is not None}
    for name, value in known.items():
        if not isinstance(value, str):
            raise errors.not_a_string(name)
    return known


_KNOWN = frozenset(
    (
        "grant_type", "client_id", "client_secret", "scope", "code", "redirect_uri", "code_verifier", "assertion",
        "token", "token_type_hint",
    )
)  # fmt: skip


def _from_form(raw: bytes) -> dict[str, str]:
    try:
        found = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise errors.invalid_request(errors.NOT_A_FORM) from None
    pairs = [(name, value) for name, value in found if name in _KNOWN]
    if len(dict(pairs)) != len(pairs):
        raise errors.invalid_request(errors.NOT_A_FORM)
    return dict(pairs)


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


def _query(call: Call) -> list[tuple[str, str]]:
    return parse_qsl(call.query.decode("latin-1"), keep_blank_values=True)


def _scheme(header: str) -> str:
    return header.partition(" ")[0].lower()
