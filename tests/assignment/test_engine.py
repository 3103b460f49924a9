"""The engine gives work: to whom, when, and why to nobody else; what changes meanwhile; kills at every point."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from handcart.assignment import areas, cycle, engine, ops, pins, planning
from handcart.assignment.cycle import Done
from handcart.shoppers import ops as shoppers
from handcart.staff.models import SYSTEM
from tests.support.orders import GROWN_UP, line
from tests.support.planned import Planned
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper


@pytest.fixture
def planned(server: LiveServer) -> Planned:
    return Planned(server)


def test_time_has_come_then_the_order_is_given(planned: Planned) -> None:
    person = planned.shopper()
    order_id = planned.market.order()["id"]
    early = planned.cycle(9, 0)
    assert early is not None
    assert [one.order_ids for one in early.planned.proposals] == [(order_id,)]
    assert early.given == []
    assert planned.has(order_id) is None
    due = early.planned.proposals[0].due_at
    assert planned.market.at(12) < due < planned.market.at(14)
    minutes = (due - planned.market.at(12)) // 60_000_000
    assert planned.cycle(12, minutes).given == []
    assert planned.cycle(12, minutes + 1).given
    assert planned.has(order_id) == person.id
    assert planned.cycle(13, 59).given == []
    assert planned.market.faults() == []


def _after(planned: Planned) -> Callable[..., Done]:
    def run(hour: int = 13, **more: Any) -> Done:
        done = planned.cycle(hour, **more)
        assert done is not None
        return done

    return run


def test_order_is_planned_then_the_first_rule_against_each_is_kept(planned: Planned) -> None:
    market = planned.market
    store = {"home_retailer_id": market.retailer.id, "home_store_number": 1}
    chosen = planned.shopper("Near")
    cases = {
        "off_shift": add_shopper(planned.server, "Off"),
        "no_vehicle": planned.shopper("Inside", vehicle="none", **store),
        "blocked": planned.shopper("Blocked"),
        "shift_ends": planned.shopper("Leaves", hours=(8, 13)),
        "dearer": planned.shopper("Other"),
    }
    planned.server.write(shoppers.block, SYSTEM, cases["blocked"].id, "lost the phone")
    order_id = market.order()["id"]
    planned.cycle(12, 50)
    if planned.why(order_id, chosen) is not None:  # both are as near
        chosen, cases["dearer"] = cases["dearer"], chosen
    assert planned.why(order_id, chosen) is None
    assert {rule: planned.why(order_id, one) for rule, one in cases.items()} == {rule: rule for rule in cases}


def test_no_shopper_then_order_waits(planned: Planned) -> None:
    order_id = planned.market.order()["id"]
    done = _after(planned)()
    assert (done.given, done.planned.unassigned) == ([], [(planned.market.retailer.id, order_id)])


def test_nobody_may_carry_alcohol_then_order_waits_and_others_go(planned: Planned) -> None:
    person = planned.shopper(skills=())
    wine = planned.market.order(items=[line("1", "wine")], user={"birthday": GROWN_UP})["id"]
    other = planned.market.order()["id"]
    _after(planned)()
    assert (planned.has(wine), planned.has(other)) == (None, person.id)
    assert planned.why(wine, person) == "lacks_alcohol"


def test_window_is_past_then_order_is_given_at_once(planned: Planned) -> None:
    person = planned.shopper()
    order_id = planned.market.order()["id"]
    _after(planned)(15)
    assert planned.has(order_id) == person.id


def test_store_is_too_far_then_order_waits(planned: Planned) -> None:
    person = planned.shopper()
    planned.seen_at(person, 20.0)
    order_id = planned.market.order()["id"]
    _after(planned)()
    assert planned.has(order_id) is None
    assert planned.why(order_id, person) == "too_far"


def test_shopper_is_full_then_the_rest_waits(planned: Planned) -> None:
    person = planned.shopper(most_orders=1)
    first, second = (planned.market.order()["id"] for _ in range(2))
    _after(planned)()
    had = {one: planned.has(one) for one in (first, second)}
    assert sorted(had.values(), key=str) == sorted([person.id, None], key=str)
    _after(planned)()
    rest = next(one for one, who in had.items() if who is None)
    assert planned.has(rest) is None
    assert planned.why(rest, person) == "over_capacity"


@pytest.mark.parametrize("change", ["cancel", "block", "by_hand"])
def test_world_changes_meanwhile_then_the_change_stands(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    person, market = planned.shopper(), planned.market
    order_id = market.order()["id"]
    other = add_shopper(planned.server, "Other")
    real = planning.plan

    def plan(*args: Any) -> Any:
        made = real(*args)
        _change()
        return made

    def _change() -> None:
        retailer_id = market.retailer.id
        if change == "cancel":
            reason = ("retailer_driven", "store early closure")
            planned.server.write(ops.cancel, SYSTEM, retailer_id, order_id, "the roof leaks", reason)
        elif change == "block":
            planned.server.write(shoppers.block, SYSTEM, person.id, "lost the phone")
        else:
            planned.server.write(ops.assign, SYSTEM, retailer_id, [order_id], other.id)

    monkeypatch.setattr(planning, "plan", plan)
    done = _after(planned)()
    assert done.given == []
    rules = {"cancel": "changed", "block": "blocked", "by_hand": "changed"}
    assert [rule for _, rule in done.refused] == [rules[change]]
    assert planned.has(order_id) == (other.id if change == "by_hand" else None)
    assert market.faults() == []


def test_order_is_pinned_then_its_shopper_gets_it(planned: Planned) -> None:
    near, wanted = planned.shopper("Near"), planned.shopper("Wanted", hours=(9, 18))
    order_id = planned.market.order()["id"]
    planned.server.write(pins.pin, SYSTEM, planned.market.retailer.id, order_id, wanted.id)
    _after(planned)()
    assert planned.has(order_id) == wanted.id
    assert planned.why(order_id, near) == "pinned"


def test_shopper_drops_out_then_another_one_gets_the_order(planned: Planned) -> None:
    first = planned.shopper("First")
    order_id = planned.market.order()["id"]
    _after(planned)()
    assert planned.has(order_id) == first.id
    second = planned.shopper("Second")
    planned.server.write(ops.unassign, SYSTEM, planned.market.retailer.id, order_id, "phone is broken")
    planned.server.write(shoppers.block, SYSTEM, first.id, "phone is broken")
    _after(planned)()
    assert planned.has(order_id) == second.id


def test_shopper_accepts_then_the_order_moves_no_more(server: LiveServer) -> None:
    planned = Planned(server, commit_minutes=240)
    far = planned.shopper("Far")
    planned.seen_at(far, 0.1)
    order_id = planned.market.order()["id"]
    _after(planned)(12)
    assert planned.has(order_id) == far.id
    near = planned.shopper("Near")
    planned.seen_at(near, 0.05)
    moved = _after(planned)(12)
    assert [one.taken_from is not None for one in moved.given] == [True]
    assert planned.has(order_id) == near.id
    assert _after(planned)(12).given == []
    planned.accept(order_id)
    planned.seen_at(planned.shopper("Nearest"), 0.0)
    assert _after(planned)(12).given == []
    assert planned.has(order_id) == near.id


def test_area_is_held_then_no_other_engine_plans_it(planned: Planned) -> None:
    planned.shopper()
    order_id = planned.market.order()["id"]
    area = planned.area()
    assert planned.server.write(areas.take, area.name, "another", at_once=True)
    assert planned.cycle() is None
    assert planned.has(order_id) is None
    planned.server.write(areas.give_back, area.name, "another")
    _after(planned)()
    assert planned.has(order_id) is not None


def test_many_engines_at_once_then_one_plans(server: LiveServer) -> None:
    planned = Planned(server, commit_minutes=240)
    planned.shopper(most_orders=6)
    orders = [planned.market.order()["id"] for _ in range(4)]
    database, area = planned.server.app.database, planned.area(12, 0)

    async def race() -> list[Done | None]:
        return list(await asyncio.gather(*(cycle.run(database, area, 40) for _ in range(6))))

    done = planned.server.wait_for(race())
    assert len([one for one in done if one is not None]) == 1
    assert all(planned.has(one) for one in orders)
    assert planned.market.faults() == []


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("point", range(1, 6))
def test_cycle_is_killed_then_the_next_one_gives_the_rest_once(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    planned.shopper("One", most_orders=1)
    planned.shopper("Two", most_orders=1)
    orders = [planned.market.order()["id"] for _ in range(2)]
    database = planned.server.app.database
    killed = _Dying(database, point)
    with pytest.raises(_Killed):
        planned.server.wait_for(cycle.run(killed, planned.area(), 40, at_once=True))
    before = {one: planned.has(one) for one in orders}
    _end_lease(planned)
    _after(planned)()
    after = {one: planned.has(one) for one in orders}
    assert all(after.values())
    assert all(after[one] == who for one, who in before.items() if who is not None)
    events = "SELECT count(*) AS many FROM audit_log WHERE operation = 'assign_orders' AND retailer_id = $1"
    assert planned.server.sql(events, planned.market.retailer.id)[0]["many"] == len(orders)
    assert planned.market.faults() == []


class _Dying:
    """A database that answers until a number of calls, and never again, as for a process that was killed."""

    def __init__(self, database: Any, calls: int) -> None:
        self._database, self._left = database, calls

    async def read(self, op: Any, *args: Any, **more: Any) -> Any:
        self._count()
        return await self._database.read(op, *args, **more)

    async def write(self, op: Any, *args: Any, **more: Any) -> Any:
        self._count()
        return await self._database.write(op, *args, **more)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _Killed


def _end_lease(planned: Planned) -> None:
    """Let the lease of an engine that died end."""
    planned.server.write(_expire, planned.area().name)


def test_lease_ended_meanwhile_then_nothing_is_given(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    planned.shopper()
    order_id = planned.market.order()["id"]
    real = planning.plan

    def plan(*args: Any) -> Any:
        planned.server.write(_expire, planned.area().name)
        planned.server.write(areas.take, planned.area().name, "another", at_once=True)
        return real(*args)

    monkeypatch.setattr(planning, "plan", plan)
    with pytest.raises(areas.LeaseEnded):
        planned.cycle()
    assert planned.has(order_id) is None


async def _expire(tx: Any, area: str) -> None:
    await tx.run("UPDATE assignment_areas SET held_until = 1 WHERE area = $1", area)


def test_dispatchers_give_by_hand_then_the_engine_plans_nothing(server: LiveServer) -> None:
    by_hand = Planned(server, assignment="by_hand")
    clocks = {by_hand.market.retailer.id: by_hand.area().virtual}
    names = [one.name for one in server.read(engine.areas_of, clocks)]
    assert by_hand.area().name not in names
