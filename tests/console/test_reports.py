"""Reports: plots, the table of the same figures, filters, the file, and what a role may see."""

import csv
import io
import re

import pytest

from handcart.core import clock
from tests.support.console import Person
from tests.support.money import complete, count, ended
from tests.support.orders import Market
from tests.support.pages import is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

DAYS = {"from": "2024-03-01", "to": "2024-03-10"}


@pytest.fixture
def market(server: LiveServer) -> Market:
    market = Market(server, capacity=200)
    ana = Working(server, "Ana <b>Sample")
    for number in range(3):
        order_id = market.order("dispatch", order_id=str(number))["id"]
        complete(market, ana, order_id)
        ended(market, order_id, clock.from_wire(f"2024-03-0{number + 4}T12:00:00Z", "time"))
    count(market)
    return market


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_report_is_opened_then_plots_and_a_table_have_the_figures(market: Market, server: LiveServer) -> None:
    admin = Person(server)
    page = is_page(admin.open("/console/reports", retailer=market.slug, **DAYS)).text
    assert "<title id='completed-title'>Completed orders</title>" in page.replace('"', "'")
    assert "In total: 3." in page
    assert len(re.findall("<rect ", page)) == 3
    found = rows(admin.open("/console/reports.csv", retailer=market.slug, **DAYS).text)
    assert [one["completed_number"] for one in found] == [*"0001110000"]
    assert {one["on_time_percent"] for one in found} == {"", "100.0"}
    weeks = rows(admin.open("/console/reports.csv", retailer=market.slug, by="week", **DAYS).text)
    assert [(one["week"], one["completed_number"]) for one in weeks] == [("2024-02-26", "0"), ("2024-03-04", "3")]


def test_groups_are_chosen_then_bars_have_the_names(market: Market, server: LiveServer) -> None:
    admin = Person(server)
    for by, name in (("store", f"{market.slug} here"), ("shopper", "Ana &lt;b&gt;Sample"), ("retailer", market.slug)):
        page = is_page(admin.open("/console/reports", retailer=market.slug, by=by, **DAYS)).text
        assert f">{name}</text>" in page, by
    page = is_page(admin.open("/console/reports", retailer=market.slug, store="here", **DAYS)).text
    assert "Slots filled" in page


def test_manager_opens_reports_then_the_own_retailer_without_shoppers(market: Market, server: LiveServer) -> None:
    manager = Person(server, "retailer_manager", market.retailer.id)
    assert "In total: 3." in is_page(manager.open("/console/reports", **DAYS)).text
    assert "Ana" not in manager.open("/console/reports", by="shopper", **DAYS).text
    other = Market(server)
    assert manager.open("/console/reports", retailer=other.slug).status_code == 403
    stranger = Person(server, "retailer_manager", other.retailer.id)
    assert "No orders ended" in is_page(stranger.open("/console/reports", **DAYS)).text


@on_sqlite
def test_filters_cannot_be_then_the_page_still_answers(market: Market, server: LiveServer) -> None:
    admin = Person(server)
    for query in ({"from": "x"}, {"from": "2024-03-09", "to": "2024-03-01"}, {"to": "0001-01-01"}, {"shopper": "=1"}):
        assert admin.open("/console/reports", by="fortnight", **query).status_code == 200, query
    assert admin.open("/console/reports", retailer="nobody").status_code == 404
    assert admin.open("/console/reports", retailer=market.slug, store="nowhere").status_code == 404
    long = rows(admin.open("/console/reports.csv", **{"from": "2000-01-01", "to": "2098-01-01"}).text)
    assert len(long) == 92
