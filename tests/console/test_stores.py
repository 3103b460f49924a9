"""The console's pages of stores: list, add, change, close for today."""

import re

import pytest

from handcart.console.scope import store_path
from handcart.core import clock
from handcart.orders import queries as orders
from handcart.staff.models import SYSTEM, Actor
from handcart.stores import ops, queries
from handcart.stores.errors import StoreRefused
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop
from tests.support.stores import keep, store

PATH = "/console/stores"
FACTS = {
    "location_code": "0142/b",
    "name": "Corner <Market>",
    "address_line_1": "1 State St",
    "postal_code": "60601",
    "latitude": "41.88",
    "longitude": "-87.63",
    "time_zone": "America/Chicago",
    "hours_0": "8:00-12:00, 13:00-22:00",
    "hours_6": "",
}


@pytest.fixture
def shop(server: LiveServer) -> Shop:
    return Shop(server)


@pytest.fixture
def admin(server: LiveServer) -> Person:
    return Person(server)


def test_store_added_then_it_has_its_page_and_stands_in_the_list(shop: Shop, admin: Person) -> None:
    is_page(admin.open(f"{PATH}/add"))
    page = is_page(admin.submit(f"{PATH}/add", retailer=shop.slug, **FACTS))
    assert page.url.path == f"{PATH}/{shop.slug}/0142/b"
    assert "Corner &lt;Market&gt;" in page.text
    found = shop.server.read(queries.store, shop.retailer.id, "0142/b")
    assert (found.number, found.opening_hours[0], found.opening_hours[6]) == (1, [[480, 720], [780, 1320]], [])
    page = is_page(admin.open(PATH, retailer=shop.slug, q="60601"))
    assert store_path(shop.slug, "0142/b") in page.text
    assert "No store matches" in is_page(admin.open(PATH, retailer=shop.slug, q="606%")).text


def test_wrong_fact_of_a_new_store_then_nothing_and_all_is_kept(shop: Shop, admin: Person) -> None:
    wrong = {
        "name": "",
        "latitude": "91",
        "longitude": "nan",
        "time_zone": "Chicago",
        "postal_code": "K0",
        "country": "France",
        "hours_3": "22:00-2:00",
        "location_code": " ",
        "city": "x" * 201,
    }
    failed = []
    for name, value in wrong.items():
        is_page(admin.open(f"{PATH}/add"))
        with nothing_written(shop.server):
            page = is_page(admin.submit(f"{PATH}/add", retailer=shop.slug, **{**FACTS, name: value}), 400)
        if 'role="alert"' not in page.text or "1 State St" not in page.text or f'id="{name}"' not in page.text:
            failed.append(name)
    assert not failed
    keep(shop, store("0142/b"))
    is_page(admin.open(f"{PATH}/add"))
    assert "has a store with this code" in is_page(admin.submit(f"{PATH}/add", retailer=shop.slug, **FACTS), 400).text


def test_two_people_change_a_store_then_the_second_sees_both(shop: Shop, admin: Person) -> None:
    keep(shop, store("here"))
    path, other = store_path(shop.slug, "here"), Person(shop.server)
    admin.open(path)
    other.open(path)
    is_page(other.submit(f"{path}/change", name="First", hours_2="9:00-17:00"))
    with nothing_written(shop.server):
        page = is_page(admin.submit(f"{path}/change", name="Second"), 409)
    assert 'value="Second"' in page.text
    assert re.search(r"Stored now: <bdi>First</bdi>", page.text)
    is_page(admin.submit(f"{path}/change"))
    assert shop.server.read(queries.store, shop.retailer.id, "here").name == "Second"


def test_store_closed_until_a_time_then_its_windows_are_not_offered(server: LiveServer, admin: Person) -> None:
    market = Market(server)
    found = server.read(queries.store, market.retailer.id, "here")
    path, now = store_path(market.slug, "here"), clock.now()
    admin.open(path)
    page = is_page(admin.submit(f"{path}/close", whole_day="yes", reason="A pipe burst"))
    assert "A pipe burst" in page.text
    closed = server.read(queries.store, market.retailer.id, "here")
    assert closed.is_closed(now + clock.SECOND, now + clock.MINUTE) or closed.is_closed(clock.now(), clock.now() + 1)
    options = market.post("/v2/fulfillment/service_options/pickup", {"location_code": "here"}).json()
    starts = [one["window"]["start_at"] for one in options["service_options"] if one["availability"]["available"]]
    assert all(clock.from_wire(at, "at") >= closed.closed_until for at in starts)
    admin.open(path)
    is_page(admin.submit(f"{path}/reopen"))
    assert server.read(queries.store, market.retailer.id, "here") == found


def test_operator_closed_a_store_then_its_retailer_cannot_open_it(server: LiveServer, admin: Person) -> None:
    """Also not by closing it for a shorter time. The retailer's own closing it ends."""
    market = Market(server)
    key, manager = (market.retailer.id, "here"), Person(server, "retailer_manager", market.retailer.id)
    path = f"/console/stores/{market.slug}/here"
    server.write(ops.close, SYSTEM, *key, market.at(15, day=1), "No power")
    manager.open(path)
    of_retailer = Actor("staff", 1, "Manager", "retailer_manager", market.retailer.id)
    with nothing_written(server):
        assert "The operator closed the store" in is_page(manager.submit(f"{path}/reopen"), 409).text
        with pytest.raises(StoreRefused, match="the operator closed the store"):
            server.write(ops.close, of_retailer, *key, clock.now() + clock.MINUTE, "mine")
    server.write(ops.reopen, SYSTEM, *key)
    manager.open(path)
    is_page(manager.submit(f"{path}/close", whole_day="yes", reason="A pipe burst"))
    is_page(manager.submit(f"{path}/reopen"))
    assert server.read(queries.store, *key).closed_until is None


def test_orders_of_a_closed_store_then_one_is_moved_and_one_canceled(server: LiveServer, admin: Person) -> None:
    market = Market(server)
    moved, canceled = (market.order(slot={"day": 1})["id"] for _ in range(2))
    path, later = store_path(market.slug, "here"), market.order()["id"]
    server.write(ops.close, SYSTEM, market.retailer.id, "here", market.at(15, day=1), "No power")
    page = is_page(admin.open(path))
    assert later not in page.text
    slot = re.search(r'<option value="(\d+)">', page.text)
    assert slot
    page = is_page(admin.submit(f"{path}/orders/{moved}", do="move", slot=slot[1]))
    assert moved not in page.text
    admin.open(path)
    page = is_page(admin.submit(f"{path}/orders/{canceled}", do="cancel"))
    assert canceled not in page.text
    row = server.read(orders.find, market.retailer.id, canceled)
    assert (row.status, row.details.cancellation_type) == ("canceled", "store early closure")
    assert server.read(orders.find, market.retailer.id, moved).window_starts_at >= market.at(15, day=1)


def test_another_banner_in_the_address_then_refused(server: LiveServer, shop: Shop) -> None:
    keep(shop, store("here"), store("there"))
    manager = Person(server, "retailer_manager", Shop(server).retailer.id)
    associate = Person(server, "store_associate", shop.retailer.id, 1)
    path = store_path(shop.slug, "here")
    stranger = Person(server)
    with nothing_written(server):
        is_error(manager.open(path), 403, "forbidden")
        is_error(manager.open(PATH, retailer=shop.slug), 403, "forbidden")
        is_error(associate.open(store_path(shop.slug, "there")), 403, "forbidden")
        is_error(stranger.open(store_path(shop.slug, "nowhere")), 404, "not_found")
        is_error(stranger.open(store_path("nobody", "here")), 404, "not_found")
    assert f"{path}/change" not in is_page(associate.open(path)).text
    assert store_path(shop.slug, "there") not in is_page(associate.open(PATH)).text


@on_sqlite
def test_form_without_its_token_then_nothing(shop: Shop, admin: Person) -> None:
    keep(shop, store("here"))
    path = store_path(shop.slug, "here")
    with nothing_written(shop.server):
        for name in ("change", "close", "reopen", "pickup", "orders/x"):
            is_error(admin.http.post(f"{path}/{name}", data={"name": "x", "whole_day": "yes"}), 403, "form_expired")
