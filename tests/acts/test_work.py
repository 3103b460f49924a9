"""Orders of each kind, from the first act to the last."""

from collections.abc import Iterator

import pytest

from handcart.core import clock
from tests.support.acting import Acting, moment
from tests.support.clocks import freeze
from tests.support.orders import GROWN_UP, MILK, Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.working import Working


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000, alcohol_from_hour=0, alcohol_until_hour=24)


@pytest.fixture
def working(server: LiveServer) -> Working:
    return Working(server)


SCAN = {"scanned_string": "400000000015", "scanned_string_type": "upca"}


def test_delivery_is_worked_through_then_its_order_is_completed(market: Market, working: Working) -> None:
    wished = {**MILK, "replacement_items": [{"rrc": "soap"}]}
    cart = [wished, line("2", "ham", weight=1.5), line("3", "bread", count=4), line("4", "apples", count=2)]
    order_id = market.order(items=cart)["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    acting.did("accept")
    acting.did("start")
    acting.did("replace", order=order_id, line="1", item={"rrc": "soap"}, count=2)
    acting.did("find", order=order_id, line="2", weight=1.4, scans=[SCAN])
    acting.did("find", order=order_id, line="3", count=3, unscanned="digits")
    acting.did("refund", order=order_id, line="4")
    acting.did("add", order=order_id, item={"rrc": "bread"})
    acting.did("review")
    acting.did("checkout", receipt_number="R-1", total_cents=1234)
    acting.did("bag", order=order_id, bags=[{"code": "B1"}, {"code": "B2", "kind": "cold"}])
    assert acting.state == "receipt_sanity_check"
    acting.did("leave")
    last = acting.act("deliver", order=order_id, how="left", photo=True)
    assert acting.send(last)[0]["outcome"] == "applied"
    row = market.row(order_id)
    assert (row["status"], row["bag_count"], acting.state) == ("completed", 2, "completed")
    statuses = [one["status"] for one in row["items"]]
    assert statuses == ["replaced", "found", "found", "to_refund", "found"]
    assert row["items"][0]["picked_by"] == working.id
    assert row["items"][2]["unscanned"] == "digits"
    details = row["details"]
    assert (details["receipt_number"], details["receipt_cents"]) == ("R-1", 1234)
    assert details["proof"] == {"act_id": last["id"], "how": "left", "has_photo": True, "person_id": working.id}
    assert [one["code"] for one in details["bags"]] == ["B1", "B2"]
    found = ["item_replaced", "order_item_replacement", "item_found", "item_found", "item_refunded"]
    assert Shopping(market).events(order_id) == [
        *("brand_new", "acknowledged", "picking", *found, "order_item_refund"),
        *("checkout", "delivering", "delivered"),  # the phone has not said where it is
    ]
    (removed, batches) = working.run().removed, working.run().batches
    assert (removed, batches) == ([], [])


def test_several_orders_then_each_is_handed_over_by_itself(market: Market, working: Working) -> None:
    first, second = sorted(market.order()["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    acting.did("start")
    for order_id in (first, second):
        acting.did("find", order=order_id, line="1")
    acting.did("checkout")
    acting.did("bag", order=second, bags=[{"code": "B1"}])
    assert acting.state == "checkout"
    assert acting.refused("leave") == "not_now"
    assert acting.refused("bag", order=first, bags=[{"code": "B1"}]) == "same_bag"
    acting.did("bag", order=first, bags=[{"code": "B2"}])
    acting.did("leave")
    acting.did("deliver", order=second, how="handed_over")
    (batch,) = working.run().batches
    assert [(one.letter, one.id, one.status) for one in batch.orders] == [("A", first, "delivering")]
    assert batch.last_act == acting.last
    assert acting.refused("deliver", order=second, how="handed_over") == "order_done"
    acting.did("deliver", order=first, how="handed_over", received_by="Ada")
    assert acting.refused("deliver", order=first, how="handed_over") == "finished"


def test_pickup_is_staged_and_an_employee_hands_it_over_then_it_is_done(market: Market, working: Working) -> None:
    first, second = sorted(market.order("pickup")["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    acting.did("start")
    acting.did("checkout", rest_found=True)
    for order_id, code in ((first, "F1"), (second, "S1")):
        acting.did("bag", order=order_id, bags=[{"code": code, "kind": "frozen"}])
    acting.did("check_bags")
    assert acting.refused("stage", order=first, place="A4", scans=[]) == "bag_missing"
    assert acting.refused("stage", order=first, place="A4", scans=["F1", "S1"]) == "bag_foreign"
    acting.did("stage", order=first, place="A4", scans=["F1"])
    assert (market.row(first)["status"], acting.state) == ("bags_check", "bags_check")
    acting.did("stage", order=second, place="A5", scans=["S1", "S1"])
    assert [market.row(one)["status"] for one in (first, second)] == ["staged", "staged"]
    assert market.row(first)["details"]["bags"] == [{"code": "F1", "kind": "frozen", "place": "A4"}]
    employee = Acting(Working(market.server), market, first, batch_type="runner_customer")
    employee.did("accept")
    employee.did("arrive")
    employee.did("cannot_reach", order=first)
    assert employee.refused("cannot_reach", order=first) == "already_done"
    assert employee.refused("verify_bags", order=first, scans=["S1"]) == "bag_missing"
    employee.did("verify_bags", order=first, scans=["F1"])
    assert employee.refused("deliver", order=first, how="left") == "must_hand_over"
    employee.did("deliver", order=first, how="handed_over")
    assert market.row(first)["status"] == "completed"


@pytest.mark.parametrize("kind", ["last_mile", "dispatch"])
def test_carried_order_is_worked_through_then_it_is_completed(market: Market, working: Working, kind: str) -> None:
    order_id = market.order(kind)["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    assert acting.refused("start") == "not_now"
    acting.did("accept")
    acting.did("arrive")
    assert acting.refused("arrive") == "already_done"
    assert acting.refused("leave") == "not_now"
    acting.did("verify_bags", order=order_id)
    acting.did("leave")
    acting.did("deliver", order=order_id, how="handed_over")
    assert market.row(order_id)["status"] == "completed"


def test_nobody_takes_the_order_then_it_goes_back_and_is_canceled(market: Market, working: Working) -> None:
    order_id = market.order(items=[line("1", "wine")], user={"birthday": GROWN_UP})["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    acting.did("start")
    acting.did("checkout", rest_found=True)
    acting.did("bag", order=order_id, bags=[{"code": "B1"}])
    acting.did("leave")
    assert acting.refused("deliver", order=order_id, how="handed_over") == "age_needed"
    assert acting.refused("returned", order=order_id) == "not_returning"
    acting.did("bring_back", order=order_id, reason="not_of_age")
    assert acting.refused("deliver", order=order_id, how="handed_over", age="scanned") == "order_returning"
    acting.did("returned", order=order_id, alcohol_count=1)
    row = market.row(order_id)
    assert (row["status"], row["cancellation_reason"], row["ledger_starts_at"]) == ("canceled", "other", None)
    (removed,) = working.run().removed
    assert (removed.kind, removed.goods) == ("canceled", "hand_to_store")


def test_hour_is_too_late_for_alcohol_then_it_is_not_handed_over(server: LiveServer, working: Working) -> None:
    market = Market(server)
    freeze(market, "2030-06-12T17:00:00Z")
    orders = [market.order(items=[line("1", "wine")], user={"birthday": GROWN_UP})["id"] for _ in range(2)]
    acting = Acting(working, market, *orders, workflow_state="brand_new")
    acting.did("start")
    acting.did("checkout", rest_found=True)
    for number, order_id in enumerate(orders):
        acting.did("bag", order=order_id, bags=[{"code": f"B{number}"}])
    acting.did("leave")
    freeze(market, "2030-06-13T03:30:00Z")  # half past ten in the evening
    handed = {"how": "handed_over", "age": "looked_at"}
    assert acting.refused("deliver", order=orders[0], **handed) == "alcohol_hours"
    late = acting.act("deliver", order=orders[0], **handed)
    in_time = {**late, "at": moment(clock.of_process() - 45 * clock.MINUTE)}  # without a network since then
    assert acting.send(in_time)[0]["outcome"] == "applied"
    early = {**acting.act("deliver", order=orders[1], **handed), "at": moment(clock.of_process() + 12 * clock.HOUR)}
    assert acting.send(early)[0]["rule"] == "alcohol_hours"
    acting.did("bring_back", order=orders[1], reason="alcohol_only")
    acting.did("deliver", order=orders[1], how="handed_over")


def test_customer_is_too_young_for_the_alcohol_then_the_rest_is_delivered(market: Market, working: Working) -> None:
    cart = [line("1", "wine"), line("2", "milk")]
    order_id = market.order(items=cart, user={"birthday": GROWN_UP})["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    acting.did("start")
    acting.did("checkout", rest_found=True)
    acting.did("bag", order=order_id, bags=[{"code": "B1"}])
    acting.did("leave")
    assert working.run().batches[0].orders[0].has_alcohol is True
    assert acting.refused("deliver", order=order_id, how="left") == "must_hand_over"
    acting.did("bring_back", order=order_id, reason="alcohol_only")
    assert acting.refused("bring_back", order=order_id, reason="alcohol_only") == "not_now"
    assert working.run().batches[0].orders[0].has_alcohol is False
    acting.did("deliver", order=order_id, how="handed_over")
    assert [one["status"] for one in market.row(order_id)["items"]] == ["to_refund", "found"]


def test_one_of_two_orders_is_checked_then_the_run_says_which(market: Market, working: Working) -> None:
    first, second = sorted(market.order("last_mile")["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    acting.did("arrive")
    acting.did("verify_bags", order=second)
    (batch,) = working.run().batches
    assert {one.id: one.status for one in batch.orders} == {first: "at_store", second: "bags_verified"}
    assert acting.state == "at_store"


def test_order_that_a_batch_waits_for_is_canceled_then_it_moves_on(market: Market, working: Working) -> None:
    first, second = sorted(market.order()["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    acting.did("start")
    acting.did("checkout", rest_found=True)
    acting.did("bag", order=first, bags=[{"code": "B1"}])
    Shopping(market).simulate(second, "canceled").raise_for_status()
    assert acting.state == "receipt_sanity_check"
    first, second = sorted(market.order("last_mile")["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    acting.did("arrive")
    acting.did("verify_bags", order=first)
    Shopping(market).simulate(second, "canceled").raise_for_status()
    assert acting.state == "bags_verified"


def test_shopper_drops_out_after_a_check_then_the_next_one_checks_again(market: Market, working: Working) -> None:
    first, second = sorted(market.order("last_mile")["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    acting.did("arrive")
    acting.did("verify_bags", order=first)
    acting.did("drop_out", reason="ill")
    again = Acting(Working(market.server), market, first, second, workflow_state="brand_new")
    again.did("arrive")
    again.did("verify_bags", order=second)
    assert again.state == "at_store"
    again.did("verify_bags", order=first)
    assert again.state == "bags_verified"
