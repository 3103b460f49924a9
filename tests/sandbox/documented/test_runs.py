"""The flows of the documentation's test tutorials, over the wire.

https://docs.instacart.com/connect/sandbox_guide/tutorials/test_delivery, .../test_pickup, .../test_last_mile_delivery,
https://docs.instacart.com/connect/sandbox_guide/how_to/test_item_updates, .../test_item_additions,
.../simulate_callbacks
"""

from typing import Any

import pytest

from handcart import app
from handcart.batches.states import TYPES
from handcart.core.errors import ApiError
from handcart.core.settings import Settings
from handcart.core.web.router import Router
from handcart.sandbox.documented import routes
from tests.support.orders import KINDS, Market, line
from tests.support.sandbox import TYPE_OF, Shopping
from tests.support.server import LiveServer
from tests.support.shop import error


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def shopping(market: Market) -> Shopping:
    return Shopping(market)


def test_delivery_goes_step_by_step_then_completed_without_an_item_call(market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id)["id"]
    shopper_id = shopping.shopper(password="123456")
    made = shopping.generate(str(shopper_id), order_id, batch_type="delivery")
    batch_id = made.json()["id"]
    assert made.json() == {"id": batch_id, "workflow_state": "acknowledged"}
    seen = ["brand_new", market.read(user_id, order_id).json()["status"]]
    for state in ("picking", "verifying_replacements", "checkout", "receipt_sanity_check", "delivering", "completed"):
        assert shopping.reach(batch_id, state) == state
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
    assert shopping.events(order_id) == [*shopped, "delivering", "order_location", "delivered"]
    assert market.taken == (0, 1)


def test_pickup_order_is_staged_then_a_runner_brings_it_out(market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    order_id = market.order("pickup", user_id)["id"]
    batch_id = shopping.batch(order_id, batch_type="pickup")
    assert shopping.reach(batch_id, "picking") == "picking"
    assert shopping.reach(batch_id, "staged") == "staged"
    assert market.read(user_id, order_id).json()["status"] == "staged"
    runner = shopping.generate(shopping.shopper(), order_id, batch_type="runner_customer")
    assert runner.json()["workflow_state"] == "brand_new"
    runner_id = runner.json()["id"]
    assert [shopping.reach(runner_id) for _ in range(3)] == ["at_store", "bags_verified", "completed"]
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
    assert shopping.events(order_id)[4:] == [
        "staged",
        "pickup_geofence_reached",
        "customer_acknowledged",
        "pickup_runner_started",
        "delivered",
    ]


@pytest.mark.parametrize("kind", ["last_mile", "dispatch"])
def test_retailer_picked_then_a_shopper_carries_the_order(market: Market, shopping: Shopping, kind: str) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id, bags_count=2)["id"]
    batch_id = shopping.batch(order_id, batch_type="delivery_only")
    assert shopping.reach(batch_id, "completed") == "completed"
    order = market.read(user_id, order_id).json()
    assert (order["status"], order["fulfillment_details"]["bag_count"]) == ("completed", 2)
    assert shopping.events(order_id) == [
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
DONE = {"success": True}
NOT_DELIVERED = {"delivered_upc": "", "delivered_rrc": ""}
MILK_DELIVERED = {"delivered_upc": "400000000015", "delivered_rrc": "milk"}
BREAD_DELIVERED = {"delivered_upc": "400000000022", "delivered_rrc": "bread"}


class Picking:
    """An order of `LINES` that a shopper picks."""

    def __init__(self, market: Market, shopping: Shopping) -> None:
        self.market, self.shopping = market, shopping
        self.user_id = market.customer()
        self.order_id: str = market.order("delivery", self.user_id, items=LINES)["id"]
        self.shopper_id = shopping.shopper()
        self.batch_id: int = shopping.generate(self.shopper_id, self.order_id).json()["id"]
        shopping.reach(self.batch_id, "picking")

    def item(self, line_num: str | None = None, **fields: Any) -> None:
        """Update the item of a line; without a line number, add one."""
        assert self.shopping.item(self.shopper_id, self.order_id, line_num, **fields).json() == DONE

    def order(self) -> Any:
        return self.market.read(self.user_id, self.order_id).json()

    def line(self, line_num: str) -> Any:
        (found,) = [one for one in self.order()["items"] if one["line_num"] == line_num]
        return found

    def events(self) -> list[str]:
        """The events since picking began."""
        return self.shopping.events(self.order_id)[3:]


@pytest.fixture
def picking(market: Market, shopping: Shopping) -> Picking:
    return Picking(market, shopping)


def test_fewer_items_found_than_ordered_then_get_order_shows_these(picking: Picking) -> None:
    picking.item("1", delivered_count=5, status="found", scans=[SCAN])
    shown = picking.line("1")
    assert (shown["qty"], shown["replaced"], shown["scan_code"]) == (5, False, "00400000000022")
    requested = {"requested_upc": "400000000015", "requested_rrc": "milk"}
    assert shown["item"].items() >= {**requested, **MILK_DELIVERED}.items()
    assert picking.events() == ["item_found"]


def test_item_added_then_get_order_shows_it_as_a_line_of_its_own(picking: Picking) -> None:
    picking.item(item={"upc": "400000000022"}, delivered_count=10, scans=[SCAN])
    shown = picking.line("5")
    assert (shown["qty"], shown["replaced"], shown["scan_code"]) == (10, False, "00400000000022")
    requested = {"requested_upc": "", "requested_rrc": ""}
    assert shown["item"] == {"upc": "400000000022", "rrc": "bread", **requested, **BREAD_DELIVERED}
    assert picking.events() == []


def test_item_replaced_twice_then_get_order_shows_the_last_replacement(picking: Picking) -> None:
    """First by rrc; then by upc, with the method that the how-to page shows."""
    picking.item("2", status="replaced", delivered_count=10, replacement_item={"rrc": "product1011"})
    path = f"/v2/fulfillment_sandbox/shoppers/{picking.shopper_id}/orders/{picking.order_id}/items/2/"
    body = {"replacement_item": {"upc": "400000000015"}, "delivered_count": 3}
    assert picking.market.post(path, body).json() == DONE
    shown = picking.line("2")
    assert (shown["qty"], shown["replaced"]) == (3, True)
    requested = {"requested_upc": "400000000022", "requested_rrc": "bread"}
    assert shown["item"] == {"upc": "400000000015", "rrc": "milk", **requested, **MILK_DELIVERED}
    assert picking.events() == ["item_replaced", "order_item_replacement"] * 2


def test_item_refunded_then_get_order_shows_that_nothing_is_delivered(picking: Picking) -> None:
    picking.item("3", status="to_refund", delivered_count=0)
    shown = picking.line("3")
    assert (shown["qty"], shown["replaced"], shown["refunded"]) == (0, False, True)
    requested = {"requested_upc": "", "requested_rrc": "soap"}
    assert shown["item"] == {"upc": "", "rrc": "soap", **requested, **NOT_DELIVERED}
    assert picking.events() == ["item_refunded", "order_item_refund"]


def test_item_not_handled_then_it_counts_as_found_at_the_end(picking: Picking) -> None:
    assert picking.line("4")["item"]["delivered_rrc"] == ""
    assert picking.shopping.reach(picking.batch_id, "completed") == "completed"
    shown = picking.line("4")
    assert (shown["qty"], shown["replaced"], shown.get("refunded")) == (2.5, False, None)
    assert shown["item"]["delivered_rrc"] == "ham"


def test_items_picked_then_the_number_of_bags_follows_from_them(picking: Picking) -> None:
    """Five and three and ten pieces, and the ham."""
    picking.item("1", delivered_count=5, status="found")
    picking.item("2", delivered_count=3, status="found")
    picking.item("3", status="to_refund", delivered_count=0)
    picking.item(item={"upc": "400000000022"}, delivered_count=10)
    picking.shopping.reach(picking.batch_id, "completed")
    assert picking.order()["fulfillment_details"]["bag_count"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_callback_simulated_then_it_is_sent_and_canceled_cancels(market: Market, shopping: Shopping, kind: str) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    late = "late_pickup" if kind == "pickup" else "late_delivery"
    for event_name in ("rescheduled", "late_delivery"):
        assert shopping.simulate(order_id, event_name).json() == {"success": True}
        assert market.read(user_id, order_id).json()["status"] == "brand_new"
    assert shopping.simulate(order_id, "canceled").json() == {"success": True}
    order = market.read(user_id, order_id).json()
    assert (order["status"], order["cancellation_reason"]) == ("canceled", "instacart_driven")
    assert shopping.events(order_id) == ["brand_new", "rescheduled", late, "canceled"]
    assert market.taken == (0, 0)
    assert market.row(order_id)["details"]["cancellation_type"] == "system error"
    for event_name in ("rescheduled", "late_delivery", "canceled"):
        assert error(shopping.simulate(order_id, event_name)) == (400, "too_late", 1001, "order_id")
        assert error(shopping.simulate("unknown", event_name)) == (404, "Resource not found", 4000, None)


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("delivery", ["picking", None, "checkout", None, None, "completed"]),
        ("delivery", ["completed"]),
        ("pickup", [None, None, None, "bags_check", None]),
        ("last_mile", [None, "bags_verified", None, None]),
    ],
)
def test_batch_is_advanced_with_a_target_or_bare_then_both_work(
    market: Market, shopping: Shopping, kind: str, steps: list[str | None]
) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    batch_id = shopping.batch(order_id)
    states = list(TYPES[TYPE_OF[kind]].states)
    place = states.index("acknowledged")
    for step in steps:
        place = place + 1 if step is None else states.index(step)
        assert shopping.reach(batch_id, step) == states[place]
    assert place == len(states) - 1
    assert error(shopping.advance(batch_id)) == (400, "Batch is finished", 1001, "workflow_state")


def test_server_is_in_production_then_there_is_no_sandbox() -> None:
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
