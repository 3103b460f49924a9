"""Link an account without a browser: take the customer's steps, and return the redirect and the responses.

Uses the same operations as the pages and the token endpoint.
"""

from hashlib import blake2b
from typing import Any

from msgspec import Struct

from handcart.accounts import ops as accounts
from handcart.accounts.models import Account
from handcart.core import clock, errors
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx
from handcart.core.errors import ApiError, OAuthError
from handcart.core.secret import new_token
from handcart.core.web.browser import PageRefused
from handcart.linking import ops as linking
from handcart.oauth import authorization, checks, codes
from handcart.oauth import errors as oauth_errors
from handcart.oauth.checks import Rejected, Request
from handcart.oauth.models import IssuedToken
from handcart.oauth.scopes import ACCOUNT_LINKING
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.sandbox.documented import ops as documented
from handcart.sign_in import sessions
from handcart.sign_in.models import CUSTOMER
from handcart.users import ops as users

LINKED = "linked"
DENIED = "denied"
CODE = "code"
CODE_EXPIRED = "code_expired"
CODE_REPLAYED = "code_replayed"
LINKING_TOKEN = "linking_token"  # noqa: S105 (a name)


class Answer(Struct, frozen=True):
    """The response of an endpoint."""

    status: int
    body: dict[str, Any]


class LinkingResult(Struct, kw_only=True):
    """The result: the account, the redirect, and the responses of token endpoint and link endpoint, if reached."""

    email: str
    redirect: str
    token_answers: list[Answer]
    link_answer: Answer | None = None


async def link(
    tx: Tx,
    caller: Caller,
    user_id: str,
    outcome: str,
    issuer: str,
    *,
    email: str | None = None,
    membership_days: int | None = None,
    redirect_uri: str | None = None,
    state: str | None = None,
) -> LinkingResult:
    """Answer an authorization request as a customer, and go on until `outcome`.

    Raises the link endpoint's errors, `email_taken`, and `is invalid` where a browser would get an error page.
    """
    await users.require(tx, caller.isolation_id, user_id)
    account = await _account(tx, caller, user_id, email, membership_days)
    verifier = new_token()
    try:
        request = await _request(tx, caller.client_id, redirect_uri, state, verifier)
    except Rejected as rejected:
        return _sent_back(account, authorization.refused(rejected.request, rejected.error, issuer))
    if request.code_challenge is None:
        verifier = ""
    if outcome == DENIED:
        await _answer(tx, account, request, is_allowed=False)
        return _sent_back(account, authorization.refused(request, oauth_errors.access_denied(), issuer))
    code = await _answer(tx, account, request, is_allowed=True)
    result = _sent_back(account, authorization.granted(request, code, issuer))
    if outcome != CODE:
        await _redeem_and_link(tx, caller, user_id, outcome, request, (code, verifier or None), result)
    return result


async def _redeem_and_link(
    tx: Tx,
    caller: Caller,
    user_id: str,
    outcome: str,
    request: Request,
    proof: tuple[str, str | None],
    result: LinkingResult,
) -> None:
    async def redeem() -> IssuedToken | OAuthError:
        issued = await codes.redeem(tx, request.client, proof[0], request.redirect_uri, proof[1])
        result.token_answers.append(_token_answer(issued))
        return issued

    if outcome == CODE_EXPIRED:
        with clock.using(VirtualClock(frozen_at=clock.now() + codes.LIFETIME)):
            await redeem()
        return
    issued = await redeem()
    assert isinstance(issued, IssuedToken)
    if outcome == CODE_REPLAYED:
        await redeem()
        result.link_answer = await _refused_link(tx, caller, user_id, issued.access_token)
    elif outcome == LINKED:
        await linking.link(tx, caller, user_id, issued.access_token)
        result.link_answer = Answer(200, {"success": True})


async def _account(tx: Tx, caller: Caller, user_id: str, email: str | None, membership_days: int | None) -> Account:
    """An account made by this sandbox, earlier or now, with the requested membership."""
    if email is None:
        name = blake2b(user_id.encode(), digest_size=6).hexdigest()
        email = f"{name}@{(await retailers.retailer(tx, caller.retailer_id)).slug}.example"
    account = await accounts.find(tx, email, caller.organization_id)
    if account is None:  # without a password nobody can sign in
        account = await documented.create_user(tx, caller, email, "", is_member=False)
    if membership_days is not None:
        await accounts.end_membership(tx, account.id)
    if membership_days:
        await accounts.grant_membership(tx, account.id, clock.now() + membership_days * clock.DAY)
    return account


async def _request(tx: Tx, client_id: str, redirect_uri: str | None, state: str | None, verifier: str) -> Request:
    client = await clients.find(tx, client_id)
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri or await _first_redirect_uri(tx, client_id),
        "scope": ACCOUNT_LINKING,
        "state": "sandbox" if state is None else state,
    }
    if client is not None and client.require_pkce:
        asked |= {"code_challenge": codes.challenge_of(verifier), "code_challenge_method": "S256"}
    try:
        return await checks.check(tx, list(asked.items()))
    except PageRefused as refused:
        raise errors.invalid("redirect_uri" if refused.text_key == "redirect_uri_mismatch" else "client_id") from None


async def _first_redirect_uri(tx: Tx, client_id: str) -> str:
    return next(iter(await clients.redirect_uris(tx, client_id)), "")


async def _answer(tx: Tx, account: Account, request: Request, *, is_allowed: bool) -> str:
    """Sign in, press Allow or Deny, sign out; returns the code."""
    session, code = await sessions.start(tx, CUSTOMER, account.id, ""), ""
    pending = await authorization.start(tx, request, session)
    if is_allowed:
        code = await authorization.allow(tx, pending, session)
    else:
        await authorization.deny(tx, pending, session)
    await sessions.end(tx, session)
    return code


def _sent_back(account: Account, redirect: str) -> LinkingResult:
    return LinkingResult(email=account.email, redirect=redirect, token_answers=[])


def _token_answer(issued: IssuedToken | OAuthError) -> Answer:
    if isinstance(issued, OAuthError):
        return Answer(issued.status, issued.body())
    return Answer(200, issued.parameters())


async def _refused_link(tx: Tx, caller: Caller, user_id: str, linking_token: str) -> Answer:
    try:
        await linking.link(tx, caller, user_id, linking_token)
    except ApiError as error:
        return Answer(error.status, error.body())
    raise AssertionError("a revoked linking token was taken")
