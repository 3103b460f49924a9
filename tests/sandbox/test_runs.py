"""The flows of the documentation's test tutorials, D1 to D13 of the acceptance list, over the wire.

https://docs.instacart.com/connect/sandbox_guide/tutorials/test_delivery, .../test_pickup, .../test_last_mile_delivery,
https://docs.instacart.com/connect/sandbox_guide/how_to/test_item_updates, .../test_item_additions,
.../simulate_callbacks
"""

import pytest

from handcart import app
from handcart.batches.states import TYPES
from handcart.core.errors import ApiError
from handcart.core.settings import Settings
from handcart.core.web.router import Router
from handcart.sandbox import routes
from tests.support.orders import KINDS, Market, line
from tests.support.sandbox import TYPE_OF, Floor
from tests.support.server import LiveServer
from tests.support.shop import error


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def floor(market: Market) -> Floor:
    return Floor(market)


def test_d1_when_a_delivery_goes_step_by_step_then_it_is_completed_without_an_item_call(
    market: Market, floor: Floor
) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id)["id"]
    shopper_id = floor.shopper(password="123456")
    made = floor.generate(str(shopper_id), order_id, batch_type="delivery")
    batch_id = made.json()["id"]
    assert made.json() == {"id": batch_id, "workflow_state": "acknowledged"}
    seen = ["brand_new", market.read(user_id, order_id).json()["status"]]
    for state in ("picking", "verifying_replacements", "checkout", "receipt_sanity_check", "delivering", "completed"):
        assert floor.come(batch_id, state) == state
        seen.append(market.read(user_id, order_id).json()["status"])
    assert seen == [
        "brand_new",
        "acknowledged",
        "picking",
        "verifying_replacements",
        "checkout",
        "checkout",
        "delivering",
        "completed",
    ]
    order = market.read(user_id, order_id).json()
    assert order["fulfillment_details"].items() >= {"bag_count": 1}.items()
    assert order["fulfillment_details"]["delivered_at"]
    assert (order["items"][0]["qty"], order["items"][0]["item"]["delivered_rrc"]) == (2, "milk")
    shopped = ["brand_new", "acknowledged", "picking", "checkout"]
    assert floor.events(order_id) == [*shopped, "delivering", "order_location", "delivered"]
    assert market.taken == (0, 1)


def test_d2_when_a_pickup_order_is_staged_then_a_runner_brings_it_out(market: Market, floor: Floor) -> None:
    user_id = market.customer()
    order_id = market.order("pickup", user_id)["id"]
    batch_id = floor.batch(order_id, batch_type="pickup")
    assert floor.come(batch_id, "picking") == "picking"
    assert floor.come(batch_id, "staged") == "staged"
    assert market.read(user_id, order_id).json()["status"] == "staged"
    runner = floor.generate(floor.shopper(), order_id, batch_type="runner_customer")
    assert runner.json()["workflow_state"] == "brand_new"
    runner_id = runner.json()["id"]
    assert [floor.come(runner_id) for _ in range(3)] == ["at_store", "bags_verified", "completed"]
    assert market.read(user_id, order_id).json()["status"] == "completed"
    assert [status for status, _ in market.history(order_id)] == [
        "brand_new",
        "acknowledged",
        "picking",
        "verifying_replacements",
        "checkout",
        "bags_check",
        "staged",
        "runner_awaiting",
        "user_at_store",
        "bags_verified",
        "completed",
    ]
    assert floor.events(order_id)[4:] == [
        "staged",
        "pickup_geofence_reached",
        "customer_acknowledged",
        "pickup_runner_started",
        "delivered",
    ]


@pytest.mark.parametrize("kind", ["last_mile", "dispatch"])  # D3 and D4
def test_d3_d4_when_the_retailer_picked_then_a_shopper_carries_the_order(
    market: Market, floor: Floor, kind: str
) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id, bags_count=2)["id"]
    batch_id = floor.batch(order_id, batch_type="delivery_only")
    assert floor.come(batch_id, "completed") == "completed"
    order = market.read(user_id, order_id).json()
    assert (order["status"], order["fulfillment_details"]["bag_count"]) == ("completed", 2)
    assert floor.events(order_id) == [
        "brand_new",
        "acknowledged",
        "acknowledged_for_delivery",
        "at_store_eta",
        "at_store",
        "bags_verified",
        "delivering",
        "order_location",
        "arrival_at_customer",
        "delivered",
    ]


LINES = [line("1", "milk", count=8), line("2", "bread", count=2), line("3", "soap"), line("4", "ham", weight=2.5)]
SCAN = {"scanned_string": "00400000000022", "scanned_string_type": "upca"}


def test_d5_to_d9_when_a_shopper_picks_then_get_order_shows_each_item(market: Market, floor: Floor) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id, items=LINES)["id"]
    shopper_id = floor.shopper()
    batch_id = floor.generate(shopper_id, order_id).json()["id"]
    floor.come(batch_id, "picking")
    done = {"success": True}
    # D5 and D6: found, and fewer than ordered
    assert floor.item(shopper_id, order_id, "1", delivered_count=5, status="found", scans=[SCAN]).json() == done
    # D7: added
    added = {"item": {"upc": "400000000022"}, "delivered_count": 10, "scans": [SCAN]}
    assert floor.item(shopper_id, order_id, **added).json() == done
    # D8: replaced by rrc, and by upc, over the method of the how-to page
    replaced = {"status": "replaced", "delivered_count": 10, "replacement_item": {"rrc": "product1011"}}
    assert floor.item(shopper_id, order_id, "2", **replaced).json() == done
    again = {"replacement_item": {"upc": "400000000015"}, "delivered_count": 3}
    path = f"/v2/fulfillment_sandbox/shoppers/{shopper_id}/orders/{order_id}/items/2/"
    assert market.post(path, again).json() == done
    # D9: refunded
    assert floor.item(shopper_id, order_id, "3", status="to_refund", delivered_count=0).json() == done
    shown = {one["line_num"]: one for one in market.read(user_id, order_id).json()["items"]}
    assert {number: (one["qty"], one["replaced"], one.get("refunded")) for number, one in shown.items()} == {
        "1": (5, False, None),
        "2": (3, True, None),
        "3": (0, False, True),
        "4": (2.5, False, None),
        "5": (10, False, None),
    }
    assert (shown["1"]["scan_code"], shown["5"]["scan_code"]) == ("00400000000022", "00400000000022")
    milk = {"requested_upc": "400000000015", "requested_rrc": "milk"}
    bread = {"requested_upc": "400000000022", "requested_rrc": "bread"}
    none = {"delivered_upc": "", "delivered_rrc": ""}
    assert shown["1"]["item"].items() >= {**milk, "delivered_upc": "400000000015", "delivered_rrc": "milk"}.items()
    assert shown["2"]["item"] == {
        **bread,
        "upc": "400000000015",
        "rrc": "milk",
        "delivered_upc": "400000000015",
        "delivered_rrc": "milk",
    }
    assert shown["3"]["item"] == {"upc": "", "rrc": "soap", "requested_upc": "", "requested_rrc": "soap", **none}
    assert shown["4"]["item"]["delivered_rrc"] == ""
    assert shown["5"]["item"] == {
        "upc": "400000000022",
        "rrc": "bread",
        "requested_upc": "",
        "requested_rrc": "",
        "delivered_upc": "400000000022",
        "delivered_rrc": "bread",
    }
    assert floor.come(batch_id, "completed") == "completed"
    order = market.read(user_id, order_id).json()
    assert order["items"][3]["item"]["delivered_rrc"] == "ham"  # the shopper did not handle it: found
    assert order["fulfillment_details"]["bag_count"] == 2  # 5 + 3 + 10 pieces and the ham
    replaced = ["item_replaced", "order_item_replacement"]
    assert floor.events(order_id)[3:10] == [
        "item_found",
        *replaced,
        *replaced,
        "item_refunded",
        "order_item_refund",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_d10_when_a_callback_is_simulated_then_it_is_owed_and_canceled_cancels(
    market: Market, floor: Floor, kind: str
) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    late = "late_pickup" if kind == "pickup" else "late_delivery"
    for event_name in ("rescheduled", "late_delivery"):
        assert floor.simulate(order_id, event_name).json() == {"success": True}
        assert market.read(user_id, order_id).json()["status"] == "brand_new"
    assert floor.simulate(order_id, "canceled").json() == {"success": True}
    order = market.read(user_id, order_id).json()
    assert (order["status"], order["cancellation_reason"]) == ("canceled", "instacart_driven")
    assert floor.events(order_id) == ["brand_new", "rescheduled", late, "canceled"]
    assert market.taken == (0, 0)
    assert market.row(order_id)["details"]["cancellation_type"] == "system error"
    for event_name in ("rescheduled", "late_delivery", "canceled"):
        assert error(floor.simulate(order_id, event_name)) == (400, "too_late", 1001, "order_id")
        assert error(floor.simulate("unknown", event_name)) == (404, "Resource not found", 4000, None)


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("delivery", ["picking", None, "checkout", None, None, "completed"]),
        ("delivery", ["completed"]),
        ("pickup", [None, None, None, "bags_check", None]),
        ("last_mile", [None, "bags_verified", None, None]),
    ],
)
def test_d12_when_a_batch_is_advanced_with_a_target_or_bare_then_both_work(
    market: Market, floor: Floor, kind: str, steps: list[str | None]
) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    batch_id = floor.batch(order_id)
    states = list(TYPES[TYPE_OF[kind]].states)
    place = states.index("acknowledged")
    for step in steps:
        place = place + 1 if step is None else states.index(step)
        assert floor.come(batch_id, step) == states[place]
    assert place == len(states) - 1
    assert error(floor.advance(batch_id)) == (400, "Batch is finished", 1001, "workflow_state")


def test_d13_when_the_server_is_in_production_then_there_is_no_sandbox() -> None:
    production, sandbox = (
        {route.path for route in app.routes(Settings(environment=environment))}
        for environment in ("production", "sandbox")
    )
    paths = {route.path for route in routes.ROUTES}
    assert len(paths) == 8
    assert paths <= sandbox
    assert not [path for path in production if "sandbox" in path]
    router = Router(app.routes(Settings()))
    for route in routes.ROUTES:
        with pytest.raises(ApiError, match="Not found"):
            router.match(route.method, route.path.replace("{", "").replace("}", ""))
