"""Holds and orders in random order, compared with a model that has no ledger.

`LONG_RUNS=1` makes 2,000 runs of 50 steps on SQLite.
"""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from handcart.core import clock
from handcart.core.errors import ApiError
from handcart.orders import create, ops
from handcart.orders.create import NewOrder
from handcart.orders.models import DELIVERY, DISPATCH, LAST_MILE, OrderDetails
from handcart.orders.ops import Changes
from handcart.orders.states import ACKNOWLEDGED, ACKNOWLEDGED_FOR_DELIVERY, CANCELED
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.slots import ledger, plans
from handcart.slots import ops as slots
from handcart.slots.models import WINDOW
from handcart.slots.ops import HOLD
from handcart.slots.plans import EVERY_STORE, Plan
from handcart.stores import items
from handcart.stores import ops as stores
from handcart.stores.carts import OrderItem
from handcart.stores.models import Item, ItemName
from handcart.users import ops as users
from handcart.users.models import User
from tests.slots.test_machine import FastSqlite, budget
from tests.support.orders import PHONE
from tests.support.server import LiveServer
from tests.support.slots import moment, slot_id
from tests.support.stores import store

BEGIN = moment("2027-06-10T10:00-05:00")
DATE, PLACES = "2027-06-12", [moment(f"2027-06-12T{hour}:00-05:00") for hour in (11, 13, 15)]
CAPACITY = 2
USERS = ("a", "b", "c", "d")
KINDS = (DELIVERY, LAST_MILE)
MILK = OrderItem(line_num="1", item=ItemName(rrc="milk"), count=1)
Run = Callable[..., Any]  # (op, *args): commits what it returns, rolls back what it raises


@dataclass
class Kept:
    """A hold: what for, and until when."""

    id: int
    kind: str
    place: int
    expires_at: int


@dataclass
class Known:
    """An order: whose, where (None once canceled), and whether it may still change."""

    asked: NewOrder
    user: str | None
    place: int | None
    is_brand_new: bool = True

    @property
    def ledger(self) -> str:
        """Last mile and dispatch orders share their places."""
        return LAST_MILE if self.asked.kind == DISPATCH else self.asked.kind


@dataclass
class Model:
    """The holds and orders."""

    now: int = BEGIN
    holds: dict[str, Kept] = field(default_factory=dict)
    orders: list[Known] = field(default_factory=list)

    def booked(self) -> Counter[tuple[str, int]]:
        return Counter((order.ledger, order.place) for order in self.orders if order.place is not None)

    def has_room(self, kind: str, place: int, user: str = "") -> bool:
        """Whether a user finds a place, without counting the user's own hold and expired holds."""
        live = [hold for holder, hold in self.holds.items() if holder != user and hold.expires_at > self.now]
        held = sum((hold.kind, hold.place) == (kind, place) for hold in live)
        return self.booked()[kind, place] + held < CAPACITY


class Machine(RuleBasedStateMachine):
    """The rules; `run` is how an op runs, `frozen` the moment that everybody reads."""

    def __init__(self, run: Run, frozen: list[int]) -> None:
        super().__init__()
        self.run, self.frozen, self.model = run, frozen, Model()

    @initialize()
    def open(self) -> None:
        self.frozen[0] = BEGIN
        retailer = self.run(retailers.create_retailer, slug=f"shop-{secrets.token_hex(8)}", name="Sample Market")
        self.caller = Caller("client", retailer.organization_id, retailer.id, retailer.isolation_id, (), None)
        self.run(stores.save, retailer.id, [store("here")])
        self.run(items.save, retailer.id, [Item(rrc="milk", name="Milk")])
        hours = [11, 13, 15]
        for kind in KINDS:
            self.run(plans.set_plan, retailer.id, EVERY_STORE, kind, Plan(capacity=0, lead_minutes=0))
            self.run(plans.set_exception, retailer.id, EVERY_STORE, kind, DATE, hours, CAPACITY)
        for user in USERS:
            self.run(users.create, retailer.isolation_id, User(user, "Sample", None, PHONE, None))

    def tried(self, is_expected: bool, op: Any, *args: Any, **kwargs: Any) -> Any:
        """The result of an op; it must be refused exactly when the model says so."""
        try:
            answer = self.run(op, *args, **kwargs)
        except ApiError as error:
            answer = error
        assert isinstance(answer, ApiError) != is_expected, answer
        return None if isinstance(answer, ApiError) else answer

    def option(self, kind: str, place: int) -> int:
        return slot_id(self.caller.retailer_id, kind, place)

    def asked(self, kind: str, **fields: Any) -> NewOrder:
        number = len(self.model.orders)
        details = OrderDetails(last_name="Member", phone_number=PHONE)
        return NewOrder(f"order-{number}", kind, details, b"%d" % number, location_code="here", **fields)

    @rule(user=st.sampled_from(USERS), kind=st.sampled_from(KINDS), place=st.sampled_from(PLACES))
    def hold(self, user: str, kind: str, place: int) -> None:
        """Also a second time, for the same or another place: the first hold is dropped, whatever the result."""
        has_room = self.model.has_room(kind, place, user)
        self.model.holds.pop(user, None)
        kept = self.tried(has_room, slots.hold, self.caller, user, self.option(kind, place))
        if kept:
            self.model.holds[user] = Kept(kept.id, kind, place, self.model.now + HOLD)

    @rule(user=st.sampled_from(USERS), kind=st.sampled_from(KINDS))
    def create(self, user: str, kind: str) -> None:
        held = self.model.holds.get(user)
        lines = [MILK] if kind == DELIVERY else []
        asked = self.asked(kind, hold_id=held.id if held else 1, items=lines)
        made = create.create_shopped if kind == DELIVERY else create.create_last_mile
        is_fine = held is not None and held.kind == kind and self.model.has_room(kind, held.place, user)
        if self.tried(is_fine, made, self.caller, user, asked):
            self.model.orders.append(Known(asked, user, self.model.holds.pop(user).place))

    @rule(place=st.sampled_from(PLACES), or_soonest=st.booleans(), user=st.sampled_from((None, *USERS)))
    def dispatch(self, place: int, or_soonest: bool, user: str | None) -> None:
        asked = self.asked(DISPATCH, window=(place, place + WINDOW))
        wanted = [place, *PLACES] if or_soonest else [place]
        free = [one for one in wanted if self.model.has_room(LAST_MILE, one)]
        order = self.tried(bool(free), create.create_dispatch, self.caller, user, asked, or_soonest=or_soonest)
        if order:
            assert (order.window_starts_at, order.window_ends_at) == (free[0], free[0] + WINDOW)
            self.model.orders.append(Known(asked, user, free[0]))

    @rule(number=st.integers(0, 99), is_same=st.booleans())
    def repeat(self, number: int, is_same: bool) -> None:
        """A repeated creation: it returns the existing order, or is refused, and takes no place."""
        if not self.model.orders:
            return
        known = self.model.orders[number % len(self.model.orders)]
        asked = known.asked if is_same else self.other(known.asked)
        if asked.kind == DISPATCH:
            order = self.tried(is_same, create.create_dispatch, self.caller, known.user, asked, or_soonest=True)
        else:
            made = create.create_shopped if asked.kind == DELIVERY else create.create_last_mile
            order = self.tried(is_same, made, self.caller, known.user or "a", asked)
        assert order is None or order.order_id == asked.order_id

    def other(self, asked: NewOrder) -> NewOrder:
        fields = {name: getattr(asked, name) for name in ("hold_id", "location_code", "items", "window")}
        return NewOrder(asked.order_id, asked.kind, asked.details, asked.fingerprint + b"!", **fields)

    def changeable(self, number: int, *kinds: str) -> Known | None:
        found = [order for order in self.model.orders if order.asked.kind in kinds and order.user]
        return found[number % len(found)] if found else None

    @rule(number=st.integers(0, 99))
    def move(self, number: int) -> None:
        """To what the user holds; the old place counts until then."""
        order = self.changeable(number, DELIVERY)
        if order is None:
            return
        user = order.user or ""
        held = self.model.holds.get(user)
        is_fine = held is not None and held.kind == DELIVERY and self.model.has_room(DELIVERY, held.place, user)
        changes = Changes({}, hold_id=held.id if held else 1)
        args = (self.caller, user, order.asked.order_id, changes)
        if self.tried(is_fine and order.is_brand_new, ops.update_shopped, *args):
            order.place = self.model.holds.pop(user).place

    @rule(number=st.integers(0, 99), place=st.sampled_from(PLACES))
    def move_carried(self, number: int, place: int) -> None:
        order = self.changeable(number, LAST_MILE, DISPATCH)
        if order is None:
            return
        is_fine = order.is_brand_new and (order.place == place or self.model.has_room(LAST_MILE, place))
        changes = Changes({}, option_id=self.option(LAST_MILE, place))
        if self.tried(is_fine, ops.update_carried, self.caller, order.user, order.asked.order_id, changes):
            order.place = place

    @rule(number=st.integers(0, 99))
    def cancel(self, number: int) -> None:
        order = self.changeable(number, DELIVERY, LAST_MILE, DISPATCH)
        if order and self.tried(order.is_brand_new, ops.cancel, self.caller, order.user, order.asked.order_id):
            order.place, order.is_brand_new = None, False

    @rule(number=st.integers(0, 99))
    def acknowledge(self, number: int) -> None:
        order = self.changeable(number, DELIVERY, LAST_MILE, DISPATCH)
        if order and order.is_brand_new:
            self.run(_acknowledge, self.caller.retailer_id, order.asked.order_id)
            order.is_brand_new = False

    @rule(user=st.sampled_from(USERS))
    def forget(self, user: str) -> None:
        """The effect of a user's deletion on holds and orders."""
        while self.run(ops.forget_user, self.caller.isolation_id, user):
            pass
        self.run(slots.forget_user, self.caller.isolation_id, user)
        self.model.holds.pop(user, None)
        for order in self.model.orders:
            if order.user == user:
                order.user, order.place = None, None if order.is_brand_new else order.place
                order.is_brand_new = False

    @rule(minutes=st.sampled_from((1, 5, 9, 10, 11)))
    def wait(self, minutes: int) -> None:
        self.model.now += minutes * clock.MINUTE
        self.frozen[0] = self.model.now

    @invariant()
    def everything_adds_up(self) -> None:
        rows, holds, orders, history = self.run(_stored, self.caller.retailer_id)
        counted = Counter((hold["kind"], hold["ledger_starts_at"]) for hold in holds if hold["is_counted"])
        assert {hold["user_id"]: hold["id"] for hold in holds} == {u: h.id for u, h in self.model.holds.items()}
        assert all(hold["is_counted"] or hold["expires_at"] <= self.model.now for hold in holds)
        places = {order["order_id"]: order["ledger_starts_at"] for order in orders}
        assert places == {order.asked.order_id: order.place for order in self.model.orders}
        assert all((order["ledger_starts_at"] is None) == (order["status"] == CANCELED) for order in orders)
        assert {row["order_id"] for row in history} == set(places)
        booked = self.model.booked()
        for row in rows:
            place = (row["kind"], row["starts_at"])
            assert (row["held"], row["booked"]) == (counted[place], booked[place])
            assert row["held"] + row["booked"] <= CAPACITY
            assert row["capacity"] in (0, CAPACITY, ledger.UNREAD)
        assert {(row["kind"], row["starts_at"]) for row in rows} >= set(counted) | set(booked)

    def teardown(self) -> None:
        """When all is canceled and every hold has expired, all places can be had again."""
        if not hasattr(self, "caller"):
            return
        for order in self.model.orders:
            if order.is_brand_new:
                self.run(ops.cancel_carried if order.user is None else ops.cancel, self.caller, *_named(order))
                order.place = None
        self.model.holds, self.model.now = {}, self.model.now + HOLD
        self.frozen[0] = self.model.now
        for place in PLACES:
            for _ in range(CAPACITY + 1):
                is_free = self.model.has_room(LAST_MILE, place)
                asked = self.asked(DISPATCH, window=(place, place + WINDOW))
                self.tried(is_free, create.create_dispatch, self.caller, None, asked, or_soonest=False)
                self.model.orders += [Known(asked, None, place)] * is_free


def _named(order: Known) -> tuple[str | None, ...]:
    """As the two ways to cancel name an order."""
    return (order.asked.order_id, None) if order.user is None else (order.user, order.asked.order_id)


async def _acknowledge(tx: Any, retailer_id: int, order_id: str) -> None:
    order = await ops.lock(tx, retailer_id, order_id)
    await ops.move(tx, retailer_id, order, ACKNOWLEDGED if order.kind == DELIVERY else ACKNOWLEDGED_FOR_DELIVERY)


async def _stored(tx: Any, retailer_id: int) -> list[Any]:
    tables = ("slot_ledger", "holds", "orders", "order_history")
    return [await tx.all(f"SELECT * FROM {table} WHERE retailer_id = $1", retailer_id) for table in tables]


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The one moment that everybody reads; a test moves it by hand."""
    now = [BEGIN]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    return now


def test_anything_happens_in_any_order_then_orders_and_ledger_agree(tmp_path: Path, frozen: list[int]) -> None:
    fast = FastSqlite(tmp_path / "handcart.db")

    class OnSqlite(Machine):
        def __init__(self) -> None:
            super().__init__(fast.run, frozen)
            fast.connection.execute("BEGIN")

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                fast.connection.execute("ROLLBACK")

    run_state_machine_as_test(OnSqlite, settings=budget(25, 40))
    fast.connection.close()


def test_database_of_the_server_then_they_agree_as_well(server: LiveServer, frozen: list[int]) -> None:
    run_state_machine_as_test(lambda: Machine(server.write, frozen), settings=budget(5, 25))
