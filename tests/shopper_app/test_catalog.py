"""Searching the catalog on a shopper's phone."""

from collections.abc import Iterator

import httpx
import pytest

from handcart.shopper_app.catalog import MOST_CHARACTERS
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import refusal
from tests.support.working import Working


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def person(server: LiveServer) -> Working:
    return Working(server)


def find(person: Working, market: Market, **query: str) -> httpx.Response:
    return person.phone.get("catalog", params={"retailer": market.slug, **query})


def test_shopper_picks_for_a_retailer_then_finds_its_items(market: Market, person: Working) -> None:
    batch_id = person.batch(market, market.order()["id"])
    found = find(person, market, q="bre").raise_for_status().json()
    assert [(one["name"], one["upc"], one["price_cents"]) for one in found["items"]] == [("Bread", "400000000022", 425)]
    assert found["weight"] is None
    assert [one["rrc"] for one in find(person, market, code="0400000000015").json()["items"]] == ["milk"]
    assert find(person, market, code="999").json()["items"] == []
    Shopping(market).reach(batch_id, "completed")
    assert refusal(find(person, market, q="bre")) == (404, "not_found")


def test_shopper_has_no_batch_of_a_retailer_then_its_catalog_is_not_found(market: Market, server: LiveServer) -> None:
    other = Market(server)
    person, colleague = Working(server), Working(server)
    person.batch(market, market.order()["id"])
    colleague.batch(other, other.order()["id"])
    with nothing_written(server):
        assert refusal(find(person, other, q="bread")) == (404, "not_found")
        assert refusal(person.phone.get("catalog", params={"q": "bread"})) == (404, "not_found")
        assert refusal(person.phone.get("catalog", params={"retailer": "%", "q": "bread"})) == (404, "not_found")


@on_sqlite
def test_search_is_malformed_then_it_is_refused(market: Market, person: Working) -> None:
    person.batch(market, market.order()["id"])
    for query in ({}, {"q": " "}, {"q": "x" * (MOST_CHARACTERS + 1)}, {"code": "1" * (MOST_CHARACTERS + 1)}):
        assert refusal(find(person, market, **query)) == (400, "invalid"), query
    for raw in ("q=%00", "q=%ff", "&".join(["q=a"] * 51)):
        answer = person.phone.get(f"catalog?retailer={market.slug}&{raw}")
        assert refusal(answer) == (400, "invalid"), raw
    for odd in ("' OR ''='", "%", "_", "\\", "*", '"', "ё", "🥛", "a" * MOST_CHARACTERS, "-", "<0"):
        assert find(person, market, q=odd).json()["items"] == [], odd
        assert find(person, market, code=odd).json()["items"] == [], odd


@on_sqlite
def test_phone_is_signed_out_then_no_catalog(server: LiveServer) -> None:
    assert refusal(server.http().get("/shopper/api/catalog?q=milk")) == (401, "signed_out")
