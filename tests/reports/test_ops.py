"""Ended orders as figures: what counts, on which day, and that a second count changes nothing."""

from typing import Any

import pytest

from handcart.callbacks import queries as callbacks
from handcart.core import clock
from handcart.orders import samples
from handcart.reports import ops, queries
from handcart.reports.models import Counts
from handcart.reports.queries import Wanted
from handcart.retailers.models import Caller
from tests.support.money import complete, count, ended, faults
from tests.support.orders import MILK, Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.working import Working


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, capacity=200)


def figures(market: Market, first: str = "2000-01-01", last: str = "2098-12-31", **more: Any) -> Counts:
    wanted = Wanted(first, last, "store", market.retailer.id, **more)
    return queries.total(market.server.read(queries.figures, wanted))


def test_items_are_found_and_refunded_then_counts_and_value(market: Market, server: LiveServer) -> None:
    ana, shopping = Working(server, "Ana"), Shopping(market)
    lines = [MILK, {"line_num": "2", "count": 3, "item": {"rrc": "bread"}}]
    order_id = market.order("delivery", items=lines)["id"]
    batch_id = ana.batch(market, order_id)
    shopping.reach(batch_id, "picking")
    refunded = {"item": {"status": "to_refund", "delivered_count": 0}}
    answer = shopping.item(ana.shopper(market), order_id, "2", **refunded["item"])
    assert answer.status_code == 200, answer.text
    shopping.reach(batch_id, "completed")
    count(market)
    found = figures(market)
    assert (found.orders, found.lines, found.found, found.refunded, found.units) == (1, 2, 1, 1, 2)
    assert found.refund_cents == 3 * 425
    server.sql("UPDATE items SET price_cents = 1 WHERE retailer_id = $1 RETURNING rrc", market.retailer.id)
    server.write(ops.count_again, market.retailer.id)
    count(market)
    assert figures(market) == found
    assert figures(market, person_id=ana.id) == found
    assert figures(market, person_id=1) == Counts()
    assert not faults(market)


def test_order_ends_about_midnight_then_it_counts_on_its_stores_day(market: Market, server: LiveServer) -> None:
    for order_id, at in (("a", "2024-11-03T23:59:59-06:00"), ("b", "2024-11-04T00:00:00-06:00")):
        market.order("dispatch", order_id=order_id)
        complete(market, Working(server), order_id)
        ended(market, order_id, clock.from_wire(at, "time"))
    count(market)
    days = server.read(queries.figures, Wanted("2024-11-02", "2024-11-04", "day", market.retailer.id))
    assert [(one.key, one.counts.orders) for one in days] == [("2024-11-02", 0), ("2024-11-03", 1), ("2024-11-04", 1)]
    weeks = server.read(queries.figures, Wanted("2024-11-02", "2024-11-04", "week", market.retailer.id))
    assert [(one.key, one.counts.orders) for one in weeks] == [("2024-10-28", 1), ("2024-11-04", 1)]


def test_order_is_canceled_then_it_is_one_that_was_canceled(market: Market) -> None:
    order_id = market.order("dispatch")["id"]
    market.post(f"/v2/fulfillment/lastmile/orders/{order_id}/cancel").raise_for_status()
    count(market)
    assert figures(market) == Counts(canceled=1)


def test_order_is_late_then_it_is_not_on_time(market: Market, server: LiveServer) -> None:
    order_id = market.order("dispatch")["id"]
    complete(market, Working(server), order_id)
    count(market)
    assert (figures(market).orders, figures(market).late) == (1, 0)
    server.sql("UPDATE orders SET window_ends_at = 1 WHERE order_id = $1 RETURNING number", order_id)
    server.write(ops.count_again, market.retailer.id)
    count(market)
    assert (figures(market).orders, figures(market).late) == (1, 1)


def test_callbacks_of_a_day_are_counted_then_written_once(market: Market, server: LiveServer) -> None:
    from datetime import date

    of, day = market.retailer.id, date(2026, 1, 31)

    async def results(tx: Any, retailer_id: int, since: int, until: int) -> tuple[int, int]:
        return (9, 1) if until - since == clock.DAY else (0, 0)

    real, callbacks.results = callbacks.results, results
    try:
        for _ in range(2):
            server.wait_for(ops.count_callbacks(server.app.database, of, day, "UTC"))
    finally:
        callbacks.results = real
    found = server.read(queries.callbacks, Wanted("2026-01-31", "2026-01-31", "day", of))
    assert found == {"2026-01-31": (9, 1)}


def test_order_is_a_test_then_no_report_and_no_money_counts_it(market: Market, server: LiveServer) -> None:
    caller = Caller("client", 1, market.retailer.id, market.retailer.isolation_id, (), None)
    placed = server.write(samples.place, caller, "pickup", market.customer(), is_test=True)
    theirs = market.order("pickup", order_id="TEST-1")["id"]
    complete(market, Working(server), placed.order_id, kind="pickup")
    complete(market, Working(server), theirs, kind="pickup")
    count(market)
    assert figures(market).orders == 1
    lines = server.sql("SELECT DISTINCT order_id FROM money_lines WHERE retailer_id = $1", market.retailer.id)
    assert placed.order_id not in [row["order_id"] for row in lines]
    assert not faults(market)
