"""Shared by the tests with kill -9: a database, checked from outside the killed processes, and events to send."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handcart.core.db import Database, Tx, connect
from handcart.core.secret import Keys
from handcart.events import ops as events
from handcart.retailers import ops as retailers
from tests.support import process
from tests.support.callback_receiver import Receiver, subscribe
from tests.support.server import SECRET_KEY, make_database
from tests.support.tally import Found, Tally

KEYS = Keys(SECRET_KEY.encode())
# Processes that may send to a receiver on this machine.
SETTINGS = {
    "secret_key": SECRET_KEY,
    "callback_http": "1",
    "callback_ports": "*",
    "callback_networks": "127.0.0.0/8",
}
_OWED = "SELECT event_id, subject, body FROM events"
_UNDER_WAY = "SELECT count(*) AS found FROM deliveries WHERE state = 'sending'"
_END_LEASES = "UPDATE deliveries SET leased_until = 1 WHERE state = 'sending'"
_NOT_DELIVERED = "SELECT count(*) AS found FROM deliveries WHERE state <> 'delivered'"


class Installation:
    """A database and the directory beside it."""

    def __init__(self, url: str, data: Path, database: Database, runner: asyncio.Runner) -> None:
        self.url, self.data = url, data
        self.kind = database.kind
        self._database, self._runner = database, runner

    def write(self, op: Any, *args: Any) -> Any:
        return self._runner.run(self._database.write(op, *args))

    def sql(self, sql: str) -> list[Any]:
        async def rows(tx: Tx) -> list[Any]:
            return list(await tx.all(sql))

        return list(self.write(rows))

    def under_way(self) -> int:
        """The number of deliveries claimed by running or dead processes."""
        return int(self.sql(_UNDER_WAY)[0]["found"])

    def end_leases(self) -> None:
        """Let all leases expire; no process may be running."""
        self.sql(f"{_END_LEASES} RETURNING event_id")

    def deliver_the_rest(self) -> None:
        """Run another worker to send what dead processes left unsent."""
        self.end_leases()
        ended = process.start_worker(self.url, self.data, "--once", **SETTINGS).wait(600)
        assert ended == 0
        assert self.sql(_NOT_DELIVERED)[0]["found"] == 0

    def compare(self, tally: Tally) -> Found:
        """Compare the received events with the stored ones."""
        rows = self.sql(_OWED)
        return tally.compare({row["event_id"]: (row["subject"], row["body"].encode()) for row in rows})

    def check(self) -> str:
        """Run the operator's check of the data, which must pass; returns what it checked."""
        ended = process.run("check", "--data", "--database", self.url)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout.splitlines()[0]


@contextmanager
def open_installation(url: str, data: Path) -> Iterator[Installation]:
    """A migrated database and its directory until the block ends."""
    make_database(url, KEYS)
    with asyncio.Runner() as runner:
        database = runner.run(connect.connect(url, KEYS, 1))
        try:
            yield Installation(url, data, database, runner)
        finally:
            runner.run(database.close())


async def make_receiver(tx: Tx, tally: Tally) -> int:
    """Create a retailer whose callbacks go to a tally; returns the retailer's id."""
    retailer = await retailers.create_retailer(tx, slug="shop", name="Sample Market")
    await subscribe(tx, retailer.id, Receiver(tally.url))
    return retailer.id


async def emit(tx: Tx, retailer_id: int, count: int, rng: random.Random, width: int) -> None:
    """Emit `count` events about up to `width` orders, in order only within each order."""
    base = rng.randrange(1 << 30)
    for _ in range(count):
        order_id = f"order-{base}-{rng.randrange(width)}"
        await events.emit(tx, retailer_id, "picking", order_id, {"order_id": order_id})
