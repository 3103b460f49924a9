"""Serving processes are killed (SIGKILL) while clients order; they send the callbacks as well.

Responses that a client received still hold; a request without a response is settled by one retry; and the callbacks
of everything stored arrive. A canary writes events after the commit, and must be seen to lose some.
"""

import asyncio
import random
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from handcart.callbacks.sender import CHAINS
from tests.races.killing import SETTINGS, open_installation
from tests.races.rounds import IS_LONG, Report
from tests.support import postgres, process
from tests.support.callback_receiver import Receiver, subscribe
from tests.support.orders import Market
from tests.support.server import live_server
from tests.support.tally import Tally, tally
from tests.support.volley import Connection

pytestmark = pytest.mark.serial

# Some tries create nothing, because of a killed server or a full window.
KILLS, TRIES = (200, 24_000) if IS_LONG else (12, 420)
CLIENTS = 16
CANARY_TRIES = 8 * CLIENTS
# At this interval all servers are killed at once, so that the next start is a cold one.
ALL_EVERY = 6
LATEST_SECONDS = 0.02
SEED = 9
HOURS, DAYS = range(8, 20, 2), range(1, 6)
FULL = "Service option is not available"
WITHOUT_EVENT = (
    "SELECT order_id FROM orders o WHERE NOT EXISTS"
    " (SELECT 1 FROM events e WHERE e.retailer_id = o.retailer_id AND e.subject = o.order_id)"
)
EMIT_LATE = (sys.executable, "-m", "tests.races.emit_late")


Post = tuple[str, Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/handcart.db"
    return postgres.create_database(request.getfixturevalue("postgres_cluster"))


@dataclass
class Shop:
    """The data that clients need to order."""

    token: str
    users: Sequence[str]
    options: Sequence[int]


@dataclass
class Heard:
    """What the clients received: acknowledged orders; by user, the one creation without a response; counts."""

    acknowledged: set[str] = field(default_factory=set)
    unknown: dict[str, Post] = field(default_factory=dict)
    broken: int = 0
    settled: int = 0
    no_place: int = 0


def open_shop(url: str, data: Path, to: Tally, orders: int) -> Shop:
    """A market with about as many places as orders, so that the last orders find no place."""
    with live_server(url, data) as server:
        market = Market(server, capacity=orders // (len(HOURS) * len(DAYS)))
        server.write(subscribe, market.retailer.id, Receiver(to.url))
        users = [market.customer() for _ in range(CLIENTS)]
        options = [market.option("pickup", hour=hour, day=day) for day in DAYS for hour in HOURS]
        return Shop(market.token, users, options)


class Servers:
    """Two serving processes, and one that is starting; all end with the block."""

    def __init__(self, url: str, data: Path, command: Sequence[str] = process.HANDCART) -> None:
        self._url, self._data, self._command = url, data, command
        self._starting: deque[tuple[process.Server, threading.Thread]] = deque()
        self._seconds: list[float] = []
        self.serving: list[process.Server] = []
        self.killed = 0

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(kill_all=True)

    def fill(self) -> None:
        """Start servers until two serve."""
        while len(self._starting) + len(self.serving) < 3:
            self._start()
        while len(self.serving) < 2:
            server, thread = self._starting.popleft()
            thread.join()
            self.serving.append(server)

    def kill(self, *, kill_all: bool) -> None:
        """Kill the oldest server, or all."""
        starting = list(self._starting) if kill_all else []
        for server in [*self.serving, *(server for server, _ in starting)] if kill_all else self.serving[:1]:
            server.kill()
            self.killed += 1
        for _, thread in starting:
            thread.join()
        del self.serving[: None if kill_all else 1]
        if kill_all:
            self._starting.clear()

    def figures(self) -> str:
        """The times from start to ready."""
        there = sorted(self._seconds)
        p50, p99 = there[len(there) // 2], there[int(len(there) * 0.99)]
        return f"{len(there)} starts, ready after {p50:.2f} s (p50), {p99:.2f} s (p99)"

    def _start(self) -> None:
        started = time.monotonic()
        server = process.start_server(self._url, self._data, command=self._command, **SETTINGS)

        def wait() -> None:
            with suppress(AssertionError):  # it was killed before; who takes it to serve finds out
                server.wait_until_ready()
                self._seconds.append(time.monotonic() - started)

        thread = threading.Thread(target=wait)
        thread.start()
        self._starting.append((server, thread))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    connection = await Connection.open(url)
    try:
        yield connection
    finally:
        with suppress(OSError):
            await connection.close()


class Crowd:
    """Clients that order at the same time, until one server, or all of them, are killed meanwhile."""

    def __init__(self, shop: Shop, servers: Servers, heard: Heard, rng: random.Random) -> None:
        self._shop, self._servers, self._heard, self._rng = shop, servers, heard, rng
        self._made = self._calls = self._kill_at = 0
        self._kill = asyncio.Event()

    async def order(self, until: int, *, kill_all: bool) -> None:
        """Try to order so often since the beginning; kill a moment after one of the calls for that, two each."""
        self._kill_at = self._calls + self._rng.randrange(CLIENTS, 2 * (until - self._made))
        self._kill.clear()
        urls = [server.url for server in self._servers.serving]
        clients = [
            self._client(user, deque((urls[place % 2], urls[1 - place % 2])), until)
            for place, user in enumerate(self._shop.users)
        ]
        killing = asyncio.create_task(self._kill_in_the_middle(kill_all))
        await asyncio.gather(*clients)
        self._kill.set()
        await killing

    async def _kill_in_the_middle(self, kill_all: bool) -> None:
        await self._kill.wait()
        await asyncio.sleep(self._rng.uniform(0, LATEST_SECONDS))
        self._servers.kill(kill_all=kill_all)

    async def _client(self, user: str, urls: deque[str], until: int) -> None:
        """Order; at a server that breaks off, try once more at the other one, and go on there, until none is left."""
        while urls:
            url = urls.popleft()
            try:
                async with connected(url) as connection:
                    await self._settle(connection, user)
                    while self._made < until:
                        self._made += 1
                        await self._order(connection, user, f"order-{self._made}")
            except (OSError, EOFError):
                self._heard.broken += 1
            else:
                return

    async def _order(self, connection: Connection, user: str, order_id: str) -> None:
        path = f"/v2/fulfillment/users/{user}"
        option = self._rng.choice(self._shop.options)
        status, held = await self._post(connection, f"{path}/service_options/{option}/reserve", {})
        if status == 400:
            assert held["error"]["message"] == FULL, held
            self._heard.no_place += 1
            return
        body = {
            "order_id": order_id,
            "service_option_hold_id": held["service_option_hold"]["id"],
            "location_code": "here",
            "items": [{"line_num": "1", "count": 1, "item": {"rrc": "milk"}}],
        }
        self._heard.unknown[user] = f"{path}/orders/pickup", body
        status, answer = await self._post(connection, *self._heard.unknown[user])
        del self._heard.unknown[user]
        assert (status, answer.get("id")) == (200, order_id), answer
        self._heard.acknowledged.add(order_id)

    async def _post(self, connection: Connection, path: str, body: Any) -> tuple[int, Any]:
        """Status and answer; the answer of a server that is in trouble says as little as none."""
        self._calls += 1
        if self._calls == self._kill_at:
            self._kill.set()
        status, answer = await connection.post(path, body, self._shop.token)
        if status >= 500:
            raise ConnectionError(status)
        return status, answer

    async def settle(self) -> None:
        """Retry once each order without a response."""
        async with connected(self._servers.serving[0].url) as connection:
            for user in list(self._heard.unknown):
                await self._settle(connection, user)

    async def _settle(self, connection: Connection, user: str) -> None:
        """The order is there, or it is made now: the user's next hold would take this one's place."""
        if user not in self._heard.unknown:
            return
        path, body = self._heard.unknown[user]
        status, answer = await self._post(connection, path, body)
        assert (status, answer.get("id")) == (200, body["order_id"]), answer
        del self._heard.unknown[user]
        self._heard.acknowledged.add(body["order_id"])
        self._heard.settled += 1


def test_servers_killed_while_clients_order_then_nothing_is_lost(url: str, tmp_path: Path, report: Report) -> None:
    heard, rng, landed = Heard(), random.Random(SEED), 0
    with tally() as receiver:
        shop = open_shop(url, tmp_path, receiver, TRIES)
        with Servers(url, tmp_path) as servers, asyncio.Runner() as runner:
            crowd = Crowd(shop, servers, heard, rng)
            for number in range(1, KILLS + 1):
                servers.fill()
                before = heard.broken
                runner.run(crowd.order(number * TRIES // KILLS, kill_all=number % ALL_EVERY == 0))
                landed += heard.broken > before
            servers.fill()
            runner.run(crowd.settle())
        with open_installation(url, tmp_path) as installation:
            installation.deliver_the_rest()
            stored = {row["order_id"] for row in installation.sql("SELECT order_id FROM orders")}
            told = {row["subject"] for row in installation.sql("SELECT subject FROM events WHERE name = 'brand_new'")}
            found, checked = installation.compare(receiver), installation.check()
    what = f"killed servers, {installation.kind}"
    report(f"{what}: {TRIES} tries to order, seed {SEED}; {KILLS} rounds, {landed} with calls under way;")
    report(f"{what}: {servers.killed} processes killed; {heard.broken} calls or connections broken;")
    report(f"{what}: {len(stored)} orders, {heard.settled} of them settled by one retry, {heard.no_place} full;")
    report(f"{what}: {found}")
    report(f"{what}: {servers.figures()}. {checked}")
    assert heard.acknowledged == stored == told
    assert (found.lost, found.strange, found.inversions) == (0, 0, 0)
    assert found.duplicates <= servers.killed * CHAINS
    assert landed >= 0.3 * KILLS, "too few kills met an open call"


def test_events_after_the_commit_then_the_same_kills_lose_some(url: str, tmp_path: Path, report: Report) -> None:
    """A canary: shows that the tests with killed servers and killed workers would notice lost events."""
    heard, rng, lost, rounds = Heard(), random.Random(SEED), 0, 0
    with tally() as receiver:
        shop = open_shop(url, tmp_path, receiver, 20 * CANARY_TRIES)
        with Servers(url, tmp_path, EMIT_LATE) as servers, asyncio.Runner() as runner:
            crowd = Crowd(shop, servers, heard, rng)
            while not lost and rounds < 20:
                servers.fill()
                rounds += 1
                runner.run(crowd.order(rounds * CANARY_TRIES, kill_all=False))
                with open_installation(url, tmp_path) as installation:
                    lost = len(installation.sql(WITHOUT_EVENT))
    report(f"{installation.kind}, events written after the commit: {lost} lost in round {rounds} of 20")
    assert lost
