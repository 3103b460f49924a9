"""Holds by reference and holds with a cart."""

import json
from base64 import b64encode
from typing import Any

from handcart.stores.models import DELIVERY
from tests.slots.holding import FULL, holds, refer, reserve_cart
from tests.slots.lists import NOW
from tests.support.shop import Shop, error
from tests.support.slots import ADDRESS, BASE, counters, first, line, listed, moment, slot_id, stock


def test_reference_is_reserved_then_its_id_alone_decides(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop)
    user = shop.user()
    desired = [{"starts_at": "2027-06-10T18:00:00-05:00", "ends_at": "2027-06-10T21:00:00-05:00"}]
    slot = listed(shop, "delivery", user, desired_windows=desired)[0]
    answered = refer(shop, user, slot["service_option_reference"])
    del slot["flags"]
    assert answered.json()["service_option_hold"]["service_option"] == slot
    said = json.dumps({"id": slot["id"], "hold_id": 7, "starts_at": "2020-01-01", "more": {"x": [1]}}).encode()
    kept = refer(shop, user, b64encode(said).decode()).json()["service_option_hold"]["service_option"]
    assert kept == slot
    assert counters(shop) == [(10, 1, 0)]


def test_reference_cannot_be_read_then_it_is_invalid(shop: Shop) -> None:
    stock(shop)
    user = shop.user()
    invalid = (400, "is invalid", 1001, "service_option_reference")
    blank = (400, "can't be blank", 1001, "service_option_reference")

    def encoded(text: str) -> str:
        return b64encode(text.encode()).decode()

    unreadable = [
        *(encoded(text) for text in ("", "x", "[]", "5", "{}", '{"id": "5"}', '{"id": 1.5}', '{"id": null}')),
        *(encoded(f'{{"id": {number}}}') for number in (-1, 2**53, 2**63, 2**64, "1e3", 10**30)),
        encoded('{"a":' + "[" * 700),
        encoded('{"a":' + "[" * 350 + "]" * 350 + ',"id":true}'),
        "ä",
        "====",
        "a b",
        "A" * 1001,
        encoded('{"id": 5}')[:-1],
        5,
        ["x"],
    ]
    for reference in unreadable:
        found = error(refer(shop, user, reference))
        assert found == (blank if reference == "" else invalid), reference
    assert error(shop.post(f"{BASE}/users/{user}/service_options/reserve", {})) == blank
    for number in (0, 12345, 2**53 - 1):
        assert error(refer(shop, user, encoded(f'{{"id": {number}}}'))) == FULL


def test_cart_is_sent_along_then_it_has_to_fit_the_slot(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, sells_alcohol=True)
    user = shop.user()
    slot = listed(shop, "delivery", user)[0]["id"]
    evening = slot_id(shop.retailer.id, DELIVERY, moment("2027-06-10T21:00-05:00"))
    assert reserve_cart(shop, user, slot, location_code="s").status_code == 200
    assert reserve_cart(shop, user, slot, items=[line("wine")]).status_code == 200
    assert reserve_cart(shop, user, evening).status_code == 200
    assert error(reserve_cart(shop, user, evening, items=[line("wine")])) == FULL
    assert holds(shop) == []
    far = {**ADDRESS, "postal_code": "99501"}
    refused = [
        ({"location_code": "other"}, 1001, "location_code"),
        ({"address": None}, 1001, "address"),
        ({"address": far}, 1001, "address"),
        ({"items": None}, 1001, "items"),
        ({"items": []}, 1001, "items"),
        ({"items": [line("caviar")]}, 2000, "items"),
        ({"items": [line("milk", 251)]}, 2000, "items"),
    ]
    for changes, code, key in refused:
        assert error(reserve_cart(shop, user, slot, **changes))[2:] == (code, key)
    # who picks up may live anywhere and buy any number
    pickup = first(shop)
    assert reserve_cart(shop, user, pickup, address=far, items=[line("milk", 251)]).status_code == 200
    assert error(reserve_cart(shop, user, 12345)) == FULL
