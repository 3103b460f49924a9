"""Account linking: the redirect to the platform's authorization page, and the redirect page.

How to link a user account: https://docs.instacart.com/connect/fulfillment_guide/how_to/link_an_instacart_account
"""

import logging

from handcart_client import (
    ConnectError,
    OAuthError,
    RateLimited,
    ServerError,
    TransportError,
    new_pkce,
    new_state,
)
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from storefront.pages import Shop, checked_form, customer_of, leave_notice, redirect, session_of, shop_of
from storefront.samples import Customer
from storefront.users import ensure_user

log = logging.getLogger(__name__)

# The error messages of Link account, and the notices for the customer. "User Already Linked" is Handcart's own.
NOTICE_OF_MESSAGE = {
    "Validation failed: Common identities can only have one user per isolation context": "linked_elsewhere",
    "Linking token is invalid": "too_slow",
    "User Not Active": "not_active",
    "User Already Linked": "linked_before",
}


async def start(request: Request) -> Response:
    """The link button: remember `state` and the PKCE verifier, send the browser to the platform."""
    await checked_form(request)
    session, shop = session_of(request), shop_of(request)
    if customer_of(request) is None:
        return redirect(request, "/sign-in?to=account")
    state, pkce = new_state(), new_pkce()
    shop.sessions.begin_link(session, state, pkce.verifier)
    url = shop.platform.oauth.authorization_url(
        shop.settings.authorize_url,
        redirect_uri=shop.settings.redirect_uri,
        state=state,
        code_challenge=pkce.challenge,
    )
    return redirect(request, url)


async def callback(request: Request) -> Response:
    """The redirect page. It redirects at once, so that code and state do not stay in the address bar."""
    customer = customer_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=link")
    leave_notice(request, await _finish(request, customer))
    return redirect(request, "/account")


async def _finish(request: Request, customer: Customer) -> str:
    """Check the platform's answer and link the account. Returns the key of a notice with the result."""
    shop, session = shop_of(request), session_of(request)
    state = _single(request.query_params, "state")
    # Check the state first: it proves that this browser started the link. Without it, ignore the answer.
    attempt = shop.sessions.claim_link(session, state) if state else None
    if attempt is None or not _is_from_platform(request.query_params, shop):
        return "not_started_here"
    if attempt.is_expired:
        return "too_slow"
    if "error" in request.query_params:
        return "denied" if _single(request.query_params, "error") == "access_denied" else "failed"
    code = _single(request.query_params, "code")
    if not code:
        return "failed"
    return await _link(shop, customer, code, attempt.code_verifier)


async def _link(shop: Shop, customer: Customer, code: str, code_verifier: str) -> str:
    """Exchange the code for a linking token, and link the customer's Connect user with it."""
    platform = shop.platform
    try:
        token = await platform.oauth.exchange_code(
            code, redirect_uri=shop.settings.redirect_uri, code_verifier=code_verifier
        )
        await ensure_user(platform, customer)
        await platform.links.create(customer.user_id, token.access_token)
    except ConnectError as error:
        log.warning("linking %s: %s", customer.user_id, error)
        return _notice_of(error)
    return "linked"


def _notice_of(error: ConnectError) -> str:
    if isinstance(error, OAuthError):
        return "too_slow" if error.error == "invalid_grant" else "failed"
    if isinstance(error, TransportError | ServerError | RateLimited):
        return "unreachable"
    return NOTICE_OF_MESSAGE.get(error.message, "failed")


def _is_from_platform(answer: QueryParams, shop: Shop) -> bool:
    """Check `iss` (RFC 9207): if present, it must equal the platform's issuer byte for byte."""
    return "iss" not in answer or _single(answer, "iss") == (shop.settings.issuer or shop.settings.api_url)


def _single(params: QueryParams, name: str) -> str | None:
    """The value of a parameter that came exactly once."""
    values = params.getlist(name)
    return values[0] if len(values) == 1 else None
