"""Read the orders of users, and single orders with their histories."""

from collections.abc import Mapping, Sequence

from handcart.core.db import Tx
from handcart.orders import checks, storage
from handcart.orders.models import DELIVERY, LAST_MILE, Order, PastStep
from handcart.retailers.models import Caller
from handcart.stores.models import Address
from handcart.users import ops as users

MOST_LISTED = 100
_WATCHED_AT_ONCE = 50
_VERSIONS = (
    "SELECT o.retailer_id, o.number, o.updated_at, (SELECT max(h.number) FROM order_history h"  # noqa: S608 (places)
    " WHERE h.retailer_id = o.retailer_id AND h.order_id = o.order_id) AS steps"
    f" FROM orders o WHERE o.number IN ({', '.join(f'${place}' for place in range(1, _WATCHED_AT_ONCE + 1))})"
)


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


async def addresses(tx: Tx, retailer_id: int, store_number: int, since: int, most: int) -> Sequence[Address]:
    """The delivery addresses of a store's booked orders whose windows start at `since` or later, the last ones first.

    Reads along the index of orders by window, of one store and kind; at most `most` of each kind.
    """
    found = []
    for kind in (DELIVERY, LAST_MILE):
        rows = await tx.all(
            "SELECT details FROM orders WHERE retailer_id = $1 AND store_number = $2 AND kind = $3"
            " AND ledger_starts_at >= $4 ORDER BY ledger_starts_at DESC LIMIT $5",
            *(retailer_id, store_number, kind, since, most),
        )
        found += [storage.address(row["details"]) for row in rows]
    return [one for one in found if one is not None]


async def doors(tx: Tx, retailer_id: int, order_ids: Sequence[str]) -> Mapping[str, Address]:
    """The addresses of orders that have one, by order id."""
    if not order_ids:
        return {}
    named = ", ".join(f"${place}" for place in range(2, len(order_ids) + 2))
    rows = await tx.all(
        f"SELECT order_id, details FROM orders WHERE retailer_id = $1 AND order_id IN ({named})",  # noqa: S608 (places)
        *(retailer_id, *order_ids),
    )
    found = {row["order_id"]: storage.address(row["details"]) for row in rows}
    return {order_id: address for order_id, address in found.items() if address is not None}


async def of_ids(tx: Tx, retailer_id: int, order_ids: Sequence[str]) -> Mapping[str, Order]:
    """The orders of a retailer with these ids, by id, without locks."""
    return {one.order_id: one for one in await storage.of_ids(tx, retailer_id, order_ids)}


async def version_of_store(tx: Tx, retailer_id: int, store_number: int) -> str:
    """A text that changes whenever an open order of a store does. Reads the index `orders_open_of_store`."""
    row = await tx.one(
        "SELECT count(*) AS many, max(updated_at) AS latest FROM orders WHERE retailer_id = $1 AND store_number = $2"
        " AND status NOT IN ('completed', 'canceled')",
        *(retailer_id, store_number),
    )
    assert row is not None
    return f"{row['many']}.{row['latest'] or 0}"


async def history(tx: Tx, retailer_id: int, order_id: str) -> Sequence[PastStep]:
    """The steps of an order's history, from the first."""
    rows = await tx.all(
        "SELECT number, at, status, what, events FROM order_history WHERE retailer_id = $1 AND order_id = $2"
        " ORDER BY number",
        *(retailer_id, order_id),
    )
    return [PastStep(row["number"], row["at"], row["status"], row["what"], row["events"].split()) for row in rows]


async def versions(tx: Tx, numbers: Sequence[int]) -> Mapping[tuple[int, int], str]:
    """By retailer and number, a text for each order with one of these numbers that changes whenever the order does."""
    found: dict[tuple[int, int], str] = {}
    for start in range(0, len(numbers), _WATCHED_AT_ONCE):
        some = list(numbers[start : start + _WATCHED_AT_ONCE])
        # A fixed number of places, so that the statement stays the same.
        rows = await tx.all(_VERSIONS, *some, *[-1] * (_WATCHED_AT_ONCE - len(some)))
        found |= {(row["retailer_id"], row["number"]): f"{row['steps']}.{row['updated_at']}" for row in rows}
    return found
