"""What the console and the worker read again and again does not read the whole of a table that only grows.

Tests have small tables, so only the plan of a statement shows what it would read of large ones. This is about SQLite,
which plans without statistics, as in production. PostgreSQL plans by the numbers of rows, so its plans for small tables
show nothing.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from handcart import worker
from handcart.assignment import queries, warnings
from handcart.assignment.models import ANY, WARNINGS, Filters
from handcart.console import first_run, news, tiles
from handcart.console.orders import order_url
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.db.sqlite import SqliteTx
from handcart.orders import counting
from handcart.reports import queries as reports
from handcart.requests import models as calls
from handcart.requests import queries as requests
from handcart.stores import catalog, search
from handcart.upkeep import alerts, figures, limits
from tests.support.console import Person
from tests.support.console_routes import ROUTES_OF_PEOPLE
from tests.support.orders import Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

# Tables that keep what has ended, and catalogs.
LARGE = ("orders", "deliveries", "events", "acts", "messages", "items", "order_history", "order_words", "request_log")
# The partial indexes that have what has ended. The others have only what is open, or failed.
OF_ENDED = ("orders_ended", "orders_by_window")
# The pages of the console that are about no one thing. The first run stops at the first item that fits.
PAGES = [
    route.path
    for route in ROUTES_OF_PEOPLE
    if route.method == "GET"
    and route.path not in (news.PATH, tiles.PATH, first_run.PATH)
    and not set("{.").intersection(route.path)
]

_NAMED = re.compile(rf"(?:FROM|JOIN|,) \(?({'|'.join(LARGE)})\b(?: AS)?(?: ([a-z]\w*))?")
# The highest event id of a retailer: one step in an index, which the plan does not say.
_ONE_END = re.compile(r"SELECT max\(event_id\) AS last FROM events WHERE retailer_id = \$1$")
_RUN = re.compile("SELECT|UPDATE|DELETE|WITH")
_STEP = re.compile(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(?:.*? \((.*)\))?")


class Plans:
    """Statements as they are run, and what SQLite would read for them."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.statements: dict[str, tuple[Any, ...]] = {}
        rows = server.sql("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index'")
        self.tables = {row["name"]: row["tbl_name"] for row in rows}
        self.small = {row["name"] for row in rows if row["sql"] and " WHERE " in row["sql"]} - {*OF_ENDED}

    def run(self, query: Any, *args: Any) -> Any:
        return self.server.read(query, *args)

    def whole_reads(self) -> list[str]:
        """The steps that read all rows of a large table, or all rows that a retailer has in it."""
        ran = [(sql, args) for sql, args in self.statements.items() if _RUN.match(sql) and not _ONE_END.match(sql)]
        return [f"{step}: {sql}" for sql, args in ran for step in self._whole_reads(sql, args)]

    def _whole_reads(self, sql: str, args: tuple[Any, ...]) -> Iterator[str]:
        plan = [row["detail"] for row in self.server.sql(f"EXPLAIN QUERY PLAN {sql}", *args)]
        names = {alias or table for table, alias in _NAMED.findall(sql)}
        is_in_sequence = not any("TEMP B-TREE FOR ORDER BY" in step for step in plan)
        for step in plan:
            if (found := _STEP.match(step)) is None:
                continue
            how, name, index, terms = found.groups()
            is_large = self.tables[index] in LARGE if index in self.tables else name in names
            is_page = index == "orders_ended" and how == "SEARCH" and is_in_sequence
            if is_large and index not in self.small and not is_page and (how == "SCAN" or terms == "retailer_id=?"):
                yield step


@pytest.fixture
def market(server: LiveServer) -> Market:
    """A market with orders in several states; one has a shopper."""
    market = Market(server)
    first, second, _ = (str(market.order(kind)["id"]) for kind in ("delivery", "pickup", "dispatch"))
    Working(server).batch(market, first)
    market.set_status(second, "completed")
    return market


@pytest.fixture
def plans(server: LiveServer, market: Market, monkeypatch: pytest.MonkeyPatch) -> Plans:
    assert server.sql("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'") == []
    plans, cursor = Plans(server), SqliteTx._cursor

    def recorded(tx: SqliteTx, sql: str, args: Any) -> Any:
        if not sql.startswith("EXPLAIN"):
            plans.statements.setdefault(sql, tuple(args))
        return cursor(tx, sql, args)

    monkeypatch.setattr(SqliteTx, "_cursor", recorded)
    return plans


@on_sqlite
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders",
        "SELECT count(*) FROM orders WHERE retailer_id = 1 AND tip_cents > 1",
        "SELECT o.number FROM retailers r JOIN orders o ON o.retailer_id = r.id WHERE o.status = 'canceled'",
        "SELECT count(*) FROM messages WHERE state = 'failed'",
        "SELECT 1 FROM retailers WHERE EXISTS (SELECT 1 FROM acts a WHERE a.rule = retailers.slug)",
    ],
)
def test_statement_reads_a_whole_table_then_it_is_found(plans: Plans, sql: str) -> None:
    async def read(tx: Tx) -> None:
        await tx.all(sql)

    plans.run(read)
    assert len(plans.whole_reads()) == 1


@on_sqlite
def test_lists_of_orders_are_read_then_no_whole_table(plans: Plans, market: Market) -> None:
    own = market.retailer.id
    chosen = [
        Filters(),
        Filters(retailer_id=own),
        Filters(retailer_id=own, store_number=1),
        Filters(kind="pickup", window_from=1, window_until=clock.now() * 2),
        Filters(has_alcohol=True),
        Filters(shopper_id=1),
        Filters(is_taken=True),
        Filters(is_unassigned=True),
        Filters(order_id="ORD-1"),
        *(
            Filters(retailer_id=retailer_id, customer=text)
            for text in ("sample", "sam cust", "0142", "sample 0142")
            for retailer_id in (None, own)
        ),
        Filters(retailer_id=own, customer="sample", store_number=1, status="picking", shopper_id=1),
        *(Filters(retailer_id=retailer_id, warning=kind) for kind in (*WARNINGS, ANY) for retailer_id in (None, own)),
        *(
            Filters(retailer_id=retailer_id, status=status)
            for status in ("picking", "completed", "canceled")
            for retailer_id in (None, own)
        ),
    ]
    for filters in chosen:
        plans.run(queries.orders, filters)
        plans.run(queries.orders, filters, (0, 1, 1))
        plans.run(queries.counts, filters)
        for lane in ("state", "store", "shopper"):
            plans.run(queries.lanes, filters, lane, 5)
    plans.run(queries.warned_at, plans.run(queries.orders, Filters()))
    plans.run(queries.newest_warning)
    assert plans.whole_reads() == []


@on_sqlite
def test_worker_makes_its_rounds_then_no_whole_table(plans: Plans, market: Market) -> None:
    order_id = plans.run(queries.orders, Filters(retailer_id=market.retailer.id))[0].order_id
    plans.run(warnings.of_open, clock.now() * 2, (0, 0), 10)
    plans.run(warnings.of_over, clock.now(), 10)
    plans.run(warnings.of_missing, clock.now(), 10)
    plans.run(warnings.of_order, market.retailer.id, order_id)
    plans.run(counting.waiting, 10)
    plans.run(counting.is_waiting, market.retailer.id)
    plans.run(figures.gauges)
    for step in worker.create_sender(market.server.app.settings)._steps:
        market.server.wait_for(step(market.server.app.database, {}))
    plans.run(alerts.wanted, 0.5)
    plans.run(limits.near, market.server.app.settings)
    assert plans.whole_reads() == []


@on_sqlite
def test_reports_calls_and_catalog_are_read_then_no_whole_table(plans: Plans, market: Market) -> None:
    own = market.retailer.id
    for by in reports.GROUPS:
        plans.run(reports.figures, reports.Wanted("2026-01-01", "2026-02-01", by, own))
        plans.run(reports.figures, reports.Wanted("2026-01-01", "2026-02-01", by))
    plans.run(reports.callbacks, reports.Wanted("2026-01-01", "2026-02-01", retailer_id=own))
    for name in calls.Filters.__struct_fields__:
        plans.run(requests.find, calls.Filters(**{name: 1}))
    plans.run(requests.find, calls.Filters())
    for text in ("", "milk", "whole milk", "0015", "4011"):
        plans.run(catalog.page, market.retailer, text, "", 10)
    plans.run(search.by_code, market.retailer, "0015", 10)
    assert plans.whole_reads() == []


@on_sqlite
def test_pages_of_the_console_are_opened_then_no_whole_table(plans: Plans, market: Market) -> None:
    order_id = plans.run(queries.orders, Filters(retailer_id=market.retailer.id))[0].order_id
    plans.statements.clear()
    person = Person(market.server)
    for page in (*PAGES, order_url(market.slug, order_id)):
        for query in ({}, {"retailer": market.slug}):
            assert person.open(page, **query).status_code in (200, 303), page
    assert plans.statements
    assert plans.whole_reads() == []
