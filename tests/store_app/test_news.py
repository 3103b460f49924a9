"""The stream of a tablet's pages: versions only, for its own store."""

from collections.abc import Iterator

import pytest

from handcart.core.web import news as streams
from handcart.store_app import news
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.streams import versions
from tests.support.tablets import Counter


@pytest.fixture
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server)


def test_order_of_the_store_changes_then_its_tablets_hear_each(market: Market) -> None:
    counter = Counter(market)
    with counter.http.stream("GET", "/store/news") as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
        told = versions(response.iter_lines())
        seen = [next(told)]
        order_id = market.order("dispatch")["id"]
        seen.append(next(told))
        Counter(market).stage(order_id)
        seen.append(next(told))
    assert len(set(seen)) == len(seen)
    assert order_id not in "".join(seen)


def test_order_of_another_store_changes_then_nothing(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    counter = Counter(market)
    with counter.http.stream("GET", "/store/news") as response:
        lines = response.iter_lines()
        next(line for line in lines if line.startswith("data: "))
        market.order("dispatch", location_code="dry")
        assert {next(lines) for _ in range(30)} == {"", ": still here"}


def test_tablet_is_locked_or_has_many_pages_then_no_stream(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter(market)
    monkeypatch.setattr(news, "MOST_OF_TABLET", 0)
    assert counter.http.get("/store/news").status_code == 429
    counter.open("/store")
    counter.submit("/store/lock")
    assert counter.http.get("/store/news").headers["location"].startswith("/store/people")
