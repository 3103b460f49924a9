"""Finding stores, end to end, on both databases."""

from typing import Any

import pytest

from handcart.core.errors import Refused
from handcart.stores import queries
from handcart.stores.models import MOST_STORES, Point
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error
from tests.support.stores import AT_CHICAGO, CHICAGO, keep, store

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


def test_stores_are_in_range_then_the_nearest_comes_first(shop: Shop) -> None:
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


def test_very_many_stores_are_in_range_then_the_nearest_come(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_FOUND", 2)
    keep(shop, store("c", north=14), store("a", north=-9), store("b", north=2))
    assert codes(find(shop, DELIVERY, **AT_CHICAGO)) == ["b", "a"]


def test_kinds_differ_then_only_stores_that_take_the_kind_come(shop: Shop) -> None:
    none = {"takes_delivery": False, "takes_pickup": False, "takes_last_mile": False}
    for kind in ("delivery", "pickup", "last_mile"):
        keep(shop, store(kind, **{**none, f"takes_{kind}": True}))
    assert [codes(find(shop, path, **AT_CHICAGO)) for path in PATHS] == [
        ["delivery"],
        ["pickup"],
        ["last_mile"],
        ["last_mile"],
    ]


@pytest.mark.parametrize(
    ("path", "fields", "flags"),
    [
        (DELIVERY, {"sells_alcohol": True}, {"alcohol": True}),
        (DELIVERY, {"takes_pickup": False}, {"pickup": False}),
        (DELIVERY, {"delivers_long_distance": True}, {"long_distance_delivery": True}),
        (PICKUP, {"takes_delivery": False, "takes_last_mile": False}, {"pickup_only": True}),
        (PICKUP, {"takes_delivery": False}, {"pickup_only": True}),
        (LAST_MILE, {"takes_delivery": False}, {"pickup_only": False}),
    ],
)
def test_store_differs_then_its_flags_say_so(
    shop: Shop, path: str, fields: dict[str, Any], flags: dict[str, bool]
) -> None:
    keep(shop, store("a", **fields))
    usual = {"alcohol": False, "pickup": True, "pickup_only": False, "long_distance_delivery": False}
    assert find(shop, path, **AT_CHICAGO)["stores"][0]["flags"] == {**usual, **flags}


# 30 minutes are 15.38 km of air line, 60 are 30.77.
@pytest.mark.parametrize(
    ("path", "north", "delivers_long_distance", "is_found"),
    [
        (DELIVERY, 15.3, False, True),
        (DELIVERY, 15.5, False, False),
        (DELIVERY, 15.5, True, True),
        (DELIVERY, 30.7, True, True),
        (DELIVERY, 30.9, True, False),
        (LAST_MILE, 15.5, False, False),
        (LAST_MILE, 30.7, True, True),
        (DISPATCH, 15.5, False, False),
        (PICKUP, 30.7, False, True),
        (PICKUP, 30.9, True, False),
    ],
)
def test_store_far_away_then_its_kind_decides(
    shop: Shop, path: str, north: float, delivers_long_distance: bool, is_found: bool
) -> None:
    keep(shop, store("a", north=north, delivers_long_distance=delivers_long_distance))
    assert codes(find(shop, path, **AT_CHICAGO)) == (["a"] if is_found else [])


def test_store_has_a_polygon_then_it_replaces_the_thirty_minutes(shop: Shop) -> None:
    far_north = square(CHICAGO.latitude + 1, CHICAGO.longitude, 0.1)
    keep(shop, store("a", service_area=far_north), store("b", service_area=far_north, delivers_long_distance=True))
    assert codes(find(shop, DELIVERY, **AT_CHICAGO)) == []
    inside = {"latitude": CHICAGO.latitude + 1.05, "longitude": CHICAGO.longitude}
    assert codes(find(shop, DELIVERY, **inside)) == ["a", "b"]
    half_way = {"latitude": CHICAGO.latitude + 0.2, "longitude": CHICAGO.longitude}
    assert codes(find(shop, DELIVERY, **half_way)) == ["b"]
    assert codes(find(shop, PICKUP, **AT_CHICAGO)) == ["a", "b"]


def square(latitude: float, longitude: float, half: float) -> dict[str, Any]:
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    return {"type": "Polygon", "coordinates": [[[longitude + east, latitude + north] for east, north in corners]]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "find_by",
    [
        {"postal_code": "60601"},
        {"postal_code": " 60601-1234\n"},
        {"postal_code": "606011234"},
        {"address_line_1": "1 State St", "postal_code": "60601"},
        {"address_line_1": "1 State St", "address_line_2": "5", "address_type": "residential", "postal_code": "60601"},
        {"address_line_1": "1 State St", "city": "Chicago", "postal_code": "60601"},
        {"latitude": 41.88, "postal_code": "60601"},
        {"latitude": None, "longitude": None, "postal_code": "60601"},
        {"latitude": 41.88, "longitude": -87.63, "postal_code": "99501"},
        {"latitude": 41.88, "longitude": -87.63, "unknown": "field"},
    ],
)
def test_shape_of_find_by_is_sent_then_the_place_is_found(shop: Shop, path: str, find_by: dict[str, Any]) -> None:
    keep(shop, store("a"))
    assert codes(find(shop, path, **find_by)) == ["a"]


def test_canadian_code_is_sent_then_it_is_found_in_any_spelling(shop: Shop) -> None:
    keep(shop, store("a", point=Point(43.7, -79.4), country="CA", time_zone="America/Toronto"))
    for code in ("M5V3L9", "M5V 3L9", "m5v-3l9"):
        assert codes(find(shop, PICKUP, postal_code=code)) == ["a"]


@pytest.mark.parametrize(("path", "says"), [(DELIVERY, True), (PICKUP, False), (LAST_MILE, False), (DISPATCH, True)])
def test_postal_code_partly_covered_then_the_documented_answers_say_so(shop: Shop, path: str, says: bool) -> None:
    """60601 lies at 41.8859, -87.6181; a polygon ends in its middle."""
    west_of_it = square(41.8859, -87.6181 - 0.1, 0.1)
    keep(shop, store("a", service_area=west_of_it))
    alone = find(shop, path, postal_code="60601")
    assert codes(alone) == ["a"]
    assert alone.get("is_partial") == (True if says else None)
    exact = find(shop, path, latitude=41.8859, longitude=-87.63)
    assert (codes(exact), exact.get("is_partial")) == (["a"], False if says else None)
    assert codes(find(shop, DELIVERY, latitude=41.8859, longitude=-87.6)) == []


def test_stores_cover_a_postal_code_between_them_then_it_is_not_partial(shop: Shop) -> None:
    keep(shop, store("a", service_area=square(41.8859, -87.7181, 0.1)))
    keep(shop, store("b", service_area=square(41.8859, -87.5181, 0.1001)))
    assert find(shop, DISPATCH, postal_code="60601")["is_partial"] is False


@pytest.mark.parametrize("path", PATHS)
def test_nothing_in_range_then_an_empty_list_unless_serving_everywhere(shop: Shop, path: str) -> None:
    keep(shop, store("a"), store("b", north=20))
    iqaluit = {"latitude": 63.75, "longitude": -68.52}
    nothing = find(shop, path, **iqaluit)
    assert (nothing["stores"], nothing.get("is_partial", False)) == ([], False)
    shop.server.sql("UPDATE retailers SET serves_everywhere = $1 WHERE slug = $2", True, shop.slug)
    assert codes(find(shop, path, **iqaluit)) == ["b"]
    assert codes(find(shop, path, **AT_CHICAGO))[0] == "a"


def test_two_retailers_have_stores_then_each_finds_its_own(shop: Shop) -> None:
    other = Shop(shop.server)
    keep(shop, store("same", name="Ours"), store("ours"))
    keep(other, store("same", name="Theirs"))
    for path in PATHS:
        assert codes(find(shop, path, **AT_CHICAGO)) == ["ours", "same"]
        theirs = find(other, path, **AT_CHICAGO)["stores"]
        assert [one["name"] for one in theirs] == ["Theirs"]


def test_address_far_from_every_store_then_the_user_endpoints_say_so(shop: Shop) -> None:
    user_id = shop.user()
    address = {"address_line_1": "1 State St", "postal_code": "60601"}
    paths = (
        (f"/v2/fulfillment/users/{user_id}/addresses", address),
        ("/v2/fulfillment/lastmile/validate_address", {**address, "user_id": user_id}),
        (f"/v2/fulfillment/lastmile/users/{user_id}/validate_address", address),
    )

    def flags() -> list[bool]:
        return [shop.post(path, body).json()["flags"]["long_distance_delivery"] for path, body in paths]

    assert flags() == [False] * 3
    keep(shop, store("a", north=20, delivers_long_distance=True))
    assert flags() == [True] * 3
    keep(shop, store("b", north=1))
    assert flags() == [False] * 3


REFUSED: list[tuple[Any, str, str]] = [
    (None, "can't be blank", "find_by"),
    ("60601", "is invalid", "find_by"),
    ([], "is invalid", "find_by"),
    ({}, "is invalid", "find_by"),
    ({"city": "Chicago"}, "is invalid", "find_by"),
    ({"address_line_1": "1 State St"}, "can't be blank", "find_by.postal_code"),
    ({"latitude": 41.9}, "can't be blank", "find_by.longitude"),
    ({"longitude": -87.6}, "can't be blank", "find_by.latitude"),
    ({"postal_code": "00000"}, "is invalid", "find_by.postal_code"),
    ({"postal_code": "09001"}, "is invalid", "find_by.postal_code"),
    ({"postal_code": "6060"}, "is invalid", "find_by.postal_code"),
    ({"postal_code": ""}, "is invalid", "find_by"),
    ({"postal_code": 60601.5}, "is invalid", "find_by.postal_code"),
    ({"postal_code": "D1A1A1"}, "is invalid", "find_by.postal_code"),
    ({"postal_code": "Z1A1A1"}, "is invalid", "find_by.postal_code"),
    ({"postal_code": "60601' OR 1=1"}, "is invalid", "find_by.postal_code"),
    ({"postal_code": "٦٠٦٠١"}, "is invalid", "find_by.postal_code"),
    ({"address_line_1": " ", "postal_code": "60601"}, "is invalid", "find_by.address_line_1"),
    ({"address_line_1": "a\0", "postal_code": "60601"}, "is invalid", "find_by.address_line_1"),
    ({"address_line_1": "a" * 201, "postal_code": "60601"}, "is invalid", "find_by.address_line_1"),
    ({"latitude": 90.1, "longitude": 0}, "is invalid", "find_by.latitude"),
    ({"latitude": 0, "longitude": -180.1}, "is invalid", "find_by.longitude"),
    ({"latitude": "41.9", "longitude": -87.6}, "is invalid", "find_by.latitude"),
    ({"latitude": True, "longitude": -87.6}, "is invalid", "find_by.latitude"),
]


@on_sqlite
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("find_by", "message", "key"), REFUSED, ids=lambda value: repr(value)[:50])
def test_find_by_is_wrong_then_the_field_is_named(shop: Shop, path: str, find_by: Any, message: str, key: str) -> None:
    body = {} if find_by is None else {"find_by": find_by}
    assert error(shop.post(path, body)) == (400, message, 1001, key)


@pytest.mark.parametrize(
    "raw", [b'{"find_by": {"latitude": 1e400, "longitude": 0}}', b'{"find_by": {"latitude": NaN}}']
)
def test_text_that_is_no_number_then_refused(shop: Shop, raw: bytes) -> None:
    headers = {**shop.headers, "Content-Type": "application/json"}
    assert shop.http.post(DELIVERY, content=raw, headers=headers).status_code == 400


def test_several_fields_are_wrong_then_each_is_named(shop: Shop) -> None:
    refused = shop.post(DELIVERY, {"find_by": {"latitude": "x", "longitude": 200, "postal_code": "1"}}).json()["error"]
    assert refused["code"] == 9999
    keys = [one["meta"]["key"] for one in refused["errors"]]
    assert keys == ["find_by.latitude", "find_by.longitude", "find_by.postal_code"]


@pytest.mark.parametrize("latitude", [90, -90, 89.999])
@pytest.mark.parametrize("longitude", [180, -180, 0])
def test_place_is_at_the_edge_of_the_map_then_it_is_answered(shop: Shop, latitude: float, longitude: float) -> None:
    keep(shop, store("a", point=Point(latitude, longitude)))
    assert codes(find(shop, DELIVERY, latitude=latitude, longitude=longitude)) == ["a"]


def test_slot_ids_full_then_a_new_store_is_refused_and_others_can_change(shop: Shop) -> None:
    keep(shop, store("first"))
    shop.server.sql("UPDATE stores SET number = $2 WHERE retailer_id = $1", shop.retailer.id, MOST_STORES - 1)
    keep(shop, store("first", name="Renamed"))
    with pytest.raises(Refused, match="slot ids have no room"):
        keep(shop, store("first"), store("second"))
    (kept,) = shop.server.read(queries.stores, shop.retailer.id)
    assert (kept.number, kept.name) == (MOST_STORES - 1, "Renamed")
