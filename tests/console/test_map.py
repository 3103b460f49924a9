"""The map: stores with areas, shoppers where they were last seen, stops; the same facts as a list; filters."""

import re
from typing import Any

import pytest

from handcart.assignment import queries
from handcart.assignment.models import Filters
from handcart.callbacks import queries as callbacks
from handcart.core import clock
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from handcart.stores import ops as stores
from tests.support.console import Person
from tests.support.orders import STORES, Market
from tests.support.pages import is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.stores import store
from tests.support.working import Working

PATH = "/console/map"
AREA = {"type": "Polygon", "coordinates": [[[-87.7, 41.8], [-87.6, 41.8], [-87.6, 41.95], [-87.7, 41.8]]]}


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def seen(working: Working, minutes: int) -> None:
    """The phone of a shopper told where it is, some minutes ago."""
    at = clock.of_process() - minutes * clock.MINUTE
    working.phone.server.write(positions.report, working.id, [Position(at, 41.9, -87.65)])


def test_shoppers_have_work_then_plan_and_list_show_the_same(market: Market) -> None:
    near, far, lost = (Working(market.server, name) for name in ("Ada Near", "Bo Far", "Cy Lost"))
    first = market.order()["id"]
    second, third = market.order("pickup")["id"], market.order(order_id="<b>third</b>")["id"]
    for working, order_id, minutes in ((near, first, 1), (far, second, 4), (lost, third, None)):
        working.batch(market, order_id)
        if minutes is not None:
            seen(working, minutes)
    market.server.write(stores.save, market.retailer.id, [store("here", sells_alcohol=True, service_area=AREA)])
    person = Person(market.server, "dispatcher")
    page = is_page(person.open(PATH, retailer=market.slug)).text
    assert [page.count(mark) for mark in ('class="shopper"', 'class="shopper stale"')] == [1, 1]
    assert re.search(r'<path class="area" d="M[-0-9. LM]+ Z"/>', page)
    assert page.count('class="store"') == len(STORES)
    for text in (">AN</text>", ">BF</text>", "seen 1 min ago", "seen 4 min ago", "no position", " km</text>"):
        assert text in page, text
    assert page.count('<g class="stop">') == 2  # the second is picked up
    assert "<b>third</b>" not in page
    for order_id in (first, second):
        assert f"/console/orders/{market.slug}/{order_id}" in page
    page = is_page(person.open(PATH, retailer=market.slug, store="dry")).text
    assert (first in page, "Ada Near" in page, page.count('class="store"')) == (False, False, 1)
    page = is_page(person.open(PATH, retailer=market.slug, shopper=str(far.id))).text
    assert (first in page, second in page) == (False, True)
    assert "vu il y a 4" in is_page(person.open(PATH, retailer=market.slug, locale="fr-CA")).text


def test_map_is_asked_for_what_is_not_there_then_a_page(market: Market) -> None:
    person = Person(market.server)
    for wrong in ("0", "-1", "999999999999", "x", "9" * 40):
        page = is_page(person.open(PATH, retailer=market.slug, shopper=wrong)).text
        assert "No shopper has work here" in page, wrong
    assert person.open(PATH, retailer="nowhere").status_code == 404
    assert person.open(PATH, retailer=market.slug, store="nowhere").status_code == 404
    is_page(person.open(PATH))


@on_sqlite
def test_work_positions_and_failures_are_read_then_by_an_index(market: Market) -> None:
    plans: list[str] = []

    class Explaining:
        def __init__(self, tx: Any) -> None:
            self.tx = tx

        async def all(self, sql: str, *args: Any) -> Any:
            plans.append(str([tuple(row) for row in await self.tx.all(f"EXPLAIN QUERY PLAN {sql}", *args)]))
            return []

    async def explain(tx: Any) -> None:
        await queries.orders(Explaining(tx), Filters(is_taken=True))  # type: ignore[arg-type]
        await queries.orders(Explaining(tx), Filters(shopper_id=1))  # type: ignore[arg-type]
        await positions.newest(Explaining(tx), 1)  # type: ignore[arg-type]
        await callbacks.failed_to(Explaining(tx), 1, "a")  # type: ignore[arg-type]

    market.server.write(explain)
    *of_orders, of_positions, of_failures = plans
    assert len(of_orders) == 4  # with a warning, and without
    assert not [plan for plan in of_orders if "orders_open" in plan]  # it has also those that nobody took
    assert "SCAN p" not in of_positions
    assert of_positions.count("(person_id=? AND at>?)") == 4
    assert "deliveries_failed_of_subject" in of_failures


def test_shopper_was_seen_long_ago_then_there_is_no_position(market: Market) -> None:
    working = Working(market.server)
    seen(working, 30)
    for minutes, there in ((29, False), (31, True)):
        since = clock.of_process() - minutes * clock.MINUTE
        assert (working.id in market.server.read(positions.newest, since)) == there
