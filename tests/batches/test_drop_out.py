"""Shoppers who drop out, orders without a possible shopper, and batches that lose their orders."""

from collections.abc import Iterator

import pytest

from handcart.batches import ops
from handcart.batches.states import TYPES
from handcart.core.errors import ApiError
from handcart.orders.states import WORKFLOWS
from tests.support.orders import KINDS, Market, line
from tests.support.sandbox import TYPE_OF, Shopping
from tests.support.server import LiveServer
from tests.support.shop import error

FINISHED = (400, "Batch is finished", 1001, "workflow_state")


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def shopping(market: Market) -> Shopping:
    return Shopping(market)


@pytest.mark.parametrize("batch_type", TYPES)
def test_shopper_drops_out_then_the_order_waits_again_or_it_is_too_late(
    market: Market, shopping: Shopping, batch_type: str
) -> None:
    one = TYPES[batch_type]
    kind = one.kinds[-1]
    for state, status in one.states.items():
        user_id = market.customer()
        order_id = market.order(kind, user_id)["id"]
        if batch_type == "runner_customer":
            shopping.reach(shopping.batch(order_id), "staged")
        batch_id = shopping.batch(order_id, batch_type=batch_type, workflow_state=state)
        before = market.row(order_id)
        may = status == one.takes or WORKFLOWS[kind].states[status].back == one.takes
        if may:
            market.server.write(ops.drop_out, market.retailer.id, batch_id)
            assert market.row(order_id)["status"] == one.takes
            assert market.row(order_id)["ledger_starts_at"] == before["ledger_starts_at"]
            if status != one.takes:
                again = "runner_not_found" if batch_type == "runner_customer" else "rescheduled"
                assert shopping.events(order_id)[-1] == again
            assert error(shopping.advance(batch_id)) == FINISHED
            assert shopping.reach(shopping.batch(order_id), list(one.states)[-1]) == list(one.states)[-1]
        else:
            with pytest.raises(ApiError):
                market.server.write(ops.drop_out, market.retailer.id, batch_id)
            assert market.row(order_id) == before


def test_shopper_drops_out_of_picking_then_the_order_is_as_it_was_before(market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    items = [line("1", "milk", count=3), line("2", "bread")]
    first = market.order("delivery", user_id, items=items)
    shopper_id = shopping.shopper()
    batch_id = shopping.generate(shopper_id, first["id"], workflow_state="picking").json()["id"]
    shopping.item(shopper_id, first["id"], "1", status="replaced", replacement_item={"rrc": "soap"}).raise_for_status()
    shopping.item(shopper_id, first["id"], "2", delivered_count=1, status="found").raise_for_status()
    shopping.item(shopper_id, first["id"], item={"rrc": "soap"}).raise_for_status()
    market.server.write(ops.drop_out, market.retailer.id, batch_id)
    assert market.read(user_id, first["id"]).json().items() >= first.items()
    assert error(shopping.item(shopper_id, first["id"], "1", status="found")) == (
        *(400, "is not assigned to this order"),
        *(1001, "shopper_id"),
    )
    market.put(market.path(user_id, first["id"]), {"initial_tip_cents": 5}).raise_for_status()
    assert market.post(market.path(user_id, first["id"], "/cancel")).json()["status"] == "canceled"


def test_batch_loses_orders_then_it_goes_on_with_the_others(market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    ids = sorted(market.order("delivery", user_id)["id"] for _ in range(3))
    batch_id = shopping.batch(*ids, workflow_state="brand_new")
    assert market.post(market.path(user_id, ids[1], "/cancel")).status_code == 200
    assert shopping.reach(batch_id, "picking") == "picking"
    shopping.simulate(ids[0], "canceled").raise_for_status()
    assert shopping.reach(batch_id, "delivering") == "delivering"
    assert [market.row(order_id)["status"] for order_id in ids] == ["canceled", "canceled", "delivering"]
    shopping.simulate(ids[2], "canceled").raise_for_status()
    assert error(shopping.advance(batch_id)) == FINISHED
    for order_id in ids:
        refused = shopping.generate(shopping.shopper(), order_id)
        assert error(refused) == (400, "is not waiting for this type of batch", 1001, "orders")


@pytest.mark.parametrize("kind", KINDS)
def test_no_shopper_can_be_found_then_the_order_is_unbatchable(market: Market, shopping: Shopping, kind: str) -> None:
    order_id, waiting = market.order(kind)["id"], market.order(kind)["id"]
    batch_id = shopping.batch(order_id, workflow_state="brand_new")
    for refused in (order_id, "unknown"):
        with pytest.raises(ApiError):
            market.server.write(ops.unbatch, market.retailer.id, refused)
    market.server.write(ops.unbatch, market.retailer.id, waiting)
    row = market.row(waiting)
    assert (row["status"], row["cancellation_reason"], row["ledger_starts_at"]) == ("canceled", "unbatchable", None)
    assert row["details"]["cancellation_type"] == "unbatchable"
    shopping.reach(batch_id, list(TYPES[TYPE_OF[kind]].states)[-1])
    with pytest.raises(ApiError):
        market.server.write(ops.unbatch, market.retailer.id, order_id)
