"""Add stores, slots, holds and orders to a filled database: a few by Handcart's code, many by SQL.

A customer's number determines everything about the customer: name, hold, store. For each window the ledger matches
the holds and orders, as `handcart check` requires.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from bench.candidates import FlowPlan, Scale
from bench.data import Owner, Table, fill, furnish
from bench.databases import connected
from bench.limit import replay
from bench.limit.replay import Sample, Value
from handcart.core import clock
from handcart.core.db import Database, Tx
from handcart.core.db.connect import connect
from handcart.core.secret import Keys
from handcart.oauth.scopes import FULFILLMENT
from handcart.slots import option_ids, plans
from handcart.slots.models import SCHEDULED, WINDOW
from handcart.slots.plans import Plan
from handcart.stores import distance, items, postal, samples
from handcart.stores import ops as stores
from handcart.stores.models import DELIVERY, Store

STORES = 200
HORIZON_DAYS = 14
HOURS = 12 * 24  # the hours with held windows; they end before the horizon, however long the benchmark takes
CAPACITY = 10_000  # of each window, so that no request is refused
PAST_DAYS = 90  # the stored orders are spread over these days
FIRST_HOLD = 1_000_000
CACHE_KIB = 2_000_000  # of SQLite while it stores the orders
STRIDE = 7_919  # a prime, so that neighbouring orders belong to distant users
TOKENS = 1_000
CART_LINES = 3

LIST, RESERVE, CREATE, GET = (
    "list_service_options_delivery",
    "create_service_option_hold",
    "create_order_delivery",
    "get_order",
)

_MULTIPLY = """
INSERT INTO orders (retailer_id, order_id, number, isolation_id, user_id, kind, status, created_at, updated_at,
    store_number, window_starts_at, window_ends_at, window_type, ledger_starts_at, tip_cents, has_alcohol,
    leave_unattended, member_since, member_until, items, details, fingerprint)
WITH RECURSIVE counted (n) AS (
    SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < {orders}
), dated (n, created_at) AS (
    SELECT n, {first} + n * ({span} / {orders}) FROM counted
), timed (n, created_at, starts_at) AS (
    SELECT n, created_at, created_at - created_at % {hour} + {day} * (1 + n % 12) FROM dated
)
SELECT retailer_id, 'order-' || n, n + 1, isolation_id, 'user-' || (n * {stride} % {users}), kind,
    CASE WHEN starts_at < {now} THEN 'completed' ELSE status END, timed.created_at, timed.created_at,
    1 + n % {stores}, starts_at, starts_at + {window}, window_type, starts_at, tip_cents, has_alcohol,
    leave_unattended, member_since, member_until, items, details, fingerprint
FROM timed CROSS JOIN orders AS model
"""
_HISTORY = """
INSERT INTO order_history (retailer_id, order_id, number, at, status, what)
SELECT retailer_id, order_id, 1, created_at, status, 'created' FROM orders WHERE order_id LIKE 'order-%'
"""
_LEDGER = """
INSERT INTO slot_ledger (retailer_id, store_number, kind, starts_at, capacity, held, booked)
SELECT retailer_id, store_number, kind, ledger_starts_at, {capacity}, sum(held), sum(booked) FROM (
    SELECT retailer_id, store_number, kind, ledger_starts_at, 1 AS held, 0 AS booked FROM holds
    UNION ALL SELECT retailer_id, store_number, kind, ledger_starts_at, 0, 1 FROM orders
) AS places GROUP BY retailer_id, store_number, kind, ledger_starts_at
"""


@dataclass(frozen=True)
class Stock:
    """The data for requests. `base`: the start of the first held window; `cart`: the lines of a cart."""

    plan: FlowPlan
    owner: Owner
    base: int
    users: int
    stores: Sequence[Store]
    cart: Sequence[Mapping[str, Any]]

    def values(self, number: int) -> dict[str, Value]:
        """The values that differ between customers: user, hold, and the slot to reserve instead."""
        store = self.stores[number % STORES]
        hour = number // STORES % HOURS
        starts_at, next_at = (self.base + each % HOURS * clock.HOUR for each in (hour, hour + 1))
        return {
            "user_id": f"user-{number}",
            "order_id": f"new-{number}",
            "hold_id": FIRST_HOLD + number,
            "store_number": 1 + number % STORES,
            "location_code": store.location_code,
            "postal_code": store.postal_code,
            "starts_at": starts_at,
            "ends_at": starts_at + WINDOW,
            "next_starts_at": next_at,
            "next_ends_at": next_at + WINDOW,
            "option_id": self.option_id(number, next_at),
        }

    def stored(self, number: int) -> dict[str, Value]:
        """The same for the customer of a stored order."""
        user = number * STRIDE % self.users
        return {"user_id": f"user-{user}", "order_id": f"order-{number}", "store_number": 1 + number % STORES}

    def option_id(self, number: int, starts_at: int) -> int:
        offer = option_ids.Offer(DELIVERY, SCHEDULED, WINDOW)
        option = option_ids.Option(1 + number % STORES, offer, starts_at)
        return option_ids.encode(Keys(self.plan.secret_key.encode()).slot_key, self.owner.retailer_id, option)

    def sample(self, operation_id: str, values: dict[str, Value]) -> Sample:
        """A request in a form that the limit program can carry out too."""
        caller = asdict(self.owner) | {"scopes": [FULFILLMENT], "user_id": None}
        place = {"address_line_1": "100 Main St", "postal_code": values.get("postal_code")}
        path = {"user_id": str(values["user_id"])}
        body: dict[str, Any] | None = None
        if operation_id == LIST:
            body = {"address": place, "location_code": values["location_code"], "items": self.cart}
        elif operation_id == RESERVE:
            path["service_option_id"] = str(values["option_id"])
        elif operation_id == CREATE:
            body = {
                "order_id": values["order_id"],
                "service_option_hold_id": values["hold_id"],
                "location_code": values["location_code"],
                "initial_tip_cents": 600,
                "locale": "en-US",
                "user": {"birthday": "1991-03-05", "phone_number": "+13125550188", "sms_opt_in": True},
                "address": place,
                "items": self.cart,
            }
        else:
            path["order_id"] = str(values["order_id"])
        return Sample(operation_id, caller, path, body, values)


def stock(url: str, scale: Scale) -> Stock:
    """Fill the database at `url` with users who each hold a place, and one order as a model."""
    plan = furnish(url, Scale(links=scale.holds + 1, tokens=TOKENS, flows=0))
    base = clock.now() // clock.HOUR * clock.HOUR + 3 * clock.HOUR
    keys = Keys(plan.secret_key.encode())
    chosen = asyncio.run(_with_database(url, keys, _open_stores))
    owner = fill(url, lambda owner: [_holds(Stock(plan, owner, base, scale.holds, chosen, ()), scale.holds + 1)])
    cart = [
        {"line_num": str(line), "count": line, "item": {"upc": item.upc}, "replacement_policy": "users_choice"}
        for line, item in enumerate(_groceries(), 1)
    ]
    found = Stock(plan, owner, base, scale.holds, chosen, cart)
    run_sql(url, _LEDGER.format(capacity=CAPACITY))

    async def order(database: Database) -> None:
        await replay.perform(database, found.sample(CREATE, found.values(scale.holds)))

    asyncio.run(_with_database(url, keys, order))
    return found


def multiply(url: str, found: Stock, orders: int, days_ago: int = 0) -> None:
    """Store more orders in one transaction, copies of the model with other times and places.

    The last one was created `days_ago`. Windows begin up to 12 days later; an order is completed if its window began.
    """
    now = clock.now()
    numbers = {
        "orders": orders,
        "first": now - (days_ago + PAST_DAYS) * clock.DAY,
        "span": PAST_DAYS * clock.DAY,
        "hour": clock.HOUR,
        "day": clock.DAY,
        "stride": STRIDE,
        "users": found.users,
        "now": now,
        "stores": STORES,
        "window": WINDOW,
    }
    ledger = ("DELETE FROM slot_ledger", _LEDGER.format(capacity=CAPACITY))
    run_sql(url, _MULTIPLY.format(**numbers), _HISTORY, *ledger)


def run_sql(url: str, *statements: str) -> None:
    """Run statements as one transaction."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")  # `settle` and the copies flush to disk
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")  # else each index page is written again and again
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.close()
        return

    async def run(connection: Any) -> None:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)

    connected(url, run)


async def _with_database(url: str, keys: Keys, use: Any) -> Any:
    database = await connect(url, keys)
    try:
        return await use(database)
    finally:
        await database.close()


async def _open_stores(database: Database) -> list[Store]:
    """Sample stores that deliver to their own postal code, a catalog, and a plan for all of them."""

    async def save(tx: Tx) -> list[Store]:
        row = await tx.one("SELECT id FROM retailers")
        chosen = [store for store in await samples.stores(tx) if await _serves_itself(tx, store)][:STORES]
        if row is None or len(chosen) < STORES:
            raise RuntimeError("the samples have too few stores")
        await stores.save(tx, row["id"], chosen)
        await items.save(tx, row["id"], samples.items())
        await plans.set_plan(tx, row["id"], "", DELIVERY, Plan(capacity=CAPACITY, horizon_days=HORIZON_DAYS))
        return chosen

    return await database.write(save)


async def _serves_itself(tx: Tx, store: Store) -> bool:
    place = await postal.locate(tx, store.postal_code)
    return store.takes_delivery and place is not None and distance.serves(store, DELIVERY, place.point)


def _groceries() -> Iterator[Any]:
    """Items without an age limit."""
    plain = (item for item in samples.items() if not item.alcohol_kind and not item.restricted_reasons)
    return islice((item for item in plain if item.cost_unit == "each" and not item.is_bulky), CART_LINES)


def _holds(found: Stock, count: int) -> Table:
    until = clock.now() + clock.DAY
    owner = found.owner

    def rows() -> Iterator[tuple[Any, ...]]:
        for number in range(count):
            values = found.values(number)
            starts_at, ends_at = values["starts_at"], values["ends_at"]
            option_id = found.option_id(number, int(starts_at))
            place = (values["store_number"], DELIVERY, starts_at, ends_at, starts_at)
            who = (owner.isolation_id, values["user_id"], values["hold_id"], owner.retailer_id, option_id)
            yield (*who, *place, until, True)

    columns = (
        "isolation_id",
        "user_id",
        "id",
        "retailer_id",
        "option_id",
        "store_number",
        "kind",
        "window_starts_at",
        "window_ends_at",
        "ledger_starts_at",
        "expires_at",
        "is_counted",
    )
    return Table("holds", columns, rows())
