"""Measure the rate of delivered callbacks, and their delay after the commit: `python -m bench.callbacks`.

Uses a database with a million delivered events, a receiver that answers at once, and `handcart worker` as an operator
runs it. `python -m bench --only orders` measures what emitting events costs the creation of orders.
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.request import urlopen

from bench import machine
from bench.data import HANDCART
from bench.databases import Copy, PostgresDatabase, SqliteDatabase, connected
from bench.measure import cpu_seconds
from bench.processes import CORES, HOST, ROOT, bare_environment, free_port, pinned, server_cores
from bench.progress import Progress
from handcart.callbacks import webhooks
from handcart.callbacks.models import PRODUCTION
from handcart.core import clock, ids
from handcart.core.db import Database, Tx
from handcart.core.db.connect import connect
from handcart.core.db.migrate import migrate
from handcart.core.db.sqlite import connect_file
from handcart.core.outbound.client import UrlRules
from handcart.core.secret import Keys
from handcart.events import ops as events
from handcart.retailers import ops as retailers
from tests.support.postgres import cluster, create_database

BUILD = ROOT / "build" / "bench-callbacks"
DATABASES = ("sqlite", "postgresql")
WORKERS = (1, 2)
PER_SECOND = 50
# Number of events in an order's life, roughly.
OF_ORDER = 8
MOST_SECONDS = 120
# Workers start one after the other, so the rate is measured over the middle part of the events.
FROM, TO = 0.1, 0.9
RATE_GOAL, P99_GOAL_SECONDS = 500, 1.0

# Rows of delivered events of one webhook: $1 retailer, $2 webhook, $3 first id, $4 number of events, $5 time.
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $4 - 1)"
_BODY = (
    '{"event_id":100000000000000000,"event_name":"fulfillment.picking","event_timestamp":"2026-03-04T17:20:03Z",'
    '"event_metadata":{"order_id":"web-2026-000417","store_location":"S-0042"}}'
)
_HEAD = (
    "POST http://127.0.0.1:9/callbacks\ncontent-type: application/json\nwebhook-id: 100000000000000000\n" + 150 * "x"
)
PAST = (
    f"{_NUMBERS} INSERT INTO events (retailer_id, event_id, name, subject, body, created_at, is_queued)"
    f" SELECT $1, $3 + i, 'picking', 'past-' || (i / {OF_ORDER}), '{_BODY}', $5, 1 = 1 FROM n WHERE $2 > 0",
    f"{_NUMBERS} INSERT INTO deliveries (retailer_id, event_id, webhook_id, subject, state, tries, attempts, is_replay,"
    f" created_at, due_at, planned_at, attempted_at) SELECT $1, $3 + i, $2, 'past-' || (i / {OF_ORDER}), 'delivered',"
    " 1, 1, 0 = 1, $5, 0, 0, $5 FROM n",
    f"{_NUMBERS} INSERT INTO attempts (retailer_id, event_id, webhook_id, number, at, milliseconds, is_replay, status,"
    f" url, request_head, response_head, response_body) SELECT $1, $3 + i, $2, 1, $5, 3, 0 = 1, 200,"
    f" 'http://127.0.0.1:9/callbacks', '{_HEAD}', '200', '{{}}' FROM n",
)


class Prepared:
    """A database with many delivered events of one retailer with one webhook."""

    def __init__(self, database: SqliteDatabase | PostgresDatabase, secret_key: str, retailer_id: int) -> None:
        self.database = database
        self.secret_key = secret_key
        self.retailer_id = retailer_id

    @property
    def keys(self) -> Keys:
        return Keys(self.secret_key.encode())


def main() -> None:
    options = _options()
    results: dict[str, Any] = {
        "measured_at": time.strftime("%Y-%m-%d"),
        "machine": machine.describe(),
        "rounds": options.rounds,
        "events": options.events,
        "seconds": options.seconds,
        "delivered": options.delivered,
        "visits": [],
    }
    shutil.rmtree(BUILD, ignore_errors=True)
    (BUILD / "prepared").mkdir(parents=True)
    try:
        with ExitStack() as stack:
            _run(options, results, stack)
    finally:
        shutil.rmtree(BUILD, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(_page(results))
    print(_page(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.callbacks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds to take medians of (default 5)")
    parser.add_argument("--events", type=int, default=10_000, help="events to deliver as quickly as can be")
    parser.add_argument("--seconds", type=int, default=20, help=f"length of the window at {PER_SECOND} events a second")
    parser.add_argument("--delivered", type=int, default=1_000_000, help="events in the tables before")
    parser.add_argument("--database", action="append", choices=DATABASES, help="repeatable; else both")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as a page")
    return parser.parse_args()


def _run(options: argparse.Namespace, results: dict[str, Any], stack: ExitStack) -> None:
    port = free_port()
    stack.enter_context(process([sys.executable, "-m", "bench.sink", str(port)], CORES[1:2] or CORES, {}))
    until(lambda: arrived(port) == 0)
    kinds = options.database or DATABASES
    progress = Progress(options.rounds * len(kinds) * (len(WORKERS) + 1) + len(kinds))
    prepared = {}
    for kind in kinds:
        prepared[kind] = _prepare(kind, port, options.delivered, stack)
        progress.step(f"{kind}: {options.delivered:,} delivered events")
    for number in range(options.rounds):
        for kind in kinds:
            for workers in WORKERS:
                found = _backlog(prepared[kind], port, workers, options.events)
                results["visits"].append({"round": number, "database": kind, "workers": workers, **found})
                progress.step(f"round {number + 1}, {kind}, {workers}")
            found = _trickle(prepared[kind], port, options.seconds)
            results["visits"].append({"round": number, "database": kind, "workers": 1, **found})
            progress.step(f"round {number + 1}, {kind}, {PER_SECOND} a second")


def _prepare(kind: str, port: int, delivered: int, stack: ExitStack) -> Prepared:
    if kind == "sqlite":
        path = BUILD / "prepared" / "handcart.db"
        database: SqliteDatabase | PostgresDatabase = SqliteDatabase(path, "events")
        url = f"sqlite:///{path}"
    else:
        url = create_database(stack.enter_context(cluster(durable=True)))
        database = PostgresDatabase(url, "events")
    secret_key = secrets.token_urlsafe(32)
    keys = Keys(secret_key.encode())
    migrate(url, keys)

    async def fill() -> int:
        opened = await connect(url, keys)
        retailer_id: int = await opened.write(_furnish, port)
        await opened.close()
        return retailer_id

    prepared = Prepared(database, secret_key, asyncio.run(fill()))
    _multiply(url, prepared, delivered)
    database.settle()
    return prepared


async def _furnish(tx: Tx, port: int) -> int:
    retailer = await retailers.create_retailer(tx, slug="bench", name="Bench")
    wanted = webhooks.Configuration(
        callback_url=f"http://{HOST}:{port}/callbacks",
        auth_uri=f"http://{HOST}:{port}/token",
        client_id="bench",
        client_secret="bench",
    )
    policy = webhooks.Policy(rules=UrlRules(True, range(1, 65_536), (f"{HOST}/32",)), environment=PRODUCTION)
    await webhooks.create(tx, retailer.id, wanted, policy)
    return retailer.id


def _multiply(url: str, prepared: Prepared, delivered: int) -> None:
    """Fill the tables directly by SQL, without the servers' time limit for statements."""
    if delivered == 0:
        return
    at = clock.of_process() - clock.DAY
    first = ids.event_ids_from(at)
    if isinstance(prepared.database, SqliteDatabase):
        connection = connect_file(str(prepared.database.path))
        (webhook_id,) = connection.execute("SELECT id FROM webhooks").fetchone()
        connection.execute("BEGIN")
        for statement in PAST:
            connection.execute(_filled(statement, prepared.retailer_id, webhook_id, first, delivered, at))
        connection.execute("COMMIT")
        connection.close()
        return

    async def fill(connection: Any) -> None:
        webhook_id = await connection.fetchval("SELECT id FROM webhooks")
        for statement in PAST:
            await connection.execute(_filled(statement, prepared.retailer_id, webhook_id, first, delivered, at))

    connected(url, fill)


def _filled(statement: str, *numbers: int) -> str:
    for place, number in enumerate(numbers, 1):
        statement = statement.replace(f"${place}", f"CAST({number} AS BIGINT)")
    return statement


def _backlog(prepared: Prepared, port: int, workers: int, events: int) -> dict[str, Any]:
    """Waiting events, delivered by `workers` workers."""
    with prepared.database.copy() as copy:

        async def emit() -> None:
            async with _opened(prepared, copy) as database:
                for start in range(0, events, 500):
                    await database.write(_emit, prepared.retailer_id, range(start, min(start + 500, events)))

        asyncio.run(emit())
        with ExitStack() as stack:
            pids = [stack.enter_context(_worker(prepared, copy, server_cores(workers))) for _ in range(workers)]
            until(lambda: arrived(port) >= events)
            spent = sum(map(cpu_seconds, pids))
    came = sorted(arrivals(port).values())
    first, last = (came[int(share * (events - 1))] for share in (FROM, TO))
    return {"rate": (TO - FROM) * events / (last - first), "cpu_us": 1e6 * spent / events}


def _trickle(prepared: Prepared, port: int, seconds: int) -> dict[str, Any]:
    """Emit events one by one, and measure the delay from commit to arrival."""
    with prepared.database.copy() as copy, _worker(prepared, copy, server_cores(1)):

        async def emit() -> dict[str, float]:
            committed = {}
            async with _opened(prepared, copy) as database:
                await database.write(_emit, prepared.retailer_id, range(1))
                await asyncio.to_thread(until, lambda: arrived(port) == 1)
                await asyncio.to_thread(arrivals, port)
                begun = time.monotonic()
                for number in range(PER_SECOND * seconds):
                    await asyncio.sleep(max(0.0, begun + number / PER_SECOND - time.monotonic()))
                    at = number * OF_ORDER  # each event about another order
                    (event_id,) = await database.write(_emit, prepared.retailer_id, range(at, at + 1))
                    committed[str(event_id)] = time.monotonic()
            return committed

        committed = asyncio.run(emit())
        until(lambda: arrived(port) >= len(committed))
        came = arrivals(port)
    waits = sorted(came[event_id] - at for event_id, at in committed.items())
    shares = quantiles(waits, n=100)
    return {"p50_s": shares[49], "p99_s": shares[98]}


async def _emit(tx: Tx, retailer_id: int, numbers: range) -> Sequence[int]:
    made = []
    for number in numbers:
        order_id = f"order-{number // OF_ORDER}"
        told = {"order_id": order_id, "store_location": "S-0042"}
        made.append(await events.emit(tx, retailer_id, "picking", order_id, told))
    return made


class _opened:
    """A database for the length of a block."""

    def __init__(self, prepared: Prepared, copy: Copy) -> None:
        self._url, self._keys = _url_of(copy), prepared.keys

    async def __aenter__(self) -> Database:
        self._database = await connect(self._url, self._keys)
        return self._database

    async def __aexit__(self, *_raised: object) -> None:
        await self._database.close()


def _url_of(copy: Copy) -> str:
    return copy.address if "://" in copy.address else f"sqlite:///{copy.address}"


@contextmanager
def _worker(prepared: Prepared, copy: Copy, cores: Sequence[int]) -> Iterator[int]:
    environment = {
        "HANDCART_SECRET_KEY": prepared.secret_key,
        "HANDCART_CALLBACK_NETWORKS": f"{HOST}/32",
        "HANDCART_CALLBACK_HTTP": "on",
        "HANDCART_CALLBACK_PORTS": "*",
    }
    with process([str(HANDCART), "worker", "--database", _url_of(copy)], cores, environment) as pid:
        yield pid


@contextmanager
def process(
    command: Sequence[str], cores: Sequence[int], environment: dict[str, str], log_file: Path = BUILD / "processes.log"
) -> Iterator[int]:
    """Run a program for the length of the block; returns its process id."""
    with log_file.open("ab") as log:
        started = subprocess.Popen(
            pinned(command, cores),
            env={**bare_environment(), "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "client"))), **environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield started.pid
    finally:
        started.terminate()
        started.wait(30)


def arrived(port: int) -> int:
    """The number of events that the sink has received; -1 if it does not answer."""
    try:
        with urlopen(f"http://{HOST}:{port}/", timeout=10) as answer:
            return int(answer.read())
    except OSError:
        return -1


def arrivals(port: int) -> dict[str, float]:
    """The arrival time of each event at the sink, which then forgets them."""
    with urlopen(f"http://{HOST}:{port}/arrivals", timeout=60) as answer:
        found: dict[str, float] = json.load(answer)
        return found


def until(is_so: Any) -> None:
    """Wait until `is_so` returns true; ends the program after two minutes."""
    last = time.monotonic() + MOST_SECONDS
    while not is_so():
        if time.monotonic() > last:
            sys.exit(f"not done in {MOST_SECONDS} s: see {BUILD}/processes.log")
        time.sleep(0.1)


def _page(results: dict[str, Any]) -> str:
    lines = [
        "# Performance of callbacks",
        "",
        "Written by `python -m bench.callbacks --markdown`; see `bench/README.md` for the method.",
        "",
        f"Measured {results['measured_at']}, {results['machine']['cores']} cores, {results['machine']['processor']};"
        f" load average {results['machine']['load average']} at the start.",
        f"Medians of {results['rounds']} rounds; {results['delivered']:,} delivered events in the tables.",
        "",
        f"| database, workers | events/s of {results['events']:,} that wait | CPU us an event | goal |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kind in DATABASES:
        for workers in WORKERS:
            rate, cpu = (_middle(results, kind, workers, key) for key in ("rate", "cpu_us"))
            if rate is not None and cpu is not None:
                goal = RATE_GOAL * workers
                verdict = "reached" if rate >= goal else "not reached"
                lines.append(f"| {kind}, {workers} | {rate:,.0f} | {cpu:,.0f} | >= {goal}: {verdict} |")
    lines += [
        "",
        f"| database | p50 from commit to receiver, s, at {PER_SECOND} events a second | p99 | goal |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kind in DATABASES:
        p50, p99 = (_middle(results, kind, 1, key) for key in ("p50_s", "p99_s"))
        if p50 is not None and p99 is not None:
            verdict = "reached" if p99 <= P99_GOAL_SECONDS else "not reached"
            lines.append(f"| {kind} | {p50:.3f} | {p99:.3f} | p99 <= {P99_GOAL_SECONDS:.0f}: {verdict} |")
    about = [f"| {what} | {value} |" for what, value in results["machine"].items()]
    return "\n".join([*lines, "", "## Machine", "", "| what | value |", "| --- | --- |", *about]) + "\n"


def _middle(results: dict[str, Any], kind: str, workers: int, key: str) -> float | None:
    found = [
        visit[key]
        for visit in results["visits"]
        if visit["database"] == kind and visit["workers"] == workers and key in visit
    ]
    return median(found) if found else None


if __name__ == "__main__":
    main()
