"""The streams of the console's pages: versions only, to people who may see what the pages show."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from handcart.assignment import ops
from handcart.console import watch
from handcart.core import ids
from handcart.staff.models import SYSTEM
from tests.support.console import Person
from tests.support.orders import Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop
from tests.support.shoppers import add_shopper
from tests.support.streams import versions

BOARD = "/console/news"
MANY_IDS = 1_000_000
_tests = itertools.count(1)


@pytest.fixture
def market(server: LiveServer, _ids: None) -> Market:
    (row,) = server.sql("SELECT max(id) AS newest FROM audit_log")
    # Tests that set the clock leave rows with later ids than those of now: go on after them, with no id made twice.
    ids._last = max(ids._last, (row["newest"] or 0) + next(_tests) * MANY_IDS)
    return Market(server)


@contextmanager
def stream(person: Person, path: str) -> Iterator[Iterator[str]]:
    """The versions that a person's stream says."""
    with person.http.stream("GET", path) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        yield versions(response.iter_lines())


def test_order_placed_given_or_taken_away_then_the_board_hears_each(market: Market) -> None:
    person, shopper = Person(market.server, "dispatcher"), add_shopper(market.server)
    with stream(person, BOARD) as told:
        seen = [next(told)]
        order_id = market.order()["id"]
        seen.append(next(told))
        market.server.write(ops.assign, SYSTEM, market.retailer.id, [order_id], shopper.id)
        seen.append(next(told))
        market.server.write(ops.unassign, SYSTEM, market.retailer.id, order_id, "gone home")
        seen.append(next(told))
    assert len(set(seen)) == len(seen)
    assert order_id not in "".join(seen)


def test_order_of_another_retailer_changes_then_a_manager_hears_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handcart.core.web import news

    monkeypatch.setattr(news, "HEARTBEAT_SECONDS", 0.05)
    manager = Person(market.server, "retailer_manager", Shop(market.server).retailer.id)
    with manager.http.stream("GET", BOARD) as response:
        lines = response.iter_lines()
        next(line for line in lines if line.startswith("data: "))
        market.order()
        assert {next(lines) for _ in range(20)} == {"", ": still here"}


def test_page_of_an_order_is_open_then_only_its_own_changes_are_heard(market: Market) -> None:
    one = market.order()["id"]
    person = Person(market.server, "dispatcher")
    path = f"/console/orders/{market.slug}/{one}"
    page = person.open(path).text
    with stream(person, f"{path}/news") as told:
        first = next(told)
        assert f'data-version="{first}"' in page
        market.order()
        shopper = add_shopper(market.server)
        market.server.write(ops.assign, SYSTEM, market.retailer.id, [one], shopper.id)
        assert next(told) in person.open(path).text


@on_sqlite
def test_stream_of_what_a_person_may_not_see_then_refused(market: Market) -> None:
    order_id = market.order()["id"]
    stranger = Person(market.server, "retailer_manager", Shop(market.server).retailer.id)
    assert stranger.open(f"/console/orders/{market.slug}/{order_id}/news").status_code == 403
    assert market.server.http().get(BOARD).status_code == 303


@on_sqlite
def test_person_has_too_many_pages_open_then_refused(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_OF_PERSON", 1)
    person = Person(market.server, "dispatcher")
    with stream(person, BOARD) as told:
        next(told)
        refused = person.open(BOARD)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")


@pytest.mark.parametrize("change", ["closed_at = 1", "role = 'support'"])
def test_person_is_closed_or_has_another_role_then_open_streams_end(
    market: Market, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    from handcart.core.web import news

    assert news.ALLOWED_SECONDS + watch.LOOK_SECONDS < 30
    monkeypatch.setattr(news, "ALLOWED_SECONDS", 0.05)
    person, other = Person(market.server, "dispatcher"), Person(market.server, "dispatcher")
    path = f"/console/orders/{market.slug}/{market.order()['id']}/news"
    with stream(person, BOARD) as board, stream(person, path) as order, stream(other, BOARD) as others:
        for one in (board, order, others):
            next(one)
        market.server.sql(f"UPDATE staff SET {change} WHERE id = $1 RETURNING id", person.id)
        assert (list(board), list(order)) == ([], [])
        market.order()
        assert next(others)
