"""Orders as rows, read and written as a whole, with lines and details as JSON."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from handcart.core import clock
from handcart.core.db import Tx, within
from handcart.orders import customer_words, states
from handcart.orders.models import DISPATCH, LAST_MILE, HistoryStep, Order, OrderDetails, OrderLine
from handcart.slots.models import Place
from handcart.stores.models import Address

_COLUMNS = (
    "order_id, number, isolation_id, user_id, kind, status, created_at, cancellation_reason, store_number,"
    " window_starts_at, window_ends_at, window_type, ledger_starts_at, delivered_at, bag_count, tip_cents,"
    " has_alcohol, leave_unattended, member_since, member_until, items, details, fingerprint"
)
_NAMES = _COLUMNS.split(", ")
_FIND = f"SELECT {_COLUMNS} FROM orders WHERE retailer_id = $1 AND order_id = $2"  # noqa: S608 (the names above)
_AT_ONCE = 50
_OF_IDS = (
    f"SELECT {_COLUMNS} FROM orders WHERE retailer_id = $1"  # noqa: S608 (the names above)
    f" AND order_id IN ({', '.join(f'${place}' for place in range(2, _AT_ONCE + 2))})"
)
_LOCK = f"{_FIND} FOR UPDATE"
_OF_USER = (
    f"SELECT {_COLUMNS} FROM orders WHERE isolation_id = $1 AND user_id = $2"  # noqa: S608 (the names above)
    " AND retailer_id = $3 AND number < $4 ORDER BY number DESC LIMIT $5"
)
_WITH_BENEFIT = (
    f"SELECT {_COLUMNS} FROM orders WHERE retailer_id = $1 AND member_since IS NOT NULL"  # noqa: S608 (the names above)
    " AND created_at >= $2 AND (created_at > $2 OR order_id > $3) AND created_at < $4"
    " ORDER BY created_at, order_id LIMIT $5"
)
_INSERT = (
    f"INSERT INTO orders (retailer_id, updated_at, {_COLUMNS})"  # noqa: S608 (the names above)
    f" VALUES ({', '.join(f'${place}' for place in range(1, len(_NAMES) + 3))})"
    " ON CONFLICT (retailer_id, order_id) DO NOTHING"
)
_CHANGED = [name for name in _NAMES if name not in ("order_id", "number", "created_at", "fingerprint", "kind")]
_UPDATE = (
    f"UPDATE orders SET {', '.join(f'{name} = ${place}' for place, name in enumerate(_CHANGED, 4))},"  # noqa: S608
    " updated_at = $3, is_counted = FALSE WHERE retailer_id = $1 AND order_id = $2"
)

# Fields of an order with the same name as their column.
_PLAIN = [name for name in _NAMES if name not in ("ledger_starts_at", "items", "details")]
_plain = attrgetter(*_PLAIN)
_LAST_NUMBER = 2**63 - 1
# Steps that may change or delete the name and the phone number of an order.
_ABOUT_CUSTOMERS = (states.UPDATED, states.USER_DELETED)
_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Decoder(list[OrderLine])
_details = msgspec.json.Decoder(OrderDetails)


def size(order: Order) -> int:
    """The size of an order as stored, in bytes of JSON."""
    return len(_encode(order.lines)) + len(_encode(order.details))


async def insert(tx: Tx, retailer_id: int, order: Order, step: HistoryStep) -> bool:
    """Insert a new order and the first step of its history; False if its id is taken."""
    values = _values(order)
    made = await tx.run(_INSERT, retailer_id, order.created_at, *[values[name] for name in _NAMES])
    if made:
        await _remember(tx, retailer_id, order, 1, step)
        await customer_words.add(tx, retailer_id, order)
    return bool(made)


async def find(tx: Tx, retailer_id: int, order_id: str) -> Order | None:
    """An order, without a lock."""
    row = await tx.one(_FIND, retailer_id, order_id)
    return _order(row) if row else None


async def of_ids(tx: Tx, retailer_id: int, order_ids: Sequence[str]) -> Sequence[Order]:
    """Orders by their ids, without locks."""
    found: list[Order] = []
    for start in range(0, len(order_ids), _AT_ONCE):
        some = list(order_ids[start : start + _AT_ONCE])
        # A fixed number of places, so that the statement stays the same. No order has an empty id.
        found += [_order(row) for row in await tx.all(_OF_IDS, retailer_id, *some, *[""] * (_AT_ONCE - len(some)))]
    return found


async def lock(tx: Tx, retailer_id: int, order_id: str) -> Order | None:
    """An order, locked until this transaction ends."""
    row = await tx.one(_LOCK, retailer_id, order_id)
    return _order(row) if row else None


async def of_user(tx: Tx, retailer_id: int, isolation_id: int, user_id: str, most: int) -> Sequence[Order]:
    """A user's orders at a retailer, newest first: at most `most`, and at most `MOST_LISTED_BYTES` as stored."""

    async def fetch(last: Any, few: int) -> Sequence[Any]:
        before = _LAST_NUMBER if last is None else last["number"]
        return await tx.all(_OF_USER, isolation_id, user_id, retailer_id, before, few)

    return [_order(row) for row in await within(most, fetch, _size)]


async def with_benefit(tx: Tx, retailer_id: int, after: tuple[int, str], until: int, most: int) -> Sequence[Order]:
    """Orders with the membership's benefit, oldest first, starting after (created_at, order_id)."""
    return [_order(row) for row in await tx.all(_WITH_BENEFIT, retailer_id, *after, until, most)]


async def ids_of_user(tx: Tx, isolation_id: int, user_id: str, most: int) -> Sequence[tuple[int, str]]:
    """Retailer and order id of a user's oldest orders."""
    rows = await tx.all(
        "SELECT retailer_id, order_id FROM orders WHERE isolation_id = $1 AND user_id = $2 ORDER BY number LIMIT $3",
        isolation_id,
        user_id,
        most,
    )
    return [(row["retailer_id"], row["order_id"]) for row in rows]


async def clients_of(tx: Tx, retailer_id: int) -> Sequence[str]:
    """The clients that may have created a retailer's orders."""
    rows = await tx.all(
        "SELECT c.client_id FROM clients c JOIN retailers r ON r.organization_id = c.organization_id"
        " WHERE r.id = $1 AND (c.retailer_id IS NULL OR c.retailer_id = r.id)",
        retailer_id,
    )
    return [row["client_id"] for row in rows]


async def save(tx: Tx, retailer_id: int, order: Order, *steps: HistoryStep) -> None:
    """Save a locked order and add the steps to its history."""
    values = _values(order)
    await tx.run(_UPDATE, retailer_id, order.order_id, clock.now(), *[values[name] for name in _CHANGED])
    last = await tx.one(
        "SELECT max(number) AS number FROM order_history WHERE retailer_id = $1 AND order_id = $2",
        retailer_id,
        order.order_id,
    )
    assert last is not None
    for number, step in enumerate(steps, last["number"] + 1):
        await _remember(tx, retailer_id, order, number, step)
    if any(step.what in _ABOUT_CUSTOMERS for step in steps):
        await customer_words.replace(tx, retailer_id, order)


async def _remember(tx: Tx, retailer_id: int, order: Order, number: int, step: HistoryStep) -> None:
    """Add a step to an order's history. The caller emits its events."""
    await tx.run(
        "INSERT INTO order_history (retailer_id, order_id, number, at, status, what, events)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        retailer_id,
        order.order_id,
        number,
        clock.now(),
        step.status,
        step.what,
        " ".join(step.events),
    )


def _size(row: Any) -> int:
    return len(row["items"].encode()) + len(row["details"].encode())


def _values(order: Order) -> dict[str, Any]:
    values = dict(zip(_PLAIN, _plain(order), strict=True))
    values["ledger_starts_at"] = order.place.ledger_starts_at if order.place else None
    values["items"] = _encode(order.lines).decode()
    values["details"] = _encode(order.details).decode()
    return values


def _order(row: Any) -> Order:
    kind = LAST_MILE if row["kind"] == DISPATCH else row["kind"]
    booked = row["ledger_starts_at"]
    return Order(
        order_id=row["order_id"],
        number=row["number"],
        isolation_id=row["isolation_id"],
        user_id=row["user_id"],
        kind=row["kind"],
        status=row["status"],
        created_at=row["created_at"],
        cancellation_reason=row["cancellation_reason"],
        store_number=row["store_number"],
        window_starts_at=row["window_starts_at"],
        window_ends_at=row["window_ends_at"],
        window_type=row["window_type"],
        place=None if booked is None else Place(row["store_number"], kind, booked),
        delivered_at=row["delivered_at"],
        bag_count=row["bag_count"],
        tip_cents=row["tip_cents"],
        has_alcohol=bool(row["has_alcohol"]),
        leave_unattended=bool(row["leave_unattended"]),
        member_since=row["member_since"],
        member_until=row["member_until"],
        lines=_lines.decode(row["items"]),
        details=_details.decode(row["details"]),
        fingerprint=bytes(row["fingerprint"]),
    )


def address(details: str) -> Address | None:
    """The address in the stored details of an order."""
    return _details.decode(details).address
