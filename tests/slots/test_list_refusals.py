"""Lists of slots that are refused: wrong fields, users, stores and carts."""

from typing import Any

import pytest

from tests.slots.lists import NOW, OF_USERS, WITH_CART, window
from tests.support.shop import Shop, error
from tests.support.slots import (
    ADDRESS,
    BASE,
    CART,
    ask,
    line,
    set_rules,
    stock,
)

WRONG_FIELDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("preview delivery", {"postal_code": None}, "can't be blank", "postal_code"),
    ("preview delivery", {"postal_code": ""}, "can't be blank", "postal_code"),
    ("preview delivery", {"postal_code": "00000"}, "is invalid", "postal_code"),
    ("preview delivery", {"postal_code": "6060"}, "is invalid", "postal_code"),
    ("preview delivery", {"items_count": -1}, "is invalid", "items_count"),
    ("preview delivery", {"items_count": 1.5}, "is invalid", "items_count"),
    ("preview delivery", {"cart_total_cents": 2**53}, "is invalid", "cart_total_cents"),
    ("preview delivery", {"with_eta_options": "yes"}, "is invalid", "with_eta_options"),
    ("preview delivery", {"desired_windows": {}}, "is invalid", "desired_windows"),
    ("preview delivery", {"desired_windows": [window(NOW, NOW)] * 101}, "is invalid", "desired_windows"),
    (
        "preview delivery",
        {"desired_windows": [{"starts_at": "2026-12-03T15:00:00", "ends_at": "2026-12-03T17:00:00Z"}]},
        "is invalid",
        "desired_windows[0].starts_at",
    ),
    ("preview pickup", {"location_code": None}, "can't be blank", "location_code"),
    ("preview pickup", {"location_code": "gone"}, "is invalid", "location_code"),
    ("preview last mile", {"location_code": None}, "can't be blank", "location_code"),
    ("preview last mile", {"location_code": "gone", "postal_code": "60601"}, "is invalid", "location_code"),
    ("preview lastmile", {"postal_code": None}, "can't be blank", "location_code"),
    ("preview lastmile", {"postal_code": "00000"}, "is invalid", "postal_code"),
    ("delivery", {"location_code": None}, "can't be blank", "location_code"),
    ("delivery", {"location_code": "gone"}, "is invalid", "location_code"),
    ("delivery", {"address": None}, "can't be blank", "address"),
    ("delivery", {"address": {"address_line_1": "1 State St"}}, "can't be blank", "address.postal_code"),
    ("delivery", {"address": {**ADDRESS, "postal_code": "00000"}}, "is invalid", "address.postal_code"),
    ("delivery", {"address": {**ADDRESS, "postal_code": "99501"}}, "is invalid", "address"),
    ("cart", {"items": None}, "can't be blank", "items"),
    ("cart", {"items": []}, "can't be blank", "items"),
    ("cart", {"items": [line("milk")] * 1001}, "is invalid", "items"),
    ("pickup", {"items": [{"item": {"rrc": "milk"}, "count": 1}]}, "can't be blank", "items[0].line_num"),
    ("pickup", {"items": [{"line_num": True, "item": {"rrc": "milk"}}]}, "is invalid", "items[0].line_num"),
    ("pickup", {"items": [{"line_num": "1", "count": 1}]}, "can't be blank", "items[0].item"),
    ("pickup", {"items": [{"line_num": "1", "count": 1, "item": {}}]}, "can't be blank", "items[0].item"),
    ("pickup", {"items": [line("milk", -1)]}, "is invalid", "items[0].count"),
    ("pickup", {"items": [line("milk", 2**63)]}, "is invalid", "items[0].count"),
    ("pickup", {"items": [{**line("milk"), "count": 1.5}]}, "is invalid", "items[0].count"),
    ("pickup", {"items": [line("ham", None, weight=-1)]}, "is invalid", "items[0].weight"),
    ("pickup", {"items": [line("milk", replacement_policy="all")]}, "is invalid", "items[0].replacement_policy"),
    ("last mile", {"cart_total_cents": None}, "can't be blank", "cart_total_cents"),
    ("last mile", {"items_count": None}, "can't be blank", "items_count"),
    ("last mile", {"units_count": -0.5}, "is invalid", "units_count"),
]


def test_field_is_missing_or_wrong_then_it_is_named(shop: Shop) -> None:
    stock(shop)
    shop.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, shop.slug)
    user = shop.user()
    answers = [error(ask(shop, name, user, **changes)) for name, changes, _, _ in WRONG_FIELDS]
    assert answers == [(400, message, 1001, key) for _, _, message, key in WRONG_FIELDS]


@pytest.mark.parametrize("name", OF_USERS)
def test_user_unknown_then_lists_say_so(shop: Shop, name: str) -> None:
    stock(shop)
    assert error(ask(shop, name, "nobody")) == (400, "User Not Found", 1001, "user_id")
    gone = shop.user()
    shop.server.sql("UPDATE retailers SET allows_user_deletion = $1 WHERE slug = $2", True, shop.slug)
    shop.post(f"{BASE}/users/{gone}/privacy_request").raise_for_status()
    assert error(ask(shop, name, gone)) == (403, "User Not Active", None, None)


def test_store_does_not_take_the_kind_then_its_code_is_invalid(shop: Shop) -> None:
    stock(shop, takes_delivery=False, takes_pickup=False, takes_last_mile=False)
    for name in ("preview pickup", "preview last mile", *OF_USERS):
        assert error(ask(shop, name, shop.user())) == (400, "is invalid", 1001, "location_code")


def refusals(shop: Shop, name: str, user: str, *items: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """Messages and line numbers of what is wrong with a cart."""
    response = ask(shop, name, user, items=items)
    if response.status_code == 200:
        return []
    assert response.status_code == 400
    body = response.json()
    several = body["error"].get("errors")
    assert (several is None) is (body["error"]["code"] != 9999)
    found = []
    for one in several or [body]:
        assert (one["error"]["code"], one["meta"]["key"]) == (2000, "items")
        found.append((one["error"]["message"], one["meta"].get("line_nums")))
    return found


UNITS = "Maximum total quantity of items exceeded"


BEVERAGES = "Maximum total weight of beverage items exceeded"


BULKY = "Maximum quantity of large or bulky items exceeded"


INVALID = "Invalid items"


DUPLICATE = "Duplicate items were provided"


BIG_CARTS: list[tuple[list[dict[str, Any]], list[Any]]] = [
    ([line("milk", 250)], []),
    ([line("milk", 200), line("eggs", 50)], []),
    ([line("milk", 200), line("eggs", 51)], [(UNITS, None)]),
    ([line("milk", 250), line("ham", None, weight=300)], []),
    ([line("water", 9)], []),
    ([line("water", 10)], [(BEVERAGES, None)]),
    ([line("chair", 10)], []),
    ([line("chair", 11)], [(BULKY, None)]),
    ([line("milk", 240), line("water", 10), line("chair", 11)], [(UNITS, None), (BEVERAGES, None), (BULKY, None)]),
]


def test_delivery_over_its_limits_then_each_is_named_and_pickup_has_none(shop: Shop) -> None:
    stock(shop)
    user = shop.user()
    for items, found in BIG_CARTS:
        assert [refusals(shop, name, user, *items) for name in WITH_CART] == [found, found, []]
    set_rules(shop, most_units=3, most_beverage_pounds=26, most_bulky_items=0)
    over = (line("milk", 2), line("water", 2), line("chair", 1))
    assert [message for message, _ in refusals(shop, "delivery", user, *over)] == [UNITS, BEVERAGES, BULKY]


WRONG_ITEMS: list[tuple[list[dict[str, Any]], list[Any], list[Any]]] = [  # the lines; what a strict, a lenient one says
    ([line("milk"), line("caviar")], [(INVALID, ["caviar"])], []),
    ([line("milk", None)], [(INVALID, ["milk"])], [(INVALID, ["milk"])]),
    ([line("milk", 0), line("ham", 2)], [(INVALID, ["milk", "ham"])], [(INVALID, ["milk", "ham"])]),
    ([line("ham", None, weight=0.0)], [(INVALID, ["ham"])], [(INVALID, ["ham"])]),
    ([line("caviar", None)], [(INVALID, ["caviar"])], [(INVALID, ["caviar"])]),
    (
        [line("milk"), line("eggs", line_num="milk")],
        [(DUPLICATE, ["milk"])],
        [(DUPLICATE, ["milk"])],
    ),
    (
        [line("milk"), {"line_num": "2", "count": 1, "item": {"upc": "0400000000015"}}],
        [(DUPLICATE, ["2"])],
        [(DUPLICATE, ["2"])],
    ),
    (
        [line("caviar"), line("caviar", line_num="2")],
        [(DUPLICATE, ["2"]), (INVALID, ["caviar", "2"])],
        [(DUPLICATE, ["2"])],
    ),
    ([line("milk"), line("Milk")], [(INVALID, ["Milk"])], []),
]


@pytest.mark.parametrize("name", WITH_CART)
def test_items_wrong_then_their_lines_are_named_unless_lenient(shop: Shop, name: str) -> None:
    stock(shop)
    user = shop.user()
    assert [refusals(shop, name, user, *items) for items, _, _ in WRONG_ITEMS] == [one for _, one, _ in WRONG_ITEMS]
    shop.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, shop.slug)
    assert [refusals(shop, name, user, *items) for items, _, _ in WRONG_ITEMS] == [one for _, _, one in WRONG_ITEMS]


def test_lenient_retailer_gets_unknown_items_then_a_warning_names_them(shop: Shop) -> None:
    stock(shop)
    shop.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, shop.slug)
    items = [line("milk"), line("caviar"), {"line_num": "9", "weight": 1.5, "item": {"upc": "123"}}]
    for name in WITH_CART:
        assert ask(shop, name, shop.user(), items=items).json()["warnings"] == [
            {
                "error": {"message": INVALID, "code": 2000},
                "meta": {"key": "items", "line_nums": ["caviar", "9"]},
            }
        ]
        assert "warnings" not in ask(shop, name, shop.user(), **CART).json()


def test_store_sells_no_alcohol_then_its_lines_are_not_deliverable(shop: Shop) -> None:
    stock(shop)
    for name in WITH_CART:
        assert refusals(shop, name, shop.user(), line("milk"), line("wine")) == [
            ("Some items are not deliverable", ["wine"])
        ]
