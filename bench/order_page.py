"""Measure open pages of orders: `python -m bench.order_page`.

Runs one `handcart serve` process as in production, and opens the streams of many pages, each of an order of its own.
Measured are the memory of a stream; the time from the answer to a call that changes an order until the page has its
news, and until it has fetched itself again; and what the open pages cost `list slots` and `create order`.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from bench import rounds
from bench.neighbours import Api, Retailer
from bench.processes import HOST, ROOT, Launch, free_port, server_cores, serving
from handcart.core.db import Tx
from handcart.core.db.connect import connect
from handcart.core.db.migrate import migrate
from handcart.core.secret import Keys
from handcart.oauth.scopes import FULFILLMENT
from handcart.order_page.live import LOOK_SECONDS
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.stores import ops as stores
from handcart.stores.models import KINDS
from tests.support.stores import store

BUILD = rounds.directory_of("order-page")
CREATE, LIST = "create order", "list slots"
SLOTS = "/v2/fulfillment/service_options/delivery"
WARM_UP = 50
SETTLE_SECONDS = 2
DRAWN = Random(1)


class Page:
    """An open page: its stream, and how it fetches itself again."""

    def __init__(self, number: int, order: Mapping[str, Any], port: int) -> None:
        self.order_id: str = order["id"]
        self.path = urlsplit(order["order_url"]).path
        self._port = port
        # As behind a proxy: pages come from many addresses.
        self._address = f"10.1.{number >> 8}.{number & 255}"

    async def open(self) -> "Page":
        """Open the stream, and read the version that it begins with."""
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        self._writer.write(self._request(f"{self.path}/news"))
        await self.news()
        await self.fetch()
        return self

    async def news(self) -> None:
        """Return when the next version has come."""
        while not (await self._reader.readline()).startswith(b"data: "):
            pass

    async def fetch(self) -> None:
        """Fetch the whole page."""
        reader, writer = await asyncio.open_connection(HOST, self._port)
        writer.write(self._request(self.path))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 200 " not in head.splitlines()[0]:
            sys.exit(f"a page was not answered: {head}")
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        writer.close()

    def close(self) -> None:
        self._writer.close()

    def _request(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nX-Forwarded-For: {self._address}\r\n\r\n".encode()


def main() -> None:
    parser = rounds.parser("order_page", __doc__)
    parser.add_argument("--pages", type=int, default=500, help="open pages (default 500)")
    parser.add_argument("--calls", type=int, default=500, help="calls of each operation (default 500)")
    rounds.run(parser.parse_args(), BUILD, _visit, _page)


def _visit(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Bytes of a stream, seconds from commit to page, and seconds of each operation without and with open pages."""
    with _server(url) as (pid, api, port):
        _calls(api, "warm-up", WARM_UP)
        alone = _calls(api, "alone", options.calls)
        made = [api.create("user", f"page-{number}") for number in range(options.pages)]
        asyncio.run(_opened([Page(0, made[0], port)]))  # loads what pages need
        before = _resident(pid)
        with asyncio.Runner() as runner:
            pages = [Page(number, order, port) for number, order in enumerate(made)]
            runner.run(_opened(pages, closes=False))
            time.sleep(SETTLE_SECONDS)
            stream = (_resident(pid) - before) / len(pages)
            beside = runner.run(asyncio.to_thread(_calls, api, "beside", options.calls))
            times = runner.run(_changes(api, pages))
            for page in pages:
                page.close()
    return {"stream": stream, "alone": alone, "beside": beside, **times}


def _calls(api: Api, name: str, count: int) -> dict[str, list[float]]:
    """The seconds of each call, one after the other."""
    seconds: dict[str, list[float]] = {CREATE: [], LIST: []}
    for number in range(count):
        begun = time.monotonic()
        api.create("user", f"{name}-{number}")
        created = time.monotonic()
        api.call("POST", SLOTS, {"postal_code": "60610"})
        seconds[CREATE].append(created - begun)
        seconds[LIST].append(time.monotonic() - created)
    return seconds


async def _opened(pages: Sequence[Page], *, closes: bool = True) -> None:
    for page in pages:
        await page.open()
        if closes:
            page.close()


async def _changes(api: Api, pages: Sequence[Page]) -> dict[str, list[float]]:
    """Cancel one order after the other; the seconds until its page has the news, and until it is fetched again."""
    news, fetched = [], []
    for page in pages:
        await asyncio.sleep(DRAWN.uniform(0, LOOK_SECONDS))  # else each change would come just after a look
        coming = asyncio.ensure_future(page.news())
        await asyncio.to_thread(api.call, "POST", f"/v2/fulfillment/lastmile/orders/{page.order_id}/cancel", {})
        committed = time.monotonic()
        await coming
        news.append(time.monotonic() - committed)
        await page.fetch()
        fetched.append(time.monotonic() - committed)
    return {"news": news, "fetched": fetched}


def _resident(pid: int) -> int:
    """The resident memory of a process, in bytes."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


@contextmanager
def _server(url: str) -> Iterator[tuple[int, Api, int]]:
    secret_key, port = secrets.token_urlsafe(32), free_port()
    keys = Keys(secret_key.encode())
    migrate(url, keys)
    retailer = asyncio.run(_furnished(url, keys))
    launch = Launch(
        command=[sys.executable, "-m", "handcart", "serve", "--database", url, "--host", HOST, "--port", str(port)],
        live_path="/live",
        environment={
            "HANDCART_SECRET_KEY": secret_key,
            "HANDCART_PUBLIC_URL": "https://connect.example.org",
            "HANDCART_TRUSTED_PROXIES": HOST,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "client"))),
        },
        directory=ROOT,
    )
    with serving(launch, port, cores=server_cores(1), log=BUILD / "server.log") as server:
        yield server.pid, Api(port, retailer), port


async def _furnished(url: str, keys: Keys) -> Retailer:
    database = await connect(url, keys)
    try:
        made: Retailer = await database.write(_furnish)
        return made
    finally:
        await database.close()


async def _furnish(tx: Tx) -> Retailer:
    retailer = await retailers.create_retailer(tx, slug="pages", name="Pages")
    client = await clients.create(tx, retailer="pages", scopes=[FULFILLMENT])
    await stores.save(tx, retailer.id, [store("here")])
    for kind in KINDS:
        await plans.set_plan(tx, retailer.id, plans.EVERY_STORE, kind, Plan(capacity=1_000_000))
    assert client.client_secret is not None
    return Retailer(retailer.id, client.client_id, client.client_secret)


def _page(visits: rounds.Visits, options: argparse.Namespace) -> list[str]:
    lines = [
        "# Open pages of orders",
        "",
        f"One process, {options.pages} open pages, each of an order of its own. Medians of {options.rounds} rounds.",
        "",
        "| database | memory of a stream, KiB | commit to news, p50 and p99, ms | commit to page, p50 and p99, ms |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kind, of_kind in rounds.by_database(visits):
        stream = median(visit["stream"] for visit in of_kind) / 1024
        figures = [
            f"{_median(of_kind, 50, name):.0f}, {_median(of_kind, 99, name):.0f}" for name in ("news", "fetched")
        ]
        lines.append(f"| {kind} | {stream:.1f} | {figures[0]} | {figures[1]} |")
    lines += [
        "",
        "| database, operation | p50 without pages, ms | with pages | p99 without pages, ms | with pages |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for kind, of_kind in rounds.by_database(visits):
        for name in (CREATE, LIST):
            shown = [f"{_median(of_kind, share, when, name):.2f}" for share in (50, 99) for when in ("alone", "beside")]
            lines.append(f"| {kind}, {name} | {' | '.join(shown)} |")
    return lines


def _median(visits: Sequence[Mapping[str, Any]], share: int, *names: str) -> float:
    """The median over the visits of a percentile of their milliseconds."""
    found = []
    for visit in visits:
        seconds: Any = visit
        for name in names:
            seconds = seconds[name]
        found.append(1000 * quantiles(seconds, n=100)[share - 1])
    return median(found)


if __name__ == "__main__":
    main()
