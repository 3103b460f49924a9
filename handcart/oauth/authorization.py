"""Pending authorization requests: in the page's URL until sign-in, then in the database; answered once."""

import base64
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import OAuthError
from handcart.core.secret import Keys, matches, new_token
from handcart.core.web.browser import PageRefused, form_expired
from handcart.oauth import codes
from handcart.oauth.checks import Request
from handcart.oauth.models import PendingRequest
from handcart.retailers import clients
from handcart.retailers.models import Client

PENDING = 30 * clock.MINUTE
MOST_PENDING = 20

_COLUMNS = "id, client_id, redirect_uri, scope, state, code_challenge, step, expires_at"
_ALIVE = "id = $1 AND session_hash = $2 AND answered_at IS NULL AND expires_at > $3"


class _Sealed(Struct, array_like=True):
    """A request before sign-in: it is in the URL of the page, not in the database."""

    expires_at: int
    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    code_challenge: str | None


def seal(keys: Keys, request: Request | PendingRequest, expires_at: int | None = None) -> PendingRequest:
    """A checked request with an id that contains the request and its expiry; only this server can make such an id.

    It expires in 30 minutes by default.
    """
    values = _Sealed(
        expires_at=clock.now() + PENDING if expires_at is None else expires_at,
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        state=request.state,
        code_challenge=request.code_challenge,
    )
    text = base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).decode().rstrip("=")
    return _first_step(f"{text}.{keys.request_mac(text)}", values, values.expires_at)


def keep_sealed(keys: Keys, request: PendingRequest) -> PendingRequest:
    """A pending request for a browser that is not signed in. Its expiry stays, however often the page is loaded."""
    return request if is_sealed(request.id) else seal(keys, request, request.expires_at)


def unseal(keys: Keys, request_id: str) -> PendingRequest:
    """The request in an id made by `seal`; raises an error page if it has expired."""
    values = _sealed(keys, request_id)
    if values is None or values.expires_at <= clock.now():
        raise PageRefused(400, "already_answered")
    return _first_step(request_id, values, values.expires_at)


def is_sealed(request_id: str) -> bool:
    """Whether an id contains the request; if not, it names one in the database."""
    return "." in request_id


async def start(tx: Tx, request: Request | PendingRequest, session: str) -> PendingRequest:
    """Store a request for a signed-in browser; deletes the browser's oldest requests if there are too many."""
    now = clock.now()
    kept = _first_step(new_token(), request, now + PENDING)
    session_hash = tx.keys.hash(session)
    await tx.run(
        "DELETE FROM authorization_requests WHERE id IN (SELECT id FROM authorization_requests"
        " WHERE session_hash = $1 ORDER BY created_at DESC LIMIT 1000 OFFSET $2)",
        session_hash,
        MOST_PENDING - 1,
    )
    await tx.run(
        "INSERT INTO authorization_requests (id, session_hash, client_id, redirect_uri, scope, state, code_challenge,"
        " step, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
        kept.id,
        session_hash,
        kept.client_id,
        kept.redirect_uri,
        kept.scope,
        kept.state,
        kept.code_challenge,
        now,
        kept.expires_at,
    )
    return kept


async def pending(tx: Tx, request_id: str, session: str) -> PendingRequest:
    """This browser's pending request; raises an error page if it is answered, expired, or another browser's."""
    if is_sealed(request_id):
        return unseal(tx.keys, request_id)
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM authorization_requests WHERE {_ALIVE}",  # noqa: S608 (constants)
        request_id,
        tx.keys.hash(session),
        clock.now(),
    )
    if row is None:
        raise PageRefused(400, "already_answered")
    return _pending(row)


async def retailer_of(tx: Tx, request_id: str) -> int | None:
    """The retailer of a request; None if the client has several retailers, or if there is no such request."""
    if is_sealed(request_id):
        values = _sealed(tx.keys, request_id)
        client = await clients.find(tx, values.client_id) if values else None
        return client.retailer_id if client else None
    row = await tx.one(
        "SELECT c.retailer_id FROM authorization_requests r JOIN clients c ON c.client_id = r.client_id"
        " WHERE r.id = $1",
        request_id,
    )
    return row["retailer_id"] if row else None


async def take_step(tx: Tx, request_id: str, session: str, form_token: str) -> PendingRequest:
    """Accept one posted form; its token works once, for this request in this browser."""
    found = await pending(tx, request_id, session)
    if is_sealed(request_id) or not matches(form_token, tx.keys.form_token(session, *found.form)):
        raise form_expired()
    taken = await tx.run(
        "UPDATE authorization_requests SET step = step + 1 WHERE id = $1 AND step = $2", request_id, found.step
    )
    if not taken:  # the same form was posted concurrently
        raise form_expired()
    return replace(found, step=found.step + 1)


async def deny(tx: Tx, request: PendingRequest, session: str) -> None:
    """End a request that the customer denied, without a code."""
    await _answer(tx, request, session)


async def allow(tx: Tx, request: PendingRequest, session: str) -> str:
    """End a request that the customer allowed; returns the code. Account, client and redirect URI are checked again."""
    client = await _answer(tx, request, session)
    account = await accounts.signed_in(tx, session)
    if account is None:
        raise PageRefused(403, "account_closed")
    return await codes.issue(
        tx,
        client,
        account_id=account.id,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        code_challenge=request.code_challenge,
    )


async def purge(tx: Tx, most: int) -> int:
    """Delete expired requests; returns their number."""
    return await tx.run(
        "DELETE FROM authorization_requests WHERE id IN"
        " (SELECT id FROM authorization_requests WHERE expires_at < $1 LIMIT $2)",
        clock.now(),
        most,
    )


def granted(request: Request | PendingRequest, code: str, issuer: str) -> str:
    """The redirect URI with the code."""
    return _answered(request, {"code": code}, issuer)


def refused(request: Request | PendingRequest, error: OAuthError, issuer: str) -> str:
    """The redirect URI with an error."""
    return _answered(request, {"error": error.error, "error_description": error.message}, issuer)


def _answered(request: Request | PendingRequest, answer: dict[str, str], issuer: str) -> str:
    """The redirect URI with the answer, the unchanged `state`, and the issuer (RFC 9207)."""
    parameters = dict(answer)
    if request.state is not None:
        parameters["state"] = request.state
    parameters["iss"] = issuer
    separator = "&" if "?" in request.redirect_uri else "?"
    return request.redirect_uri + separator + urlencode(parameters, quote_via=quote)


async def _answer(tx: Tx, request: PendingRequest, session: str) -> Client:
    """Claim the request, once; returns its client. Raises if the client or redirect URI was removed since."""
    now = clock.now()
    answered = await tx.run(
        f"UPDATE authorization_requests SET answered_at = $3 WHERE {_ALIVE}",  # noqa: S608 (constants)
        request.id,
        tx.keys.hash(session),
        now,
    )
    if not answered:
        raise PageRefused(400, "already_answered")
    client = await clients.find(tx, request.client_id)
    if client is None or client.is_disabled:
        raise PageRefused(400, "unknown_client")
    if request.redirect_uri not in await clients.redirect_uris(tx, client.client_id):
        raise PageRefused(400, "redirect_uri_mismatch")
    return client


def _pending(row: Any) -> PendingRequest:
    return PendingRequest(**{name: row[name] for name in _COLUMNS.split(", ")})


def _sealed(keys: Keys, request_id: str) -> _Sealed | None:
    text, _, mac = request_id.partition(".")
    if not matches(mac, keys.request_mac(text)):
        return None
    return msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Sealed)


def _first_step(request_id: str, request: Request | PendingRequest | _Sealed, expires_at: int) -> PendingRequest:
    """The request under this id, before the first form is posted for it."""
    return PendingRequest(
        id=request_id,
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        state=request.state,
        code_challenge=request.code_challenge,
        step=0,
        expires_at=expires_at,
    )
