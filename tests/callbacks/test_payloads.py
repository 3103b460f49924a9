"""The name and content of each event. A wrong guess is corrected in one table, and here."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.clock import HOUR, MINUTE, SECOND
from handcart.events.kinds import KINDS
from handcart.retailers import ops as retailers
from handcart.sandbox.robot.scenarios import SCENARIOS
from tests.callbacks.conftest import Post
from tests.events.documented import DOCUMENTED
from tests.support.orders import GROWN_UP, MILK, PHONE, STORES, line
from tests.support.server import on_sqlite

COLUMNS = {"delivery": 0, "pickup": 1, "last_mile": 2, "dispatch": 2}
SCAN = {"scanned_string": "00400000000022", "scanned_string_type": "upca"}
WINE = {
    "items": [line("1", "wine"), line("2", "milk")],
    "user": {"birthday": GROWN_UP, "phone_number": PHONE},
}
# Only customers rate and chat; `staged` of a delivery is for two shoppers, and Handcart has one shopper for an order.
# The robot puts nothing back.
NEVER = {"rating_updated", "chat_message_created", "item_not_picked"}


@on_sqlite
@pytest.mark.parametrize("kind", COLUMNS)
def test_orders_of_a_kind_take_every_course_then_exactly_its_events_come(post: Post, kind: str) -> None:
    post.subscribe()
    market = post.market
    for name, scenario in SCENARIOS.items():
        if kind in scenario.kinds:
            order_id = market.order(kind, **(WINE if name == "alcohol_refused" else {}))["id"]
            market.post(f"/v2/handcart_sandbox/orders/{order_id}/run", {"scenario": name}).raise_for_status()
    if COLUMNS[kind] == 2:
        order = market.order(kind, user_id := market.customer())
        stage(post, kind, user_id, order["id"])
    post.advance(hours=1)
    post.drain()
    documented = {KINDS[title.lower().replace(" ", "_")].name for title, of in DOCUMENTED.items() if of[COLUMNS[kind]]}
    assert set(post.shop.names()) == documented - NEVER - ({"staged"} if kind == "delivery" else set())


def stage(post: Post, kind: str, user_id: str, order_id: str) -> None:
    body = {"bags_count": 2, "bag_label": "A-7"}
    path = f"/v2/fulfillment/lastmile/orders/{order_id}/staged"
    if kind == "last_mile":
        path = post.market.path(user_id, order_id, "/staged")
    post.market.post(path, body).raise_for_status()


def told(post: Post, order_id: str) -> dict[str, dict[str, Any]]:
    """The metadata of the last event by each name about an order; the order's id is in each."""
    post.drain()
    found = {one.name: dict(one.event["event_metadata"]) for one in post.shop.callbacks if one.order_id == order_id}
    assert {metadata.pop("order_id") for metadata in found.values()} == {order_id}
    return found


@pytest.fixture
def delivered(post: Post) -> str:
    """The id of a delivered order: its milk was replaced by bread, its soap found, then missing, then refunded."""
    post.subscribe()
    order_id: str = post.market.order("delivery", items=[MILK, line("2", "soap")])["id"]
    shopper = post.shopping.shopper()
    batch = post.shopping.generate(shopper, order_id).json()["id"]
    post.shopping.reach(batch, "picking")
    replaced = {"status": "replaced", "delivered_count": 2, "replacement_item": {"rrc": "bread", "upc": "400000000022"}}
    post.shopping.item(shopper, order_id, "1", **replaced, scans=[SCAN]).raise_for_status()
    for status in ("found", "not_found", "to_refund"):
        post.shopping.item(shopper, order_id, "2", status=status).raise_for_status()
    post.shopping.reach(batch, "completed")
    return order_id


REPLACED_MILK = {
    "line_num": "1",
    "qty": 2,
    "qty_unit": "each",
    "replaced": True,
    "refunded": False,
    "item_upc": "400000000022",
    "item_rrc": "bread",
    "scan_code": "00400000000022",
}
REFUNDED_SOAP = {
    "line_num": "2",
    "qty": 0,
    "qty_unit": "each",
    "replaced": False,
    "refunded": True,
    "item_upc": "",
    "item_rrc": "soap",
    "scan_code": "",
}
# At the checkout each item also has the codes that were requested and those that were delivered.
REPLACED_MILK_AT_CHECKOUT = {
    **REPLACED_MILK,
    "requested_item_upc": "400000000015",
    "requested_item_rrc": "milk",
    "delivered_item_upc": "400000000022",
    "delivered_item_rrc": "bread",
}
REFUNDED_SOAP_AT_CHECKOUT = {
    **REFUNDED_SOAP,
    "requested_item_upc": "",
    "requested_item_rrc": "soap",
    "delivered_item_upc": "",
    "delivered_item_rrc": "",
}


def test_order_delivered_then_events_of_its_way_have_these_keys(post: Post, delivered: str) -> None:
    """The keys and forms that are guessed: docs/wire-choices.md."""
    window = {"starts_at": clock.to_wire(post.market.at(12)), "ends_at": clock.to_wire(post.market.at(14))}
    items = {"order_items": [REPLACED_MILK, REFUNDED_SOAP]}
    store = STORES[0]  # the shopper sets out there
    link = told(post, delivered)["brand_new"]["order_url"]
    assert link.startswith(f"{post.server.url}/o/")
    assert {name: metadata for name, metadata in told(post, delivered).items() if "item" not in name} == {
        "brand_new": {"delivery_window": window, "store_location": store.location_code, "order_url": link},
        "acknowledged": {},
        "picking": {"store_location": store.location_code, "order_url": link},
        "checkout": {"order_items": [REPLACED_MILK_AT_CHECKOUT, REFUNDED_SOAP_AT_CHECKOUT]},
        "delivering": {"delivery_window": window, **items},
        "order_location": {"latitude": store.point.latitude, "longitude": store.point.longitude},
        "delivered": items,
    }


def test_order_delivered_then_events_of_its_items_have_these_keys(post: Post, delivered: str) -> None:
    """The keys and forms that are guessed: docs/wire-choices.md."""
    soap = {"line_num": "2", "item_name": "Soap"}
    assert {name: metadata for name, metadata in told(post, delivered).items() if "item" in name} == {
        "item_found": soap,
        "item_not_picked": soap,
        "item_replaced": {
            "line_num": "1",
            "item_name": "Milk",
            "replacement_line_num": "1",
            "replacement_name": "Bread",
        },
        "item_refunded": soap,
        "order_item_replacement": {"order_items": [REPLACED_MILK, {**REFUNDED_SOAP, "qty": 1, "refunded": False}]},
        "order_item_refund": {"order_items": [REPLACED_MILK, REFUNDED_SOAP]},
    }


@on_sqlite
@pytest.mark.parametrize("is_member", [True, False])
def test_last_mile_order_created_then_brand_new_has_its_benefit(post: Post, is_member: bool) -> None:
    """What a client of Connect reads that creates such orders asynchronously."""
    post.subscribe()
    market = post.market
    user_id = market.customer()
    if is_member:
        market.link(user_id, market.linking_token(market.account(member_for=24 * HOUR))).raise_for_status()
    order = market.order("last_mile", user_id)
    assert told(post, order["id"])["brand_new"]["is_instacartplus"] is order["is_instacartplus"] is is_member
    dispatch = market.order("dispatch")["id"]
    assert told(post, dispatch)["brand_new"]["is_instacartplus"] is False


@on_sqlite
def test_order_delivered_then_quantities_in_events_are_integers(post: Post, delivered: str) -> None:
    """Strict decoders of integers read each quantity, before and after the shopper handled the line."""
    post.drain()
    quantities = re.findall(rb'"qty":([^,]*)', b"".join(one.body for one in post.shop.callbacks))
    assert set(quantities) == {b"0", b"1", b"2"}


@on_sqlite
def test_order_delivered_then_event_ids_and_times_rise(post: Post, delivered: str) -> None:
    post.drain()
    events = [one.event for one in post.shop.callbacks]
    ids = [event["event_id"] for event in events]
    assert ids == sorted(ids)
    assert all(2**53 < event_id < 2**63 for event_id in ids)
    times = [event["event_timestamp"] for event in events]
    assert times == sorted(times)
    assert all(clock.from_wire(at, "") % SECOND == 0 and at.endswith("Z") for at in times)


def test_order_is_late_canceled_or_tipped_then_the_event_says_how(post: Post) -> None:
    post.subscribe()
    market = post.market
    carried = market.order("last_mile", user_id := market.customer())["id"]
    canceled = market.order("delivery", customer := market.customer())["id"]
    market.post(market.path(customer, canceled, "/cancel"), {}).raise_for_status()
    assert told(post, canceled)["canceled"] == {
        "cancellation_reason": "customer_driven",
        "cancellation_type": "customer requested since order is early",
    }
    order_id = market.order("delivery")["id"]
    for name in ("rescheduled", "late_delivery"):
        post.shopping.simulate(order_id, name).raise_for_status()
    late = {"starts_at": clock.to_wire(market.at(14)), "ends_at": clock.to_wire(market.at(14) + HOUR // 2)}
    found = told(post, order_id)
    # Another window than the promised one, and a later one: also long before that begins.
    assert found["rescheduled"] == found["late_delivery"] == {"new_window": late}
    market.http.put(
        "/v2/handcart_sandbox/clock", json={"at": clock.to_wire(market.at(12) + HOUR)}, headers=market.headers
    ).raise_for_status()
    post.shopping.simulate(order_id, "late_delivery").raise_for_status()
    assert told(post, order_id)["late_delivery"] == {"new_window": late}
    post.shopping.simulate(order_id, "canceled").raise_for_status()
    assert told(post, order_id)["canceled"] == {
        "cancellation_reason": "instacart_driven",
        "cancellation_type": "system error",
    }
    stage(post, "last_mile", user_id, carried)
    post.shopping.complete(carried, "last_mile")
    tip = market.http.put(market.path(user_id, carried, "/tip"), json={"tip_amount_cents": 700}, headers=market.headers)
    assert tip.status_code == 200
    found = told(post, carried)
    assert found["tip_adjustment"] == {"tip_amount_cents": 700}
    assert found["at_store_eta"].pop("bag_label") == "A-7"
    (taken,) = [one for one in post.shop.callbacks if one.name == "at_store_eta"]
    in_20_minutes = clock.from_wire(taken.event["event_timestamp"], "") + 20 * MINUTE
    assert found["at_store_eta"] == {"eta": clock.to_wire(in_20_minutes)}
    assert found["staged"] == {"status_link": found["brand_new"]["order_url"], "order_items": []}


@on_sqlite
def test_pickup_order_is_staged_then_the_event_has_both_links(post: Post) -> None:
    post.subscribe()
    order = post.market.order("pickup")
    post.shopping.reach(post.shopping.batch(order["id"]), "staged")
    found = told(post, order["id"])
    assert found["staged"]["status_link"] == found["picking"]["order_url"] == order["order_url"]
    assert found["staged"]["pickup_link"] == order["order_url"] + "/pickup"


@on_sqlite
def test_event_is_triggered_that_the_order_has_no_values_of_then_samples(post: Post) -> None:
    post.subscribe()
    order_id = post.market.order("pickup")["id"]
    for name in ("canceled", "customer_acknowledged"):
        sent = post.market.post(f"/v2/handcart_sandbox/orders/{order_id}/events", {"event_name": name})
        sent.raise_for_status()
    found = told(post, order_id)
    assert found["canceled"] == {"cancellation_reason": "instacart_driven", "cancellation_type": "system error"}
    assert found["customer_acknowledged"] == {"shopper_name": "Sam"}
    assert post.market.row(order_id)["status"] == "brand_new"


@on_sqlite
def test_retailer_has_no_order_pages_then_events_have_no_links(post: Post) -> None:
    post.server.write(retailers.change, post.market.slug, {"order_page": False})
    post.subscribe()
    order = post.market.order("pickup")
    assert "order_url" not in order
    post.shopping.reach(post.shopping.batch(order["id"]), "staged")
    found = told(post, order["id"])
    assert not {"order_url", "status_link", "pickup_link"} & {key for one in found.values() for key in one}


@pytest.mark.parametrize("kind", ["delivery", "last_mile"])
def test_order_on_its_way_then_positions_repeat_and_a_reminder_follows(post: Post, kind: str) -> None:
    """Every two minutes, each with its due time, as long as the order is in its state."""
    post.subscribe()
    market = post.market
    post.advance(seconds=1)  # from here on the clock stands
    market.http.put("/v2/handcart_sandbox/clock", json={"frozen": True}, headers=market.headers)
    order_id = market.order(kind)["id"]
    batch = post.shopping.batch(order_id)  # it is acknowledged
    repeats = {"delivering": "order_location"}
    if kind == "last_mile":
        repeats = {"acknowledged": "at_store_eta", **repeats}
    for state, name in repeats.items():
        if state == "delivering":
            post.shopping.reach(batch, state)
        post.advance(minutes=2, seconds=1)
        post.advance(minutes=6)
        post.drain()
        came = [one.event for one in post.shop.callbacks if one.name == name]
        times = [clock.from_wire(one["event_timestamp"], "") for one in came]
        assert [later - earlier for earlier, later in pairwise(times)] == [2 * MINUTE] * 4, name
    post.shopping.reach(batch, "completed")
    count = len(post.shop.callbacks)
    post.advance(minutes=59, seconds=59)
    post.drain()
    assert post.shop.names(order_id)[count:][-1] == "delivered"
    post.advance(seconds=1)
    post.drain()
    assert post.shop.names(order_id)[-1] == "rating_reminder"
    post.advance(hours=24)
    post.drain()
    assert post.shop.names(order_id).count("rating_reminder") == 1


@on_sqlite
def test_order_is_rated_or_canceled_on_its_way_then_nothing_comes_later(post: Post) -> None:
    post.subscribe()
    rated, canceled = (post.market.order("delivery")["id"] for _ in range(2))
    post.shopping.complete(rated, "delivery")
    post.market.post(f"/v2/handcart_sandbox/orders/{rated}/events", {"event_name": "rating_updated"})
    post.shopping.reach(post.shopping.batch(canceled), "delivering")
    post.shopping.simulate(canceled, "canceled").raise_for_status()
    post.advance(hours=2)
    post.drain()
    assert "rating_reminder" not in post.shop.names(rated)
    assert post.shop.names(canceled)[-1] == "canceled"
    assert post.server.sql("SELECT * FROM later_events WHERE retailer_id = $1", post.market.retailer.id) == []


@on_sqlite
def test_names_strange_and_events_long_then_the_body_is_sent_as_stored(post: Post) -> None:
    post.subscribe()
    many = [{"line_num": str(number), "name": "\u202e🥕\u0000é" * 20} for number in range(300)]
    event_id = post.emit("order-1", order_items=many)
    post.drain()
    (came,) = post.shop.callbacks
    assert len(came.body) > 20_000
    assert came.body.decode() == post.body(event_id)
    assert json.loads(came.body)["event_metadata"]["order_items"] == many
