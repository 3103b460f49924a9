"""Orders that nobody takes in time, are late, silent or stuck: the warnings, what happens then, and what is sent."""

import asyncio
import io
from collections.abc import Sequence
from typing import Any

import pytest

from handcart.assignment import jobs, timeouts
from handcart.assignment.models import (
    BAGS,
    COMING_BACK,
    LATE,
    MISSING,
    NO_PHOTO,
    REFUSED,
    SILENT,
    STUCK,
    UNSENT,
    UNTAKEN,
)
from handcart.assignment.warnings import AT_DOOR, ESTIMATE, PATIENCE, of_order
from handcart.core import clock, log
from handcart.core.db import Tx, Unavailable
from handcart.orders import ops as order_ops
from handcart.orders import states, storage
from handcart.pictures import ops as pictures
from handcart.retailers import ops as retailers
from handcart.slots import plans
from handcart.slots.plans import Plan
from tests.assignment.conftest import Look
from tests.support.acting import Acting
from tests.support.letters import write
from tests.support.orders import KINDS, Market
from tests.support.pictures import file
from tests.support.remedies import failing_webhook
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.warnings import warnings
from tests.support.working import Working

# The minutes after the start of a window of two hours at which it is too late to begin an order.
START = {kind: 120 - ESTIMATE[kind] // clock.MINUTE for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_takes_an_order_then_it_is_warned_moved_and_canceled(
    market: Market, shopping: Shopping, look: Look, kind: str
) -> None:
    order_id = market.order(kind)["id"]
    place = "last_mile" if kind == "dispatch" else kind
    assert not look(minutes=START[kind] - 61)
    assert warnings(market, order_id) == {}
    assert look(minutes=START[kind] - 60)
    assert warnings(market, order_id) == {UNTAKEN: market.at(12) + (START[kind] - 60) * clock.MINUTE}
    assert not look(minutes=START[kind] - 1)
    assert look(minutes=START[kind])
    row = market.row(order_id)
    assert (row["status"], row["window_starts_at"]) == ("brand_new", row["ledger_starts_at"])
    begins = (row["window_starts_at"] - market.at(12)) // clock.HOUR
    assert begins == (3 if START[kind] > 60 else 2)  # the first window whose lead time of an hour has not passed
    assert market.ledger() == {("here", place, row["ledger_starts_at"]): (0, 1)}
    assert warnings(market, order_id) == {}
    assert look(12 + begins, minutes=START[kind])
    assert market.row(order_id)["status"] == "brand_new"
    assert look(12 + begins, minutes=START[kind] + 10)
    row = market.row(order_id)
    assert (row["status"], row["cancellation_reason"]) == ("canceled", "unbatchable")
    assert row["details"]["cancellation_type"] == "unable to reschedule as no option found"
    assert market.ledger() == {}
    assert shopping.events(order_id) == ["brand_new", "rescheduled", "canceled"]
    assert not look(12 + begins, days=3)
    assert market.faults() == []


def test_no_slot_is_free_then_the_order_is_canceled(server: LiveServer, shopping: Shopping, look: Look) -> None:
    market = Market(server, capacity=1)
    order_id = market.order()["id"]
    server.write(plans.set_plan, market.retailer.id, "", "delivery", Plan(capacity=0))
    assert look(of=market)
    assert look(of=market, hours=1)
    assert market.row(order_id)["status"] == "canceled"
    assert market.row(order_id)["details"]["cancellation_type"] == "unable to reschedule as no option found"
    assert market.taken == (0, 0)


def test_retailer_chooses_to_cancel_then_the_order_is_not_moved(server: LiveServer, look: Look) -> None:
    market = Market(server, untaken="cancel", warn_minutes=15)
    order_id = market.order()["id"]
    assert not look(of=market, minutes=44)
    assert look(of=market, minutes=45)
    assert look(of=market, minutes=60)
    row = market.row(order_id)
    assert (row["status"], row["details"]["cancellation_type"]) == ("canceled", "unbatchable")
    assert market.history(order_id) == [("brand_new", "created"), ("canceled", "canceled")]


def test_worker_was_down_then_dispatchers_have_time_before_it_acts(market: Market, look: Look) -> None:
    order_id = market.order()["id"]
    late = 5 * 60
    assert look(minutes=late)
    assert not look(minutes=late + PATIENCE // clock.MINUTE - 1)
    assert market.row(order_id)["window_starts_at"] == market.at(12)
    assert look(minutes=late + PATIENCE // clock.MINUTE)
    assert market.row(order_id)["window_starts_at"] > market.at(17)


def test_shopper_does_not_accept_then_the_batch_ends_and_the_order_moves(
    market: Market, shopping: Shopping, look: Look
) -> None:
    first, second = (market.order(order_id=name)["id"] for name in ("first", "second"))
    batch_id = shopping.batch(first, second, workflow_state="brand_new")
    assert look()
    assert warnings(market, first).keys() == warnings(market, second).keys() == {UNTAKEN}
    assert look(hours=1)
    for order_id in (first, second):
        assert market.history(order_id) == [("brand_new", "created"), ("brand_new", "rescheduled")]
    assert shopping.advance(batch_id).json()["error"]["message"] == "Batch is finished"
    assert market.faults() == []


def test_shopper_accepts_or_the_window_moves_then_the_warning_ends(
    market: Market, shopping: Shopping, look: Look
) -> None:
    taken, user_id = market.order()["id"], market.customer()
    moved = market.order("delivery", user_id)["id"]
    assert look()
    shopping.batch(taken)
    hold = market.hold(user_id, hour=18)
    market.put(market.path(user_id, moved), {"service_option_hold_id": hold}).raise_for_status()
    assert look()
    assert warnings(market, taken) == warnings(market, moved) == {}
    assert warnings(market, taken, live=False).keys() == {UNTAKEN}
    assert not look(hours=1)


@pytest.mark.parametrize("kind", KINDS)
def test_window_ends_then_the_order_is_late_once(market: Market, shopping: Shopping, look: Look, kind: str) -> None:
    order_id = market.order(kind)["id"]
    batch_id = shopping.batch(order_id)
    assert not look(13, minutes=59)
    assert look(14)
    assert warnings(market, order_id) == {LATE: market.at(14)}
    assert not look(15)
    shopping.reach(batch_id)
    look(14, minutes=1)
    late = [name for name in shopping.events(order_id) if name.startswith("late_")]
    assert late == ["late_pickup" if kind == "pickup" else "late_delivery"]


def test_shopper_is_silent_then_dispatchers_see_it_until_the_next_step(
    market: Market, shopping: Shopping, look: Look
) -> None:
    order_id = market.order(slot={"day": 1, "hour": 12})["id"]
    batch_id = shopping.batch(order_id, workflow_state="picking")
    since = step_of(market, order_id)
    back = since - market.at(12)
    assert not look(microseconds=back + 10 * clock.MINUTE - 1)
    assert look(microseconds=back + 10 * clock.MINUTE)
    assert warnings(market, order_id) == {SILENT: since + 10 * clock.MINUTE}
    shopping.reach(batch_id, "checkout")
    assert look(microseconds=back + 11 * clock.MINUTE)
    assert warnings(market, order_id) == {}
    assert look(microseconds=back + 46 * clock.MINUTE)
    assert warnings(market, order_id).keys() == {STUCK}


def test_another_shopper_acts_on_the_work_then_its_facts_stay_the_same(market: Market) -> None:
    acting = Acting(Working(market.server), market, market.order()["id"])
    thief = Acting(Working(market.server), market, market.order()["id"])
    thief.last, thief.subject = None, acting.subject
    before = market.server.read(of_order, market.retailer.id, acting.order_ids[0])
    for _ in range(3):
        assert thief.refused("leave") == "not_yours"
    assert market.server.read(of_order, market.retailer.id, acting.order_ids[0]) == before


def test_acts_are_refused_thrice_then_warned_until_one_counts(market: Market, look: Look) -> None:
    order_id = market.order()["id"]
    acting = Acting(Working(market.server), market, order_id)
    acting.did("start")
    back = step_of(market, order_id) - market.at(12) + clock.MINUTE
    for _ in range(2):
        acting.refused("leave")
    assert not look(microseconds=back)
    acting.refused("leave")
    assert look(microseconds=back)
    assert warnings(market, order_id).keys() == {REFUSED}
    acting.did("find", order=order_id, line="1")
    assert look(microseconds=back)
    assert warnings(market, order_id) == {}


def test_customer_is_missing_then_warned_after_some_minutes_at_the_door(market: Market, look: Look) -> None:
    order_id = market.order()["id"]
    acting = Acting(Working(market.server), market, order_id)
    Shopping(market).reach(acting.batch_id, "delivering")
    acting.did("cannot_reach", order=order_id)
    back = step_of(market, order_id) - market.at(12)
    assert not look(microseconds=back + AT_DOOR - clock.SECOND)
    assert look(microseconds=back + AT_DOOR)
    assert warnings(market, order_id).keys() == {MISSING}
    acting.did("bring_back", order=order_id, reason="nobody_there")
    assert look(microseconds=back + AT_DOOR)
    assert warnings(market, order_id).keys() == {COMING_BACK}
    acting.did("returned", order=order_id)
    assert look(microseconds=back + AT_DOOR)
    assert warnings(market, order_id) == {}


def test_bags_are_wrong_or_nothing_arrives_then_warned_until_it_is_right(market: Market, look: Look) -> None:
    order_id = market.order("last_mile")["id"]
    acting = Acting(Working(market.server), market, order_id)
    Shopping(market).reach(acting.batch_id, "at_store")
    market.server.write(label, market.retailer.id, order_id)
    back = step_of(market, order_id) - market.at(12)
    assert acting.refused("verify_bags", order=order_id, scans=["2"]) == "bag_missing"
    assert look(microseconds=back)
    assert warnings(market, order_id).keys() == {BAGS}
    acting.did("verify_bags", order=order_id, scans=["1"])
    market.server.write(failing_webhook, market.retailer.id, order_id)
    assert look(microseconds=back)
    assert warnings(market, order_id).keys() == {UNSENT}
    market.server.sql(
        "UPDATE deliveries SET state = 'delivered' WHERE retailer_id = $1 AND subject = $2 RETURNING state",
        *(market.retailer.id, order_id),
    )
    assert look(microseconds=back)
    assert warnings(market, order_id) == {}
    recipient = f"order/{market.retailer.id}/{order_id}"
    write(market.server, "sms", recipient=recipient, address="none", order_id=order_id, retailer_id=market.retailer.id)
    assert look(microseconds=back)
    assert warnings(market, order_id).keys() == {UNSENT}


async def label(tx: Tx, retailer_id: int, order_id: str) -> None:
    """The bag of an order has the code 1."""
    order = await order_ops.lock(tx, retailer_id, order_id)
    order.details.bag_scan_codes = ["1"]
    await order_ops.keep(tx, retailer_id, order)


def step_of(market: Market, order_id: str) -> int:
    (row,) = market.server.sql(
        "SELECT max(at) AS at FROM order_history WHERE retailer_id = $1 AND order_id = $2",
        *(market.retailer.id, order_id),
    )
    at: int = row["at"]
    return at


def in_every_state(market: Market, shopping: Shopping) -> list[str]:
    """An order of each kind in each state that it can have, reached by real steps."""
    made = []
    for kind in KINDS:
        for status in states.WORKFLOWS[kind].states:
            order_id = market.order(kind, order_id=f"{kind} {status}")["id"]
            made.append(order_id)
            _bring(market, shopping, order_id, kind, status)
            assert market.row(order_id)["status"] == status
    return made


def _bring(market: Market, shopping: Shopping, order_id: str, kind: str, status: str) -> None:
    if status == states.CANCELED:
        shopping.simulate(order_id, "canceled").raise_for_status()
        return
    name = {states.ACKNOWLEDGED_FOR_DELIVERY: states.ACKNOWLEDGED, states.USER_AT_STORE: states.AT_STORE}
    runner = (states.RUNNER_AWAITING, states.USER_AT_STORE, states.BAGS_VERIFIED, states.COMPLETED)
    if status == states.BRAND_NEW:
        return
    if kind == "pickup" and status in runner:
        shopping.reach(shopping.batch(order_id), states.STAGED)
        begun = states.BRAND_NEW if status == states.RUNNER_AWAITING else name.get(status, status)
        shopping.batch(order_id, workflow_state=begun)
    else:
        shopping.batch(order_id, workflow_state=name.get(status, status))


@pytest.mark.parametrize("only_warns", [True, False])
def test_days_pass_then_no_order_rots_in_silence(server: LiveServer, look: Look, only_warns: bool) -> None:
    market = Market(server, capacity=100)
    shopping = Shopping(market)
    made = in_every_state(market, shopping)
    for days in (3, 6, 9, 12):
        look(of=market, days=days, only_warns=only_warns)
        look(of=market, days=days, minutes=10, only_warns=only_warns)
        silent = [
            order_id
            for order_id in made
            if market.row(order_id)["status"] not in states.TERMINAL and not warnings(market, order_id)
        ]
        assert [one for one in silent if market.row(one)["window_ends_at"] < market.at(12) + days * clock.DAY] == []
    open_now = {market.row(order_id)["status"] for order_id in made} - set(states.TERMINAL)
    assert (states.BRAND_NEW in open_now) == only_warns
    assert market.faults() == []


def test_sandbox_then_dispatchers_are_warned_and_no_order_changes(
    market: Market, shopping: Shopping, look: Look
) -> None:
    waiting, late = market.order()["id"], market.order()["id"]
    shopping.batch(late)
    before = [market.history(one) for one in (waiting, late)]
    assert look(days=2, only_warns=True)
    assert not look(days=3, only_warns=True)
    assert [market.history(one) for one in (waiting, late)] == before
    assert (warnings(market, waiting).keys(), warnings(market, late).keys()) == ({UNTAKEN}, {LATE})


def test_retailer_has_many_orders_then_others_do_not_wait(
    server: LiveServer, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_OF_RETAILER", 2)
    settled: list[int] = []
    settle = timeouts.settle

    async def note(tx: Tx, retailer_id: int, *args: Any, **kwargs: Any) -> Sequence[str]:
        settled.extend(one.retailer.id for one in (large, small) if one.retailer.id == retailer_id)
        return await settle(tx, retailer_id, *args, **kwargs)

    monkeypatch.setattr(timeouts, "settle", note)
    large, small = Market(server), Market(server)
    for market, orders in ((large, 3), (small, 1)):
        for _ in range(orders):
            market.order("dispatch")
    now = clock.VirtualClock(frozen_at=large.at(13))
    watch = jobs.Watch()
    clocks = {one.retailer.id: now for one in (large, small)}
    assert server.wait_for(watch(server.app.database, clocks))
    assert sorted(settled) == sorted([large.retailer.id] * 2 + [small.retailer.id])
    assert server.wait_for(watch(server.app.database, clocks))  # the rest does not wait for the next time
    assert len(settled) == 4
    assert not server.wait_for(watch(server.app.database, clocks))


def test_process_dies_between_two_orders_then_the_next_look_does_the_rest(
    market: Market, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [market.order()["id"] for _ in range(3)]
    settle = timeouts.settle

    async def die(tx: Tx, retailer_id: int, order_id: str, *args: Any, **kwargs: Any) -> Sequence[str]:
        done = await settle(tx, retailer_id, order_id, *args, **kwargs)
        if order_id == made[1]:
            raise Unavailable("the process ends here")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(timeouts, "settle", die)
        with pytest.raises(Unavailable):
            look()
    assert [warnings(market, one).keys() for one in made] == [{UNTAKEN}, set(), set()]
    assert look()
    assert [warnings(market, one).keys() for one in made] == [{UNTAKEN}] * 3


def test_order_has_a_defect_then_the_others_are_looked_after(
    market: Market, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = market.order()["id"], market.order()["id"]
    settle = timeouts.settle

    async def fail(tx: Tx, retailer_id: int, order_id: str, *args: Any, **kwargs: Any) -> Sequence[str]:
        assert order_id != first
        return await settle(tx, retailer_id, order_id, *args, **kwargs)

    monkeypatch.setattr(timeouts, "settle", fail)
    written = io.StringIO()
    log.to(written)
    try:
        assert look()
    finally:
        log.to(None)
    assert (warnings(market, first), warnings(market, second).keys()) == ({}, {UNTAKEN})
    assert "order not looked after" in written.getvalue()


def at_once(market: Market, hour: int) -> list[Any]:
    """What two workers that look at the same moment answer or raise."""
    clocks = {market.retailer.id: clock.VirtualClock(frozen_at=market.at(hour))}
    database = market.server.app.database

    async def look_twice() -> list[Any]:
        looks = [jobs.Watch()(database, clocks) for _ in range(2)]
        return list(await asyncio.gather(*looks, return_exceptions=True))

    return list(market.server.wait_for(look_twice()))


def test_two_workers_look_at_once_then_each_order_changes_once(server: LiveServer) -> None:
    market = Market(server, capacity=100)
    made = [market.order("dispatch")["id"] for _ in range(12)]
    for hour in (13, 14):
        assert at_once(market, hour) == [True, True]
    assert [market.history(one) for one in made] == [[("brand_new", "created"), ("brand_new", "rescheduled")]] * 12
    assert market.faults() == []


def test_canary_orders_are_not_locked_then_two_workers_collide(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for SQLite, which has only one writer at a time, so there is no lock to remove."""
    if server.database == "sqlite":
        return
    market = Market(server, capacity=100)
    made = [market.order("dispatch")["id"] for _ in range(20)]
    at_once(market, 13)
    monkeypatch.setattr(storage, "lock", storage.find)
    answers = at_once(market, 14)
    doubled = [one for one in made if len(market.history(one)) > 2]
    assert doubled or any(isinstance(one, Exception) for one in answers)
    # Other tests must not find the broken rows.
    for table in ("order_warnings", "later_events", "order_history", "orders"):
        server.sql(f"DELETE FROM {table} WHERE retailer_id = $1 RETURNING order_id", market.retailer.id)
    server.sql("UPDATE slot_ledger SET booked = 0 WHERE retailer_id = $1 RETURNING booked", market.retailer.id)
    assert market.faults() == []


@on_sqlite
def test_next_look_is_too_early_then_nothing_is_read(market: Market) -> None:
    market.order()
    watch = jobs.Watch()
    clocks = {market.retailer.id: clock.VirtualClock(frozen_at=market.at(12))}
    assert market.server.wait_for(watch(market.server.app.database, clocks))
    assert not market.server.wait_for(watch(None, clocks))  # type: ignore[arg-type]


def test_rules_are_changed_then_they_count_at_once(market: Market, look: Look) -> None:
    order_id = market.order()["id"]
    market.server.write(retailers.change, market.retailer.slug, {"warn_minutes": 0})
    assert not look(minutes=59)
    assert look(minutes=60)
    assert warnings(market, order_id).keys() == {UNTAKEN}


def test_photo_does_not_come_then_dispatchers_are_warned_until_it_does(
    server: LiveServer, market: Market, look: Look
) -> None:
    acting, came_first = (Acting(Working(server), market, market.order()["id"]) for _ in range(2))
    for one in (acting, came_first):
        Shopping(market).reach(one.batch_id, "delivering")
    early = came_first.act("deliver", order=came_first.order_ids[0], how="left", photo=True)
    came_first.working.phone.put(f"pictures/{early['id']}", file()).raise_for_status()
    assert came_first.send(early)[0]["outcome"] == "applied"
    acting.did("deliver", order=acting.order_ids[0], how="left", photo=True)
    order_id = acting.order_ids[0]
    (row,) = server.sql("SELECT order_id, since FROM awaited_pictures WHERE retailer_id = $1", market.retailer.id)
    assert row["order_id"] == order_id
    since = (row["since"] - market.at(12)) // clock.MINUTE
    look(minutes=since)
    assert warnings(market, order_id) == {}
    assert look(minutes=since + 16)
    assert (warnings(market, order_id).keys(), warnings(market, came_first.order_ids[0])) == ({NO_PHOTO}, {})
    assert not look(minutes=since + 60)
    acting.working.phone.put(f"pictures/{acting.last}", file()).raise_for_status()
    assert look(minutes=since + 60)
    assert warnings(market, order_id) == {}
    assert server.sql("SELECT 1 FROM awaited_pictures WHERE retailer_id = $1", market.retailer.id) == []
    assert market.faults() == []


def test_photo_never_comes_then_the_warning_ends_after_some_days(
    server: LiveServer, market: Market, look: Look, later: Any
) -> None:
    acting = Acting(Working(server), market, market.order()["id"])
    Shopping(market).reach(acting.batch_id, "delivering")
    acting.did("deliver", order=acting.order_ids[0], how="left", photo=True)
    assert look(days=1)
    assert not look(days=2)
    for days, left in ((2.9, 1), (3.1, 0)):
        with later(days=days):
            server.write(pictures.purge_awaited, 100)
        found = server.sql("SELECT 1 FROM awaited_pictures WHERE retailer_id = $1", market.retailer.id)
        assert len(found) == left
    assert look(days=3)
    assert warnings(market, acting.order_ids[0]) == {}


def test_user_is_deleted_then_no_photo_of_the_door_is_awaited(server: LiveServer, market: Market) -> None:
    user_id = market.customer()
    acting = Acting(Working(server), market, market.order(user_id=user_id)["id"])
    Shopping(market).reach(acting.batch_id, "delivering")
    acting.did("deliver", order=acting.order_ids[0], how="left", photo=True)
    server.write(order_ops.forget_user, market.retailer.isolation_id, user_id)
    assert server.sql("SELECT 1 FROM awaited_pictures WHERE retailer_id = $1", market.retailer.id) == []
