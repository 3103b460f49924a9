"""Sample orders: each kind, their users, and the robot shopper's work on them."""

from typing import Any

import pytest

from handcart.sandbox.robot.scenarios import SCENARIOS
from tests.support.clocks import freeze
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, Market
from tests.support.server import LiveServer
from tests.support.shop import error

ORDERS = "/v2/handcart_sandbox/orders"


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Market:
    return Market(server, capacity=1000)


def place(market: Market, **asked: Any) -> Any:
    answer = market.post(ORDERS, asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("kind", KINDS)
def test_sample_order_is_placed_then_it_waits_like_any_other(market: Market, kind: str) -> None:
    placed = place(market, kind=kind)
    assert (placed["kind"], placed["status"], placed["run"]) == (kind, "brand_new", None)
    assert (placed["user_id"] is None) == (kind == "dispatch")
    row = market.row(placed["order_id"])
    assert (row["kind"], row["user_id"]) == (kind, placed["user_id"])
    if placed["user_id"] and kind != "last_mile":
        read = market.read(placed["user_id"], placed["order_id"]).json()
        assert len(read["items"]) == 2
        assert read["is_instacartplus"] is False


def test_customer_to_be_a_member_then_each_of_their_orders_has_the_benefit(market: Market) -> None:
    user_id = market.customer()
    for _ in range(2):
        placed = place(market, user_id=user_id, instacartplus_member=True)
        assert placed["user_id"] == user_id
        assert market.read(user_id, placed["order_id"]).json()["is_instacartplus"] is True
    assert place(market, kind="dispatch", instacartplus_member=True)["user_id"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_named_then_the_order_is_one_that_completes_it(market: Market, name: str) -> None:
    placed = place(market, scenario=name, seed=3)
    assert placed["kind"] == SCENARIOS[name].kinds[0]
    assert (placed["run"]["scenario"], placed["run"]["is_over"], placed["run"]["stopped"]) == (name, True, None)
    assert placed["status"] == market.row(placed["order_id"])["status"] != "brand_new"


def test_pace_is_named_then_the_run_has_just_begun(market: Market) -> None:
    placed = place(market, kind="pickup", scenario="late", pace="x60")
    assert (placed["status"], placed["run"]["is_over"]) == ("brand_new", False)
    market.delete(f"{ORDERS}/{placed['order_id']}/run")  # its steps would change rows while other tests run


def test_clock_frozen_then_the_order_stays(server: LiveServer) -> None:
    market = Market(server)
    freeze(market, "2030-06-12T17:00:00Z")
    placed = place(market)
    order = market.read(placed["user_id"], placed["order_id"]).json()
    assert order["created_at"] == "2030-06-12T17:00:00Z"
    assert order["fulfillment_details"]["window_starts_at"] > "2030-06-12T17:00:00Z"


@pytest.mark.parametrize(
    ("asked", "message", "key"),
    [
        ({"kind": "drone"}, "is invalid", "kind"),
        ({"user_id": "nobody"}, "User Not Found", "user_id"),
        ({"scenario": "repalced"}, "is unknown", "scenario"),
        ({"kind": "delivery", "scenario": "runner_not_found"}, "does not fit this order", "scenario"),
    ],
)
def test_sample_order_impossible_then_refused_and_nothing_is_written(
    market: Market, asked: dict[str, Any], message: str, key: str
) -> None:
    assert market.token
    with nothing_written(market.server):
        answer = market.post(ORDERS, asked)
    assert error(answer) == (400, message, 1001, key)


def test_name_unknown_then_the_refusal_lists_the_known_ones(market: Market) -> None:
    meta = market.post(ORDERS, {"scenario": "repalced"}).json()["meta"]
    assert meta == {"key": "scenario", "nearest": "replaced", "known": sorted(SCENARIOS)}
    meta = market.post(ORDERS, {"scenario": "x" * 64}).json()["meta"]
    assert meta["nearest"] is None
