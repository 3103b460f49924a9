"""The check of items, on both databases."""

from typing import Any

import pytest

from handcart.stores import codes, items
from handcart.stores.items import NEEDS_COUNT, NEEDS_EITHER, NEEDS_WEIGHT, NOT_FOUND
from handcart.stores.models import Item
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error
from tests.support.stores import keep, store

PATH = "/v2/fulfillment/validate_items"
MILK = Item(rrc="milk", upc="400000000015", name="Milk")
HAM = Item(rrc="ham", name="Ham", cost_unit="lb")
APPLES = Item(rrc="apples", upc="4011", name="Apples", cost_unit="kg", par_weight=0.2)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.server.write(items.save, shop.retailer.id, [MILK, HAM, APPLES])
    return shop


def failures(shop: Shop, *wanted: dict[str, Any], **fields: Any) -> list[str]:
    """The messages of what fails."""
    response = shop.post(PATH, {"items": wanted, **fields})
    assert response.status_code == 200, response.text
    return [failure["error"]["message"] for failure in response.json()["validation_failures"]]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"item": {"rrc": "milk"}, "count": 1}, None),
        ({"item": {"rrc": "milk"}, "count": 1, "weight": 2}, None),
        ({"item": {"rrc": "milk"}, "weight": 2}, NEEDS_COUNT),
        ({"item": {"rrc": "milk"}}, NEEDS_COUNT),
        ({"item": {"rrc": "ham"}, "weight": 0.5}, None),
        ({"item": {"rrc": "ham"}, "count": 2}, NEEDS_WEIGHT),
        ({"item": {"rrc": "apples"}, "count": 2}, None),
        ({"item": {"rrc": "apples"}, "weight": 2}, None),
        ({"item": {"rrc": "apples"}}, NEEDS_EITHER),
        ({"item": {"rrc": "Milk"}, "count": 1}, NOT_FOUND),
        ({"item": {"upc": "400000000015"}, "count": 1}, None),
        ({"item": {"upc": "0400000000015"}, "count": 1}, None),
        ({"item": {"upc": "00400000000015"}, "count": 1}, None),
        ({"item": {"upc": "400000000016"}, "count": 1}, NOT_FOUND),
        ({"item": {"upc": "4011"}, "count": 1}, None),
        ({"item": {"upc": "milk"}, "count": 1}, NOT_FOUND),
        ({"item": {"upc": "none", "rrc": "milk"}, "count": 1}, NOT_FOUND),
    ],
)
def test_item_is_checked_then_catalog_and_quantity_decide(
    stocked: Shop, wanted: dict[str, Any], message: str | None
) -> None:
    assert failures(stocked, wanted) == ([message] if message else [])


def test_items_are_looked_up_then_an_index_finds_them(shop: Shop) -> None:
    """By upc SQLite read all items of the retailer, to have them in the order of the rrc."""
    if shop.server.database == "postgresql":
        return  # its plans depend on how many rows there are
    for (code, _), statement in items._BY.items():
        (step,) = shop.server.sql(f"EXPLAIN QUERY PLAN {statement}", *["1"] * statement.count("$"))
        assert f"{code}=?" in str(tuple(step)), code


def test_many_items_are_checked_then_each_failure_names_its_item(stocked: Shop) -> None:
    wanted = [{"item": {"rrc": f"unknown-{place}"}, "line_num": str(place), "count": 1} for place in range(120)]
    wanted[60] = {"item": {"rrc": "milk"}, "line_num": "60", "count": 1}
    failed = stocked.post(PATH, {"items": wanted}).json()["validation_failures"]
    assert [failure["line_num"] for failure in failed] == [str(place) for place in range(120) if place != 60]
    assert failed[0] == {
        "item": {"rrc": "unknown-0"},
        "error": {"message": "Item not found", "code": 2000},
        "line_num": "0",
    }


def test_retailer_is_lenient_then_an_unknown_item_is_a_warning(stocked: Shop) -> None:
    stocked.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, stocked.slug)
    unknown, wrong = {"item": {"upc": "123"}, "count": 1}, {"item": {"rrc": "milk"}}
    assert stocked.post(PATH, {"items": [unknown, wrong]}).json() == {
        "validation_failures": [{"item": {"rrc": "milk"}, "error": {"message": NEEDS_COUNT, "code": 2000}}],
        "warnings": [{"item": {"upc": "123"}, "error": {"message": NOT_FOUND, "code": 2000}}],
    }


def test_store_named_then_it_must_exist_and_wins_over_the_address(stocked: Shop) -> None:
    keep(stocked, store("here"))
    wanted = {"item": {"rrc": "milk"}, "count": 1}
    nowhere = {"address_line_1": "1 State St", "postal_code": "00000"}
    assert failures(stocked, wanted, location_code="here", address=nowhere) == []
    assert failures(stocked, wanted, address={**nowhere, "postal_code": "60601"}) == []
    refused = stocked.post(PATH, {"items": [wanted], "location_code": "gone"})
    assert error(refused) == (400, "is invalid", 1001, "location_code")
    refused = stocked.post(PATH, {"items": [wanted], "address": nowhere})
    assert error(refused) == (400, "is invalid", 1001, "address.postal_code")


def test_item_or_store_of_another_retailer_then_not_found(stocked: Shop) -> None:
    other = Shop(stocked.server)
    keep(stocked, store("here"))
    assert failures(other, {"item": {"rrc": "milk"}, "count": 1}) == [NOT_FOUND]
    refused = other.post(PATH, {"items": [{"item": {"rrc": "milk"}, "count": 1}], "location_code": "here"})
    assert error(refused) == (400, "is invalid", 1001, "location_code")
    other.server.write(items.save, other.retailer.id, [Item(rrc="milk", name="Milk by weight", cost_unit="lb")])
    assert failures(other, {"item": {"rrc": "milk"}, "weight": 1}) == []
    assert failures(stocked, {"item": {"rrc": "milk"}, "count": 1}) == []


@pytest.mark.parametrize(
    ("body", "message", "key"),
    [
        ({}, "can't be blank", "items"),
        ({"items": None}, "can't be blank", "items"),
        ({"items": []}, "can't be blank", "items"),
        ({"items": {}}, "is invalid", "items"),
        ({"items": [5]}, "is invalid", "items[0]"),
        ({"items": [{}]}, "can't be blank", "items[0].item"),
        ({"items": [{"item": {}}]}, "can't be blank", "items[0].item"),
        ({"items": [{"item": "milk"}]}, "is invalid", "items[0].item"),
        ({"items": [{"item": {"upc": True}}]}, "is invalid", "items[0].item.upc"),
        ({"items": [{"item": {"upc": "a\0"}}]}, "is invalid", "items[0].item.upc"),
        ({"items": [{"item": {"rrc": "milk"}, "count": -1}]}, "is invalid", "items[0].count"),
        ({"items": [{"item": {"rrc": "milk"}, "count": 1.5}]}, "is invalid", "items[0].count"),
        ({"items": [{"item": {"rrc": "milk"}, "count": 2**63}]}, "is invalid", "items[0].count"),
        ({"items": [{"item": {"rrc": "milk"}, "count": "1"}]}, "is invalid", "items[0].count"),
        ({"items": [{"item": {"rrc": "milk"}, "weight": -0.1}]}, "is invalid", "items[0].weight"),
        ({"items": [{"item": {"rrc": "milk"}}] * 1001}, "is invalid", "items"),
        (
            {"items": [{"item": {"rrc": "milk"}}], "address": {"postal_code": "60601"}},
            "can't be blank",
            "address.address_line_1",
        ),
    ],
)
@on_sqlite
def test_request_breaks_its_form_then_the_field_is_named(
    stocked: Shop, body: dict[str, Any], message: str, key: str
) -> None:
    assert error(stocked.post(PATH, body)) == (400, message, 1001, key)


def test_several_items_break_their_form_then_each_is_named(stocked: Shop) -> None:
    body = {"items": [{"item": {"rrc": "milk"}, "count": -1}, {"count": 1}, {"item": {"rrc": "milk"}, "count": "x"}]}
    refused = stocked.post(PATH, body).json()["error"]
    assert refused["code"] == 9999
    assert [(one["error"]["message"], one["meta"]["key"]) for one in refused["errors"]] == [
        ("is invalid", "items[0].count"),
        ("can't be blank", "items[1].item"),
        ("is invalid", "items[2].count"),
    ]


@pytest.mark.parametrize(("digits", "check"), [("03600029145", "2"), ("400638133393", "1"), ("40000000001", "5")])
def test_check_digit_is_computed_then_it_is_the_printed_one(digits: str, check: str) -> None:
    assert codes.check_digit(digits) == check
