"""Finding stores, end to end, on both stores of data."""

from typing import Any

import pytest

from tests.support.shop import Shop, error
from tests.support.stores import AT_CHICAGO, keep, store

DELIVERY = "/v2/fulfillment/stores/delivery"
PICKUP = "/v2/fulfillment/stores/pickup"
LAST_MILE = "/v2/fulfillment/stores/last_mile"
DISPATCH = "/v2/fulfillment/lastmile/stores"
PATHS = (DELIVERY, PICKUP, LAST_MILE, DISPATCH)


def find(shop: Shop, path: str, **find_by: Any) -> dict[str, Any]:
    response = shop.post(path, {"find_by": find_by})
    assert response.status_code == 200, response.text
    answered: dict[str, Any] = response.json()
    return answered


def codes(answered: dict[str, Any]) -> list[str]:
    return [one["location_code"] for one in answered["stores"]]


def test_when_stores_are_in_range_then_the_nearest_comes_first(shop: Shop) -> None:
    keep(shop, store("c", north=14), store("a", north=-9), store("b", north=2))
    assert find(shop, DELIVERY, **AT_CHICAGO) == {
        "stores": [
            {
                "name": f"Store {code}",
                "location_code": code,
                "flags": {"alcohol": False, "pickup": True, "pickup_only": False, "long_distance_delivery": False},
            }
            for code in "bac"
        ],
        "is_partial": False,
    }


@pytest.mark.parametrize("path", PATHS)
def test_when_find_by_is_missing_then_it_cannot_be_blank(shop: Shop, path: str) -> None:
    assert error(shop.post(path, {})) == (400, "can't be blank", 1001, "find_by")
