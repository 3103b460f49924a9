"""Shoppers' calls with bad input: they are refused, and change nothing."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.orders import Market, line, refusals
from tests.support.sandbox import SANDBOX, Shopping
from tests.support.server import LiveServer
from tests.support.shop import error

MISSING = (404, "Resource not found", 4000, None)
TAKEN = (400, "is already in a batch", 1001, "orders")
NOT_WAITING = (400, "is not waiting for this type of batch", 1001, "orders")
NOT_PICKED = (400, "Order is not being picked", 1001, "order_id")
NOT_MINE = (400, "is not assigned to this order", 1001, "shopper_id")


def invalid(key: str) -> tuple[int, str, int, str]:
    return 400, "is invalid", 1001, key


def blank(key: str) -> tuple[int, str, int, str]:
    return 400, "can't be blank", 1001, key


class World:
    """A market where an order is being picked, and one that waits; and another retailer with the same."""

    def __init__(self, server: LiveServer) -> None:
        self.market = Market(server, capacity=1000)
        self.shopping = Shopping(self.market)
        self.user_id = self.market.customer()
        items = [line("1", "milk"), line("2", "soap", replacement_policy="no_replacements")]
        self.picked = self.market.order("delivery", self.user_id, items=items)["id"]
        self.waiting = self.market.order("delivery", self.user_id)["id"]
        self.shopper_id = self.shopping.shopper()
        self.batch_id = self.shopping.generate(self.shopper_id, self.picked, workflow_state="picking").json()["id"]

    def rows(self) -> list[list[Any]]:
        """All that shoppers' calls could change, of every retailer."""
        return [
            [tuple(row) for row in self.market.server.sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]
            for table in ("orders", "order_history", "shoppers", "batches", "batch_orders", "slot_ledger")
        ]


@pytest.fixture(scope="module")
def world(server: LiveServer) -> Iterator[World]:
    with server.clients():
        yield World(server)


@pytest.fixture(scope="module")
def elsewhere(server: LiveServer) -> World:
    return World(server)


@pytest.fixture(autouse=True)
def nothing_changes(world: World) -> Iterator[None]:
    before = world.rows()
    yield
    assert world.rows() == before


def test_batch_impossible_then_the_refusal_says_why(world: World, elsewhere: World) -> None:
    orders = [{"id": world.waiting}]

    def generate(**fields: Any) -> httpx.Response:
        body = {"shopper_id": world.shopper_id, "orders": orders, **fields}
        return world.market.post(f"{SANDBOX}/batches", {name: value for name, value in body.items() if value != ...})

    rows: list[tuple[dict[str, Any], Any]] = [
        ({"shopper_id": ...}, blank("shopper_id")),
        ({"shopper_id": None}, blank("shopper_id")),
        ({"shopper_id": 1}, invalid("shopper_id")),
        ({"shopper_id": "1"}, invalid("shopper_id")),
        ({"shopper_id": "susan"}, invalid("shopper_id")),
        ({"shopper_id": -1}, invalid("shopper_id")),
        ({"shopper_id": 2**53}, invalid("shopper_id")),
        ({"shopper_id": "9" * 16}, invalid("shopper_id")),
        ({"shopper_id": 1.5}, invalid("shopper_id")),
        ({"shopper_id": elsewhere.shopper_id}, invalid("shopper_id")),
        ({"orders": ...}, blank("orders")),
        ({"orders": []}, blank("orders")),
        ({"orders": "a"}, invalid("orders")),
        ({"orders": [{}]}, blank("orders[0].id")),
        ({"orders": [{"id": True}]}, invalid("orders[0].id")),
        ({"orders": [{"id": "a\0"}]}, invalid("orders[0].id")),
        ({"orders": [{"id": world.waiting}] * 2}, invalid("orders")),
        ({"orders": [{"id": world.waiting}] * 101}, invalid("orders")),
        ({"orders": [{"id": "unknown"}]}, MISSING),
        ({"orders": [{"id": world.waiting}, {"id": "unknown"}]}, MISSING),
        ({"orders": [{"id": elsewhere.waiting}]}, MISSING),
        ({"orders": [{"id": world.waiting, "user_id": "nobody"}]}, MISSING),
        ({"orders": [{"id": world.waiting, "user_id": elsewhere.user_id}]}, MISSING),
        ({"orders": [{"id": world.picked}]}, TAKEN),
        ({"orders": [{"id": world.waiting}, {"id": world.picked}]}, TAKEN),
        ({"batch_type": "pickup"}, invalid("batch_type")),
        ({"batch_type": "delivery_only"}, invalid("batch_type")),
        ({"batch_type": "bike"}, invalid("batch_type")),
        ({"batch_type": 5}, invalid("batch_type")),
        ({"workflow_state": "staged"}, invalid("workflow_state")),
        ({"workflow_state": "canceled"}, invalid("workflow_state")),
        ({"workflow_state": ""}, invalid("workflow_state")),
        ({"workflow_state": "acknowledged_for_delivery"}, invalid("workflow_state")),
    ]
    for fields, expected in rows:
        assert error(generate(**fields)) == expected, fields
    several = generate(shopper_id=1, batch_type="pickup", workflow_state="at_store")
    keys = ["shopper_id", "batch_type", "workflow_state"]
    assert (several.status_code, refusals(several)) == (400, [("is invalid", 1001, key) for key in keys])


@pytest.mark.parametrize("kind", ["delivery", "pickup", "last_mile", "dispatch"])
def test_order_does_not_wait_for_the_type_then_it_is_not_batched(server: LiveServer, kind: str) -> None:
    market = Market(server)
    shopping, shopper_id = Shopping(market), Shopping(market).shopper()
    order_id = market.order(kind)["id"]
    types = {"delivery": "delivery", "pickup": "pickup runner_customer"}.get(kind, "delivery_only").split()
    for batch_type in ("delivery", "pickup", "delivery_only", "runner_customer"):
        refused = (
            error(shopping.generate(shopper_id, order_id, batch_type=batch_type)) if batch_type != types[0] else None
        )
        assert refused in (None, invalid("batch_type") if batch_type not in types else NOT_WAITING)
        assert (refused is None) == (batch_type == types[0])
    for status in ("completed", "canceled"):
        market.set_status(order_id, status)
        for batch_type in types:
            assert error(shopping.generate(shopper_id, order_id, batch_type=batch_type)) == NOT_WAITING
        assert error(shopping.generate(shopper_id, order_id)) == NOT_WAITING
    assert market.server.sql("SELECT * FROM batches WHERE retailer_id = $1", market.retailer.id) == []
    server.sql("DELETE FROM retailer_shoppers WHERE retailer_id = $1 RETURNING id", market.retailer.id)
    for table in ("order_history", "orders", "slot_ledger"):
        server.sql(f"DELETE FROM {table} WHERE retailer_id = $1 RETURNING retailer_id", market.retailer.id)


def test_advance_impossible_then_the_refusal_says_why(world: World, elsewhere: World) -> None:
    for batch_id in (0, 1, 2**53, "1" * 17, "-1", "1.0", "batch", "%20", elsewhere.batch_id, world.shopper_id):
        assert error(world.shopping.advance(batch_id)) == MISSING, batch_id
        assert error(world.shopping.advance(batch_id, "checkout")) == MISSING
    for state in ("picked", "staged", "canceled", "Checkout", "checkout ", "", "a\0"):
        assert error(world.shopping.advance(world.batch_id, state)) == invalid("workflow_state"), state
    for state in ("brand_new", "acknowledged", "picking"):
        refused = (400, "must come after the current state", 1001, "workflow_state")
        assert error(world.shopping.advance(world.batch_id, state)) == refused
    path = f"{SANDBOX}/batches/{world.batch_id}/advance"
    assert error(world.market.post(path, {"workflow_state": 5})) == invalid("workflow_state")


def test_item_update_impossible_then_the_refusal_says_why(world: World, elsewhere: World) -> None:
    def update(
        line_num: str = "1", order_id: str = world.picked, shopper_id: Any = world.shopper_id, **fields: Any
    ) -> httpx.Response:
        return world.shopping.item(shopper_id, order_id, line_num, **fields)

    scan = {"scanned_string": "400000000022", "scanned_string_type": "upca"}
    rows: list[tuple[dict[str, Any], Any]] = [
        ({"line_num": "9"}, invalid("line_num")),
        ({"line_num": " 1"}, invalid("line_num")),
        ({"order_id": "unknown"}, MISSING),
        ({"order_id": elsewhere.picked}, MISSING),
        ({"order_id": elsewhere.picked, "shopper_id": elsewhere.shopper_id}, MISSING),
        ({"shopper_id": 1}, MISSING),
        ({"shopper_id": "susan"}, MISSING),
        ({"shopper_id": "9" * 17}, MISSING),
        ({"shopper_id": elsewhere.shopper_id}, MISSING),
        ({"order_id": world.waiting}, NOT_MINE),
        ({"status": "lost"}, invalid("status")),
        ({"status": 1}, invalid("status")),
        ({"delivered_count": -1}, invalid("delivered_count")),
        ({"delivered_count": 1.5}, invalid("delivered_count")),
        ({"delivered_count": "1"}, invalid("delivered_count")),
        ({"delivered_count": 2**31}, invalid("delivered_count")),
        ({"delivered_weight": -0.1}, invalid("delivered_weight")),
        ({"delivered_weight": 1e300}, invalid("delivered_weight")),
        ({"status": "to_refund", "delivered_count": 1}, invalid("delivered_count")),
        ({"status": "to_refund", "delivered_weight": 0.1}, invalid("delivered_weight")),
        ({"status": "not_found", "delivered_count": 1}, invalid("delivered_count")),
        ({"status": "found", "replacement_item": {"rrc": "soap"}}, invalid("replacement_item")),
        ({"replacement_item": {}}, blank("replacement_item")),
        ({"replacement_item": {"upc": ""}}, blank("replacement_item")),
        ({"replacement_item": "soap"}, invalid("replacement_item")),
        ({"line_num": "2", "replacement_item": {"rrc": "milk"}}, (400, "Item must not be replaced", 1001, "status")),
        ({"line_num": "2", "status": "replaced"}, (400, "Item must not be replaced", 1001, "status")),
        ({"scans": {}}, invalid("scans")),
        ({"scans": [{**scan, "scanned_string": None}]}, blank("scans[0].scanned_string")),
        ({"scans": [{**scan, "scanned_string": True}]}, invalid("scans[0].scanned_string")),
        ({"scans": [scan] * 1001}, invalid("scans")),
        ({"scans": [0] * 1_000_001}, (413, "Request body is too large: at most 1 MiB is read", None, None)),
    ]
    for fields, expected in rows:
        assert error(update(**fields)) == expected, str(fields)[:200]
    assert [len(refusals(update(scans=scans))) for scans in ([{}], [0] * 400_000)] == [2, 100]
    several = update(status="to_refund", delivered_count=2, replacement_item={})
    keys = [
        ("is invalid", "delivered_count"),
        ("is invalid", "replacement_item"),
        ("can't be blank", "replacement_item"),
    ]
    assert refusals(several) == [(message, 1001, key) for message, key in keys]


def test_item_addition_impossible_then_the_refusal_says_why(world: World, elsewhere: World) -> None:
    item = {"item": {"rrc": "soap"}}
    rows: list[tuple[dict[str, Any], Any]] = [
        ({}, blank("item")),
        ({"item": None}, blank("item")),
        ({"item": {}}, blank("item")),
        ({"item": {"name": "soap"}}, blank("item")),
        ({"item": "soap"}, invalid("item")),
        ({"item": {"rrc": True}}, invalid("item.rrc")),
        ({**item, "delivered_count": -1}, invalid("delivered_count")),
        ({**item, "delivered_weight": "2"}, invalid("delivered_weight")),
        ({**item, "scans": [5]}, invalid("scans[0]")),
    ]
    for fields, expected in rows:
        assert error(world.shopping.item(world.shopper_id, world.picked, **fields)) == expected, fields
    assert error(world.shopping.item(world.shopper_id, world.waiting, **item)) == NOT_MINE
    assert error(world.shopping.item(world.shopper_id, elsewhere.picked, **item)) == MISSING
    assert error(world.shopping.item(elsewhere.shopper_id, world.picked, **item)) == MISSING


@pytest.mark.parametrize("status", ["acknowledged", "checkout", "delivering", "completed", "canceled"])
def test_order_is_not_being_picked_then_its_items_stay(world: World, status: str) -> None:
    world.market.set_status(world.picked, status)
    assert error(world.shopping.item(world.shopper_id, world.picked, "1", status="found")) == NOT_PICKED
    assert error(world.shopping.item(world.shopper_id, world.picked, item={"rrc": "soap"})) == NOT_PICKED
    world.market.set_status(world.picked, "picking")


def test_another_shopper_of_the_retailer_calls_then_the_order_is_not_found(world: World) -> None:
    other = world.shopping.shopper()
    for answer in (
        world.shopping.item(other, world.picked, "1", status="found"),
        world.shopping.item(other, world.picked, item={"rrc": "soap"}),
    ):
        assert error(answer) == NOT_MINE
    world.market.server.sql("DELETE FROM retailer_shoppers WHERE id = $1 RETURNING id", other)


def test_simulation_impossible_then_the_refusal_says_why(world: World, elsewhere: World) -> None:
    path = f"{SANDBOX}/orders/{world.waiting}/callbacks"
    for body, expected in (
        ({}, blank("event_name")),
        ({"event_name": ""}, blank("event_name")),
        ({"event_name": "delivered"}, invalid("event_name")),
        ({"event_name": "fulfillment.canceled"}, invalid("event_name")),
        ({"event_name": 5}, invalid("event_name")),
    ):
        assert error(world.market.post(path, body)) == expected
    assert error(world.shopping.simulate(elsewhere.waiting, "canceled")) == MISSING
