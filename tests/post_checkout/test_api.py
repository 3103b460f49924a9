"""The order, its handling information and its location."""

import json
from typing import Any

from handcart.core import clock
from handcart.retailers import ops as retailers
from tests.support.orders import ADDRESS, KINDS, Market, line
from tests.support.post_checkout import Customer, give
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shop import error


def test_order_then_its_state_type_and_window(market: Market) -> None:
    user_id = market.customer()
    types = {"last_mile": "last_mile_delivery", "dispatch": "last_mile_delivery"}
    for kind in KINDS:
        order_id = market.order(kind, user_id)["id"]
        row = market.row(order_id)
        assert Customer(market, user_id).get(order_id).json() == {
            "id": order_id,
            "created_at": clock.to_wire(row["created_at"]),
            "workflow_state": "brand_new",
            "fulfillment_type": types.get(kind, kind),
            **({"pickup_category": "curbside"} if kind == "pickup" else {}),
            "window_starts_at": clock.to_wire(row["window_starts_at"]),
            "window_ends_at": clock.to_wire(row["window_ends_at"]),
        }


def test_order_is_fulfilled_then_its_state_follows(market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    order_id, caller = market.order("pickup", user_id)["id"], Customer(market, user_id)
    batch = shopping.batch(order_id)
    seen = []
    for state in ("acknowledged", "picking", "checkout", "bags_check", "staged"):
        if state != "acknowledged":
            shopping.reach(batch, state)
        seen.append(caller.get(order_id).json()["workflow_state"])
    runner = shopping.batch(order_id)
    seen.append(caller.get(order_id).json()["workflow_state"])
    for state in ("at_store", "bags_verified", "completed"):
        shopping.reach(runner, state)
        seen.append(caller.get(order_id).json()["workflow_state"])
    shopped = ["acknowledged", "picking", "checkout", "bags_check", "ready_for_pickup"]
    assert seen == [*shopped, "runner_awaiting", "user_at_store", "bags_verified", "completed"]


def handling(market: Market, order_id: str) -> Any:
    answer = Customer(market).get(order_id, "/handling")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_delivery_then_the_customers_address_and_instructions(market: Market) -> None:
    address = {**ADDRESS, "address_line_2": "Apt 4", "latitude": 41.9, "longitude": -87.64}
    order = market.order("delivery", market.customer(), address=address, special_instructions="Ring twice")
    assert handling(market, order["id"]) == {
        "address": {
            "address_line_1": "350 W Oak St",
            "address_line_2": "Apt 4",
            "locality": "Chicago",
            "administrative_area": "IL",
            "postal_code": "60610",
            "country_code": "US",
        },
        "coordinates": {"latitude": 41.9, "longitude": -87.64},
        "instructions": "Ring twice",
        "leave_unattended": False,
        "alcoholic": False,
        "certified_delivery": False,
    }


def test_alcohol_or_left_at_the_door_then_the_handling_says_so(market: Market) -> None:
    user = {"birthday": "1991-03-05"}
    wine = market.order("delivery", market.customer(), items=[line("1", "wine")], user=user)
    left = market.order("delivery", market.customer(), leave_unattended=True)
    assert handling(market, wine["id"])["alcoholic"] is True
    assert handling(market, left["id"])["leave_unattended"] is True


def test_pickup_then_the_stores_address(market: Market) -> None:
    order = market.order("pickup", market.customer())
    there = market._stores["here"]
    found = handling(market, order["id"])
    assert found["address"]["address_line_1"] == there.address_line_1
    assert found["coordinates"] == {"latitude": there.point.latitude, "longitude": there.point.longitude}


def test_shopper_has_the_order_then_only_the_first_name_is_told(market: Market) -> None:
    order_id = market.order("delivery", market.customer())["id"]
    assert "shopper" not in handling(market, order_id)
    give(market, order_id, "Noor van den Berg")
    assert handling(market, order_id)["shopper"] == {"first_name": "Noor"}


def test_retailer_hides_shoppers_then_neither_name_nor_location(server: LiveServer) -> None:
    market = Market(server)
    order_id = market.order("delivery", market.customer())["id"]
    give(market, order_id, "Noor van den Berg")
    server.write(retailers.change, market.slug, {"shopper_information_removal": True})
    assert "shopper" not in handling(market, order_id)
    assert error(Customer(market).get(order_id, "/location")) == (403, "Shopper PII", None, None)


def test_order_is_not_on_its_way_then_its_location_is_empty(market: Market) -> None:
    order_id = market.order("delivery", market.customer())["id"]
    assert Customer(market).get(order_id, "/location").json() == {}


def test_sandbox_shopper_is_on_the_way_then_the_location_of_the_event(market: Market, shopping: Shopping) -> None:
    """As in `order_location`, a shopper whom a call of a sandbox made is at the store."""
    order_id = market.order("delivery", market.customer())["id"]
    batch = shopping.batch(order_id)
    shopping.reach(batch, "delivering")
    there = market._stores["here"].point
    coordinates = {"latitude": there.latitude, "longitude": there.longitude}
    assert Customer(market).get(order_id, "/location").json() == {"coordinates": coordinates}
    (event,) = market.server.sql(
        "SELECT body FROM events WHERE retailer_id = $1 AND subject = $2 AND name = 'order_location'",
        *(market.retailer.id, order_id),
    )
    assert json.loads(event["body"])["event_metadata"] == {"order_id": order_id, **coordinates}
    shopping.reach(batch, "completed")
    assert Customer(market).get(order_id, "/location").json() == {}


def test_nobody_knows_where_the_shopper_is_then_no_location(market: Market, shopping: Shopping) -> None:
    order_id = market.order("delivery", market.customer())["id"]
    give(market, order_id, "Noor van den Berg", "delivering")
    assert Customer(market).get(order_id, "/location").json() == {}
