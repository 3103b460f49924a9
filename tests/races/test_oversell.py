"""No place is sold twice, with any number of concurrent requests: three server processes on each database.

Each guard has a canary: a test that removes the guard and must see the race.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.db import Tx, Unavailable
from handcart.slots import ledger
from handcart.slots.plans import Plan
from handcart.upkeep import integrity
from handcart.users import ops as users
from handcart.users.models import User
from tests.races.rounds import IS_LONG, Report
from tests.support import postgres, slots
from tests.support.server import LiveServer, live_server
from tests.support.shop import Shop
from tests.support.volley import Answer, Connection, insist, volleys

pytestmark = pytest.mark.serial

ROUNDS = 200 if IS_LONG else 12
USERS = 50
REBOOKERS = 20
EDGE_TRIES = 2000 if IS_LONG else 50
SAME_USER_ROUNDS = 500 if IS_LONG else 30
OPERATIONS = 100_000 if IS_LONG else 1200
WORKERS = 24
FULL = "Service option is not available"
ADDRESS = {"address_line_1": "1 State St", "postal_code": "60601"}


async def make_users(tx: Tx, isolation_id: int, count: int) -> list[str]:
    made = [User(f"user-{number}", "Sample", None, "+13125550188", None) for number in range(count)]
    return [(await users.create(tx, isolation_id, user)).user_id for user in made]


def prepare(shop: Shop, capacity: int, count: int, windows: int) -> tuple[list[str], list[int]]:
    """`count` users, and the ids of `windows` slots of one store that take `capacity` orders each."""
    slots.stock(shop, Plan(capacity=capacity, horizon_days=30))
    made = shop.server.write(make_users, shop.retailer.isolation_id, count)
    listed = [one["id"] for one in slots.listed(shop, "preview pickup")[2:]]
    assert len(listed) >= windows
    return made, listed[:windows]


def reserve(user: str, option_id: int) -> tuple[str, Any]:
    return f"/v2/fulfillment/users/{user}/service_options/{option_id}/reserve", {}


def order(user: str, hold_id: int, order_id: str) -> tuple[str, Any]:
    body = {
        "order_id": order_id,
        "service_option_hold_id": hold_id,
        "location_code": "s",
        "items": [{"line_num": "1", "count": 1, "item": {"rrc": "milk"}}],
    }
    return f"/v2/fulfillment/users/{user}/orders/pickup", body


def successes(rounds: list[list[Answer]]) -> list[int]:
    """The number of successes by round; all others must be refused for lack of a place."""
    for answers in rounds:
        assert {status for status, _ in answers} <= {200, 400}, answers
        assert {body["error"]["message"] for status, body in answers if status == 400} <= {FULL}
    return [sum(status == 200 for status, _ in answers) for answers in rounds]


def check(server: LiveServer) -> None:
    """Run the operator's check, which must find nothing."""
    assert server.read(integrity.faults) == []


def test_last_place_for_fifty_users_at_once_then_one_gets_it(shop: Shop, two_processes: str, report: Report) -> None:
    made, options = prepare(shop, 1, USERS, ROUNDS)
    rounds = [[reserve(user, option) for user in made] for option in options]
    answers = asyncio.run(volleys([shop.server.url, two_processes], rounds, shop.token))
    assert successes(answers) == [1] * ROUNDS
    check(shop.server)
    report(f"{shop.server.database}: {ROUNDS} rounds x {USERS} users for one place: one success each")


def test_expired_holds_and_one_place_then_one_books(shop: Shop, two_processes: str, report: Report) -> None:
    """Expired holds, whose places others have taken since, are used for the last place at the same time."""
    made, options = prepare(shop, REBOOKERS, REBOOKERS, ROUNDS)
    urls, won = [shop.server.url, two_processes], []
    for number, option in enumerate(options):
        slots.set_plan(shop, Plan(capacity=REBOOKERS, horizon_days=30))
        (held,) = asyncio.run(volleys(urls, [[reserve(user, option) for user in made]], shop.token))
        holds = [body["service_option_hold"]["id"] for _, body in held]
        shop.server.sql("UPDATE holds SET expires_at = 0, is_counted = false WHERE retailer_id = $1", shop.retailer.id)
        shop.server.sql("UPDATE slot_ledger SET held = 0 WHERE retailer_id = $1", shop.retailer.id)
        slots.set_plan(shop, Plan(capacity=1, horizon_days=30))
        posts = [order(user, hold, f"{number}-{user}") for user, hold in zip(made, holds, strict=True)]
        won += successes(asyncio.run(volleys(urls, [posts], shop.token)))
    assert won == [1] * ROUNDS
    check(shop.server)
    report(f"{shop.server.database}: {ROUNDS} rounds x {REBOOKERS} expired holds for one place: one booking each")


def test_order_at_the_moment_its_hold_expires_then_never_two_for_one_place(
    shop: Shop, two_processes: str, report: Report
) -> None:
    """One user orders while another reserves the same last place, from 50 ms before to 50 ms after expiry."""
    made, options = prepare(shop, 1, 2, min(EDGE_TRIES, 300))
    owner, rival = made
    urls, outcomes = [shop.server.url, two_processes], {"booked": 0, "lost": 0}
    for number in range(EDGE_TRIES):
        option = options[number % len(options)]
        (((_, held),),) = asyncio.run(volleys(urls, [[reserve(owner, option)]], shop.token))
        hold = held["service_option_hold"]["id"]
        ends_at = clock.now() + random.randint(-50, 50) * 1000
        shop.server.sql("UPDATE holds SET expires_at = $1 WHERE id = $2", ends_at, hold)
        posts = [order(owner, hold, f"edge-{number}"), reserve(rival, option)]
        ((ordered, _), (reserved, _)) = asyncio.run(volleys(urls, [posts], shop.token))[0]
        assert (ordered, reserved) in ((200, 400), (400, 200)), (ordered, reserved)
        outcomes["booked" if ordered == 200 else "lost"] += 1
        give_back(shop)
    check(shop.server)
    report(f"{shop.server.database}: {EDGE_TRIES} orders at the end of their hold: {outcomes}, never both")


def give_back(shop: Shop) -> None:
    """Free every place of a retailer."""
    shop.server.sql("DELETE FROM holds WHERE retailer_id = $1", shop.retailer.id)
    shop.server.sql(
        "UPDATE orders SET status = 'canceled', ledger_starts_at = NULL WHERE retailer_id = $1", shop.retailer.id
    )
    shop.server.sql("UPDATE order_history SET status = 'canceled' WHERE retailer_id = $1", shop.retailer.id)
    shop.server.sql("UPDATE slot_ledger SET held = 0, booked = 0 WHERE retailer_id = $1", shop.retailer.id)


def test_same_user_reserves_twice_at_once_then_one_hold(shop: Shop, two_processes: str, report: Report) -> None:
    (user,), options = prepare(shop, 5, 1, SAME_USER_ROUNDS + 1)
    rounds = [
        [reserve(user, options[number]), reserve(user, options[number + number % 2])]
        for number in range(SAME_USER_ROUNDS)
    ]
    for answers in asyncio.run(volleys([shop.server.url, two_processes], rounds, shop.token)):
        assert [status for status, _ in answers] == [200, 200]
    assert slots.taken_places(shop) == 1
    check(shop.server)
    report(f"{shop.server.database}: {SAME_USER_ROUNDS} rounds of one user twice at once: one hold, counters right")


def test_many_mixed_operations_then_never_above_capacity_and_all_freed(
    shop: Shop, two_processes: str, report: Report
) -> None:
    """Reserve (which moves the user's hold), order and cancel at random, with checks meanwhile."""
    for capacity in (2, 7, 100):
        done = _mix(shop, two_processes, capacity, OPERATIONS // 3)
        report(f"{shop.server.database}: capacity {capacity}: {done}")


def _mix(shop: Shop, other: str, capacity: int, operations: int) -> dict[str, int]:
    made, options = prepare(shop, capacity, 3 * capacity if capacity < 100 else 150, 3)
    done = {"reserved": 0, "ordered": 0, "canceled": 0, "refused": 0, "looks": 0}
    orders: list[tuple[str, str]] = []

    async def work(number: int) -> None:
        connection = await Connection.open(shop.server.url if number % 2 else other)
        chance = random.Random(number)
        mine = made[number::WORKERS] or [made[number % len(made)]]
        for turn in range(operations // WORKERS):
            user = chance.choice(mine)
            what = chance.random()
            if what < 0.15 and orders:
                owner, order_id = orders.pop(chance.randrange(len(orders)))
                path = f"/v2/fulfillment/users/{owner}/orders/{order_id}/cancel"
                count(await insist(connection, path, {}, shop.token), "canceled")
                continue
            status, body = await insist(connection, *reserve(user, chance.choice(options)), shop.token)
            if not count((status, body), "reserved") or what < 0.4:
                continue
            hold = body["service_option_hold"]["id"]
            order_id = f"{capacity}-{number}-{turn}"
            if count(await insist(connection, *order(user, hold, order_id), shop.token), "ordered"):
                orders.append((user, order_id))
        await connection.close()

    def count(answer: Answer, name: str) -> bool:
        status, body = answer
        assert status in (200, 400), answer
        if status == 400:
            assert body["error"]["message"] in (FULL, "too_late", "is invalid"), body
        done[name if status == 200 else "refused"] += 1
        return status == 200

    async def look_on(is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            with suppress(Unavailable):  # the clients have every connection of the server
                rows = await asyncio.to_thread(slots.counters, shop)
                assert all(held + booked <= capacity for _, held, booked in rows), rows
                done["looks"] += 1
            await asyncio.sleep(0.01)

    async def run() -> None:
        is_over = asyncio.Event()
        looking = asyncio.create_task(look_on(is_over))
        await asyncio.gather(*[work(number) for number in range(WORKERS)])
        is_over.set()
        await looking

    asyncio.run(run())
    check(shop.server)
    shop.server.sql("UPDATE holds SET expires_at = 0 WHERE retailer_id = $1", shop.retailer.id)
    for owner, order_id in orders:
        assert shop.post(f"/v2/fulfillment/users/{owner}/orders/{order_id}/cancel").status_code == 200
    free = {one["id"]: one["availability"]["available"] for one in slots.listed(shop, "preview pickup")}
    assert all(free[option] for option in options)
    rows = shop.server.sql("SELECT sum(booked) AS booked FROM slot_ledger WHERE retailer_id = $1", shop.retailer.id)
    assert rows[0]["booked"] == 0
    return done


@contextmanager
def own_server(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveServer]:
    """A server only for this test, which may change its schema."""
    database = f"sqlite:///{tmp_path}/handcart.db"
    if kind == "postgresql":
        database = postgres.create_database(request.getfixturevalue("postgres_cluster"))
    with live_server(database, tmp_path) as running:
        yield running


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_each_guard_taken_away_then_the_race_is_seen(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the condition, only the CHECK stops the second order; without both, the place is sold twice."""
    with own_server(kind, request, tmp_path) as server:
        shop = Shop(server)
        made, options = prepare(shop, 1, USERS, 4)
        rounds = [[reserve(user, option) for user in made] for option in options]
        taken = {name: sql.replace(" AND held + booked < capacity", "") for name, sql in ledger._TAKE.items()}
        assert taken != ledger._TAKE
        monkeypatch.setattr(ledger, "_TAKE", taken)
        answers = asyncio.run(volleys([server.url], rounds[:2], shop.token))
        assert [[status for status, _ in each].count(200) for each in answers] == [1, 1]
        assert {status for each in answers for status, _ in each} == {200, 500}
        check(server)
        drop_check(server)
        answers = asyncio.run(volleys([server.url], rounds[2:], shop.token))
        assert max([status for status, _ in each].count(200) for each in answers) > 1
        assert server.read(integrity.faults) != []


def drop_check(server: LiveServer) -> None:
    """Remove the CHECK of the ledger."""
    if server.database == "postgresql":
        server.sql("ALTER TABLE slot_ledger DROP CONSTRAINT never_oversold")
        return
    (row,) = server.sql("SELECT sql FROM sqlite_master WHERE name = 'slot_ledger'")
    loose = row["sql"].replace("held >= 0 AND booked >= 0 AND held + booked <= capacity", "1 = 1")
    assert loose != row["sql"]
    server.sql(loose.replace("slot_ledger", "loose_ledger"))
    server.sql("INSERT INTO loose_ledger SELECT * FROM slot_ledger")
    server.sql("DROP TABLE slot_ledger")
    server.sql("ALTER TABLE loose_ledger RENAME TO slot_ledger")


def test_dispatch_takes_the_soonest_while_others_move_then_no_deadlock(
    shop: Shop, two_processes: str, report: Report
) -> None:
    """A transaction that locks several windows locks them in a fixed order."""
    made, _ = prepare(shop, 30, 8, 3)
    listed = slots.listed(shop, "preview last mile")
    day = [one for one in listed if one["date"] == listed[4]["date"]][:4]
    body = {
        "location_code": "s",
        "start_at": day[-1]["window"]["start_at"],
        "end_at": day[-1]["window"]["end_at"],
        "fallback_to_soonest_sameday": True,
        "first_name": "Sample",
        "last_name": "Member",
        "user_phone": "+13125550188",
        "items_count": 1,
        "items_weight": 1,
        "address": ADDRESS,
    }
    rounds = []
    for number in range(SAME_USER_ROUNDS):
        posts = [reserve(user, day[(number + place) % len(day)]["id"]) for place, user in enumerate(made)]
        posts += [("/v2/fulfillment/lastmile/orders", {**body, "order_id": f"{number}-{place}"}) for place in range(4)]
        rounds.append(posts)
    answers = asyncio.run(volleys([shop.server.url, two_processes], rounds, shop.token))
    assert {status for each in answers for status, _ in each} <= {200, 400}
    check(shop.server)
    report(f"{shop.server.database}: {SAME_USER_ROUNDS} rounds of moved holds and dispatch orders: no deadlock")
