"""Find the caller of a bearer token (RFC 6750).

The look-up joins the client, so an operator's changes to a client (`handcart client disable`, `rotate`, `scope`,
`revoke-tokens`) apply to its tokens too. Where a look-up is a round trip, on PostgreSQL, its result is cached for one
second; a revoked token stops working within that time.
"""

import re
from collections.abc import Sequence

from handcart.core import clock, errors
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.web.call import Call
from handcart.oauth.scopes import kept
from handcart.retailers import errors as retailer_errors
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller

_HEADER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,512}=*)", re.IGNORECASE)
_KEEP = clock.SECOND
_MOST_KEPT = 10_000
_MOST_SLUG = 64  # one more than the maximum length of a slug, so that a longer header matches no slug

CALLER = (
    "SELECT t.client_id, t.organization_id, t.retailer_id, t.isolation_id, t.scope, t.user_id, t.account_id,"
    " t.expires_at, c.scopes, t.revoked_at IS NOT NULL OR c.disabled_at IS NOT NULL"
    " OR t.generation <> c.generation AS is_revoked"
    " FROM tokens t JOIN clients c ON c.client_id = t.client_id WHERE t.token_hash = $1"
)


INVALID = "The access token is invalid"
REVOKED = "The access token was revoked"
EXPIRED = "The access token expired"


def refusals() -> Sequence[ApiError]:
    """The errors of any call with a bearer token, for the OpenAPI description."""
    return (
        *(errors.unauthorized(text) for text in (INVALID, REVOKED, EXPIRED)),
        retailer_errors.retailer_missing(),
        retailer_errors.retailer_unknown(),
    )


class Bearers:
    """Authenticates calls; one for each process. `caches`: keep each result for one second."""

    def __init__(self, *, caches: bool) -> None:
        self._caches = caches
        self._kept: dict[tuple[str, str], tuple[int, Caller]] = {}

    async def authenticate(self, call: Call) -> Caller:
        """The caller; raises 401 for a token that is missing, malformed, unknown, expired or revoked."""
        token = _token(call)
        database = call.app.database
        if not self._caches:
            return await database.read(_caller, token, call)
        key, now = (token, (call.header(b"x-retailer-id") or "")[:_MOST_SLUG]), clock.now()
        until, caller = self._kept.get(key, (0, None))
        if caller is None or until <= now:
            caller = await database.read(_caller, token, call)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (now + _KEEP, caller)
        return caller


def _token(call: Call) -> str:
    values = call.header_values(b"authorization")
    if not values:
        raise errors.unauthorized(INVALID, error=None)
    match = _HEADER.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        raise errors.unauthorized(INVALID)
    return match[1]


async def _caller(tx: Tx, token: str, call: Call) -> Caller:
    row = await tx.one(CALLER, tx.keys.hash(token))
    if row is None:
        raise errors.unauthorized(INVALID)
    client_id, organization_id, retailer_id, isolation_id, scope, user_id, account_id, expires_at, has, is_revoked = row
    # A linking token belongs to an account of the platform, not to a caller.
    if account_id is not None:
        raise errors.unauthorized(INVALID)
    now = clock.now() if retailer_id is None else await call.use_clock_of(tx, retailer_id)
    scopes = kept(scope, has.split())
    if is_revoked or not scopes:
        raise errors.unauthorized(REVOKED)
    if expires_at <= now:
        raise errors.unauthorized(EXPIRED)
    if retailer_id is None:
        retailer_id, isolation_id = await _banner(tx, organization_id, isolation_id, call)
        await call.use_clock_of(tx, retailer_id)
    return Caller(client_id, organization_id, retailer_id, isolation_id, scopes, user_id)


async def _banner(tx: Tx, organization_id: int, isolation_id: int | None, call: Call) -> tuple[int, int]:
    """The banner in `X-Retailer-Id` for a client with several banners; ignored for other clients."""
    slug = call.header(b"x-retailer-id")
    if not slug:
        raise retailer_errors.retailer_missing()
    banner = await retailers.banner(tx, organization_id, slug)
    if banner is None or isolation_id not in (None, banner.isolation_id):
        raise retailer_errors.retailer_unknown()
    return banner.id, banner.isolation_id
