"""The stream of an open page: the newest version first, then each newer one, and an end."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import httpx
import pytest

from handcart.chat import queries as chat
from handcart.core.db import Tx
from handcart.core.web import news as news_of_pages
from handcart.order_page import live
from tests.order_page.customer import Customer, path_of
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import live_server, make_data
from tests.support.streams import versions


@contextmanager
def news(market: Market, path: str) -> Iterator[Iterator[str]]:
    """The lines of a page's stream."""
    with market.server.http().stream("GET", path + "/news") as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["cache-control"] == "no-store"
        assert "content-length" not in response.headers
        yield response.iter_lines()


def version(lines: Iterator[str]) -> str:
    """The version of the next event."""
    return next(versions(lines))


def shown(page: httpx.Response) -> str:
    """The version that a page says it has."""
    found = re.search(r'data-version="([^"]+)"', page.text)
    assert found
    return found[1]


def watch_of(market: Market) -> live.Watch:
    """What the open pages of the server get their news from."""
    return next(one for one in market.server.app._background if isinstance(one, live.Watch))


def test_order_changes_then_the_stream_says_each_version(
    customer: Customer, market: Market, shopping: Shopping
) -> None:
    order = customer.order()
    with news(market, path_of(order)) as lines:
        first = version(lines)
        assert first == shown(customer.open(order))
        batch = shopping.batch(order["id"])
        second = version(lines)
        shopping.reach(batch, "picking")
        third = version(lines)
        assert third == shown(customer.open(order))
        customer.submit(customer.open(order), "/chat", body="Hello")
        fourth = version(lines)
    assert len({first, second, third, fourth}) == 4
    assert order["id"] not in first + second + third + fourth


def test_order_changed_while_no_page_was_open_then_a_stream_begins_so(
    customer: Customer, market: Market, shopping: Shopping
) -> None:
    order = customer.order()
    with news(market, path_of(order)) as lines:
        first = version(lines)
    shopping.batch(order["id"])
    with news(market, path_of(order)) as lines:
        assert version(lines) != first


def test_other_order_changes_then_the_stream_says_nothing(
    customer: Customer, market: Market, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_of_pages, "HEARTBEAT_SECONDS", 0.05)
    order, other = customer.order(), customer.order()
    with news(market, path_of(order)) as lines:
        version(lines)
        shopping.batch(other["id"])
        for _ in range(20):
            assert next(lines) in ("", ": still here")


def test_link_is_open_too_often_then_refused_until_a_page_is_closed(
    customer: Customer, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_LINK", 1)
    order = customer.order()
    with news(market, path_of(order)) as lines:
        version(lines)
        refused = market.server.http().get(path_of(order) + "/news")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")


def test_pages_of_a_link_open_at_once_then_no_more_than_the_limit(
    customer: Customer, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_LINK", 1)
    monkeypatch.setattr(news_of_pages, "HEARTBEAT_SECONDS", 0.05)
    order, tries, asked = customer.order(), 3, asyncio.Event()
    said, watch = Barrier(tries), watch_of(market)
    waiting: list[live.Key] = []

    async def together(tx: Tx, keys: Sequence[live.Key]) -> Mapping[live.Key, str]:
        waiting.extend(keys)
        if len(waiting) == tries:
            asked.set()
        await asked.wait()
        return await chat.versions(tx, keys)

    monkeypatch.setattr(watch, "_versions", together)

    def stays_open(_: int) -> bool:
        with market.server.http().stream("GET", path_of(order) + "/news") as response:
            is_open = any(line == ": still here" for line in response.iter_lines())
            said.wait(60)
            return is_open

    with ThreadPoolExecutor(tries) as pool:
        assert sum(pool.map(stays_open, range(tries))) == 1


def test_link_is_wrong_then_no_stream(market: Market) -> None:
    assert market.server.http().get(f"/o/{'A' * 32}/news").status_code == 404


def test_server_stops_then_streams_end_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("stops")
    make_data(data)
    with live_server(f"sqlite:///{data}/handcart.db", data) as server:
        market = Market(server)
        path = path_of(market.order())
        response = httpx.Client(base_url=server.url, timeout=30, trust_env=False)
        stream = response.send(response.build_request("GET", path + "/news"), stream=True)
        lines = stream.iter_lines()
        version(lines)
        assert server.app.connections.streams
    assert not server.app.connections.streams
    assert [line for line in lines if line.startswith("data")] == []
