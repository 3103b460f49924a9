"""Replacements proposed, answered and chosen in random order, compared with a model that has only names of items.

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
from handcart.orders import create, lines, ops, replacements
from handcart.orders.create import NewOrder
from handcart.orders.models import Alternative, OrderDetails
from handcart.orders.replacements import Selection
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.shoppers import ops as shoppers
from handcart.slots import ops as slots
from handcart.slots import plans
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

BEGIN, PLACE = moment("2027-06-14T10:00-05:00"), moment("2027-06-16T11:00-05:00")
ORDERED = {"1": "milk", "2": "bread"}
OTHERS = ("soap", "jam", "tea")
Run = Callable[..., Any]  # (op, *args): commits what it returns, rolls back what it raises
Line = st.sampled_from(("1", "1", "2"))
Other = st.sampled_from(OTHERS)


@dataclass
class Known:
    """A line as it must be: names of items, and what the customer said last."""

    status: str = "not_found"
    decision: str | None = None
    substitute: str | None = None
    refused: str | None = None
    alternative: str | None = None
    chosen: list[str] = field(default_factory=list)

    @property
    def wishes(self) -> list[str]:
        return [*([self.alternative] if self.alternative else []), *self.chosen]

    def leave(self, status: str) -> None:
        """The shopper says something else than replaced."""
        if status == "found":
            self.refused = self.alternative = None
        if status != self.status:
            self.decision = "REJECTED" if self.refused else None
        self.status, self.substitute = status, None


class Machine(RuleBasedStateMachine):
    """The rules; `run` is how an op runs."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.now = BEGIN

    @initialize()
    def open(self) -> None:
        retailer = self.run(retailers.create_retailer, slug=f"shop-{secrets.token_hex(8)}", name="Sample Market")
        self.retailer_id = retailer.id
        self.caller = Caller("client", retailer.organization_id, retailer.id, retailer.isolation_id, (), None)
        self.run(stores.save, retailer.id, [store("here")])
        self.run(items.save, retailer.id, [Item(rrc=one, name=one) for one in (*ORDERED.values(), *OTHERS)])
        self.run(plans.set_plan, retailer.id, EVERY_STORE, "delivery", Plan(capacity=100, lead_minutes=0))
        self.run(users.create, retailer.isolation_id, User("a", "Sample", None, PHONE, None))
        self.shopper = self.run(shoppers.create, retailer.id).id
        hold = self.run(slots.hold, self.caller, "a", slot_id(retailer.id, "delivery", PLACE))
        asked = [OrderItem(line_num=number, item=ItemName(rrc=rrc), count=3) for number, rrc in ORDERED.items()]
        details = OrderDetails(last_name="Member", phone_number=PHONE)
        order = NewOrder("order", "delivery", details, b"", hold_id=hold.id, location_code="here", items=asked)
        self.run(create.create_shopped, self.caller, "a", order)
        self.state = "brand_new"
        self.lines = {number: Known() for number in ORDERED}
        self.begin()

    def begin(self) -> None:
        batch = self.run(batches.generate, self.retailer_id, self.shopper, [AskedOrder("order")], None, "picking")
        self.batch_id, self.state = batch.id, "picking"

    @property
    def is_picking(self) -> bool:
        return self.state in ("picking", "verifying_replacements")

    def tried(self, is_expected: bool, op: Any, *args: Any) -> bool:
        """Run an op; it must be refused exactly when the model says so."""
        try:
            answer = self.run(op, *args)
        except ApiError as error:
            answer = error
        assert isinstance(answer, ApiError) != is_expected, answer
        return is_expected

    @rule(number=Line, rrc=Other)
    def propose(self, number: str, rrc: str) -> None:
        line = self.lines[number]
        is_fine = self.is_picking and (line.refused != rrc or rrc in line.wishes)
        picked = Picked(None, None, None, ItemName(rrc=rrc))
        if self.tried(is_fine, picking.update, self.retailer_id, self.shopper, "order", number, picked):
            if line.substitute != rrc:
                line.decision = "APPROVED" if rrc in line.wishes else "PENDING"
            line.status, line.substitute = "replaced", rrc

    @rule(number=Line, status=st.sampled_from(("found", "to_refund", "not_found")))
    def report(self, number: str, status: str) -> None:
        picked = Picked(status)
        if self.tried(self.is_picking, picking.update, self.retailer_id, self.shopper, "order", number, picked):
            self.lines[number].leave(status)

    @rule(number=Line, approved=st.booleans(), rrc=st.sampled_from((None, *OTHERS)), is_old=st.sampled_from((0, 0, 1)))
    def answer(self, number: str, approved: bool, rrc: str | None, is_old: int) -> None:
        line, alternative = self.lines[number], None if rrc is None or approved else rrc
        is_fine = self.is_picking and line.decision == "PENDING" and not is_old and alternative != line.substitute
        named = None if alternative is None else Alternative(ItemName(rrc=alternative), count=2)
        if self.tried(is_fine, _answer, self.retailer_id, number, approved, named, is_old):
            if approved:
                line.decision, line.alternative = "APPROVED", None
            else:
                line.refused, line.alternative = line.substitute, alternative
                line.status = "not_found" if alternative else "to_refund"
                line.decision, line.substitute = "REJECTED", None

    @rule(number=Line, wished=st.lists(Other, max_size=2, unique=True))
    def choose(self, number: str, wished: list[str]) -> None:
        line = self.lines[number]
        chosen = [Selection(number, [ItemName(rrc=rrc) for rrc in wished], 1)]
        is_fine = self.state in ("brand_new", "acknowledged", "picking")
        if self.tried(is_fine, replacements.choose, self.caller, "a", "order", chosen):
            line.chosen, line.alternative = wished, None
            if line.decision == "PENDING" and line.substitute in wished:
                line.decision = "APPROVED"

    @rule()
    def drop_out(self) -> None:
        if self.tried(self.is_picking, batches.drop_out, self.retailer_id, self.batch_id):
            self.lines = {number: Known(chosen=line.chosen) for number, line in self.lines.items()}
            self.begin()

    @rule(is_far=st.sampled_from((False, False, False, True)))
    def advance(self, is_far: bool) -> None:
        if not self.is_picking:
            return
        to = "checkout" if is_far or self.state == "verifying_replacements" else "verifying_replacements"
        self.run(batches.advance, self.retailer_id, self.batch_id, to)
        self.state = to
        if to == "checkout":
            for line in self.lines.values():
                if line.status == "not_found":
                    line.status = "to_refund" if line.decision == "REJECTED" else "found"

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "state"):
            return
        order, steps = self.run(_stored, self.retailer_id)
        assert order.status == self.state
        waiting = [number for number, line in self.lines.items() if line.decision == "PENDING" and self.is_picking]
        assert [line.line_num for line in replacements.pending(order)] == waiting
        for line in order.lines:
            known = self.lines[line.line_num]
            shown = (line.status, line.replacement_status, *map(_rrc, (line.substitute, line.refused)))
            assert shown == (known.status, known.decision, known.substitute, known.refused)
            assert _rrc(line.alternative and line.alternative.item) == known.alternative
            delivered = lines.delivered(line)
            assert (delivered is None) == (known.status in ("not_found", "to_refund"))
            assert (lines.qty(line) == 0) == (known.status == "to_refund")
            assert known.status != "replaced" or _rrc(delivered) == known.substitute
        # Every refund and every replacement is told of: as many events as there are steps of its kind.
        events = " ".join(step.events for step in steps).split()
        refunds = [step for step in steps if step.what in ("item refunded", "replacement refused")]
        assert events.count("order_item_refund") == len(refunds)
        assert events.count("order_item_replacement") == [step.what for step in steps].count("item replaced")
        if refunds == []:
            assert all(line.status != "to_refund" for line in order.lines)


def _rrc(name: ItemName | None) -> str | None:
    return None if name is None else name.rrc


async def _answer(tx: Any, retailer_id: int, number: str, *more: Any) -> None:
    """Answer; the last value is by how much the answered proposal is older than the newest."""
    *said, is_old = more
    order = await ops.lock(tx, retailer_id, "order")
    line = next(line for line in order.lines if line.line_num == number)
    seen = None if not is_old else (line.proposed_at or 0) - is_old
    await replacements.answer(tx, retailer_id, order, number, *said, seen)


class Step(msgspec.Struct):
    what: str
    events: str


async def _stored(tx: Any, retailer_id: int) -> tuple[Any, list[Step]]:
    rows = await tx.all(
        "SELECT what, events FROM order_history WHERE retailer_id = $1 AND order_id = 'order' ORDER BY number",
        retailer_id,
    )
    return await ops.lock(tx, retailer_id, "order"), [Step(row["what"], row["events"]) for row in rows]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One moment for everybody, before the slot begins."""
    monkeypatch.setattr(clock, "now", lambda: BEGIN)


def test_answers_come_in_any_order_then_lines_and_events_agree(tmp_path: Path) -> None:
    fast = FastSqlite(tmp_path / "handcart.db")

    class OnSqlite(Machine):
        def __init__(self) -> None:
            super().__init__(fast.run)
            fast.connection.execute("BEGIN")

        def teardown(self) -> None:
            fast.connection.execute("ROLLBACK")

    run_state_machine_as_test(OnSqlite, settings=budget(40, 30))
    fast.connection.close()


def test_database_of_the_server_then_the_answers_agree_as_well(server: LiveServer) -> None:
    run_state_machine_as_test(lambda: Machine(server.write), settings=budget(4, 20))
