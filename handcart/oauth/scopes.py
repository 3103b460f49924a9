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
POST_CHECKOUT = "connect:post_checkout"
RATING = "Connect::Orders::RatingService"
ACCOUNT_LINKING = "account_linking"
# Handcart's own scope.
CALLBACKS = "handcart:callbacks"

SCOPES = {
    CLIENT_CREDENTIALS: (
        FULFILLMENT,
        POST_CHECKOUT,
        RATING,
        "connect:recommendations",
        "connect:compliance",
        "connect:data_ingestion",
        "connect:ian",
        CALLBACKS,
    ),
    AUTHORIZATION_CODE: (ACCOUNT_LINKING,),
    USER_ASSERTION: (POST_CHECKOUT, RATING, "connect:recommendations"),
}
MEANINGS = {
    FULFILLMENT: "Users, account linking, stores, time slots, orders",
    ACCOUNT_LINKING: "Link a customer's account",
    POST_CHECKOUT: "Orders after checkout: of one user, or of all users of the retailer",
    RATING: "Order feedback",
    "connect:recommendations": "Recommendations",
    "connect:compliance": "Compliance",
    "connect:data_ingestion": "Catalog",
    "connect:ian": "Ads",
    CALLBACKS: "Configure webhooks; see and replay their events",
}
# Documented scopes that no endpoint of Handcart needs. Tokens have them only if the operator's setting allows it.
UNSERVED = ("connect:recommendations", "connect:compliance", "connect:data_ingestion", "connect:ian")
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


def unserved(asked: str | None) -> str | None:
    """The first scope of a request that no endpoint needs."""
    return next((scope for scope in parse(asked or "") or () if scope in UNSERVED), None)


def offered(names: Sequence[str], *, with_unserved: bool) -> list[str]:
    """Those of some scopes that a server issues. `with_unserved`: its setting `unserved_scopes`."""
    return [scope for scope in names if with_unserved or scope not in UNSERVED]


def allowed(grant_type: str, client_scopes: Sequence[str], *, with_unserved: bool = False) -> list[str]:
    """All scopes that a client may get with a grant. `with_unserved`: the setting `unserved_scopes`."""
    return [scope for scope in offered(SCOPES[grant_type], with_unserved=with_unserved) if scope in client_scopes]


def kept(scope: str, client_scopes: Sequence[str]) -> tuple[str, ...]:
    """Those scopes of a token (separated by spaces) that its client still has."""
    return tuple(name for name in scope.split() if name in client_scopes)


def granted(
    grant_type: str, client_scopes: Sequence[str], asked: str | None, *, with_unserved: bool = False
) -> str | None:
    """The scope to grant, separated by spaces; None if `asked` is not allowed. Without `asked`: all allowed scopes."""
    may_have = allowed(grant_type, client_scopes, with_unserved=with_unserved)
    if asked is None:
        return " ".join(may_have)
    wanted = parse(asked)
    if wanted is None or not set(wanted) <= set(may_have):
        return None
    return " ".join(scope for scope in may_have if scope in wanted)
