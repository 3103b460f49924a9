"""The browser step of account linking: state, PKCE and the URL to send the customer to."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlencode, urlsplit, urlunsplit

from .urls import require_secure


@dataclass(frozen=True, slots=True)
class Pkce:
    """A proof key (RFC 7636): keep `verifier` in the customer's session, send `challenge` with the browser."""

    verifier: str = field(repr=False)
    challenge: str


def new_state() -> str:
    """A random `state` of 43 characters. Keep it in the customer's session, compare on return, use once."""
    return secrets.token_urlsafe(32)


def new_pkce() -> Pkce:
    """A new verifier of 43 characters and its S256 challenge."""
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    return Pkce(verifier=verifier, challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


def with_parameters(authorize_url: str, parameters: dict[str, str], *, allow_plain_http: bool = False) -> str:
    """`authorize_url` with `parameters` added; its own query is kept, except for these names."""
    require_secure(authorize_url, "authorize_url", allow_plain_http=allow_plain_http)
    scheme, host, path, query, _ = urlsplit(authorize_url)
    kept = [pair for pair in query.split("&") if pair and unquote_plus(pair.split("=")[0]) not in parameters]
    return urlunsplit((scheme, host, path, "&".join([*kept, urlencode(parameters, quote_via=quote, safe="")]), ""))
