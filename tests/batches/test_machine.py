"""Batches, items and cancellations in random order, compared with a model that has only lists of states.

`LONG_RUNS=1` makes 2,000 runs of 50 steps on SQLite.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from handcart.batches import ops as batches
from handcart.batches import picking
from handcart.batches.ops import AskedOrder
from handcart.batches.picking import Picked
from handcart.core import clock
from handcart.core.errors import ApiError
from handcart.orders import create, ops
from handcart.orders.create import NewOrder
from handcart.orders.models import OrderDetails
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.shoppers import ops as shoppers
from handcart.slots import ops as slots
from handcart.slots import plans
from handcart.slots.models import WINDOW
from handcart.slots.plans import EVERY_STORE, Plan
from handcart.stores import items
from handcart.stores import ops as stores
from handcart.stores.carts import OrderItem
from handcart.stores.models import Item, ItemName
from handcart.upkeep import integrity
from handcart.users import ops as users
from handcart.users.models import User
from tests.batches.test_states import BACK, BATCHES
from tests.slots.test_machine import FastSqlite, budget
from tests.support.orders import PHONE
from tests.support.server import LiveServer
from tests.support.slots import moment, slot_id
from tests.support.stores import store

BEGIN, PLACE = moment("2027-06-10T10:00-05:00"), moment("2027-06-12T11:00-05:00")
KINDS = {"delivery": ["delivery"], "pickup": ["pickup", "runner_customer"], "dispatch": ["delivery_only"]}
TAKES = {"delivery": "brand_new", "pickup": "brand_new", "delivery_only": "brand_new", "runner_customer": "staged"}
INITIAL = {**dict.fromkeys(TAKES, "acknowledged"), "runner_customer": "brand_new"}
LINES = [OrderItem(line_num="1", item=ItemName(rrc="milk"), count=3)]
OFTEN = ("brand_new", "acknowledged", "picking", "picking")
STATES = sorted({state for states in BATCHES.values() for state, _ in states})
MOST_ORDERS = 6
PICKED = ("picking", "verifying_replacements")
Run = Callable[..., Any]  # (op, *args): commits what it returns, rolls back what it raises
Rarely = st.sampled_from((False, False, False, True))
Number = st.integers(0, 99)


@dataclass
class Known:
    """An order as it must be. `lines`: what the shopper said, by number."""

    id: str
    kind: str
    status: str = "brand_new"
    batch: "Batch | None" = None
    lines: dict[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.status in ("completed", "canceled")


@dataclass
class Batch:
    """A batch as it must be."""

    id: int
    type: str
    state: str
    shopper: int
    orders: list[Known]
    is_live: bool = True

    @property
    def names(self) -> list[str]:
        return [state for state, _ in BATCHES[self.type]]

    def come(self, state: str) -> None:
        """The orders follow. Items without a report count as found once the shopper has paid."""
        self.state = state
        for order in self.orders:
            if order.status == "canceled":
                continue
            order.status = dict(BATCHES[self.type])[state]
            if self.type != "runner_customer" and self.names.index(state) >= 4:
                order.lines = {number: "found" if said == "not_found" else said for number, said in order.lines.items()}
        if state == self.names[-1]:
            self.end()

    def end(self) -> None:
        self.is_live = False
        for order in self.orders:
            order.batch = None


class Machine(RuleBasedStateMachine):
    """The rules; `run` is how an op runs."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.orders: list[Known] = []
        self.batches: list[Batch] = []

    @initialize()
    def open(self) -> None:
        retailer = self.run(retailers.create_retailer, slug=f"shop-{secrets.token_hex(8)}", name="Sample Market")
        self.retailer_id = retailer.id
        self.caller = Caller("client", retailer.organization_id, retailer.id, retailer.isolation_id, (), None)
        self.run(stores.save, retailer.id, [store("here")])
        self.run(items.save, retailer.id, [Item(rrc="milk", name="Milk"), Item(rrc="soap", name="Soap")])
        for kind in ("delivery", "pickup", "last_mile"):
            self.run(plans.set_plan, retailer.id, EVERY_STORE, kind, Plan(capacity=100, lead_minutes=0))
        self.run(users.create, retailer.isolation_id, User("a", "Sample", None, PHONE, None))
        self.shoppers = [self.run(shoppers.create, retailer.id).id for _ in range(2)]
        for kind in KINDS:
            self.create(kind)

    def tried(self, is_expected: bool, op: Any, *args: Any) -> Any:
        """The result of an op; it must be refused exactly when the model says so."""
        try:
            answer = self.run(op, *args)
        except ApiError as error:
            answer = error
        assert isinstance(answer, ApiError) != is_expected, answer
        return None if isinstance(answer, ApiError) else answer

    def order(self, number: int, *statuses: str) -> Known:
        """One of the orders; of those in one of these states, if there are any."""
        among = [order for order in self.orders if order.status in statuses] or self.orders
        return among[number % len(among)]

    def batch(self, number: int, *, is_wild: bool) -> Batch | None:
        """One of the batches; of those that are live, if there are any."""
        among = [batch for batch in self.batches if batch.is_live and not is_wild] or self.batches
        return among[number % len(among)] if among else None

    @rule(kind=st.sampled_from(sorted(KINDS)))
    def new(self, kind: str) -> None:
        if len(self.orders) < MOST_ORDERS:
            self.create(kind)

    def create(self, kind: str) -> None:
        order_id, details = f"order-{len(self.orders)}", OrderDetails(last_name="Member", phone_number=PHONE)
        asked = NewOrder(order_id, kind, details, b"", location_code="here", window=(PLACE, PLACE + WINDOW))
        if kind == "dispatch":
            self.run(create.create_dispatch, self.caller, "a", asked, or_soonest=False)
            self.orders.append(Known(order_id, kind))
            return
        option = slot_id(self.retailer_id, kind, PLACE)
        hold = self.run(slots.hold, self.caller, "a", option)
        asked = NewOrder(order_id, kind, details, b"", hold_id=hold.id, location_code="here", items=LINES)
        self.run(create.create_shopped, self.caller, "a", asked)
        self.orders.append(Known(order_id, kind, lines={"1": "not_found"}))

    @rule(number=Number, shopper=st.integers(0, 1), state=st.sampled_from((None, *OFTEN)))
    def generate(self, number: int, shopper: int, state: str | None) -> None:
        """Choices that are likely to succeed."""
        self.put_into_batch([self.order(number, *TAKES.values())], shopper, None, state)

    @rule(
        numbers=st.lists(Number, min_size=1, max_size=2),
        shopper=st.integers(0, 1),
        batch_type=st.sampled_from((None, *BATCHES)),
        state=st.sampled_from((None, *STATES)),
    )
    def generate_wildly(self, numbers: list[int], shopper: int, batch_type: str | None, state: str | None) -> None:
        wanted = [self.order(number) for number in numbers]
        if len({order.id for order in wanted}) == len(wanted):
            self.put_into_batch(wanted, shopper, batch_type, state)

    def put_into_batch(self, wanted: list[Known], shopper: int, batch_type: str | None, state: str | None) -> None:
        fitting = KINDS[wanted[0].kind]
        as_type = batch_type or next((one for one in fitting if TAKES[one] == wanted[0].status), fitting[0])
        begins = state or INITIAL[as_type]
        is_fine = begins in dict(BATCHES[as_type]) and all(
            as_type in KINDS[one.kind] and one.batch is None and one.status == TAKES[as_type] for one in wanted
        )
        asked = [AskedOrder(order.id) for order in wanted]
        made = self.tried(is_fine, batches.generate, self.retailer_id, self.shoppers[shopper], asked, batch_type, state)
        if made:
            batch = Batch(made.id, as_type, begins, self.shoppers[shopper], wanted)
            for order in wanted:
                order.batch = batch
            self.batches.append(batch)
            batch.come(begins)

    @rule(number=Number, state=st.sampled_from((*[None] * 8, *OFTEN, *STATES)), is_wild=Rarely)
    def advance(self, number: int, state: str | None, is_wild: bool) -> None:
        batch = self.batch(number, is_wild=is_wild)
        if batch is None:
            return
        place = batch.names.index(batch.state) + 1
        to = state or (batch.names[place] if place < len(batch.names) else "")
        is_fine = batch.is_live and to in batch.names[place:] and any(one.status != "canceled" for one in batch.orders)
        if self.tried(is_fine, batches.advance, self.retailer_id, batch.id, state):
            batch.come(to)

    @rule(number=Number, is_wild=Rarely)
    def drop_out(self, number: int, is_wild: bool) -> None:
        batch = self.batch(number, is_wild=is_wild)
        if batch is None:
            return
        takes = TAKES[batch.type]
        left = [order for order in batch.orders if order.status not in (takes, "canceled")]
        back = [order.status in BACK[order.kind].get(takes, "").split() for order in left]
        if self.tried(batch.is_live and all(back), batches.drop_out, self.retailer_id, batch.id):
            for order in left:
                order.status = takes
                if takes == "brand_new":
                    order.lines = {number: "not_found" for number in order.lines if number == "1"}
            batch.end()

    @rule(
        number=Number,
        is_wild=Rarely,
        line_num=st.sampled_from(("1", "1", "1", "2", "9")),
        status=st.sampled_from(("found", "replaced", "to_refund", "not_found")),
        count=st.sampled_from((None, 0, 2)),
    )
    def pick(self, number: int, is_wild: bool, line_num: str, status: str, count: int | None) -> None:
        order, shopper = self.at_work(number, is_wild=is_wild)
        is_fine = self.is_picking(order, shopper) and line_num in order.lines
        is_fine = is_fine and not (count and status in ("to_refund", "not_found"))
        picked = Picked(status, count, None, ItemName(rrc="soap") if status == "replaced" else None)
        if self.tried(is_fine, picking.update, self.retailer_id, shopper, order.id, line_num, picked):
            order.lines[line_num] = status

    @rule(number=Number, is_wild=Rarely)
    def add(self, number: int, is_wild: bool) -> None:
        order, shopper = self.at_work(number, is_wild=is_wild)
        picked = Picked(None, 1, None, ItemName(rrc="soap"))
        if self.tried(self.is_picking(order, shopper), picking.add, self.retailer_id, shopper, order.id, picked):
            order.lines[str(len(order.lines) + 1)] = "found"

    @rule(number=Number, by=st.sampled_from(("customer", "platform", "batching")))
    def cancel(self, number: int, by: str) -> None:
        order = self.order(number)
        if by == "customer":
            canceled = self.tried(order.status == "brand_new", ops.cancel, self.caller, "a", order.id)
        elif by == "platform":
            canceled = self.tried(not order.is_over, _cancel, self.retailer_id, order.id)
        else:
            is_fine = order.status == "brand_new" and order.batch is None
            canceled = self.tried(is_fine, batches.unbatch, self.retailer_id, order.id)
        if canceled:
            order.status = "canceled"

    def at_work(self, number: int, *, is_wild: bool) -> tuple[Known, int]:
        """An order that is being picked, and its shopper; or wildly, any order and some shopper."""
        order = self.order(number, *(() if is_wild else PICKED))
        return order, self.shoppers[number % 2] if is_wild or order.batch is None else order.batch.shopper

    def is_picking(self, order: Known, shopper: int) -> bool:
        return order.batch is not None and order.batch.shopper == shopper and order.status in PICKED

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "retailer_id"):
            return
        orders, kept, histories = self.run(_stored, self.retailer_id)
        assert {row["order_id"]: row["status"] for row in orders} == {one.id: one.status for one in self.orders}
        for row, order in zip(orders, self.orders, strict=True):
            lines = msgspec.json.decode(row["items"])
            assert {line["line_num"]: line.get("status", "not_found") for line in lines} == order.lines
            assert (row["ledger_starts_at"] is None) == (order.status == "canceled")
            assert (row["delivered_at"] is not None) == (order.status == "completed")
        seen = [(row["id"], row["type"], row["workflow_state"], row["ended_at"] is None) for row in kept]
        assert seen == sorted((one.id, one.type, one.state, one.is_live) for one in self.batches)
        assert all("delivered" not in row["events"] or row["status"] == "completed" for row in histories)
        assert [fault for fault in self.run(integrity.faults) if self.is_ours(fault)] == []

    def is_ours(self, fault: integrity.Fault) -> bool:
        return any(example.get("retailer_id") == self.retailer_id for example in fault.examples)


async def _cancel(tx: Any, retailer_id: int, order_id: str) -> bool:
    await ops.cancel_for(
        tx, retailer_id, await ops.lock(tx, retailer_id, order_id), "retailer_driven", "store early closure"
    )
    return True


async def _stored(tx: Any, retailer_id: int) -> list[Any]:
    tables = {"orders": "number", "batches": "id", "order_history": "number"}
    return [
        await tx.all(f"SELECT * FROM {table} WHERE retailer_id = $1 ORDER BY {column}", retailer_id)
        for table, column in tables.items()
    ]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One moment for everybody, before the slot begins."""
    monkeypatch.setattr(clock, "now", lambda: BEGIN)


def test_anything_happens_in_any_order_then_batches_and_orders_agree(tmp_path: Path) -> None:
    fast = FastSqlite(tmp_path / "handcart.db")

    class OnSqlite(Machine):
        def __init__(self) -> None:
            super().__init__(fast.run)
            fast.connection.execute("BEGIN")

        def teardown(self) -> None:
            fast.connection.execute("ROLLBACK")

    run_state_machine_as_test(OnSqlite, settings=budget(25, 40))
    fast.connection.close()


def test_database_of_the_server_then_they_agree_as_well(server: LiveServer) -> None:
    run_state_machine_as_test(lambda: Machine(server.write), settings=budget(4, 25))
