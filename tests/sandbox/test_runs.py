"""The flows of the documentation's test tutorials, D1 to D13 of the acceptance list, over the wire.

https://docs.instacart.com/connect/sandbox_guide/tutorials/test_delivery, .../test_pickup, .../test_last_mile_delivery,
https://docs.instacart.com/connect/sandbox_guide/how_to/test_item_updates, .../test_item_additions,
.../simulate_callbacks
"""

import pytest

from tests.support.orders import Market
from tests.support.sandbox import Floor
from tests.support.server import LiveServer


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
    assert floor.events(order_id) == ["brand_new", "acknowledged", "picking", "checkout", "delivering", "delivered"]
    assert market.taken == (0, 1)
