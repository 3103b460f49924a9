"""Lists, holds, bookings, changes of plan and time in random order, compared with a model that has no ledger.

`LONG_RUNS=1` makes 2,000 runs of 50 steps.
"""

import os
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from handcart.core import clock
from handcart.core.db.sqlite import SqliteTx, connect_file
from handcart.core.errors import ApiError
from handcart.core.secret import Keys
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.slots import listing, ops, plans
from handcart.slots.listing import Wishes
from handcart.slots.models import SCHEDULED, Booking, Hold, Slot, Window
from handcart.slots.ops import HOLD
from handcart.slots.plans import EVERY_STORE, Plan
from handcart.slots.rules import GRACE
from handcart.stores import ops as stores
from handcart.stores import queries as store_queries
from handcart.stores.models import DELIVERY as KIND
from handcart.users import ops as users
from handcart.users.models import User
from tests.support.server import SECRET_KEY, LiveServer, make_database
from tests.support.slots import moment
from tests.support.stores import store

BEGIN = moment("2027-06-10T10:00-05:00")
UTC_OFFSET = -5 * clock.HOUR
USERS = ("a", "b", "c", "d")
Run = Callable[..., Any]  # (op, *args): commits what it returns, rolls back what it raises


@dataclass
class Model:
    """The holds with their expiry, and the bookings."""

    offers_eta: bool
    now: int = BEGIN
    plan: Plan = field(default_factory=Plan)
    exceptions: dict[int, int] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    booked: Counter[int] = field(default_factory=Counter)

    def capacity(self, place: int) -> int:
        return self.exceptions.get(place, self.plan.capacity)

    def has_room(self, place: int, user: str = "") -> bool:
        """Whether a user finds a place, without counting the user's own hold (which is dropped) and expired holds."""
        held = [hold for holder, hold in self.holds.items() if holder != user and hold.expires_at > self.now]
        taken = self.booked[place] + sum(hold.slot.window.ledger_starts_at == place for hold in held)
        return taken < self.capacity(place)

    def has_begun(self, window: Window) -> bool:
        return window.starts_at < self.now - (0 if window.type == SCHEDULED else GRACE)

    def rules_out(self, window: Window, *, grace: int, ignores_lead: bool = False) -> bool:
        """Whether anything but want of room is against a window for a customer who saw it in a list `grace` ago.

        `ignores_lead`: the list had it in place of an ETA.
        """
        place, seen_at = window.ledger_starts_at, self.now - grace
        is_far = place >= midnight_after(self.now)
        has_lead = window.type == SCHEDULED and not (ignores_lead and self.offers_eta)
        is_near = has_lead and place < seen_at + self.plan.lead_minutes * clock.MINUTE
        is_cut = self.plan.cutoff_hour is not None and midnight_after(seen_at) == midnight_after(place)
        is_cut = is_cut and seen_at >= midnight_after(seen_at) - clock.DAY + (self.plan.cutoff_hour or 0) * clock.HOUR
        return self.has_begun(window) or not self.capacity(place) or is_far or is_near or is_cut


def midnight_after(at: int) -> int:
    return ((at + UTC_OFFSET) // clock.DAY + 1) * clock.DAY - UTC_OFFSET


class Machine(RuleBasedStateMachine):
    """A store with a few windows, and a few users who all want the first ones."""

    def __init__(self, run: Run, frozen: list[int]) -> None:
        super().__init__()
        self.run, self.frozen = run, frozen
        self.seen: list[Slot] = []
        self.bookings: list[Booking] = []

    @initialize(offers_eta=st.booleans())
    def open(self, offers_eta: bool) -> None:
        self.model = Model(offers_eta)
        self.frozen[0] = BEGIN
        self.slug = f"shop-{secrets.token_hex(6)}"
        kept = self.run(retailers.create_retailer, slug=self.slug, name="Sample Market")
        self.run(retailers.change, self.slug, {"offers_eta": offers_eta})
        self.run(stores.save, kept.id, [store("s")])
        self.store = self.run(store_queries.store, kept.id, "s")
        self.caller = Caller("client", kept.organization_id, kept.id, kept.isolation_id, (), None)
        for user in USERS:
            self.run(users.create, kept.isolation_id, User(user, None, None, None, None))
        self.change_plan(Plan(capacity=2, horizon_days=1))

    @rule(orders=st.integers(0, 3), lead=st.sampled_from((0, 60)), cutoff=st.sampled_from((None, None, 13)))
    def change(self, orders: int, lead: int, cutoff: int | None) -> None:
        self.change_plan(Plan(capacity=orders, lead_minutes=lead, cutoff_hour=cutoff, horizon_days=1))

    def change_plan(self, plan: Plan) -> None:
        self.model.plan = plan
        self.run(plans.set_plan, self.caller.retailer_id, EVERY_STORE, KIND, plan)

    @rule(ahead=st.integers(0, 4), orders=st.integers(0, 3))
    def except_hour(self, ahead: int, orders: int) -> None:
        place = self.model.now // clock.HOUR * clock.HOUR + ahead * clock.HOUR
        hours = (place + UTC_OFFSET) // clock.HOUR
        date = clock.to_wire(place + UTC_OFFSET)[:10]
        self.model.exceptions[place] = orders
        self.run(plans.set_exception, self.caller.retailer_id, "s", KIND, date, [hours % 24], orders)

    @rule(minutes=st.sampled_from((1, 4, 5, 6, 9, 10, 11, 14, 15, 45, 60)))
    def wait(self, minutes: int) -> None:
        self.model.now += minutes * clock.MINUTE
        self.frozen[0] = self.model.now

    @rule(microseconds=st.integers(-1, 1))
    def wait_for_an_end(self, microseconds: int) -> None:
        ends = [hold.expires_at + microseconds for hold in self.model.holds.values()]
        self.model.now = min((end for end in ends if end > self.model.now), default=self.model.now)
        self.frozen[0] = self.model.now

    @rule(user=st.sampled_from(USERS), place=st.integers(0, 4), with_eta=st.booleans())
    def list_and_hold(self, user: str, place: int, with_eta: bool) -> None:
        wishes = Wishes(with_eta=with_eta, with_priority_eta=with_eta)
        holder = (self.caller.isolation_id, user)
        retailer = self.run(retailers.retailer, self.caller.retailer_id)
        slots = self.run(listing.offers, retailer, self.store, KIND, wishes, holder).all()
        for slot in slots:
            window = slot.window
            is_free = self.model.has_room(window.ledger_starts_at, user)
            is_late = self.model.rules_out(window, grace=0, ignores_lead=self.ignores_lead(slot))
            assert (not slot.reasons) is (is_free and not is_late), (slot, self.model)
        self.seen = [*slots[:5], *self.seen][:20]
        if slots:
            slot = slots[min(place, len(slots) - 1)]
            kept = self.hold(user, slot)
            assert slot.reasons or kept is not None, "listed as free, and refused"

    @rule(user=st.sampled_from(USERS), number=st.integers(0, 19))
    def hold_again(self, user: str, number: int) -> None:
        if self.seen:
            self.hold(user, self.seen[number % len(self.seen)])

    def ignores_lead(self, slot: Slot) -> bool:
        """Whether the slot was listed in place of an ETA; its id says so."""
        return bool(self.run(ops.find, self.caller.retailer_id, slot.id).ignores_lead)

    def hold(self, user: str, slot: Slot) -> Hold | None:
        window = slot.window
        is_refused = self.model.rules_out(window, grace=GRACE, ignores_lead=self.ignores_lead(slot))
        is_refused = is_refused or not self.model.has_room(window.ledger_starts_at, user)
        self.model.holds.pop(user, None)
        kept = self.run(ops.hold, self.caller, user, slot.id)
        assert isinstance(kept, ApiError) is is_refused, (kept, self.model)
        if isinstance(kept, ApiError):
            return None
        assert kept.expires_at == self.model.now + HOLD
        assert kept.slot.window == window
        self.model.holds[user] = kept
        return kept

    @rule(user=st.sampled_from(USERS))
    def drop(self, user: str) -> None:
        self.run(ops.forget_user, self.caller.isolation_id, user)
        self.model.holds.pop(user, None)

    @rule(user=st.sampled_from(USERS))
    def claim(self, user: str) -> None:
        kept = self.model.holds.get(user)
        if kept is None:
            return
        place = kept.slot.window.ledger_starts_at
        has_expired = kept.expires_at <= self.model.now
        is_late = has_expired and self.model.has_begun(kept.slot.window)
        may_be_late = has_expired and self.model.rules_out(kept.slot.window, grace=GRACE)
        is_free = not has_expired or self.model.has_room(place, user)
        slot = self.run(ops.held_slot, self.caller, user, kept.id)
        try:
            self.bookings.append(self.run(ops.claim, self.caller, user, kept.id, slot))
        except ApiError:
            assert may_be_late or not is_free, (kept, self.model)
            return
        assert not is_late, (kept, self.model)
        self.model.booked[place] += 1
        del self.model.holds[user]

    @rule(number=st.integers(0, 19))
    def book(self, number: int) -> None:
        if not self.seen:
            return
        slot = self.seen[number % len(self.seen)]
        place = slot.window.ledger_starts_at
        is_refused = self.model.rules_out(slot.window, grace=GRACE) or not self.model.has_room(place)
        try:
            self.bookings.append(self.run(ops.book, self.caller.retailer_id, slot, "start_at"))
        except ApiError:
            assert is_refused, (slot, self.model)
            return
        assert not is_refused, (slot, self.model)
        self.model.booked[place] += 1

    @rule(number=st.integers(0, 99))
    def release(self, number: int) -> None:
        if self.bookings:
            booking = self.bookings.pop(number % len(self.bookings))
            self.run(ops.release, self.caller.retailer_id, booking.place)
            self.model.booked[booking.place.ledger_starts_at] -= 1

    @invariant()
    def ledger_is_right(self) -> None:
        rows, holds = self.run(_stored, self.caller.retailer_id)
        counted = Counter(hold["ledger_starts_at"] for hold in holds if hold["is_counted"])
        assert {hold["user_id"] for hold in holds} == set(self.model.holds)
        for hold in holds:
            assert hold["is_counted"] or hold["expires_at"] <= self.model.now
        places = {row["starts_at"] for row in rows}
        assert places >= set(counted) | set(+self.model.booked)
        for row in rows:
            assert (row["held"], row["booked"]) == (counted[row["starts_at"]], self.model.booked[row["starts_at"]])
            assert row["held"] + row["booked"] <= row["capacity"]


async def _stored(tx: Any, retailer_id: int) -> Any:
    rows = await tx.all("SELECT * FROM slot_ledger WHERE retailer_id = $1", retailer_id)
    return rows, await tx.all("SELECT * FROM holds WHERE retailer_id = $1", retailer_id)


class FastSqlite:
    """Ops on one connection, a savepoint each, and nothing of a run is ever committed."""

    def __init__(self, path: Path) -> None:
        keys = Keys(SECRET_KEY.encode())
        make_database(f"sqlite:///{path}", keys)
        self.connection = connect_file(str(path))
        self.tx = SqliteTx(self.connection, keys)

    def run(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        self.connection.execute("SAVEPOINT op")
        try:
            op(self.tx, *args, **kwargs).send(None)
        except StopIteration as done:
            self.connection.execute("RELEASE op")
            return done.value
        except BaseException:
            self.connection.execute("ROLLBACK TO op")
            self.connection.execute("RELEASE op")
            raise
        raise AssertionError("an op awaited something else than its transaction")


def budget(runs: int, steps: int) -> settings:
    if os.environ.get("LONG_RUNS"):
        runs, steps = 2000, 50
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=runs, stateful_step_count=steps, deadline=None, suppress_health_check=checks)


def test_anything_happens_in_any_order_then_the_ledger_is_right(tmp_path: Path, frozen: list[int]) -> None:
    fast = FastSqlite(tmp_path / "handcart.db")

    class OnSqlite(Machine):
        def __init__(self) -> None:
            super().__init__(fast.run, frozen)
            fast.connection.execute("BEGIN")

        def teardown(self) -> None:
            fast.connection.execute("ROLLBACK")

    run_state_machine_as_test(OnSqlite, settings=budget(60, 40))
    fast.connection.close()


def test_database_of_the_server_then_the_ledger_is_right_as_well(server: LiveServer, frozen: list[int]) -> None:
    run_state_machine_as_test(lambda: Machine(server.write, frozen), settings=budget(8, 25))
