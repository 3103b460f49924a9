"""The robot shopper: every scenario for every kind of order, at once and by the clock."""

import time
from typing import Any, get_args

import pytest

from handcart.core import clock
from handcart.core.web.pages import texts
from handcart.orders.models import CARRIED
from handcart.sandbox.robot import ops, scenarios
from handcart.sandbox.robot.scenarios import SCENARIOS
from handcart.sandbox.robot.wire import Pace
from tests.races.rounds import IS_LONG
from tests.support.clocks import advance, freeze, run_to
from tests.support.contents import nothing_written
from tests.support.orders import GROWN_UP, KINDS, TEXTED, Market
from tests.support.picking import item_id
from tests.support.post_checkout import Customer
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shop import error

OWN = "/v2/handcart_sandbox"
# Of the same scenario with the same seed; `make torture` makes a hundred.
ROUNDS = 100 if IS_LONG else 10
WINE = {"line_num": "2", "count": 1, "item": {"rrc": "wine"}}
MILK = {"line_num": "1", "count": 4, "item": {"rrc": "milk"}}
# How each scenario ends, if not with a completed order.
CANCELED = {
    "customer_missing": "customer_driven",
    "out_of_stock": "retailer_driven",
    "unbatchable": "unbatchable",
    "canceled_by_customer": "customer_driven",
    "canceled_by_retailer": "retailer_driven",
    "canceled_by_shopper": "shopper_driven",
    "canceled_by_platform": "instacart_driven",
}
# The event that tells a scenario from the others.
TELLING = {
    "late": {"delivery": "late_delivery", "pickup": "late_pickup", "": "late_delivery"},
    "customer_missing": {"pickup": "unable_to_find_customer", "": "customer_missing"},
    "replaced": {"": "order_item_replacement"},
    "refunded": {"": "order_item_refund"},
    "out_of_stock": {"": "order_item_refund"},
    "runner_not_found": {"": "runner_not_found"},
    "rescheduled": {"": "rescheduled"},
    "shopper_drops_out": {"": "rescheduled"},
    "alcohol_refused": {"": "order_item_refund"},
}


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def order(market: Market, kind: str, user_id: str, **fields: Any) -> str:
    if kind not in CARRIED:
        fields = {"items": [MILK, WINE], "user": {"birthday": GROWN_UP}, **fields}
    order_id: str = market.order(kind, user_id, **fields)["id"]
    return order_id


def run(market: Market, order_id: str, **wanted: Any) -> dict[str, Any]:
    answer = market.post(f"{OWN}/orders/{order_id}/run", wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("scenario", "kind"), [(name, kind) for name, one in SCENARIOS.items() for kind in KINDS if kind in one.kinds]
)
def test_scenario_runs_at_once_then_the_order_ends_as_it_says(market: Market, scenario: str, kind: str) -> None:
    user_id = market.customer()
    order_id = order(market, kind, user_id)
    done = run(market, order_id, scenario=scenario, seed=3)
    assert done["is_over"] is True
    assert done["stopped"] is None, done
    assert all(step["done"] for step in done["steps"])
    row = market.row(order_id)
    assert (row["status"], row["cancellation_reason"]) == (
        ("canceled", CANCELED[scenario]) if scenario in CANCELED else ("completed", None)
    )
    assert market.taken == (0, 0 if scenario in CANCELED else 1)
    told = TELLING.get(scenario, {})
    assert not told or told.get(kind, told[""]) in Shopping(market).events(order_id)
    assert market.server.read(_loose, market.retailer.id) == []


async def _loose(tx: Any, retailer_id: int) -> list[str]:
    """Orders that have ended and are still in a batch, but for those that were canceled in it."""
    rows = await tx.all(
        "SELECT o.order_id FROM orders o JOIN batch_orders b ON b.retailer_id = o.retailer_id"
        " AND b.order_id = o.order_id WHERE o.retailer_id = $1 AND b.is_live AND o.status = 'completed'",
        retailer_id,
    )
    return [row["order_id"] for row in rows]


def test_items_are_changed_then_the_order_shows_what_was_delivered(market: Market) -> None:
    user_id = market.customer()
    shown = {}
    for scenario in ("replaced", "refunded", "found_short", "alcohol_refused"):
        order_id = order(market, "delivery", user_id)
        run(market, order_id, scenario=scenario)
        shown[scenario] = market.row(order_id)["items"]
    assert sum("substitute" in line for line in shown["replaced"]) == 1
    assert [line["status"] for line in shown["refunded"]].count("to_refund") == 1
    assert shown["found_short"][0]["delivered_count"] == 2
    assert [line["status"] for line in shown["alcohol_refused"]] == ["found", "to_refund"]


def test_clock_advances_then_each_step_happens_at_its_time(market: Market) -> None:
    freeze(market)
    user_id = market.customer()
    order_id = order(market, "delivery", user_id)
    begun = run(market, order_id, pace="real_time")
    assert not any(step["done"] for step in begun["steps"])
    first = market.post(f"{OWN}/clock/next", {"what": ["robot_step"]}).json()
    assert first["due"] == {"what": "robot_step", "at": begun["steps"][0]["at"]}
    assert market.row(order_id)["status"] == "acknowledged"
    advance(market, days=1)
    market._token = None
    assert market.get(f"{OWN}/orders/{order_id}/run").json()["is_over"] is True
    assert market.row(order_id)["status"] == "completed"
    times = {step["value"]: step["at"] for step in begun["steps"] if step["action"] == "advance"}
    rows = market.server.sql(
        "SELECT what, at FROM order_history WHERE retailer_id = $1 AND order_id = $2 ORDER BY number",
        market.retailer.id,
        order_id,
    )
    at = {row["what"]: clock.to_wire(row["at"]) for row in rows if row["what"] in times}
    assert at == {state: times[state] for state in ("picking", "checkout", "delivering", "completed")}


def proposed(market: Market, pace: str = "real_time") -> tuple[Customer, str, str]:
    """An order of milk for which the robot has proposed another item: the customer, and the ids of order and item."""
    freeze(market)
    user_id = market.customer()
    order_id = market.order("delivery", user_id, items=[MILK])["id"]
    begun = run(market, order_id, scenario="replaced", pace=pace, seed=3)
    for step in begun["steps"]:
        market.post(f"{OWN}/clock/next", {"what": ["robot_step"]}).raise_for_status()
        if step["value"] == "verifying_replacements":
            break
    market._token = None
    return Customer(market, user_id), order_id, item_id(market, order_id)


def line_of(market: Market, order_id: str) -> tuple[Any, ...]:
    row = market.row(order_id)["items"][0]
    return tuple(row.get(name) for name in ("status", "replacement_status", "substitute"))


def test_robot_asks_then_it_waits_until_the_time_for_answers_is_over(market: Market) -> None:
    _, order_id, _ = proposed(market)
    assert (market.row(order_id)["status"], line_of(market, order_id)[1]) == ("verifying_replacements", "PENDING")
    asked = market.row(order_id)["items"][0]["proposed_at"]
    for _ in range(30):
        market.post(f"{OWN}/clock/next", {"what": ["robot_step"]}).raise_for_status()
        shown = market.get(f"{OWN}/orders/{order_id}/run").json()["steps"]
        wait = next(step for step in shown if step["action"] == "wait for answers")
        if wait["done"]:
            break
    assert wait["at"] == clock.to_wire(asked + 5 * clock.MINUTE)
    advance(market, days=1)
    market._token = None
    assert market.get(f"{OWN}/orders/{order_id}/run").json()["stopped"] is None
    assert (market.row(order_id)["status"], line_of(market, order_id)[:2]) == ("completed", ("replaced", "PENDING"))


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"status": "APPROVED"}, ("replaced", "APPROVED")),
        ({"status": "REJECTED"}, ("to_refund", "REJECTED")),
        ({"status": "REJECTED", "alternative_item": {"rrc": "ham", "weight": 1.5}}, ("replaced", "APPROVED")),
    ],
)
def test_customer_answers_the_robot_then_it_goes_on_at_once(market: Market, body: Any, line: Any) -> None:
    customer, order_id, item = proposed(market)
    customer.put(order_id, f"/items/{item}/replacement", body).raise_for_status()
    market.post(f"{OWN}/clock/next", {"what": ["robot_step"]}).raise_for_status()
    assert market.row(order_id)["status"] == "verifying_replacements"
    assert line_of(market, order_id)[:2] == line
    if "alternative_item" in body:
        assert line_of(market, order_id)[2]["rrc"] == "ham"
        assert market.row(order_id)["items"][0]["delivered_weight"] == 1.5
    market.post(f"{OWN}/clock/next", {"what": ["robot_step"]}).raise_for_status()
    assert market.row(order_id)["status"] == "checkout"


def test_robot_works_instantly_then_it_waits_for_nobody(market: Market) -> None:
    order_id = market.order("delivery", market.customer(), items=[MILK])["id"]
    run(market, order_id, scenario="replaced")
    assert (market.row(order_id)["status"], line_of(market, order_id)[:2]) == ("completed", ("replaced", "PENDING"))


def test_real_time_passes_then_the_server_takes_the_steps_itself(market: Market) -> None:
    market.put(f"{OWN}/robot", {"scenario": "replaced", "pace": "instantly"}).raise_for_status()
    orders = [order(market, "delivery", market.customer()), order(market, "dispatch", market.customer())]
    until = time.monotonic() + 60
    while any(market.row(one)["status"] != "completed" for one in orders) and time.monotonic() < until:
        time.sleep(0.05)
    runs = [market.get(f"{OWN}/orders/{one}/run").json()["scenario"] for one in orders]
    assert runs == ["replaced", "happy_path"], "what does not suit an order gives way to the happy path"
    assert market.delete(f"{OWN}/robot").json() == {"is_on": False, "scenario": None, "pace": None, "seed": None}


def test_seed_is_the_same_then_so_is_everything_that_happens(market: Market) -> None:
    first = None
    for _ in range(ROUNDS):
        market.post(f"{OWN}/reset").raise_for_status()
        freeze(market)
        user_id = market.customer("user-1")
        order_id = order(market, "delivery", user_id, order_id="ORD-1")
        run(market, order_id, scenario="replaced", pace="x60", seed=11)
        advance(market, hours=2)
        market._token = None
        log = market.get(f"{OWN}/requests?canonical=true&limit=1000").content
        rows = market.server.sql(
            "SELECT number, at, status, what, events FROM order_history WHERE retailer_id = $1 ORDER BY number",
            market.retailer.id,
        )
        seen = (log, [tuple(row) for row in rows], market.row(order_id)["items"])
        first = first or seen
        assert seen == first
        assert len(rows) > 8


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ({"scenario": "unknown"}, "scenario"),
        ({"scenario": "alcohol_refused"}, "scenario"),
        ({"scenario": "runner_not_found"}, "scenario"),
        ({"scenario": 7}, "scenario"),
        ({"pace": "x61"}, "pace"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**53}, "seed"),
    ],
)
def test_run_invalid_then_refused_and_nothing_changes(market: Market, wanted: dict[str, Any], key: str) -> None:
    order_id = order(market, "delivery", market.customer(), items=[MILK])
    assert error(market.post(f"{OWN}/orders/{order_id}/run", wanted))[::3] == (400, key)
    assert market.row(order_id)["status"] == "brand_new"
    assert error(market.get(f"{OWN}/orders/{order_id}/run"))[0] == 404
    assert error(market.put(f"{OWN}/robot", {"scenario": "unknown"}))[0] == 400


def test_order_missing_or_not_waiting_then_the_robot_does_not_take_it(market: Market, server: LiveServer) -> None:
    order_id = order(market, "delivery", market.customer())
    other = Market(server)
    for call in (other.post, other.get, other.delete):
        assert error(call(f"{OWN}/orders/{order_id}/run"))[0] == 404
    shopping = Shopping(market)
    shopping.batch(order_id, batch_type="delivery")
    assert error(market.post(f"{OWN}/orders/{order_id}/run", {}))[:2] == (
        400,
        "is not waiting for this type of batch",
    )


def test_somebody_else_moves_the_order_then_the_robot_stops(market: Market) -> None:
    freeze(market)
    user_id = market.customer()
    order_id = order(market, "delivery", user_id)
    run(market, order_id, pace="real_time")
    market.post(market.path(user_id, order_id, "/cancel")).raise_for_status()
    advance(market, days=1)
    market._token = None
    found = market.get(f"{OWN}/orders/{order_id}/run").json()
    assert found["is_over"] is True
    assert found["stopped"].startswith("generate: ")
    assert market.row(order_id)["status"] == "canceled"


def test_run_is_stopped_then_the_order_stays_where_it_is(market: Market) -> None:
    freeze(market)
    order_id = order(market, "delivery", market.customer())
    run(market, order_id, pace="real_time")
    run_to(market, "robot_step")
    assert market.delete(f"{OWN}/orders/{order_id}/run").json()["stopped"] == "stopped by a call"
    advance(market, days=1)
    assert market.row(order_id)["status"] == "acknowledged"


def test_paces_are_named_then_all_of_them_are_known() -> None:
    assert set(get_args(Pace)) == {*ops.SPEEDS, ops.INSTANTLY}


def test_customer_writes_then_the_robot_has_greeted_and_answers(market: Market) -> None:
    user_id = market.customer()
    order_id = order(market, "delivery", user_id)
    freeze(market)
    run(market, order_id, seed=3, pace="real_time")
    customer = Customer(market, user_id)
    while market.row(order_id)["status"] != "picking":
        run_to(market, "robot_step")
    said = [("driver", "Hello, I\u2019m your shopper. I\u2019m about to start with your order.", False)]
    assert chat(customer, order_id) == said
    customer.chat("POST", order_id, {"body": "Ripe bananas, please"}).raise_for_status()
    market.server.write(ops.tick, market.retailer.id)
    with nothing_written(market.server):  # each message is answered once
        market.server.write(ops.tick, market.retailer.id)
    phrase = texts("en")[f"chat.phrase.{scenarios.reply(3, 1)}"]
    assert chat(customer, order_id) == [*said, ("user", "Ripe bananas, please", True), ("driver", phrase, False)]


def chat(customer: Customer, order_id: str) -> list[tuple[str, str, bool]]:
    found = customer.chat("GET", order_id).raise_for_status().json()["chat_messages"]
    return [(one["sender_type"], one["body"], one["read"]) for one in found]


def test_order_needs_code_and_signature_then_the_robot_gives_both(server: LiveServer) -> None:
    market = Market(server, delivery_pin=True, certified_from_cents=0)
    order_id = order(market, "delivery", market.customer(), user={"birthday": GROWN_UP, **TEXTED})
    run(market, order_id, scenario="happy_path", pace="instantly")
    row = market.row(order_id)
    assert (row["status"], row["details"]["proof"]["has_pin"]) == ("completed", True)
    assert row["details"]["proof"]["signer"] == "Sample Customer"
