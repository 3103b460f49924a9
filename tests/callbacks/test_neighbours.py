"""Retailers share a process: hanging receivers delay only their own retailer's callbacks."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from handcart.callbacks import queue, receiver_tokens, sender, transport, webhooks
from handcart.callbacks.models import DEVELOPMENT
from handcart.callbacks.sender import Sender
from handcart.core.outbound.connections import CONNECTIONS_EACH, TO_ADDRESS_EACH
from handcart.core.outbound.dns import LOOKUPS_EACH
from handcart.events import queries
from handcart.sandbox import state
from tests.callbacks.conftest import Post, _emit
from tests.support.callback_receiver import LOOPBACK, subscribe
from tests.support.orders import Market
from tests.support.receivers import HERE, receiving, saying
from tests.support.server import on_sqlite

WEBHOOKS = webhooks.MOST_WEBHOOKS
ORDERS = 6


@asynccontextmanager
async def running(post: Post) -> AsyncIterator[Sender]:
    """A sender at work, on the server's own loop."""
    one = Sender(LOOPBACK, DEVELOPMENT, clocks=state.clocks)
    await one.open(post.server.app.database)
    yield one
    await one.close()


def emit(post: Post, market: Market, orders: int) -> None:
    for number in range(orders):
        post.server.write(_emit, market.retailer.id, "picking", f"order {number}", {"order_id": f"order {number}"})


def causes(post: Post, market: Market) -> list[str | None]:
    rows = post.server.sql("SELECT cause FROM attempts WHERE retailer_id = $1", market.retailer.id)
    return [row["cause"] for row in rows]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hanging receivers never answer, and a sender that ends does not wait for them."""
    monkeypatch.setattr(sender, "_STOP_SECONDS", 0.1)
    monkeypatch.setattr(transport, "POST_SECONDS", 600)
    monkeypatch.setattr(receiver_tokens, "POST_SECONDS", 600)


@pytest.mark.usefixtures("impatient")
def test_fifty_receivers_of_one_retailer_hang_then_anothers_callbacks_come(post: Post) -> None:
    noisy, healthy = Market(post.server), post.market
    most = {"chains": 0, "descriptors": 0}

    async def run() -> None:
        async with receiving(saying()) as hole:
            for number in range(WEBHOOKS):
                url = {"callback_url": f"http://{HERE}:{hole.port}/{number}"}
                await asyncio.to_thread(post.server.write, subscribe, noisy.retailer.id, post.shop, **url)
            await asyncio.to_thread(emit, post, noisy, ORDERS)
            before = descriptors()
            async with running(post) as one:
                most_held = sender.CHAINS_OF_RETAILER + WEBHOOKS
                while one._places.held(noisy.retailer.id) < sender.CHAINS_OF_RETAILER:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(emit, post, healthy, ORDERS)
                while len(post.shop.callbacks) < ORDERS:
                    most["chains"] = max(most["chains"], one._places.held(noisy.retailer.id))
                    most["descriptors"] = max(most["descriptors"], descriptors() - before)
                    await asyncio.sleep(0.01)
                assert await asyncio.to_thread(causes, post, noisy) == []  # each still hangs
                assert most["chains"] <= most_held
            # Both ends of each connection are in this process, and the tokens' connections.
            assert most["descriptors"] <= 2 * (TO_ADDRESS_EACH + CONNECTIONS_EACH)

    post.subscribe()
    post.server.wait_for(asyncio.wait_for(run(), 100))
    assert set(causes(post, healthy)) == {None}


@on_sqlite
@pytest.mark.usefixtures("impatient")
def test_names_of_one_retailer_never_resolved_then_only_its_own_wait(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy, healthy = Market(post.server), post.market
    go_on = threading.Event()
    asked: list[bytes] = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **more: Any) -> Sequence[Any]:
        if isinstance(host, bytes) and host.endswith(b".example"):
            asked.append(host)
            if host != b"well.example":
                go_on.wait(60)
            host = HERE
        return resolve(host, *args, **more)

    async def run() -> None:
        async with running(post) as one:
            one._client._wait_seconds = 0.05
            while len(asked) < LOOKUPS_EACH:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.to_thread(emit, post, healthy, ORDERS)
            await asyncio.to_thread(post.shop.wait, ORDERS)
            assert {host for host in asked if host != b"well.example"} == set(asked[:LOOKUPS_EACH])
            while not one._resting:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for number in range(WEBHOOKS):
        token_host = {"auth_uri": f"http://hang-{number}.example:9/token"}
        post.server.write(subscribe, noisy.retailer.id, post.shop, **token_host)
    emit(post, noisy, 1)
    port = post.shop.url.rpartition(":")[2]
    post.subscribe(callback_url=f"http://well.example:{port}/callbacks")
    try:
        post.server.wait_for(asyncio.wait_for(run(), 100))
    finally:
        go_on.set()
    assert causes(post, healthy) == [None] * ORDERS
    assert causes(post, noisy) == []
    rows = post.server.sql(
        "SELECT tries, attempts FROM deliveries WHERE retailer_id = $1 AND state = 'pending'", noisy.retailer.id
    )
    assert rows
    assert {(row["tries"], row["attempts"]) for row in rows} == {(0, 0)}


def test_deliveries_made_then_in_steps_that_retailers_share(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_QUEUED", 60)
    noisy, small, healthy = Market(post.server), Market(post.server), post.market
    for market, count in ((noisy, 20), (small, 0), (healthy, 1)):
        for _ in range(count):
            post.server.write(subscribe, market.retailer.id, post.shop)
    emit(post, noisy, 9)
    emit(post, small, 2)
    emit(post, healthy, 3)

    def made() -> dict[Any, int]:
        rows = post.server.sql("SELECT retailer_id, count(*) AS many FROM deliveries GROUP BY retailer_id")
        of = {row["retailer_id"]: row["many"] for row in rows}
        return {market: of.get(market.retailer.id, 0) for market in (noisy, small, healthy)}

    before = made()
    steps = []
    while post.server.write(queue.fan_out, "development"):
        after = made()
        steps.append({market: after[market] - before[market] for market in after})
        before = after
    # The first step has all of those with little to do, though the other has far more.
    assert steps[0][healthy] == 3
    assert max(sum(step.values()) for step in steps) <= 60 + 20
    assert [sum(step[market] for step in steps) for market in (noisy, small, healthy)] == [180, 0, 3]
    assert post.server.read(queries.any_unqueued) is False
