from typing import Any

import pytest
from handcart_client import (
    BadRequest,
    FoundStores,
    ItemFailure,
    ItemName,
    ItemProblem,
    ItemToValidate,
    Store,
    StoreFlags,
    ValidatedItems,
)

from tests.client.fakes import Caller, FakeServer, error_body

ADDRESS = {
    "address_line_1": "350 W Oak St",
    "address_line_2": "2",
    "address_type": "residential",
    "postal_code": "60610",
}
AT = {"latitude": 41.9, "longitude": -87.6}
FLAGS = {"alcohol": True, "pickup": True, "pickup_only": False, "long_distance_delivery": True}
ANSWER = {"stores": [{"name": "Sample Market", "location_code": "SM-1", "flags": FLAGS}], "is_partial": True}
FOUND = FoundStores(
    stores=(Store(name="Sample Market", location_code="SM-1", flags=StoreFlags(**FLAGS)),), is_partial=True
)


@pytest.mark.parametrize(
    ("method", "path", "find_by"),
    [
        ("find_delivery", "/v2/fulfillment/stores/delivery", AT),
        ("find_delivery", "/v2/fulfillment/stores/delivery", ADDRESS),
        ("find_pickup", "/v2/fulfillment/stores/pickup", AT),
        ("find_pickup", "/v2/fulfillment/stores/pickup", {"postal_code": "60610"}),
        ("find_last_mile", "/v2/fulfillment/stores/last_mile", {**ADDRESS, "city": "Chicago"}),
        ("find_dispatch", "/v2/fulfillment/lastmile/stores", {**ADDRESS, "city": "Chicago"}),
        ("find_dispatch", "/v2/fulfillment/lastmile/stores", {"postal_code": "60610"}),
    ],
)
def test_find_then_what_is_given_is_sent_and_the_stores_are_read(
    caller: Caller, fake: FakeServer, method: str, path: str, find_by: dict[str, Any]
) -> None:
    fake.answer(body=ANSWER)
    assert caller(lambda client: getattr(client.stores, method)(**find_by)) == FOUND
    assert (fake.last.method, fake.last.url.path) == ("POST", path)
    assert fake.sent == {"find_by": find_by}


def test_server_answers_with_fewer_fields_then_the_stores_are_read(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"stores": [{"name": "A", "location_code": "1", "flags": {"alcohol": False, "pickup": False}}]})
    found = caller(lambda client: client.stores.find_pickup(postal_code="60610"))
    assert (found.is_partial, found.stores[0].flags.long_distance_delivery) == (None, None)


def test_find_refused_then_the_error_names_the_field(caller: Caller, fake: FakeServer) -> None:
    fake.answer(400, error_body("is invalid", "find_by.postal_code"))
    with pytest.raises(BadRequest) as caught:
        caller(lambda client: client.stores.find_pickup(postal_code="1"))
    assert caught.value.key == "find_by.postal_code"


def test_server_away_then_find_is_repeated(caller: Caller, fake: FakeServer) -> None:
    fake.answer(504)
    fake.answer(body=ANSWER)
    assert caller(lambda client: client.stores.find_delivery(**AT)) == FOUND


def test_validate_then_the_items_are_sent_and_failures_read(caller: Caller, fake: FakeServer) -> None:
    failure = {"item": {"rrc": "ham"}, "error": {"message": "Item not found", "code": 2000}, "line_num": "2"}
    fake.answer(body={"validation_failures": [failure]})
    items = [
        ItemToValidate(item=ItemName(upc="400000000015"), count=2),
        ItemToValidate(item=ItemName(rrc="ham"), weight=1.5, line_num="2"),
    ]
    validated = caller(lambda client: client.items.validate(items, location_code="SM-1"))
    error = ItemProblem(message="Item not found", code=2000)
    assert validated == ValidatedItems(
        validation_failures=(ItemFailure(item=ItemName(rrc="ham"), error=error, line_num="2"),)
    )
    assert fake.last.url.path == "/v2/fulfillment/validate_items"
    assert fake.sent == {
        "items": [
            {"item": {"upc": "400000000015"}, "count": 2},
            {"item": {"rrc": "ham"}, "weight": 1.5, "line_num": "2"},
        ],
        "location_code": "SM-1",
    }
