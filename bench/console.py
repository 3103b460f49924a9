"""Measure the pages of the console: `python -m bench.console`.

Stores many old orders and those of one day, starts one `handcart serve` process as in production, and signs an
operator's admin in. The pages are those of the navigation, and those that links on them lead to, one of each route.
Measured are the time of each page, and the bytes that a browser fetches to show it for the first time.
"""

import argparse
import asyncio
import gzip
import os
import re
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urljoin

from bench import rounds, stock
from bench.candidates import Scale
from bench.databases import PostgresDatabase
from bench.processes import HOST, ROOT, Launch, free_port, server_cores, serving
from bench.progress import Progress
from handcart.console.browser import PLACES
from handcart.console.routes import ROUTES
from handcart.core import clock
from handcart.core.db import Database, Tx
from handcart.core.db.connect import connect
from handcart.core.secret import Keys
from handcart.core.web.browser import cookie_name
from handcart.sign_in import sessions
from handcart.sign_in.models import STAFF
from handcart.staff import ops as staff

BUILD = rounds.directory_of("console")
GOAL_MS, GOAL_BYTES = 100, 120_000
USERS = 20_000
WARM_UP = 5
TEXTS = ("text/", "application/javascript", "application/json", "image/svg+xml")
TICKS = os.sysconf("SC_CLK_TCK")
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd"}
# The orders of today: copies of old ones whose windows began up to 12 hours ago or begin within the next 12.
_TODAY = """
INSERT INTO orders ({columns})
SELECT {values} FROM orders WHERE number <= {orders}
"""
_HISTORY = """
INSERT INTO order_history (retailer_id, order_id, number, at, status, what)
SELECT retailer_id, order_id, 1, created_at, status, 'created' FROM orders WHERE order_id LIKE 'today-%'
"""


class Page(HTMLParser):
    """The links of a page to others, and the files that a browser needs to show it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.files: dict[str, None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "a" and values.get("href", "").startswith("/console"):
            self.links.append(values["href"].partition("#")[0])
        elif tag == "link" and values.get("rel") in ("stylesheet", "icon", "modulepreload", "preload"):
            self.files[values["href"]] = None
        elif tag in ("script", "img") and values.get("src", "data:").startswith("/"):
            self.files[values["src"]] = None


class Visitor:
    """A browser over one connection, in which a person is signed in."""

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=120)
        self._headers = {**BROWSER, "Cookie": cookie}

    def get(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def page(self, path: str) -> Page | None:
        """The page at a path; None if it is no page, such as a file or a redirect."""
        status, headers, body = self.get(path)
        if status != 200 or not headers.get("content-type", "").startswith("text/html"):
            return None
        return Page(_plain(headers, body).decode())


def main() -> None:
    parser = rounds.parser("console", __doc__, rounds=1)
    parser.add_argument("--orders", type=int, default=1_000_000, help="old orders (default 1000000)")
    parser.add_argument("--today", type=int, default=2_000, help="orders of today (default 2000)")
    parser.add_argument("--calls", type=int, default=200, help="calls of each page (default 200)")
    parser.add_argument("--seconds", type=float, default=15, help="the longest time for a page's calls (default 15)")
    rounds.run(parser.parse_args(), BUILD, _visit, _page)


def _visit(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """What was found out about each page, by the path of its route."""
    secret_key = _stored(url, options)
    cookie = asyncio.run(_with(url, secret_key, _signed_in))
    with _serving(url, secret_key) as (pid, port):
        visitor = Visitor(port, cookie)
        found = _found(visitor)
        progress = Progress(len(found))
        pages = {}
        for route, (path, page) in found.items():
            pages[route] = {"path": path, **_bytes(visitor, path, page), **_times(visitor, path, pid, options)}
            progress.step(route)
    return {"pages": pages, "unseen": [route for route in _routes() if route not in found]}


def _stored(url: str, options: argparse.Namespace) -> str:
    """Store the orders; returns the secret key of the database."""
    found = stock.stock(url, Scale(holds=USERS))
    stock.multiply(url, found, options.orders, days_ago=13)
    now = clock.now()
    window = f"{now - now % clock.HOUR} + (number % 24 - 12) * {clock.HOUR}"
    changed = {
        "order_id": "'today-' || number",
        "number": f"number + {options.orders + 1}",
        "status": "'brand_new'",
        "created_at": f"{now - clock.DAY} + number * {clock.SECOND}",
        "updated_at": f"{now - clock.DAY} + number * {clock.SECOND}",
        "window_starts_at": window,
        "window_ends_at": f"{window} + {2 * clock.HOUR}",
        "ledger_starts_at": window,
    }
    columns = re.findall(r"\w+", stock._MULTIPLY.partition("(")[2].partition(")")[0])
    values = ", ".join(changed.get(column, column) for column in columns)
    today = _TODAY.format(columns=", ".join(columns), values=values, orders=options.today)
    ledger = ("DELETE FROM slot_ledger", stock._LEDGER.format(capacity=stock.CAPACITY))
    stock.run_sql(url, today, _HISTORY, *ledger)
    if url.startswith("sqlite"):
        # no ANALYZE: nothing makes statistics of a SQLite file in production either
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        PostgresDatabase(url, "orders").settle()
    return found.plan.secret_key


async def _with(url: str, secret_key: str, what: Any) -> Any:
    database = await connect(url, Keys(secret_key.encode()))
    try:
        return await what(database)
    finally:
        await database.close()


async def _signed_in(database: Database) -> str:
    """The cookie of an operator's admin."""

    async def sign_in(tx: Tx) -> str:
        person = await staff.add(tx, "bench@example.org", "Bench", "operator_admin", None, None)
        await staff.set_password_hash(tx, person.id, "none")
        return await sessions.start(tx, STAFF, person.id, "", "bench")

    cookie = await database.write(sign_in)
    return f"{cookie_name(STAFF.cookie, STAFF.path, is_https=True)}={cookie}"


@contextmanager
def _serving(url: str, secret_key: str) -> Iterator[tuple[int, int]]:
    """The process of a server, and the port of its console."""
    port, console = free_port(), free_port()
    launch = Launch(
        command=[sys.executable, "-m", "handcart", "serve", "--database", url, "--host", HOST, "--port", str(port)],
        live_path="/live",
        environment={
            "HANDCART_SECRET_KEY": secret_key,
            "HANDCART_PUBLIC_URL": "https://connect.example.org",
            "HANDCART_CONSOLE": f"{HOST}:{console}",
            "HANDCART_CONSOLE_URL": "https://console.example.org",
            "HANDCART_TRUSTED_PROXIES": "none",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "client"))),
        },
        directory=ROOT,
    )
    with serving(launch, port, cores=server_cores(1), log=BUILD / "server.log") as server:
        yield server.pid, console


def _routes() -> list[str]:
    """The paths of all routes that may be pages of a person who is signed in."""
    return [route.path for route in ROUTES if route.method == "GET"]


def _found(visitor: Visitor) -> dict[str, tuple[str, Page]]:
    """A path and the page of each route that links lead to, from the navigation on."""
    patterns = {route: re.compile(re.sub(r"\{\w+\}", "[^/?]+", route) + r"(?:\?.*)?") for route in _routes()}
    waiting, found, tried = [place.path for place in PLACES], {}, Counter[str]()
    while waiting:
        path = waiting.pop(0)
        route = next((one for one, pattern in patterns.items() if pattern.fullmatch(path)), None)
        if route is None or route in found or tried[route] > 3:
            continue
        tried[route] += 1
        page = visitor.page(path)
        if page is not None:
            found[route] = (path, page)
            waiting += page.links
    return found


def _bytes(visitor: Visitor, path: str, page: Page) -> dict[str, int]:
    """The bytes of the page, its files, and what its style sheets name: as served, and compressed."""
    files = {path: None, **page.files}
    for file in list(page.files):
        if file.partition("?")[0].endswith(".css"):
            _, headers, body = visitor.get(file)
            for name in re.findall(rb"url\(\s*['\"]?([^'\")]+)", _plain(headers, body)):
                if not name.startswith(b"data:"):
                    files[urljoin(file, name.decode())] = None
    served = compressed = 0
    for file in files:
        _, headers, body = visitor.get(file)
        served += len(body)
        is_text = headers.get("content-type", "").startswith(TEXTS) and "content-encoding" not in headers
        compressed += len(gzip.compress(body)) if is_text else len(body)
    return {"served": served, "compressed": compressed}


def _plain(headers: Mapping[str, str], body: bytes) -> bytes:
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def _times(visitor: Visitor, path: str, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of each call, one after the other, and those of the server's processor for a call."""
    milliseconds: list[float] = []
    for _ in range(WARM_UP):
        visitor.get(path)
    until, before = time.monotonic() + options.seconds, _ticks(pid)
    while len(milliseconds) < 10 or (len(milliseconds) < options.calls and time.monotonic() < until):
        begun = time.perf_counter()
        visitor.get(path)
        milliseconds.append(1000 * (time.perf_counter() - begun))
    return {"ms": milliseconds, "cpu_ms": 1000 * (_ticks(pid) - before) / TICKS / len(milliseconds)}


def _ticks(pid: int) -> int:
    """The time that a process has spent on the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _page(visits: rounds.Visits, options: argparse.Namespace) -> list[str]:
    lines = [
        "# Performance of the console",
        "",
        f"Written by `python -m bench.console`. One process, {options.orders:,} old orders and {options.today:,} of"
        f" today; {options.calls} calls of each page, one after the other, by an operator's admin.",
        f"The goal of a page: p99 <= {GOAL_MS} ms, and <= {GOAL_BYTES // 1000} KB compressed for its first view: the"
        " page, styles, scripts and pictures. `serve` compresses none of them; the last but one column is with gzip.",
        "",
        "| database, page | p50, ms | p99, ms | processor, ms | first view, KB | with gzip, KB | goal |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for kind, of_kind in rounds.by_database(visits):
        for route in of_kind[0]["pages"]:
            rows: Sequence[Mapping[str, Any]] = [visit["pages"][route] for visit in of_kind]
            p50, p99 = (median(quantiles(row["ms"], n=100)[share - 1] for row in rows) for share in (50, 99))
            cpu, served, size = (median(row[name] for row in rows) for name in ("cpu_ms", "served", "compressed"))
            faults = [*(["slow"] if p99 > GOAL_MS else []), *(["large"] if size > GOAL_BYTES else [])]
            verdict = " and ".join(faults) or "reached"
            figures = f"{p50:.1f} | {p99:.1f} | {cpu:.1f} | {served / 1000:.1f} | {size / 1000:.1f}"
            lines.append(f"| {kind}, `{route}` | {figures} | {verdict} |")
    unseen = sorted({route for visit in visits for route in visit["unseen"]})
    lines += ["", "No link led to these, or they are no pages: " + ", ".join(f"`{route}`" for route in unseen) + "."]
    return lines


if __name__ == "__main__":
    main()
