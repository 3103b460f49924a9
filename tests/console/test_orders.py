"""The board of orders: filters, counts, pages of rows, the file, and what a role may see."""

import csv
import io
import re

import pytest

from handcart.assignment import queries
from handcart.assignment.models import LATE
from handcart.assignment.queries import STATES
from handcart.core.web.pages import texts
from handcart.orders import states
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, Market
from tests.support.pages import is_error, is_page
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, capacity=200)


def listed(person: Person) -> list[str]:
    """The order ids in the table of the open page."""
    return re.findall(r'<th scope="row"><a href="[^"]+"><bdi>([^<]+)</bdi>', person.page.text)


def warn(market: Market, order_id: str, kind: str) -> None:
    market.server.sql(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, $2, $3, 1) RETURNING kind",
        *(market.retailer.id, order_id, kind),
    )


def test_board_is_opened_then_late_orders_come_first_with_counts(market: Market) -> None:
    for kind in KINDS:
        market.order(kind, order_id=f"a {kind}")
    Shopping(market).batch("a pickup", workflow_state="picking")
    warn(market, "a pickup", LATE)
    person = Person(market.server, "dispatcher")
    page = is_page(person.open("/console/orders", retailer=market.slug)).text
    assert listed(person)[0] == "a pickup"
    assert sorted(listed(person)) == sorted(f"a {kind}" for kind in KINDS)
    plain = re.sub(r"<[^>]+>", "", page)
    for chip in ("Unassigned 3", "Late 1", "All open 4", "New 3", "Picking 1", "Completed", "Canceled"):
        assert chip in plain, chip
    assert "Shopper of the API" in page
    assert "12:00" in page.replace("\u202f", " ")
    (late,) = re.findall(r'href="([^"]+)" class="warn">Late', page)
    person.open(late.replace("&amp;", "&"))
    assert listed(person) == ["a pickup"]


def test_no_orders_then_board_says_so_or_names_the_filters(market: Market, server: LiveServer) -> None:
    person = Person(server, "retailer_manager", market.retailer.id)
    assert "No open orders yet." in is_page(person.open("/console/orders")).text
    assert "No orders fit these filters." in is_page(person.open("/console/orders", kind="pickup")).text


def test_filters_are_given_then_the_address_has_them_all(market: Market) -> None:
    market.order("delivery", order_id="one")
    market.order("pickup", order_id="two", slot={"location": "dry"}, location_code="dry")
    Shopping(market).simulate("one", "canceled")
    person = Person(market.server)
    day = market.server.sql("SELECT window_starts_at AS at FROM orders WHERE order_id = 'two'")[0]["at"]
    expected = [
        ({"store": "dry"}, ["two"]),
        ({"store": "here"}, []),
        ({"kind": "pickup"}, ["two"]),
        ({"kind": "made up"}, ["two"]),
        ({"state": "canceled"}, ["one"]),
        ({"state": "made up"}, ["two"]),
        ({"need": "unassigned"}, ["two"]),
        ({"need": "late"}, []),
        ({"id": "one"}, ["one"]),
        ({"id": " two "}, ["two"]),
        ({"day": "2001-01-01"}, []),
        ({"day": "9999-12-31"}, ["two"]),
        ({"day": "no day"}, ["two"]),
        ({"after": "0.1.1"}, ["two"]),
        ({"after": f"1.{day * 2}.1"}, []),
        ({"after": "1.2"}, ["two"]),
    ]
    wrong = [
        (fields, listed(person))
        for fields, found in expected
        if is_page(person.open("/console/orders", retailer=market.slug, **fields)) and listed(person) != found
    ]
    assert wrong == []
    for fields in ({"retailer": "no-retailer"}, {"retailer": market.slug, "store": "no store"}):
        is_error(person.open("/console/orders", **fields), 404, "not_found")


def test_customer_is_searched_then_their_orders_in_any_state(market: Market, server: LiveServer) -> None:
    user_id = market.customer(first_name="Ottoline", phone_number="+13125550193")
    for order_id in ("one", "two"):
        market.order("delivery", user_id, order_id=order_id)
    market.order("delivery", order_id="other")
    Shopping(market).simulate("one", "canceled")
    person = Person(server, "retailer_manager", market.retailer.id)
    expected: list[tuple[dict[str, str], list[str]]] = [
        ({"customer": "OTTO"}, ["two", "one"]),
        ({"customer": "0193", "view": "store"}, ["two", "one"]),
        ({"customer": "otto", "state": "canceled"}, ["one"]),
        ({"customer": "otto", "need": "late"}, []),
        ({"customer": "otto", "need": "unassigned"}, ["two"]),
        ({"customer": "otto", "store": "dry"}, []),
        ({"customer": "otto", "shopper": "1"}, []),
        ({"customer": "nobody"}, []),
    ]
    for fields, found in expected:
        is_page(person.open("/console/orders", **fields))
        assert listed(person) == found, fields
    stranger = Person(server, "retailer_manager", Market(server).retailer.id)
    is_page(stranger.open("/console/orders", customer="ottoline"))
    assert listed(stranger) == []


def test_more_orders_than_a_page_then_each_is_on_one_and_in_the_file(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "ROWS", 3)
    made = [market.order("dispatch", order_id=f"=order {number}")["id"] for number in range(7)]
    person = Person(market.server)
    person.open("/console/orders", retailer=market.slug, kind="dispatch")
    found = listed(person)
    while following := re.search(r'href="([^"]+)">Next page', person.page.text):
        person.open(following[1].replace("&amp;", "&"))
        assert "First page" in person.page.text
        found += listed(person)
    assert sorted(found) == sorted(made)
    answer = person.open("/console/orders.csv", retailer=market.slug, kind="dispatch")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["order_id"] for row in rows] == [f"'{order_id}" for order_id in found]
    assert {row["retailer"] for row in rows} == {market.slug}


def test_role_then_only_orders_of_its_retailer_and_store(market: Market, server: LiveServer) -> None:
    other = Market(server)
    other.order(order_id="of another")
    market.order(order_id="of here")
    market.order(order_id="of dry", slot={"location": "dry"}, location_code="dry")
    manager = Person(server, "retailer_manager", market.retailer.id)
    manager.open("/console/orders")
    assert sorted(listed(manager)) == ["of dry", "of here"]
    associate = Person(server, "store_associate", market.retailer.id, market._stores["dry"].number)
    associate.open("/console/orders")
    assert listed(associate) == ["of dry"]
    for person in (manager, associate):
        with nothing_written(server):
            is_error(person.open("/console/orders", retailer=other.slug), 404, "not_found")
            is_error(person.open("/console/orders.csv", retailer=other.slug), 404, "not_found")
        person.open("/console/orders", id="of another")
        assert listed(person) == []
    is_error(associate.open("/console/orders", store="here"), 404, "not_found")


@on_sqlite
def test_not_signed_in_then_the_sign_in_page(server: LiveServer) -> None:
    for path in ("/console/orders", "/console/orders.csv", "/console/orders/a/b"):
        assert server.http().get(path).headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_state_or_step_then_it_has_a_text(language: str) -> None:
    known = texts(language)
    wanted = {f"console.state.{state}" for state in STATES}
    for workflow in states.WORKFLOWS.values():
        steps = workflow.events.keys() - workflow.states.keys()
        wanted |= {f"console.step.{step.replace(' ', '_')}" for step in steps}
    assert sorted(wanted - known.keys()) == []


def test_french_then_the_board_is_french(market: Market) -> None:
    market.order()
    person = Person(market.server)
    page = is_page(person.open("/console/orders", retailer=market.slug, locale="fr-CA")).text
    assert "Toutes en cours" in page
    assert "Nouvelle" in page
