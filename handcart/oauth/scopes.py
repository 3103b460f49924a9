"""The scopes, and the grants that can ask for them.

Source: https://docs.instacart.com/connect/api/permissions_scopes
"""

import re
from collections.abc import Sequence

from handcart.core.errors import Refused

CLIENT_CREDENTIALS = "client_credentials"
AUTHORIZATION_CODE = "authorization_code"
USER_ASSERTION = "fulfillment_user_assertion"

FULFILLMENT = "connect:fulfillment"
ACCOUNT_LINKING = "account_linking"
# Handcart's own scope.
CALLBACKS = "handcart:callbacks"

SCOPES = {
    CLIENT_CREDENTIALS: (
        FULFILLMENT,
        "Connect::Orders::RatingService",
        "connect:recommendations",
        "connect:compliance",
        "connect:data_ingestion",
        "connect:ian",
        CALLBACKS,
    ),
    AUTHORIZATION_CODE: (ACCOUNT_LINKING,),
    USER_ASSERTION: ("connect:post_checkout", "Connect::Orders::RatingService", "connect:recommendations"),
}
MEANINGS = {
    FULFILLMENT: "Users, account linking, stores, time slots, orders",
    ACCOUNT_LINKING: "Link a customer's account",
    "connect:post_checkout": "Post-checkout, for one user",
    "connect:recommendations": "Recommendations",
    "Connect::Orders::RatingService": "Order feedback",
    "connect:compliance": "Compliance",
    "connect:data_ingestion": "Catalog",
    "connect:ian": "Ads",
    CALLBACKS: "Configure webhooks; see and replay their events",
}
ALL = tuple(dict.fromkeys(scope for scopes in SCOPES.values() for scope in scopes))

# Connect's guide requests `openid account_linking`. No ID token is issued, so `openid` is accepted and ignored.
_IGNORED = "openid"
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_MOST_CHARACTERS = 1000


def parse(text: str) -> list[str] | None:
    """The scopes of a request, separated by commas or spaces; None if malformed or empty."""
    if len(text) > _MOST_CHARACTERS or not text.isprintable():
        return None
    asked = [scope for scope in re.split(r"[ ,]+", text) if scope]
    if not asked or not all(_TOKEN.fullmatch(scope) for scope in asked):
        return None
    return [scope for scope in asked if scope != _IGNORED] or None


def require(text: str) -> list[str]:
    """The scopes that a client may have, separated by commas or spaces; raises `Refused` for unknown ones."""
    scopes = parse(text)
    if scopes is None or not set(scopes) <= set(ALL):
        raise Refused(f"the scope {text!r} is unknown: the scopes are {' '.join(ALL)}")
    return scopes


def allowed(grant_type: str, client_scopes: Sequence[str]) -> list[str]:
    """All scopes that a client may get with a grant."""
    return [scope for scope in SCOPES[grant_type] if scope in client_scopes]


def kept(scope: str, client_scopes: Sequence[str]) -> tuple[str, ...]:
    """Those scopes of a token (separated by spaces) that its client still has."""
    return tuple(name for name in scope.split() if name in client_scopes)


def granted(grant_type: str, client_scopes: Sequence[str], asked: str | None) -> str | None:
    """The scope to grant, separated by spaces; None if `asked` is not allowed. Without `asked`: all allowed scopes."""
    may_have = allowed(grant_type, client_scopes)
    if asked is None:
        return " ".join(may_have)
    wanted = parse(asked)
    if wanted is None or not set(wanted) <= set(may_have):
        return None
    return " ".join(scope for scope in may_have if scope in wanted)
