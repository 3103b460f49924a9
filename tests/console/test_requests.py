"""The log of API calls in the console and as a command: filters, pages, whose calls one sees."""

from handcart.requests import ops
from handcart.requests.models import Code, Entry
from tests.support.console import Person
from tests.support.pages import is_page
from tests.support.shop import Shop

PATH = "/console/requests"


def kept(shop: Shop, many: int, **fields: object) -> list[Entry]:
    given = {"request_id": "r", "method": "POST", "route": "/v2/fulfillment/users", "status": 400, "milliseconds": 3}
    entries = [
        Entry(
            id=shop.retailer.id + number,
            at=1,
            retailer_id=shop.retailer.id,
            client_id=shop.client.client_id,
            rule="users.ops.create",
            codes=[Code(1001, "phone_number")],
            shape='{"user_id":"string"}',
            **{**given, "request_id": f"{shop.slug}-{number}", **fields},
        )
        for number in range(many)
    ]
    shop.server.write(ops.store, entries, {})
    return entries


def test_calls_are_many_then_a_page_of_a_hundred_and_the_rest(shop: Shop) -> None:
    kept(shop, 103)
    manager = Person(shop.server, "retailer_manager", shop.retailer.id)
    page = is_page(manager.open(PATH)).text
    assert page.count(f"<code>{shop.slug}-") == 100
    assert "1001 phone_number" in page
    more = page.partition(f'href="{PATH}?before=')[2].partition('"')[0]
    page = is_page(manager.open(PATH, before=more)).text
    assert page.count(f"<code>{shop.slug}-") == 3
    rows = manager.open(f"{PATH}.csv").text.splitlines()
    assert len(rows) == 104


def test_filters_then_only_calls_that_fit_and_only_ones_own(shop: Shop) -> None:
    kept(shop, 2)
    other = Shop(shop.server)
    kept(other, 1)
    manager = Person(shop.server, "retailer_manager", shop.retailer.id)
    for fields, many in (
        ({}, 2),
        ({"request": f"{shop.slug}-1"}, 1),
        ({"status": "400", "rule": "users.ops.create", "route": "/v2/fulfillment/users"}, 2),
        ({"client": shop.client.client_id}, 2),
        ({"client": other.client.client_id}, 0),
        ({"status": "200"}, 0),
        ({"status": "²"}, 0),
        ({"retailer": other.slug}, 0),
    ):
        page = is_page(manager.open(PATH, **fields)).text
        assert page.count(f"<code>{shop.slug}-") == many, fields
        assert f"<code>{other.slug}-" not in page
