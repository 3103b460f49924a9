"""Read the orders of users, and single orders with their histories."""

from collections.abc import Sequence

from handcart.core.db import Tx
from handcart.orders import checks, storage
from handcart.orders.models import Order, PastStep
from handcart.retailers.models import Caller
from handcart.users import ops as users

MOST_LISTED = 100


async def get(tx: Tx, caller: Caller, user_id: str, order_id: str) -> Order:
    """A user's order; raises the documented errors."""
    await users.get(tx, caller.isolation_id, user_id)
    return checks.of_user(user_id, await storage.find(tx, caller.retailer_id, order_id))


async def get_carried(tx: Tx, caller: Caller, order_id: str, user_id: str | None) -> Order:
    """A dispatch order, or (deprecated) a last mile one; `user_id` None: of any user."""
    if user_id is not None:
        await users.get(tx, caller.isolation_id, user_id)
    return checks.carried(await storage.find(tx, caller.retailer_id, order_id), user_id)


async def of_user(tx: Tx, caller: Caller, user_id: str) -> Sequence[Order]:
    """A user's orders, the newest first."""
    await users.get(tx, caller.isolation_id, user_id)
    return await storage.of_user(tx, caller.retailer_id, caller.isolation_id, user_id, MOST_LISTED)


async def find(tx: Tx, retailer_id: int, order_id: str) -> Order | None:
    """An order of any user, without a lock."""
    return await storage.find(tx, retailer_id, order_id)


async def history(tx: Tx, retailer_id: int, order_id: str) -> Sequence[PastStep]:
    """The steps of an order's history, from the first."""
    rows = await tx.all(
        "SELECT number, at, status, what, events FROM order_history WHERE retailer_id = $1 AND order_id = $2"
        " ORDER BY number",
        *(retailer_id, order_id),
    )
    return [PastStep(row["number"], row["at"], row["status"], row["what"], row["events"].split()) for row in rows]
