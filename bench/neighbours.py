"""Measure how one retailer's load slows down another one: `python -m bench.neighbours`.

Runs one `handcart serve` process as in production, which also sends callbacks. A quiet retailer creates orders, lists
them and gets its callbacks; it is measured alone, and then while another retailer creates large orders whose callbacks
go to 50 webhooks that hang, drip or flood. Ratios are of one visit, medians of all rounds.
"""

import argparse
import asyncio
import http.client
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from bench import rounds
from bench.callbacks import arrivals, arrived, process, until
from bench.processes import HOST, ROOT, Launch, free_port, load_cores, server_cores, serving
from handcart.callbacks import webhooks
from handcart.callbacks.models import PRODUCTION
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.db.connect import connect
from handcart.core.db.migrate import migrate
from handcart.core.outbound.client import UrlRules
from handcart.core.secret import Keys
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.stores import ops as stores
from handcart.stores.models import LAST_MILE
from tests.support.stores import store

BUILD = rounds.directory_of("neighbours")
CREATE, LIST, CALLBACK = "create", "list", "callback"
GOAL = 2.0
PER_SECOND = 30
NOISES = ("hang", "drip", "flood")
FAT = 15_000  # characters of metadata: nearly the maximum of an order
WARM_UP = 30


@dataclass
class Retailer:
    """One of the two retailers, with its credentials."""

    id: int
    client_id: str
    client_secret: str
    token: str = ""


@dataclass
class Times:
    """Seconds of each operation; for callbacks, from the response to the creation until arrival."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {CREATE: [], LIST: [], CALLBACK: []})

    def p99(self) -> Mapping[str, float]:
        return {name: quantiles(found, n=100)[98] for name, found in self.seconds.items()}


class Api:
    """A keep-alive connection to the server, with a retailer's token."""

    def __init__(self, port: int, retailer: Retailer) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)
        self._retailer = retailer
        if not retailer.token:
            asked = {"client_id": retailer.client_id, "client_secret": retailer.client_secret}
            grant = {"grant_type": "client_credentials", "scope": FULFILLMENT}
            retailer.token = self.call("POST", "/v2/oauth/token", {**asked, **grant})["access_token"]
            self.call("POST", "/v2/fulfillment/users", {"user_id": "user", "first_name": "Sample"})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of the response; ends the program if the call fails."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._retailer.token}"}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != http.client.OK:
            sys.exit(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def create(self, user_id: str, order_id: str, **more: Any) -> Any:
        """Create a dispatch order, which needs no hold."""
        noon = clock.of_process() // clock.DAY * clock.DAY + 2 * clock.DAY + 18 * clock.HOUR  # in Chicago
        body = {
            "user_id": user_id,
            "order_id": order_id,
            "location_code": "here",
            "first_name": "Sample",
            "last_name": "Member",
            "user_phone": "+13125550188",
            "items_count": 3,
            "items_weight": 4.5,
            "address": {"address_line_1": "350 W Oak St", "postal_code": "60610"},
            "start_at": clock.to_wire(noon),
            "end_at": clock.to_wire(noon + 2 * clock.HOUR),
            **more,
        }
        return self.call("POST", "/v2/fulfillment/lastmile/orders", body)


def main() -> None:
    parser = rounds.parser("neighbours", __doc__)
    parser.add_argument("--orders", type=int, default=300, help="orders of the quiet retailer, alone and beside noise")
    parser.add_argument("--fat-orders", type=int, default=100, help="orders of the noisy one")
    rounds.run(parser.parse_args(), BUILD, _visit, _page)


def _visit(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """p99 of the quiet retailer's operations in seconds, alone and together with the noisy one."""
    sink, noise, port = free_port(), free_port(), free_port()
    secret_key = secrets.token_urlsafe(32)
    keys = Keys(secret_key.encode())
    migrate(url, keys)
    quiet, noisy = asyncio.run(_furnished(url, keys, sink, noise))
    with ExitStack() as stack:
        for module, at in (("bench.sink", sink), ("bench.noise", noise)):
            stack.enter_context(
                process([sys.executable, "-m", module, str(at)], load_cores(1), {}, BUILD / "processes.log")
            )
        until(lambda: arrived(sink) == 0)
        launch = Launch(
            command=[
                sys.executable,
                "-m",
                "bench.unguarded",
                "serve",
                "--database",
                url,
                "--host",
                HOST,
                "--port",
                str(port),
            ],
            live_path="/live",
            environment={
                "HANDCART_SECRET_KEY": secret_key,
                "HANDCART_PUBLIC_URL": "https://connect.example.org",
                "HANDCART_TRUSTED_PROXIES": "none",
                "HANDCART_CALLBACK_NETWORKS": f"{HOST}/32",
                "HANDCART_CALLBACK_HTTP": "on",
                "HANDCART_CALLBACK_PORTS": "*",
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "client"))),
            },
            directory=ROOT,
        )
        stack.enter_context(serving(launch, port, cores=server_cores(1), log=BUILD / "server.log"))
        api = Api(port, quiet)
        _measure(api, sink, "warm-up", WARM_UP)
        alone = _measure(api, sink, "alone", options.orders)
        with _noise(Api(port, noisy), options.fat_orders, options.orders / PER_SECOND):
            beside = _measure(api, sink, "beside", options.orders)
    return {"alone": alone.p99(), "beside": beside.p99()}


def _measure(api: Api, sink: int, name: str, orders: int) -> Times:
    """Create orders one after the other, list those of a user, and measure when each callback arrives."""
    arrivals(sink)
    times, created = Times(), []
    begun = time.monotonic()
    for number in range(orders):
        time.sleep(max(0.0, begun + number / PER_SECOND - time.monotonic()))
        at = time.monotonic()
        api.create("user", f"{name}-{number}")
        created.append(time.monotonic())
        times.seconds[CREATE].append(created[-1] - at)
        api.call("GET", "/v2/fulfillment/users/user/orders?limit=20")
        times.seconds[LIST].append(time.monotonic() - created[-1])
    until(lambda: arrived(sink) >= orders)
    # One webhook gets one event per order, and orders are created one after the other.
    came = sorted(arrivals(sink).values())
    times.seconds[CALLBACK] = [max(0.0, at - begun_at) for at, begun_at in zip(came, created, strict=True)]
    return times


@contextmanager
def _noise(api: Api, fat_orders: int, seconds: float) -> Iterator[None]:
    """Create large orders at a constant rate until the block ends, starting a little before it."""
    is_over = threading.Event()

    def create() -> None:
        for number in range(fat_orders):
            if is_over.wait(0.8 * seconds / fat_orders):
                return
            api.create("user", f"fat-{number}", metadata={"a": "x" * FAT})

    thread = threading.Thread(target=create)
    thread.start()
    time.sleep(1)
    yield
    is_over.set()
    thread.join()


async def _furnished(url: str, keys: Keys, sink: int, noise: int) -> tuple[Retailer, Retailer]:
    database = await connect(url, keys)
    try:
        quiet: Retailer = await database.write(_furnish, "quiet", [f"http://{HOST}:{sink}/callbacks"])
        urls = [f"http://{HOST}:{noise}/{NOISES[n % len(NOISES)]}/{n}" for n in range(webhooks.MOST_WEBHOOKS)]
        noisy: Retailer = await database.write(_furnish, "noisy", urls)
        return quiet, noisy
    finally:
        await database.close()


async def _furnish(tx: Tx, slug: str, urls: Sequence[str]) -> Retailer:
    retailer = await retailers.create_retailer(tx, slug=slug, name=slug)
    client = await clients.create(tx, retailer=slug, scopes=[FULFILLMENT])
    await stores.save(tx, retailer.id, [store("here")])
    await plans.set_plan(tx, retailer.id, plans.EVERY_STORE, LAST_MILE, Plan(capacity=100_000))
    policy = webhooks.Policy(rules=UrlRules(True, range(1, 65_536), (f"{HOST}/32",)), environment=PRODUCTION)
    for url in urls:
        auth_uri = f"{url[: url.index('/', 8)]}/token"
        wanted = webhooks.Configuration(callback_url=url, auth_uri=auth_uri, client_id="bench", client_secret="bench")
        await webhooks.create(tx, retailer.id, wanted, policy)
    assert client.client_secret is not None
    return Retailer(retailer.id, client.client_id, client.client_secret)


def _page(visits: rounds.Visits, options: argparse.Namespace) -> list[str]:
    lines = [
        "# Performance beside a noisy neighbour",
        "",
        f"One process, {options.orders} orders at {PER_SECOND} a second, alone and beside {options.fat_orders} fat"
        f" orders whose callbacks go to {webhooks.MOST_WEBHOOKS} webhooks that hang, drip or flood.",
        f"Medians of {options.rounds} rounds; the ratio is the median of the rounds' ratios.",
        "",
        "| database, operation | p99 alone, ms | p99 beside noise, ms | ratio | goal |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for kind, of_kind in rounds.by_database(visits):
        for name in (CREATE, LIST, CALLBACK):
            alone, beside = (median(1000 * visit[when][name] for visit in of_kind) for when in ("alone", "beside"))
            ratio = median(visit["beside"][name] / visit["alone"][name] for visit in of_kind)
            verdict = "reached" if ratio <= GOAL else "not reached"
            lines.append(f"| {kind}, {name} | {alone:.1f} | {beside:.1f} | {ratio:.2f} | <= {GOAL:.0f}: {verdict} |")
    return lines


if __name__ == "__main__":
    main()
