"""The worker is killed while it sends: no message is lost, none is sent more than twice, and their order stays.

The gateway is a server of this process that counts what arrives. `LONG_RUNS=1` sends 20,000 messages with 200 kills.
"""

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from handcart.core.db import Tx
from handcart.core.db.connect import connect
from handcart.core.secret import Keys
from handcart.messages import ops
from handcart.messages.models import SMS, Letter
from tests.support.extent import DATABASES
from tests.support.process import ROOT, environment
from tests.support.server import SECRET_KEY, make_database, migrated_database

MESSAGES, KILLS = (20_000, 200) if os.environ.get("LONG_RUNS") else (240, 4)
CUSTOMERS, RETAILERS = max(20, MESSAGES // 40), 4
WORKERS = 2
AT_ONCE = 500
_BODY = re.compile(rb"Body=c(\d+)\+m(\d+)")
_ACCEPTED = b'{"sid": "SM1", "status": "queued", "error_code": null}'
_ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(_ACCEPTED) + _ACCEPTED


class Counting:
    """A gateway that keeps what arrived: the number of the customer and of the message, in the order of arrival."""

    def __init__(self) -> None:
        self.arrived: list[tuple[int, int]] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length
            found = _BODY.search(await reader.readexactly(int(length[1])))
            assert found
            self.arrived.append((int(found[1]), int(found[2])))
            await asyncio.sleep(random.uniform(0, 0.03))
            writer.write(_ANSWER)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the worker was killed
        finally:
            writer.close()


@asynccontextmanager
async def counting() -> AsyncIterator[Counting]:
    gateway = Counting()
    async with await asyncio.start_server(gateway.serve, "127.0.0.1", 0, backlog=512) as server:
        gateway.port = server.sockets[0].getsockname()[1]
        yield gateway


async def write_some(tx: Tx, numbers: range) -> None:
    for number in numbers:
        customer = number % CUSTOMERS
        retailer_id = 1 + customer % RETAILERS
        await ops.write(
            tx,
            Letter(
                recipient=f"order/{retailer_id}/{customer}",
                channel=SMS,
                address=f"+1312{customer:07}",
                template="test",
                locale="en-US",
                subject="",
                body=f"c{customer} m{number}",
                retailer_id=retailer_id,
            ),
        )


async def states(tx: Tx) -> dict[str, int]:
    rows = await tx.all("SELECT state, count(*) AS many FROM messages GROUP BY state")
    return {row["state"]: row["many"] for row in rows}


async def ended(tx: Tx) -> list[Any]:
    return list(await tx.all("SELECT id, order_id, state, doubts, content FROM messages"))


def start(database_url: str, port: int, log: Path) -> "subprocess.Popen[bytes]":
    settings = {
        "database": database_url,
        "secret_key": SECRET_KEY,
        "public_url": "https://connect.example",
        "sms_gateway": "twilio",
        "sms_url": f"http://127.0.0.1:{port}",
        "sms_account": "AC1",
        "sms_secret": "token",
        "sms_from": "+18005550100",
    }
    command = [sys.executable, "-m", "tests.messages.short_lease_worker"]
    with log.open("ab") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment(**settings), stdin=subprocess.PIPE, stdout=output, stderr=output
        )


class Killing:
    """Workers on one database, and a loop that kills one of them whenever some more messages have arrived."""

    def __init__(self, database_url: str, port: int, arrived: Sequence[tuple[int, int]], log: Path) -> None:
        self._arrived = arrived
        self._start = lambda: start(database_url, port, log)
        self._workers = [self._start() for _ in range(WORKERS)]

    def kill_often(self) -> int:
        """Kill a worker `KILLS` times; returns the number of kills before all messages had arrived."""
        per_kill = MESSAGES // KILLS
        kills = 0
        while kills < KILLS:
            seen = len(self._arrived)
            wanted = seen + random.randint(per_kill // 4, per_kill)
            if not self._wait(lambda wanted=wanted: len(self._arrived) >= wanted):  # type: ignore[misc]
                return kills
            self._kill(self._workers.pop(0))
            kills += 1
            self._workers.append(self._start())
        return kills

    def _wait(self, is_reached: Callable[[], bool]) -> bool:
        """Wait until more messages have arrived; False if none arrives for a long time."""
        last, since = -1, time.monotonic()
        while not is_reached():
            if len(self._arrived) != last:
                last, since = len(self._arrived), time.monotonic()
            if time.monotonic() - since > 120:
                return False
            time.sleep(0.005)
        return True

    def stop(self) -> None:
        for one in self._workers:
            self._kill(one)

    def _kill(self, worker: "subprocess.Popen[bytes]") -> None:
        worker.kill()
        worker.wait()
        assert worker.stdin
        worker.stdin.close()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return migrated_database(request.getfixturevalue("postgres_cluster"))
    url = f"sqlite:///{tmp_path}/handcart.db"
    make_database(url, Keys(SECRET_KEY.encode()))
    return url


async def test_worker_killed_often_then_none_lost_and_none_sent_three_times(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = await connect(database_url, Keys(SECRET_KEY.encode()), 2)
    half = MESSAGES // 2
    for first in range(0, half, AT_ONCE):
        await database.write(write_some, range(first, min(first + AT_ONCE, half)))
    async with counting() as gateway:
        killing = Killing(database_url, gateway.port, gateway.arrived, tmp_path / "log")
        try:
            killed = asyncio.create_task(asyncio.to_thread(killing.kill_often))
            for number in range(half, MESSAGES, 20):  # the others are written meanwhile
                await database.write(write_some, range(number, min(number + 20, MESSAGES)))
                await asyncio.sleep(0.005)
            kills = await killed
            async with asyncio.timeout(900):
                while (found := await database.read(states)).keys() & {"pending", "sending"}:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        finally:
            killing.stop()
    rows = await database.read(ended)
    keys = Keys(SECRET_KEY.encode())
    await database.close()

    arrivals = Counter(number for _, number in gateway.arrived)
    lost = unsure_unsent = 0
    for row in rows:
        number = int(re.findall(r"m(\d+)", unquote_plus(keys.open(row["content"])))[-1])
        lost += row["state"] not in ("sent", "unsure") or (row["state"] == "sent" and not arrivals[number])
        unsure_unsent += row["state"] == "unsure" and not arrivals[number]
    of_customers: dict[int, list[int]] = {}
    for customer, number in gateway.arrived:
        of_customers.setdefault(customer, []).append(number)
    disordered = sum(numbers != sorted(numbers) for numbers in of_customers.values())
    twice = sum(count == 2 for count in arrivals.values())
    more = sum(count > 2 for count in arrivals.values())
    with capsys.disabled():
        print(
            f"\n  {database_url.partition(':')[0]}: {len(rows):,} messages, {kills} kills; lost {lost}, sent twice"
            f" {twice}, more often {more}, unsure {found.get('unsure', 0)} (of these never sent {unsure_unsent}),"
            f" customers out of order {disordered}",
            end="",
        )
    assert (len(rows), lost, more, disordered) == (MESSAGES, 0, 0, 0)
    assert kills >= KILLS // 2
