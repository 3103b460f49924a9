"""Pick up an order: instructions, vehicle, delegate, on the way, arrival."""

from collections.abc import Mapping
from typing import Any

import pytest

from handcart.assignment import ops as assignment
from handcart.assignment import queries as lists
from handcart.assignment.models import EXPECTED, STUCK
from handcart.assignment.warnings import of_order, wanted
from handcart.batches import ops as batch_ops
from handcart.batches import queries as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders.models import COLORS, VEHICLE_TYPES
from handcart.staff.models import SYSTEM
from handcart.stores import pickup
from handcart.stores.pickup import Image, Instruction
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, Market
from tests.support.post_checkout import NOT_FOUND, Customer, emit_delayed, give
from tests.support.sandbox import Shopping
from tests.support.shop import error
from tests.support.shoppers import add_shopper

NOT_PICKUP = (400, "Pickup unavailable for non-pickup orders", 4001, None)
NO_STATUS = (404, "No pickup status found for order", 4000, None)
TOO_LATE = (400, "too_late", 1001, "order_id")
NOT_LISTED = "is not included in the list"
CAR = {"model": "Hatch 200", "vehicle_type": "hatchback", "license_plate": "7ABC123", "color": "silver"}
DELEGATE = {"name": "Kim Sample", "phone_number": "+13125550199"}
ARRIVED, SCHEDULE, VEHICLE = "/pickup/user_arrived", "/pickup/schedule_pickup", "/pickup/vehicle_info"
PLANNED = "SELECT due_at FROM later_events WHERE name = 'customer expected'"
# What a call of each endpoint about a pickup order has for a body.
CALLS: Mapping[tuple[str, str], Any] = {
    ("GET", "/pickup/details"): None,
    ("GET", VEHICLE): None,
    ("PUT", VEHICLE): CAR,
    ("POST", ARRIVED): {},
    ("POST", SCHEDULE): {"schedule_pickup_eta": "2026-06-12T00:20:00Z"},
    ("PUT", "/pickup_delegate"): DELEGATE,
}


@pytest.fixture
def caller(market: Market) -> Customer:
    return Customer(market)


def order(market: Market) -> str:
    return str(market.order("pickup", market.customer())["id"])


def staged(market: Market, shopping: Shopping) -> str:
    order_id = order(market)
    shopping.reach(shopping.batch(order_id), "staged")
    return order_id


@pytest.mark.parametrize(("method", "action"), CALLS)
def test_order_of_another_kind_or_user_then_the_documented_refusal(
    market: Market, caller: Customer, method: str, action: str
) -> None:
    expected = NO_STATUS if action == ARRIVED else NOT_PICKUP
    foreign, other = order(market), Customer(market, market.customer())
    others = [str(market.order(kind, market.customer())["id"]) for kind in KINDS if kind != "pickup"]
    with nothing_written(market.server):
        for order_id in others:
            assert error(caller.send(method, order_id, action, CALLS[method, action])) == expected
        for one in (foreign, "unknown"):
            assert error(other.send(method, one, action, CALLS[method, action])) == NOT_FOUND


# Instructions


def test_store_with_and_without_own_instructions_then_its_sets(market: Market, caller: Customer) -> None:
    order_id = order(market)
    assert caller.get(order_id, "/pickup/details").json() == {"pickup_instructions": []}
    sign = Image("https://shop.example/bays.png", "The sign")
    for given in (
        Instruction("", "curbside", "Call us"),
        Instruction("", "in_store", "Come to the desk"),
        Instruction("here", "curbside", "Park in bays 1 to 6", [sign]),
        Instruction("dry", "locker", "Locker 9"),
    ):
        market.server.write(pickup.set_instruction, market.retailer.id, given)
    images = [{"url": "https://shop.example/bays.png", "value": "The sign"}]
    assert caller.get(order_id, "/pickup/details").json()["pickup_instructions"] == [
        {"category": "curbside", "instruction": "Park in bays 1 to 6", "instruction_images": images},
        {"category": "in_store", "instruction": "Come to the desk", "instruction_images": []},
    ]


# Vehicle and delegate


def test_vehicle_named_then_read_and_changed_in_part(market: Market, caller: Customer) -> None:
    order_id = order(market)
    assert caller.get(order_id, VEHICLE).json() == {}
    made = caller.put(order_id, VEHICLE, CAR).json()["vehicle_info"]
    assert made == {**CAR, "id": made["id"], "color_hex": "#E8E8E8"}
    changed = caller.put(order_id, VEHICLE, {"color": "red"}).json()["vehicle_info"]
    assert changed == {**made, "color": "red", "color_hex": "#C62828"}
    assert caller.get(order_id, VEHICLE).json() == {"vehicle_info": changed}
    assert market.history(order_id)[-1] == ("brand_new", "vehicle named")


def test_vehicle_without_details_then_its_texts_are_empty(market: Market, caller: Customer) -> None:
    made = caller.put(order(market), VEHICLE).json()["vehicle_info"]
    assert made == {"id": made["id"], "model": "", "vehicle_type": "", "color": ""}


def test_every_type_and_color_then_accepted_in_lower_case_only(market: Market, caller: Customer) -> None:
    order_id = order(market)
    for name, values in (("vehicle_type", VEHICLE_TYPES), ("color", COLORS)):
        for value in values:
            made = caller.put(order_id, VEHICLE, {name: value}).json()["vehicle_info"]
            assert made[name] == value
            assert ("color_hex" in made) == (name == "color" or ("color" in made and bool(made["color"])))
            for wrong in (value.upper(), f" {value}", "tank"):
                assert error(caller.put(order_id, VEHICLE, {name: wrong})) == (400, NOT_LISTED, 1001, name)


def test_delegate_named_then_kept_and_a_vehicle_can_be_theirs(market: Market, caller: Customer) -> None:
    order_id = order(market)
    of_delegate = {**CAR, "is_pickup_delegate": True}
    refused = caller.put(order_id, VEHICLE, of_delegate)
    assert error(refused) == (400, "is invalid", 1001, "is_pickup_delegate")
    answer = caller.put(order_id, "/pickup_delegate", DELEGATE)
    assert (answer.status_code, answer.json()) == (200, {})
    caller.put(order_id, "/pickup_delegate", {**DELEGATE, "name": "Lou Sample"}).raise_for_status()
    caller.put(order_id, VEHICLE, of_delegate).raise_for_status()
    details = market.row(order_id)["details"]
    assert details["delegate"] == {"name": "Lou Sample", "phone_number": "+13125550199"}
    assert details["vehicle"]["is_delegate"] is True


def test_order_has_ended_then_it_is_too_late_for_its_pickup(
    market: Market, shopping: Shopping, caller: Customer
) -> None:
    order_id = order(market)
    shopping.complete(order_id, "pickup")
    with nothing_written(market.server):
        for method, action in CALLS:
            if action != ARRIVED:
                assert error(caller.send(method, order_id, action, CALLS[method, action])) == TOO_LATE, action


BAD_LINES = {
    "override": "Kim\u202eelpmaS",
    "isolate": "Kim\u2066",
    "zero width": "K\u200bim",
    "only zero width": "\u200b",
    "NUL": "Kim\0",
    "two lines": "Kim\nSample",
    "escape": "\x1b[31mKim",
    "C1": "Kim\x9b",
    "too long": "k" * 101,
    "number": 7,
    "list": ["Kim"],
}


@pytest.mark.parametrize("row", BAD_LINES)
def test_name_or_plate_is_not_one_readable_line_then_is_invalid(market: Market, caller: Customer, row: str) -> None:
    order_id, value = order(market), BAD_LINES[row]
    with nothing_written(market.server):
        for name in ("model", "license_plate"):
            assert error(caller.put(order_id, VEHICLE, {name: value})) == (400, "is invalid", 1001, name)
        refused = caller.put(order_id, "/pickup_delegate", {**DELEGATE, "name": value})
        assert error(refused) == (400, "is invalid", 1001, "name")


def test_delegate_lacks_name_or_phone_then_the_field_is_named(market: Market, caller: Customer) -> None:
    order_id = order(market)
    wrong = {
        "no name": ({"phone_number": "+13125550199"}, "can't be blank", "name"),
        "blank name": ({**DELEGATE, "name": "  "}, "can't be blank", "name"),
        "no phone": ({"name": "Kim"}, "can't be blank", "phone_number"),
        "short phone": ({**DELEGATE, "phone_number": "555-0188"}, "is invalid", "phone_number"),
        "phone of digits": ({**DELEGATE, "phone_number": "3125550188"}, "is invalid", "phone_number"),
        "phone as a number": ({**DELEGATE, "phone_number": 13125550199}, "is invalid", "phone_number"),
    }
    with nothing_written(market.server):
        for row, (body, message, key) in wrong.items():
            assert error(caller.put(order_id, "/pickup_delegate", body)) == (400, message, 1001, key), row


def test_html_in_names_then_stored_as_it_is(market: Market, caller: Customer) -> None:
    order_id, script = order(market), "<script>alert(1)</script>"
    caller.put(order_id, "/pickup_delegate", {**DELEGATE, "name": script}).raise_for_status()
    assert caller.put(order_id, VEHICLE, {"model": script}).json()["vehicle_info"]["model"] == script
    assert market.row(order_id)["details"]["delegate"]["name"] == script


# Arrival


def test_customer_arrives_then_the_order_waits_for_a_runner(
    market: Market, shopping: Shopping, caller: Customer
) -> None:
    order_id = staged(market, shopping)
    answer = caller.post(order_id, ARRIVED)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert market.history(order_id)[-2:] == [("staged", "customer arrived"), ("runner_awaiting", "runner_awaiting")]
    assert shopping.events(order_id)[-1] == "pickup_geofence_reached"
    assert caller.get(order_id).json()["workflow_state"] == "runner_awaiting"
    with nothing_written(market.server):
        assert caller.post(order_id, ARRIVED).json() == {"success": True}


def test_order_is_not_staged_then_params_error(market: Market, shopping: Shopping, caller: Customer) -> None:
    early, over = order(market), order(market)
    shopping.complete(over, "pickup")
    for order_id in (early, over):
        with nothing_written(market.server):
            answer = caller.post(order_id, ARRIVED)
        assert answer.status_code == 400
        assert answer.json() == {
            "error": {"message": "Params error", "code": 2001},
            "meta": {"order_delivery_id": "Order delivery is not staged."},
        }


def test_delegate_arrives_then_known_and_refused_without_one(
    market: Market, shopping: Shopping, caller: Customer
) -> None:
    order_id, delegate = staged(market, shopping), {"is_pickup_delegate": True}
    with nothing_written(market.server):
        assert error(caller.post(order_id, ARRIVED, delegate)) == (400, "is invalid", 1001, "is_pickup_delegate")
    caller.put(order_id, "/pickup_delegate", DELEGATE).raise_for_status()
    caller.post(order_id, ARRIVED, delegate).raise_for_status()
    assert market.row(order_id)["details"]["delegate"]["has_arrived"] is True


async def _live(tx: Tx, retailer_id: int, order_id: str) -> Any:
    batch = await batches.live_of_order(tx, retailer_id, order_id)
    return await batches.shopper_of_order(tx, retailer_id, order_id), batch


def test_customer_arrived_then_a_dispatcher_gives_the_order_to_a_runner(
    market: Market, shopping: Shopping, caller: Customer
) -> None:
    order_id, server, retailer_id = staged(market, shopping), market.server, market.retailer.id
    caller.post(order_id, ARRIVED).raise_for_status()
    person, before = server.read(_live, retailer_id, order_id)
    assert person is None
    assert server.read(lists.order, retailer_id, order_id).batch_id is None
    runner = add_shopper(server, "Rae Runner")
    given = server.write(assignment.assign, SYSTEM, retailer_id, [order_id], runner.id)
    assert (given.id, given.type) == (before.id, "runner_customer")
    row = server.read(lists.order, retailer_id, order_id)
    assert (row.batch_id, row.person) == (before.id, "Rae Runner")


def test_order_is_canceled_while_it_waits_then_its_picker_was_the_last(market: Market, caller: Customer) -> None:
    order_id, server, retailer_id = order(market), market.server, market.retailer.id
    give(market, order_id, "Noor Sample", "staged")
    caller.post(order_id, ARRIVED).raise_for_status()
    server.write(batch_ops.cancel, retailer_id, order_id, "retailer_driven", "store early closure")
    assert server.read(lists.order, retailer_id, order_id).last_person == "Noor Sample"
    assert server.read(batches.live_of_order, retailer_id, order_id) is None


def test_customer_arrived_then_the_sandbox_can_take_the_batch(
    market: Market, shopping: Shopping, caller: Customer
) -> None:
    order_id = staged(market, shopping)
    caller.post(order_id, ARRIVED).raise_for_status()
    batch = shopping.batch(order_id, workflow_state="at_store")
    assert caller.get(order_id).json()["workflow_state"] == "user_at_store"
    assert shopping.reach(batch, "completed") == "completed"
    again = shopping.generate(shopping.shopper(), order_id)
    assert again.status_code == 400


# On the way


def eta(minutes: float) -> dict[str, str]:
    return {"schedule_pickup_eta": clock.to_wire(int(clock.of_process() + minutes * clock.MINUTE))}


def test_customer_is_on_the_way_then_the_time_is_kept_and_replaced(
    market: Market, shopping: Shopping, caller: Customer
) -> None:
    order_id = staged(market, shopping)
    for minutes in (20, 35):
        body = eta(minutes)
        answer = caller.post(order_id, SCHEDULE, body)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        coming_at = market.row(order_id)["details"]["coming_at"]
        assert clock.to_wire(coming_at) == body["schedule_pickup_eta"]
    assert market.history(order_id)[-1] == ("staged", "customer on the way")
    planned = market.server.sql(f"{PLANNED} AND order_id = $1", order_id)
    assert [row["due_at"] for row in planned] == [coming_at]


def warned(market: Market, order_id: str) -> frozenset[str]:
    """The warnings that the order has now."""
    return wanted(market.server.read(of_order, market.retailer.id, order_id), clock.of_process(), 60)


def test_time_has_come_then_dispatchers_are_warned_until_the_arrival(
    market: Market, shopping: Shopping, caller: Customer, later: Any
) -> None:
    order_id = staged(market, shopping)

    caller.post(order_id, SCHEDULE, eta(20)).raise_for_status()
    with later(minutes=19):
        emit_delayed(market)
        assert warned(market, order_id) == set()
    with later(minutes=21):
        emit_delayed(market)
        assert warned(market, order_id) == {EXPECTED}
        assert market.history(order_id)[-1] == ("staged", "customer expected")
        caller.post(order_id, SCHEDULE, {"schedule_pickup_eta": clock.to_wire(clock.of_process() + 10 * clock.MINUTE)})
        assert warned(market, order_id) == set()
    with later(minutes=32):
        emit_delayed(market)
        assert warned(market, order_id) == {EXPECTED}
        caller.post(order_id, ARRIVED).raise_for_status()
        assert warned(market, order_id) == {STUCK}  # nobody brings the order out yet


def test_customer_arrives_early_then_nobody_is_warned_later(
    market: Market, shopping: Shopping, caller: Customer, later: Any
) -> None:
    order_id = staged(market, shopping)
    caller.post(order_id, SCHEDULE, eta(-1)).raise_for_status()
    caller.post(order_id, SCHEDULE, eta(20)).raise_for_status()
    caller.post(order_id, ARRIVED).raise_for_status()
    before = market.history(order_id)
    with later(minutes=21):
        emit_delayed(market)
    assert market.history(order_id) == before
    assert market.server.sql(f"{PLANNED} AND order_id = $1", order_id) == []


def test_pickup_cannot_be_scheduled_then_refused_for_the_reason(
    market: Market, shopping: Shopping, caller: Customer
) -> None:
    early, with_delegate, ready = order(market), staged(market, shopping), staged(market, shopping)
    caller.put(with_delegate, "/pickup_delegate", DELEGATE).raise_for_status()
    key = "schedule_pickup_eta"
    with nothing_written(market.server):
        assert caller.post(early, SCHEDULE, eta(20)).json()["error"] == {"message": "Params error", "code": 2001}
        expected = (400, "is not available with a pickup delegate", 1001, key)
        assert error(caller.post(with_delegate, SCHEDULE, eta(20))) == expected
        assert error(caller.post(ready, SCHEDULE)) == (400, "can't be blank", 1001, key)
        for wrong in ("soon", "2026-06-12T00:20:00", 1765500000, "9" * 50, *(eta(one)[key] for one in (-10, 1500))):
            assert error(caller.post(ready, SCHEDULE, {key: wrong})) == (400, "is invalid", 1001, key), wrong
