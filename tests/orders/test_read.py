"""Reading orders: one order, a user's orders, and last mile and dispatch orders with or without `user_id`."""

from typing import Any

import pytest

from handcart.core import clock
from handcart.orders import queries
from tests.support.orders import KINDS, LASTMILE, SHOPPED, USERS, Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shop import Shop, error

MISSING = (404, "Resource not found", 4000, None)
NOBODY = (400, "User Not Found", 1001, "user_id")
GONE = (403, "User Not Active", None, None)


@pytest.mark.parametrize("kind", KINDS)
def test_order_is_read_then_it_is_what_its_creation_answered(market: Market, kind: str) -> None:
    user_id = market.customer()
    ordered = market.order(kind, user_id, locale="en-CA", metadata={"a": [1.5, None, "é"]})
    assert (ordered.keys() >= {"items", "warnings"}) is (kind in SHOPPED)
    whole = {**ordered, "pos_payment_method": "UNSPECIFIED"}
    read = market.read(user_id, ordered["id"])
    assert (read.status_code, read.json()) == (200, whole)
    assert read.headers["cache-control"] == "no-store"
    assert market.http.head(market.path(user_id, ordered["id"]), headers=market.headers).status_code == 200
    carried = market.get(f"{LASTMILE}/{ordered['id']}")
    if kind in SHOPPED:
        assert error(carried) == MISSING
    else:
        assert (carried.status_code, carried.json()) == (200, ordered)


@pytest.mark.parametrize("kind", KINDS)
def test_user_or_order_unknown_then_the_documented_error(market: Market, kind: str) -> None:
    owner, neighbour = market.customer(), market.customer()
    order_id = market.order(kind, owner)["id"]
    assert error(market.read(neighbour, order_id)) == MISSING
    assert error(market.read(owner, f"{order_id} ")) == MISSING
    assert error(market.read("nobody", order_id)) == NOBODY
    assert error(market.read("nobody", "nothing")) == NOBODY


def test_query_names_a_user_then_only_their_carried_order_is_found(market: Market) -> None:
    owner, neighbour = market.customer("käthe & co"), market.customer()
    for kind in ("last_mile", "dispatch"):
        path = f"{LASTMILE}/{market.order(kind, owner)['id']}"
        for query in ({}, {"user_id": owner}, {"other": "x", "user_id": owner}, {"limit": "-1", "cursor": "x'--"}):
            assert market.get(path, params=query).status_code == 200, query
        assert error(market.get(path, params={"user_id": neighbour})) == MISSING
        assert error(market.get(path, params={"user_id": "nobody"})) == NOBODY
        for wrong in ({"user_id": [owner, owner]}, {"user_id": "a\0"}):
            assert error(market.get(path, params=wrong)) == (400, "is invalid", 1001, "user_id")
        assert market.get(f"{path}?user_id=%ff").status_code == 400
    nobodys = f"{LASTMILE}/{market.order('dispatch')['id']}"
    assert market.get(nobodys).status_code == 200
    assert error(market.get(nobodys, params={"user_id": owner})) == MISSING


def test_users_orders_are_listed_then_the_newest_comes_first(server: LiveServer) -> None:
    market = Market(server, capacity=200)
    user_id, neighbour = market.customer(), market.customer()
    listed = f"{USERS}/{user_id}/orders"
    assert market.get(listed).json() == {"orders": []}
    market.order("delivery", neighbour)
    market.order("dispatch")
    expected: list[dict[str, Any]] = [market.order(kind, user_id) for kind in KINDS for _ in range(2)]
    market.post(market.path(user_id, expected[0]["id"], "/cancel")).raise_for_status()
    expected[0] |= {"status": "canceled", "cancellation_reason": "customer_driven"}
    assert market.get(listed).json() == {"orders": expected[::-1]}
    for query in ("?limit=-1", "?limit=1000000000", "?cursor=AAAA", "?sort=id;drop", "?page=%00"):
        assert market.get(listed + query).json() == {"orders": expected[::-1]}
    for _ in range(95):
        last = market.order("dispatch", user_id)["id"]
    found = [one["id"] for one in market.get(listed).json()["orders"]]
    assert (len(found), found[0]) == (100, last)
    assert error(market.get(f"{USERS}/nobody/orders")) == NOBODY


def test_orders_of_a_user_large_then_the_newest_mebibyte_is_listed(server: LiveServer) -> None:
    market = Market(server, is_lenient=True)
    user_id = market.customer()
    items = [line(str(n), f"product {n}", metadata={"note": "x" * (15 << 10)}) for n in range(16)]
    small = market.order("dispatch", user_id)["id"]
    large = [market.order("delivery", user_id, items=items)["id"] for _ in range(5)]
    listed = market.get(f"{USERS}/{user_id}/orders")
    assert [one["id"] for one in listed.json()["orders"]] == large[:0:-1]
    assert len(listed.content) < 1 << 20
    assert small not in listed.text


def test_lines_were_removed_then_they_are_not_shown(market: Market) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id, items=[line("1", "milk"), line("2", "soap")])["id"]
    market.put(market.path(user_id, order_id), {"items": [line("2", "soap")]}).raise_for_status()
    assert [one["line_num"] for one in market.read(user_id, order_id).json()["items"]] == ["2"]


@pytest.mark.parametrize("kind", KINDS)
def test_user_was_deleted_then_the_order_is_only_found_without_them(market: Market, kind: str) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    market.post(f"{USERS}/{user_id}/privacy_request").raise_for_status()
    assert error(market.read(user_id, order_id)) == GONE
    assert error(market.get(f"{USERS}/{user_id}/orders")) == GONE
    assert error(market.get(f"{LASTMILE}/{order_id}", params={"user_id": user_id})) in (GONE, MISSING)
    if kind not in SHOPPED:
        assert market.get(f"{LASTMILE}/{order_id}").json()["status"] == "canceled"


def test_shoppers_advance_the_order_then_reading_shows_it(market: Market) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id)["id"]
    for status in ("acknowledged", "delivering", "completed"):
        market.set_status(order_id, status)
        assert market.read(user_id, order_id).json()["status"] == status
    market.server.sql(
        "UPDATE orders SET delivered_at = $1, bag_count = 3 WHERE order_id = $2 RETURNING 1",
        clock.from_wire("2027-01-15T08:00:01Z", "") - 1,
        order_id,
    )
    details = market.read(user_id, order_id).json()["fulfillment_details"]
    assert (details["delivered_at"], details["bag_count"]) == ("2027-01-15T08:00:00Z", 3)


def test_operator_reads_an_order_then_it_comes_with_its_history(market: Market) -> None:
    order_id, retailer_id = market.order("delivery")["id"], market.retailer.id
    Shopping(market).simulate(order_id, "rescheduled")
    (created, moved) = market.server.read(queries.history, retailer_id, order_id)
    assert (created.number, created.status, created.what, created.events) == (1, "brand_new", "created", ["brand_new"])
    assert (moved.number, moved.status, moved.what, moved.events) == (2, "brand_new", "rescheduled", ["rescheduled"])
    assert market.server.read(queries.find, retailer_id, order_id).order_id == order_id
    assert market.server.read(queries.find, retailer_id, "no order") is None
    assert market.server.read(queries.history, retailer_id, "no order") == []


@pytest.mark.parametrize("path", [LASTMILE, f"{USERS}/a/orders", f"{USERS}/a/orders/b", f"{LASTMILE}/b"])
def test_no_token_or_a_wrong_method_then_refused(shop: Shop, path: str) -> None:
    for method in ("GET", "POST", "PUT"):
        assert shop.http.request(method, path, json={}).status_code in (401, 405)
    assert shop.http.delete(path, headers=shop.headers).status_code == 405
