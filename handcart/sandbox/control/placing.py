"""Place the sample orders of a sandbox, on request for customers who are members."""

from handcart.core.db import Tx
from handcart.linking import ops as links
from handcart.orders import samples
from handcart.orders.models import DISPATCH, Order
from handcart.retailers.models import Caller
from handcart.sandbox.control import linking

_MEMBER_DAYS = 30


async def place(
    tx: Tx,
    caller: Caller,
    kind: str,
    issuer: str,
    *,
    user_id: str | None = None,
    is_member: bool = False,
    has_alcohol: bool = False,
) -> Order:
    """Place a sample order of a kind, for an existing user or a new one.

    `is_member`: the user is linked to a member's account first, unless they already have the benefit. A dispatch order
    has a user only with `user_id` or `is_member`. Raises the errors of `samples.place` and of the link endpoint.
    """
    if user_id is None and (kind != DISPATCH or is_member):
        user_id = await samples.customer(tx, caller)
    if is_member and user_id is not None and await links.benefit(tx, caller.isolation_id, user_id) is None:
        await linking.link(tx, caller, user_id, linking.LINKED, issuer, membership_days=_MEMBER_DAYS)
    return await samples.place(tx, caller, kind, user_id, has_alcohol=has_alcohol)
