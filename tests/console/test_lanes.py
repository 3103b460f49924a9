"""The board in columns, its filters by time and need, and its versions."""

import re

import pytest

from handcart.assignment import ops
from handcart.console import orders
from handcart.core import clock
from handcart.core.web.pages import texts
from handcart.staff.models import SYSTEM
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, Market
from tests.support.pages import is_page
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, capacity=200)


def lanes(page: str) -> dict[str, tuple[int, list[str]]]:
    """Of each column: how many orders it has, and which it shows."""
    found = {}
    for part in page.split('<section class="lane"')[1:]:
        name, many = re.findall(r"<h2[^>]*><bdi>([^<]+)</bdi> <span class=\"count\">(\d+)<", part)[0]
        found[name] = int(many), re.findall(r'data-row>\s*<a href="[^"]+"><bdi>([^<]+)</bdi>', part)
    return found


def test_board_is_seen_in_three_ways_then_each_order_is_in_one_column(market: Market) -> None:
    for kind in KINDS:
        market.order(kind, order_id=f"a {kind}")
    shopper = add_shopper(market.server, "Ada Sample")
    market.server.write(ops.assign, SYSTEM, market.retailer.id, ["a delivery"], shopper.id)
    person = Person(market.server, "dispatcher")
    found = {}
    for view in ("state", "shopper", "store"):
        page = is_page(person.open("/console/orders", retailer=market.slug, view=view))
        found[view] = lanes(page.text)
        assert sorted(one for _, listed in found[view].values() for one in listed) == sorted(
            f"a {one}" for one in KINDS
        )
    assert found["state"]["New"][0] == len(KINDS)
    assert found["shopper"]["Ada Sample"] == (1, ["a delivery"])
    assert found["shopper"]["Unassigned"][0] == len(KINDS) - 1


def test_column_has_more_than_it_shows_then_it_leads_to_the_list_of_all(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(orders._CARDS, "state", 2)
    for number in range(5):
        market.order(order_id=f"order {number}")
    person = Person(market.server, "dispatcher")
    page = person.open("/console/orders", retailer=market.slug, view="state").text
    assert lanes(page)["New"] == (5, ["order 0", "order 1"])
    (url,) = re.findall(r'<p><a href="([^"]+)">and 3 more</a>', page)
    listed = person.open(url.replace("&amp;", "&")).text
    assert all(f"order {number}" in listed for number in range(5))


def test_column_of_a_shopper_of_the_api_then_it_leads_to_its_orders(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(orders._CARDS, "shopper", 1)
    shopping = Shopping(market)
    mine = [market.order(order_id=f"mine {number}")["id"] for number in range(3)]
    shopping.generate(shopping.shopper(), *mine).raise_for_status()
    shopping.generate(shopping.shopper(), market.order(order_id="theirs")["id"]).raise_for_status()
    market.order(order_id="nobody")
    person = Person(market.server, "dispatcher")
    page = person.open("/console/orders", retailer=market.slug, view="shopper").text
    (url,) = re.findall(r'<p><a href="([^"]+)">and 2 more</a>', page)
    listed = person.open(url.replace("&amp;", "&")).text
    assert re.findall(r'<th scope="row"><a href="[^"]+"><bdi>([^<]+)</bdi>', listed) == mine
    assert "3" in re.findall(r'class="count">(\d+)<', listed)
    for wrong in ("api-", "api-x", "api-" + "9" * 30):
        assert person.open("/console/orders", retailer=market.slug, shopper=wrong).status_code == 200


def test_orders_are_filtered_by_time_left_then_file_has_the_same(market: Market) -> None:
    market.order(order_id="early", hour=12)
    market.order(order_id="with wine", hour=14)
    market.server.sql(
        "UPDATE orders SET has_alcohol = $2 WHERE order_id = 'with wine' AND retailer_id = $1 RETURNING 1",
        market.retailer.id,
        True,
    )
    market.server.sql(
        "UPDATE orders SET window_ends_at = 1 WHERE order_id = 'early' AND retailer_id = $1 RETURNING 1",
        market.retailer.id,
    )
    person = Person(market.server, "dispatcher")
    for query, expected in (
        ({"slack": "over"}, ["early"]),
        ({"slack": "short"}, []),
        ({"slack": "enough"}, ["with wine"]),
        ({"skill": "alcohol"}, ["with wine"]),
        ({"slack": "nonsense", "skill": "nonsense", "view": "nonsense", "shopper": "x"}, ["early", "with wine"]),
    ):
        page = person.open("/console/orders", retailer=market.slug, **query).text
        assert re.findall(r'<th scope="row"><a href="[^"]+"><bdi>([^<]+)</bdi>', page) == expected, query
        file = person.open("/console/orders.csv", retailer=market.slug, **query).text
        assert [line.split(",")[0].strip('"') for line in file.splitlines()[1:]] == expected, query
    assert "d over" in person.open("/console/orders", retailer=market.slug).text
    assert texts("en")["console.left.over_days"]


def test_board_did_not_change_then_its_version_is_enough(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.of_process()
    monkeypatch.setattr(clock, "of_process", lambda: now)  # the page changes with each minute
    person = Person(market.server, "dispatcher")
    url = f"/console/orders?retailer={market.slug}&view=state"
    etag = person.open(url).headers["etag"]
    with nothing_written(market.server):
        unchanged = person.http.get(url, headers={"if-none-match": etag})
        assert (unchanged.status_code, unchanged.text) == (304, "")
    market.order()
    assert person.http.get(url, headers={"if-none-match": etag}).status_code == 200
    other = Person(market.server, "dispatcher")
    assert other.http.get(url, headers={"if-none-match": etag}).status_code == 200
