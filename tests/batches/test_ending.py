"""Orders that leave their batch one by one, and batches that are taken away from their shopper."""

from collections.abc import Iterator
from typing import Any

import pytest

from handcart.batches import ops, queries
from handcart.batches.states import UNASSIGNED
from handcart.core.errors import ApiError
from handcart.orders.models import Proof
from tests.support.contents import nothing_written
from tests.support.orders import Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def shopping(market: Market) -> Shopping:
    return Shopping(market)


async def complete(tx: Any, retailer_id: int, batch_id: int, order_id: str) -> bool:
    batch = await ops.lock(tx, retailer_id, batch_id)
    await ops.complete(tx, retailer_id, batch, order_id, Proof("act-0001", "handed_over"))
    return batch.is_live


def end_early(market: Market, batch_id: int, **fields: Any) -> str:
    """Unassign a batch; returns what its shopper does with the goods."""
    market.server.write(ops.end_early, market.retailer.id, batch_id, UNASSIGNED, "the shopper is ill", "Dana", **fields)
    (left,) = market.server.read(queries.left, market.retailer.id, batch_id)
    assert (left.kind, left.reason, left.by) == ("unassigned", "the shopper is ill", "Dana")
    return left.goods


def test_orders_are_completed_one_by_one_then_the_batch_ends_with_the_last(market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    first, second, third = (market.order(user_id=user_id)["id"] for _ in range(3))
    batch_id = shopping.batch(first, second, third, workflow_state="delivering")
    assert market.server.write(complete, market.retailer.id, batch_id, second) is True
    assert [market.row(one)["status"] for one in (first, second, third)] == ["delivering", "completed", "delivering"]
    with nothing_written(market.server), pytest.raises(ApiError):
        market.server.write(complete, market.retailer.id, batch_id, second)
    market.server.write(ops.cancel, market.retailer.id, first, "customer_driven", "customer mia")
    assert market.server.write(complete, market.retailer.id, batch_id, third) is False
    batch = market.server.read(queries.find, market.retailer.id, batch_id)
    assert batch is not None
    assert (batch.workflow_state, batch.order_ids, batch.is_live) == ("completed", [], False)
    left = {
        one.order_id: (one.kind, one.goods) for one in market.server.read(queries.left, market.retailer.id, batch_id)
    }
    done = ("completed", "nothing")
    assert left == {first: ("canceled", "hand_to_store"), second: done, third: done}


@pytest.mark.parametrize(
    ("state", "keeps_picked", "goods"),
    [
        ("acknowledged", False, "nothing"),
        ("picking", False, "put_back"),
        ("picking", True, "keep_for_next"),
        ("verifying_replacements", True, "keep_for_next"),
        ("checkout", False, "hand_to_store"),
        ("receipt_sanity_check", True, "hand_to_store"),
    ],
)
def test_work_is_taken_away_then_the_next_shopper_goes_on_from_there(
    market: Market, shopping: Shopping, state: str, keeps_picked: bool, goods: str
) -> None:
    order_id = market.order(items=[line("1", "milk"), line("2", "bread")])["id"]
    shopper_id = shopping.shopper()
    batch_id = shopping.generate(shopper_id, order_id, workflow_state="acknowledged").json()["id"]
    if state != "acknowledged":
        shopping.reach(batch_id, "picking")
        shopping.item(shopper_id, order_id, "1", status="to_refund").raise_for_status()
        if state != "picking":
            shopping.reach(batch_id, state)
    assert end_early(market, batch_id, keeps_picked=keeps_picked) == goods
    row = market.row(order_id)
    statuses = [one.get("status", "not_found") for one in row["items"]]
    if goods == "hand_to_store":
        assert (row["status"], statuses) == ("checkout", ["to_refund", "found"])
    else:
        kept = goods == "keep_for_next"
        assert (row["status"], statuses) == ("brand_new", ["to_refund" if kept else "not_found", "not_found"])
        assert shopping.events(order_id)[-1] == "rescheduled"
    again = shopping.generate(shopping.shopper(), order_id).json()
    assert again["workflow_state"] == ("checkout" if goods == "hand_to_store" else "acknowledged")
    assert shopping.reach(again["id"], "completed") == "completed"
    assert shopping.events(order_id).count("checkout") == 1


def test_order_is_on_its_way_then_it_cannot_be_taken_away(market: Market, shopping: Shopping) -> None:
    batch_id = shopping.batch(market.order()["id"], workflow_state="delivering")
    with nothing_written(market.server), pytest.raises(ApiError, match="too_late"):
        end_early(market, batch_id)


def test_paid_order_waits_then_its_next_batch_cannot_begin_earlier(market: Market, shopping: Shopping) -> None:
    order_id = market.order()["id"]
    end_early(market, shopping.batch(order_id, workflow_state="checkout"))
    waiting, shopper_id = market.order()["id"], shopping.shopper()
    for orders, state in (([order_id], "picking"), ([order_id, waiting], None)):
        fields = {} if state is None else {"workflow_state": state}
        assert shopping.generate(shopper_id, *orders, **fields).status_code == 400
    assert shopping.generate(shopper_id, order_id, workflow_state="delivering").status_code == 200


def test_order_is_canceled_then_it_leaves_its_batch_with_what_to_do(market: Market, shopping: Shopping) -> None:
    ids = [market.order()["id"] for _ in range(2)]
    batch_id = shopping.batch(*ids, workflow_state="picking")
    for order_id, is_live in zip(ids, (True, False), strict=True):
        market.server.write(ops.cancel, market.retailer.id, order_id, "retailer_driven", "store early closure", "Dana")
        batch = market.server.read(queries.find, market.retailer.id, batch_id)
        assert batch is not None
        assert batch.is_live == is_live
    left = market.server.read(queries.left, market.retailer.id, batch_id)
    assert {(one.order_id, one.kind, one.goods, one.by) for one in left} == {
        (order_id, "canceled", "put_back", "Dana") for order_id in ids
    }
    with pytest.raises(ApiError, match="too_late"):
        market.server.write(ops.cancel, market.retailer.id, ids[0], "retailer_driven", "store early closure")
    alone = market.order()["id"]
    market.server.write(ops.cancel, market.retailer.id, alone, "retailer_driven", "store early closure")
    assert market.row(alone)["status"] == "canceled"
