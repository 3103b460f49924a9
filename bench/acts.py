"""Measure the acts of shoppers: `python -m bench.acts`.

Runs one `handcart serve` process as in production. First, some shoppers send acts as fast as they are answered; the
limit is the same statements in the same transactions, without HTTP, parsing and rules. Then many shoppers send an act
every few seconds, as in a store. At last, robot shoppers work through a day of orders on a clock of their own.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from statistics import median, quantiles
from typing import Any

import msgspec

from bench import rounds
from bench.processes import HOST, ROOT, Launch, free_port, server_cores, serving
from handcart.acts import ops as acts
from handcart.acts.models import Act
from handcart.batches import ops as batches
from handcart.batches.ops import AskedOrder
from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Op, P, T, Tx
from handcart.core.db.connect import connect
from handcart.core.db.migrate import migrate
from handcart.core.secret import Keys
from handcart.core.web.browser import cookie_name
from handcart.orders import create
from handcart.orders.create import NewOrder
from handcart.orders.models import DELIVERY, PICKUP, OrderDetails
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.sandbox.robot import ops as robot
from handcart.shoppers import ops as shoppers
from handcart.sign_in import sessions
from handcart.sign_in.models import SHOPPER
from handcart.slots import ops as slots
from handcart.slots import option_ids, plans
from handcart.slots.models import SCHEDULED, WINDOW
from handcart.slots.plans import Plan
from handcart.staff.models import SYSTEM
from handcart.stores import items
from handcart.stores import ops as stores
from handcart.stores.carts import OrderItem
from handcart.stores.models import KINDS, Item, ItemName
from handcart.users import ops as users
from handcart.users.models import User
from tests.support.stores import store
from tests.support.volley import Connection

BUILD = rounds.directory_of("acts")
AT_ONCE = 20
LINES = [OrderItem(line_num=str(number), item=ItemName(rrc=f"item-{number}"), count=2) for number in range(1, 21)]
DAY_GOAL_SECONDS = 60
SCENARIOS = ("happy_path", "happy_path", "replaced", "refunded", "found_short")
FIRST_ROBOT, LAST_ROBOT = 8 * clock.HOUR, 18 * clock.HOUR
SLICE = 10 * clock.MINUTE


@dataclass
class Shopper:
    """A shopper with an order that is being picked, and the cookie of the phone. `last`: the act before."""

    person_id: int
    cookie: str
    subject: str
    order_id: str
    last: str | None = None
    sent: int = 0

    def act(self) -> dict[str, Any]:
        """The next report about a line."""
        self.sent += 1
        made = {
            "id": str(uuid.uuid4()),
            "subject": self.subject,
            "after": self.last,
            "verb": "find",
            "at": datetime.now(UTC).isoformat(),
            "body": {"order": self.order_id, "line": str(1 + self.sent % len(LINES)), "count": 1 + self.sent % 2},
        }
        self.last = str(made["id"])
        return made


def main() -> None:
    parser = rounds.parser("acts", __doc__)
    parser.add_argument("--acts", type=int, default=4000, help="acts that are sent as fast as they are answered")
    parser.add_argument("--shoppers", type=int, default=200, help="shoppers who send an act every few seconds")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two acts of a shopper (default 3)")
    parser.add_argument("--seconds", type=float, default=60, help="seconds for which they do so (default 60)")
    parser.add_argument("--orders", type=int, default=500, help="orders of the robots' day (default 500)")
    rounds.run(parser.parse_args(), BUILD, _visit, _page)


def _visit(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Acts a second, of ours and of the limit; p99 of an act in seconds; seconds of the robots' day."""
    secret_key, port = secrets.token_urlsafe(32), free_port()
    keys = Keys(secret_key.encode())
    migrate(url, keys)
    working = asyncio.run(_with(url, keys, _furnish, options.shoppers))
    command = [sys.executable, "-m", "handcart", "serve", "--database", url, "--host", HOST, "--port", str(port)]
    launch = Launch(
        command=command,
        live_path="/live",
        environment={
            "HANDCART_SECRET_KEY": secret_key,
            "HANDCART_PUBLIC_URL": "https://connect.example.org",
            "HANDCART_TRUSTED_PROXIES": "none",
            "HANDCART_CONNECTIONS_PER_ADDRESS": "0",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "client"))),
        },
        directory=ROOT,
    )
    with serving(launch, port, cores=server_cores(1), log=BUILD / "server.log") as server:
        fast = working[:AT_ONCE]
        asyncio.run(_hurry(server.url, fast, options.acts // 4))  # a warm-up
        rate = asyncio.run(_hurry(server.url, fast, options.acts))
        waits = asyncio.run(_steadily(server.url, working, options.every, options.seconds))
    limit = asyncio.run(_with(url, keys, _limit, working[:AT_ONCE], options.acts))
    day = asyncio.run(_with(url, keys, _day, options.orders))
    return {"rate": rate, "limit": limit, "p99": quantiles(waits, n=100)[98], "acts": len(waits), "day": day}


async def _with(url: str, keys: Keys, what: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    database = await connect(url, keys)
    try:
        return await what(database, *arguments)
    finally:
        await database.close()


async def _retailer(database: Database, slug: str) -> Caller:
    """A retailer with a store, a catalog, places, and a user who orders everything."""
    made = await database.write(retailers.create_retailer, slug=slug, name=slug)
    caller = Caller("bench", made.organization_id, made.id, made.isolation_id, (), None)
    await database.write(stores.save, made.id, [store("here")])
    catalog = [Item(rrc=f"item-{number}", name=f"Item {number}", price_cents=299) for number in range(1, 200)]
    await database.write(items.save, made.id, catalog)
    for kind in KINDS:
        plan = Plan(capacity=1_000_000, lead_minutes=0)
        await database.write(plans.set_plan, made.id, plans.EVERY_STORE, kind, plan)
    await database.write(users.create, made.isolation_id, User("user", "Sample", None, "+13125550188", None))
    return caller


async def _order(database: Database, caller: Caller, order_id: str, kind: str) -> str:
    """An order for noon in Chicago, the day after tomorrow."""
    noon = clock.of_process() // clock.DAY * clock.DAY + 2 * clock.DAY + 18 * clock.HOUR
    details = OrderDetails(last_name="Member", phone_number="+13125550188")
    if kind not in (DELIVERY, PICKUP):
        window = (noon, noon + WINDOW)
        asked = NewOrder(order_id, kind, details, b"", location_code="here", window=window)
        await database.write(create.create_dispatch, caller, "user", asked, or_soonest=False)
        return order_id
    offer = option_ids.Offer(kind, SCHEDULED, WINDOW)
    option = option_ids.encode(database.keys.slot_key, caller.retailer_id, option_ids.Option(1, offer, noon))
    hold = await database.write(slots.hold, caller, "user", option)
    asked = NewOrder(order_id, kind, details, b"", hold_id=hold.id, location_code="here", items=LINES)
    await database.write(create.create_shopped, caller, "user", asked)
    return order_id


async def _furnish(database: Database, count: int) -> list[Shopper]:
    """Shoppers, each with a phone and an order that is being picked."""
    caller = await _retailer(database, "acts")
    return [await _shopper(database, caller, number) for number in range(max(count, AT_ONCE))]


async def _shopper(database: Database, caller: Caller, number: int) -> Shopper:
    person = await database.write(shoppers.add, SYSTEM, f"Shopper {number}")
    cookie = await database.write(sessions.start, SHOPPER, person.id, "", "bench")
    shadow = await database.write(shoppers.shadow, caller.retailer_id, person.id)
    order_id = await _order(database, caller, f"order-{number}", DELIVERY)
    batch = await database.write(
        batches.generate, caller.retailer_id, shadow, [AskedOrder(order_id)], DELIVERY, "picking"
    )
    name = cookie_name(SHOPPER.cookie, SHOPPER.path, is_https=True)
    return Shopper(person.id, f"{name}={cookie}", f"acts/{batch.id}", order_id)


async def _send(connection: Connection, shopper: Shopper) -> float:
    """Send an act; returns the seconds until its result."""
    body = {"acts": [shopper.act()]}
    begun = time.monotonic()
    status, answer = await connection.post("/shopper/api/acts", body, cookie=shopper.cookie)
    if status != 200 or answer["results"][0]["outcome"] != "applied":
        sys.exit(f"an act was not applied: {status} {answer}")
    return time.monotonic() - begun


async def _hurry(url: str, working: Sequence[Shopper], count: int) -> float:
    """Acts a second if each shopper sends the next one as soon as the one before is answered."""
    connections = [await Connection.open(url) for _ in working]

    async def work(connection: Connection, shopper: Shopper) -> None:
        for _ in range(count // len(working)):
            await _send(connection, shopper)

    begun = time.monotonic()
    await asyncio.gather(*map(work, connections, working))
    seconds = time.monotonic() - begun
    await asyncio.gather(*(connection.close() for connection in connections))
    return count // len(working) * len(working) / seconds


async def _steadily(url: str, working: Sequence[Shopper], every: float, seconds: float) -> list[float]:
    """The seconds of each act if every shopper sends one at its own moment of each interval."""
    connections = [await Connection.open(url) for _ in working]
    begun = time.monotonic()
    waits: list[float] = []

    async def work(place: int, connection: Connection, shopper: Shopper) -> None:
        for turn in range(int(seconds // every)):
            await asyncio.sleep(max(0.0, begun + (turn + place / len(working)) * every - time.monotonic()))
            waits.append(await _send(connection, shopper))

    await asyncio.gather(*(work(place, *pair) for place, pair in enumerate(zip(connections, working, strict=True))))
    await asyncio.gather(*(connection.close() for connection in connections))
    return waits


class _Recorder:
    """A `Tx` that records its statements."""

    def __init__(self, tx: Tx) -> None:
        self.keys, self.public_url, self._tx = tx.keys, tx.public_url, tx
        self.seen: list[tuple[str, str, tuple[Any, ...]]] = []

    async def one(self, sql: str, *args: Any) -> Any:
        self.seen.append(("one", sql, args))
        return await self._tx.one(sql, *args)

    async def all(self, sql: str, *args: Any) -> Any:
        self.seen.append(("all", sql, args))
        return await self._tx.all(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        self.seen.append(("run", sql, args))
        return await self._tx.run(sql, *args)

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._tx.many(sql, rows)

    async def attempt(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await op(self, *args, **kwargs)


async def _limit(database: Database, working: Sequence[Shopper], count: int) -> float:
    """Acts a second if only their statements ran: recorded once for each shopper, with other ids in each run.

    Values that must be new are the ids: of the act, of its row, of the step of the order, and of the event.
    """
    scripts = [await database.write(_recorded, shopper) for shopper in working]

    async def replay(tx: Tx, script: Sequence[tuple[str, str, tuple[Any, ...]]], act_id: str, turn: int) -> None:
        for method, sql, args in script:
            fresh = args
            if "INTO acts" in sql:
                fresh = (args[0], act_id, args[2] + turn, *args[3:])
            elif "INTO order_history" in sql:
                fresh = (*args[:2], args[2] + turn, *args[3:])
            elif "INTO events" in sql:
                fresh = tuple(one + turn if type(one) is int and one > 2**53 else one for one in args)
            await getattr(tx, method)(sql, *fresh)

    async def work(script: Sequence[tuple[str, str, tuple[Any, ...]]]) -> None:
        for turn in range(1, count // len(working) + 1):
            await database.write(replay, script, str(uuid.uuid4()), turn)

    begun = time.monotonic()
    await asyncio.gather(*map(work, scripts))
    return count // len(working) * len(working) / (time.monotonic() - begun)


async def _recorded(tx: Tx, shopper: Shopper) -> Sequence[tuple[str, str, tuple[Any, ...]]]:
    recorder = _Recorder(tx)
    result = await acts.apply(recorder, shopper.person_id, None, msgspec.convert(shopper.act(), Act))
    if result.outcome != "applied":
        sys.exit(f"an act was not applied: {result}")
    return recorder.seen


async def _day(database: Database, orders: int) -> float:
    """The seconds in which robots work through a day of orders, from the first one taken to the last one delivered."""
    caller = await _retailer(database, "day")
    draw = Random(1)
    kinds = [draw.choice((DELIVERY, DELIVERY, DELIVERY, PICKUP, "dispatch")) for _ in range(orders)]
    ids = [await _order(database, caller, f"day-{number}", kind) for number, kind in enumerate(kinds)]
    morning = clock.of_process() // clock.DAY * clock.DAY + clock.DAY
    starts = sorted((draw.randint(FIRST_ROBOT, LAST_ROBOT), place) for place in range(orders))
    begun, now = time.monotonic(), morning + FIRST_ROBOT
    while now < morning + clock.DAY + FIRST_ROBOT:
        now += SLICE
        while starts and morning + starts[0][0] <= now:
            at, place = starts.pop(0)
            scenario = SCENARIOS[place % len(SCENARIOS)] if kinds[place] != "dispatch" else "happy_path"
            with clock.using(VirtualClock(frozen_at=morning + at)):
                await database.write(robot.start, caller.retailer_id, ids[place], scenario, place, "real_time")
        await database.write(robot.perform, caller.retailer_id, now)
    seconds = time.monotonic() - begun
    left = await database.read(_left, caller.retailer_id)
    if left:
        sys.exit(f"orders that no robot completed: {left[:5]}")
    return seconds


async def _left(tx: Tx, retailer_id: int) -> list[tuple[str, str]]:
    rows = await tx.all(
        "SELECT order_id, status FROM orders WHERE retailer_id = $1 AND status <> 'completed'", retailer_id
    )
    return [(row["order_id"], row["status"]) for row in rows]


def _page(visits: rounds.Visits, options: argparse.Namespace) -> list[str]:
    lines = [
        "# Performance of acts",
        "",
        f"One process. {AT_ONCE} shoppers send {options.acts} acts as fast as they are answered; the limit runs the"
        " same statements without HTTP, parsing and rules.",
        f"Then {options.shoppers} shoppers send an act every {options.every:g} seconds, for {options.seconds:g}"
        f" seconds. At last, robots work through a day of {options.orders} orders. Medians of {options.rounds} rounds.",
        "",
        "| database | acts a second | limit | ratio | p99 of an act, ms | a day of orders, seconds | goal |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, of_kind in rounds.by_database(visits):
        rate, limit, p99, day = (median(visit[name] for visit in of_kind) for name in ("rate", "limit", "p99", "day"))
        ratio = median(visit["rate"] / visit["limit"] for visit in of_kind)
        verdict = "reached" if day <= DAY_GOAL_SECONDS else "not reached"
        lines.append(
            f"| {kind} | {rate:.0f} | {limit:.0f} | {ratio:.2f} | {1000 * p99:.1f} | {day:.1f}"
            f" | <= {DAY_GOAL_SECONDS}: {verdict} |"
        )
    return lines


if __name__ == "__main__":
    main()
