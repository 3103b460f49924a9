"""Lists of orders for dispatchers: what they contain, their sequence, their pages, and the indexes they use."""

from typing import Any

import pytest

from handcart.assignment import queries
from handcart.assignment.models import LATE, SILENT, UNTAKEN, WARNINGS, Filters
from handcart.core import clock
from tests.support.orders import KINDS, Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Market:
    """A market with an order of each kind at noon, two delivery orders later, and one that has ended of each way."""
    market = Market(server, capacity=50)
    with server.clients():
        for kind in KINDS:
            market.order(kind, order_id=f"a {kind}")
        for hour in (15, 14):
            market.order("delivery", order_id=f"at {hour}", slot={"hour": hour})
        shopping = Shopping(market)
        for order_id in ("canceled", "completed"):
            market.order("pickup", order_id=order_id, slot={"location": "dry"}, location_code="dry")
        shopping.simulate("canceled", "canceled")
        shopping.complete("completed", "pickup")
        market.order("pickup", order_id="of dry", slot={"location": "dry"}, location_code="dry")
        shopping.batch("at 15", workflow_state="picking")
        warn(market, "at 15", SILENT)
        warn(market, "a pickup", UNTAKEN, ended_at=5)
        yield market


def warn(market: Market, order_id: str, kind: str, ended_at: int | None = None) -> None:
    market.server.sql(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at, ended_at) VALUES ($1, $2, $3, 1, $4)"
        " RETURNING kind",
        *(market.retailer.id, order_id, kind, ended_at),
    )


def listed(market: Market, most: int = 100, **filters: Any) -> list[str]:
    chosen = Filters(retailer_id=market.retailer.id, **filters)
    return [row.order_id for row in market.server.read(queries.orders, chosen, most=most)]


def test_orders_are_listed_then_warned_ones_first_and_then_by_window(market: Market) -> None:
    found = listed(market)
    assert found[0] == "at 15"
    assert set(found[1:6]) == {*(f"a {kind}" for kind in KINDS), "of dry"}
    assert found[6:] == ["at 14"]
    row = market.server.read(queries.order, market.retailer.id, "at 15")
    assert (row.status, row.warnings, row.batch_type, row.person) == ("picking", [SILENT], "delivery", None)
    assert (row.slug, row.location_code, row.accepted_at) == (market.slug, "here", None)
    assert market.server.read(queries.order, market.retailer.id, "no order") is None


def test_filter_is_given_then_only_those_orders_are_listed(market: Market) -> None:
    dry = market._stores["dry"].number
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"status": "picking"}, ["at 15"]),
        ({"status": "canceled"}, ["canceled"]),
        ({"status": "completed"}, ["completed"]),
        ({"status": "completed", "kind": "delivery"}, []),
        ({"kind": "last_mile"}, ["a last_mile"]),
        ({"store_number": dry}, ["of dry"]),
        ({"window_until": market.at(14)}, []),
        ({"window_from": market.at(16), "window_until": market.at(17)}, ["at 14"]),
        ({"warning": "any"}, ["at 15"]),
        ({"warning": SILENT}, ["at 15"]),
        ({"warning": LATE}, []),
        ({"is_unassigned": True, "kind": "delivery"}, ["a delivery", "at 14"]),
        ({"order_id": "canceled"}, ["canceled"]),
        ({"order_id": "cancele"}, []),
        ({"order_id": "a pickup", "store_number": dry}, []),
        ({"shopper_id": 1}, []),
    ]
    wrong = [(filters, listed(market, **filters)) for filters, found in expected if listed(market, **filters) != found]
    assert wrong == []
    everywhere = market.server.read(queries.orders, Filters(order_id="at 15"))
    assert "at 15" in [row.order_id for row in everywhere]


@pytest.mark.parametrize("status", [None, "brand_new", "completed"])
def test_pages_are_read_then_each_order_is_on_one_of_them(market: Market, status: str | None) -> None:
    chosen, found, after = Filters(retailer_id=market.retailer.id, status=status), [], None
    while rows := market.server.read(queries.orders, chosen, after, 2):
        found += [row.order_id for row in rows]
        after = rows[-1].key
    assert found == listed(market, status=status)


def test_orders_are_counted_then_by_state_warning_and_batch(market: Market) -> None:
    counted = market.server.read(queries.counts, Filters(retailer_id=market.retailer.id))
    assert counted.states == {"brand_new": 6, "picking": 1}
    assert counted.warnings == {kind: 1 if kind == SILENT else 0 for kind in WARNINGS}
    assert counted.unassigned == 6
    nobodys = market.server.read(queries.counts, Filters(retailer_id=market.retailer.id, shopper_id=1))
    assert (nobodys.states, nobodys.unassigned) == ({}, 0)


def test_list_is_read_then_it_uses_an_index_for_its_sequence(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without statistics of large tables, PostgreSQL prefers to sort a few rows: there the sort is forbidden."""
    plans: list[str] = []
    is_sqlite = market.server.database == "sqlite"

    class Explaining:
        def __init__(self, tx: Any) -> None:
            self.tx = tx

        async def all(self, sql: str, *args: Any) -> Any:
            if not is_sqlite:
                for name in ("sort", "seqscan", "bitmapscan"):
                    await self.tx.one("SELECT set_config($1, 'off', true)", f"enable_{name}")
            rows = await self.tx.all(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{sql}", *args)
            plans.append("\n".join(str(tuple(row)) for row in rows))
            return []

    async def explain(tx: Any, filters: Filters) -> None:
        await queries.orders(Explaining(tx), filters)  # type: ignore[arg-type]

    for status, index in ((None, "orders_open"), ("completed", "orders_ended")):
        for retailer_id in (None, market.retailer.id):
            plans.clear()
            market.server.write(explain, Filters(retailer_id=retailer_id, status=status))
            assert index in plans[-1], plans[-1]
            assert "TEMP B-TREE FOR ORDER BY" not in plans[-1]
            assert "Sort" not in plans[-1].replace("Incremental Sort", "")
    assert clock.now()
