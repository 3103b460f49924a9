"""Simulate callbacks, and create and link platform customers without a browser."""

from typing import Any

from handcart.accounts import ops as accounts
from handcart.accounts.models import Account
from handcart.batches import ops as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import ApiError, OAuthError, Refused, blank, invalid
from handcart.core.web.browser import PageRefused
from handcart.oauth import checks as rules
from handcart.oauth import codes
from handcart.oauth.checks import Rejected
from handcart.orders import errors as order_errors
from handcart.orders import ops as orders
from handcart.orders import states
from handcart.retailers import clients
from handcart.retailers.models import Caller
from handcart.sandbox.documented import errors

MEMBERSHIP = 365 * clock.DAY
# The request field that is wrong, for each error of the authorization request.
_FIELDS = {
    "unknown_client": "client_id",
    "unauthorized_client": "client_id",
    "redirect_uri_mismatch": "redirect_uri",
    "invalid_scope": "scope",
    "unsupported_response_type": "response_type",
    "invalid_request": "code_challenge",
}
_HAPPENED = {"rescheduled": states.RESCHEDULED, "late_delivery": states.LATE}


async def simulate(tx: Tx, retailer_id: int, order_id: str, event_name: str) -> None:
    """Simulate an event that no batch causes: `canceled`, `rescheduled`, `late_delivery`; raises 404 or `too_late`."""
    if event_name == states.CANCELED:
        await batches.cancel(tx, retailer_id, order_id, "instacart_driven", "system error")
        return
    order = await orders.lock(tx, retailer_id, order_id)
    if order.status in states.TERMINAL:
        raise order_errors.too_late()
    await orders.note(tx, retailer_id, order, _HAPPENED[event_name])


async def create_user(tx: Tx, caller: Caller, email: str, password_hash: str, *, is_member: bool) -> Account:
    """Create an account of the platform; with `is_member`, a member for a year."""
    try:
        email = accounts.normalized(email)
    except Refused:
        raise invalid("email") from None
    try:
        account = await accounts.create(tx, email, password_hash, caller.organization_id)
    except Refused:
        raise errors.email_taken() from None
    if is_member:
        await accounts.grant_membership(tx, account.id, clock.now() + MEMBERSHIP)
    return account


async def authorize(tx: Tx, caller: Caller, account_id: int | None, parameters: dict[str, Any]) -> str:
    """The code that sign-in and consent would give. `parameters` follow the rules of the authorization URL."""
    account = None if account_id is None else await accounts.by_id(tx, account_id)
    if account is None or account.organization_id != caller.organization_id or not await accounts.lock(tx, account.id):
        raise errors.invalid_user()
    client_id = parameters.get("client_id") or caller.client_id
    client = await clients.find(tx, client_id)
    if client is None or client.organization_id != caller.organization_id:
        raise invalid("client_id")
    given = {name: value for name, value in parameters.items() if value is not None}
    # No browser takes part, so `state` protects nothing.
    asked = {"response_type": "code", "state": "none", **given, "client_id": client_id}
    try:
        request = await rules.check(tx, list(asked.items()))
    except PageRefused as refused:
        raise invalid(_FIELDS[refused.text_key]) from None
    except Rejected as rejected:
        raise _refusal(rejected.error) from None
    return await codes.issue(
        tx,
        client,
        account_id=account.id,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        code_challenge=request.code_challenge,
    )


def _refusal(error: OAuthError) -> ApiError:
    """The API error for an error that a redirect would have reported to the client."""
    missing = error.message.partition("Missing required parameter: ")[2].rstrip(".")
    return blank(missing) if missing else invalid(_FIELDS[error.error])
