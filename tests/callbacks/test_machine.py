"""Events, chains, attempts, crashes, replays and switches in random order, compared with a model of deliveries.

`LONG_RUNS=1` makes 2,000 runs of 50 steps on SQLite.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from handcart.callbacks import queue, replay, results, schedule, sender, webhooks
from handcart.callbacks.models import Attempt, Delivery
from handcart.callbacks.queue import Chain
from handcart.callbacks.results import Outcome
from handcart.core import clock
from handcart.core.clock import DAY, SECOND
from handcart.events import ops as events
from handcart.retailers import ops as retailers
from tests.callbacks.conftest import development, forget_others
from tests.slots.test_machine import FastSqlite, budget
from tests.support.server import LiveServer

ORDERS = ("a", "b", "c")
BEGIN = clock.from_wire("2026-09-21T14:13:20Z", "")
EVERYTHING = 100
Run = Callable[..., Any]  # (op, *args): commits what it returns, rolls back what it raises


@dataclass
class Told:
    """The deliveries of one event to one webhook. `failures`: those that counted since the last replay."""

    subject: str
    state: str = "pending"
    failures: int = 0


@dataclass
class Out:
    """A chain that a sender is sending."""

    webhook: int
    chain: Chain
    rest: list[Delivery]
    failures: int = 0


@dataclass
class Model:
    """Everything by webhook and event id."""

    told: dict[int, dict[int, Told]]
    new: dict[int, str] = field(default_factory=dict)
    out: list[Out] = field(default_factory=list)
    lost: list[Out] = field(default_factory=list)
    is_on: dict[int, bool] = field(default_factory=dict)

    def held(self, webhook: int) -> set[str]:
        """The orders of which a chain is out."""
        return {one.chain.subject for one in [*self.out, *self.lost] if one.webhook == webhook}

    def waiting(self, webhook: int, subject: str) -> list[int]:
        told = self.told[webhook].items()
        return sorted(event_id for event_id, one in told if one.subject == subject and one.state == "pending")


class Machine(RuleBasedStateMachine):
    def __init__(self, run: Run, now: list[int]) -> None:
        super().__init__()
        self.run, self.now = run, now
        self.now[:] = [BEGIN, BEGIN]

    @initialize(counts=st.tuples(*[st.sampled_from([0, 1, 2, 24])] * 3))
    def open_shop(self, counts: tuple[int, int, int]) -> None:
        slug = f"shop-{secrets.token_hex(6)}"
        self.retailer_id = self.run(retailers.create_retailer, slug=slug, name="Sample Market").id
        made = [self.run(development, self.retailer_id) for _ in range(2)]
        self.webhooks = [one.webhook.id for one in made]
        self.model = Model({one: {} for one in self.webhooks}, is_on=dict.fromkeys(self.webhooks, True))
        for subject, count in zip(ORDERS, counts, strict=True):
            self.emit(subject, count)
        self.fan_out()

    @rule(subject=st.sampled_from(ORDERS), count=st.sampled_from([1, 1, 1, 2, 24]))
    def emit(self, subject: str, count: int) -> None:
        for _ in range(count):
            event_id = self.run(events.emit, self.retailer_id, "picking", subject, {"order_id": subject})
            assert all(event_id > other for other in [*self.model.new, *self.model.told[self.webhooks[0]]])
            self.model.new[event_id] = subject

    @rule()
    def fan_out(self) -> None:
        while self.run(queue.fan_out, "development"):  # a step creates at most about 500 deliveries
            pass
        for event_id, subject in self.model.new.items():
            for told in self.model.told.values():
                told[event_id] = Told(subject)
        self.model.new.clear()

    @rule(which=st.integers(0, 1), most=st.integers(1, 4))
    def claim(self, which: int, most: int) -> None:
        webhook = self.webhooks[which]
        rows = self.rows(webhook)
        due = {row["subject"] for row in rows if row["state"] == "pending" and row["due_at"] <= self.now[0]}
        due -= self.model.held(webhook)
        chains = self.run(queue.claim, self.retailer_id, webhook, self.now[0], most)
        came = [chain.subject for chain in chains]
        assert len(set(came)) == len(came) <= most
        assert not set(came) & self.model.held(webhook)
        if not self.model.is_on[webhook]:
            assert came == []
        elif len(due) < most:
            assert due <= set(came)  # and more if the receiver is back
        for chain in chains:
            ids = [one.event_id for one in chain.deliveries]
            assert ids == self.model.waiting(webhook, chain.subject)[: len(ids)]
            assert any(one.due_at <= self.now[0] for one in chain.deliveries)
            for event_id in ids:
                self.model.told[webhook][event_id].state = "sending"
            self.model.out.append(Out(webhook, chain, list(chain.deliveries)))

    @precondition(lambda self: hasattr(self, "model") and self.model.out)
    @rule(which=st.integers(0, 5), is_well=st.booleans(), retry_after=st.sampled_from([None, 0, 10**15]))
    def attempt(self, which: int, is_well: bool, retry_after: int | None) -> None:
        out = self.model.out[which % len(self.model.out)]
        told = self.model.told[out.webhook]
        delivery = out.rest.pop(0)
        one = told[delivery.event_id]
        assert one.state == "sending"
        earlier = [other for other in self.model.waiting(out.webhook, one.subject) if other < delivery.event_id]
        assert not earlier or sender._is_due_alone(delivery, self.now[0])
        out.failures = 0 if is_well else out.failures + 1
        out.rest, left = sender._split(out.rest, out.failures, self.now[0])
        attempt = Attempt(at=self.now[0], milliseconds=1, url="", request_head="", retry_after=retry_after)
        attempt.cause = None if is_well else "status 500"
        goes_on = self.run(results.record, out.chain.destination, [Outcome(delivery, attempt, left)], self.now[0])
        if not is_well and delivery.planned_at <= self.now[0]:
            one.failures += 1
        one.state = "delivered" if is_well else "pending" if one.failures < schedule.MOST_TRIES else "failed"
        for other in left:
            told[other.event_id].state = "pending"
        self.look_for_disabled(out.webhook)
        assert (
            goes_on
            or not self.model.is_on[out.webhook]
            or out.chain.destination.updated_at != self.updated(out.webhook)
        )
        if not goes_on:
            self.give_back(out)
        elif not out.rest:
            self.model.out.remove(out)

    def give_back(self, out: Out) -> None:
        self.run(queue.give_back, out.chain.destination, out.rest)
        for delivery in out.rest:
            self.model.told[out.webhook][delivery.event_id].state = "pending"
        self.model.out.remove(out)

    def look_for_disabled(self, webhook: int) -> None:
        found = self.run(webhooks.get, self.retailer_id, webhook)
        if self.model.is_on[webhook] and found.status == "disabled":
            assert found.failing_since is not None
            assert self.now[0] - found.failing_since >= 5 * DAY
            self.model.is_on[webhook] = False

    @precondition(lambda self: hasattr(self, "model") and self.model.out)
    @rule(which=st.integers(0, 5))
    def kill(self, which: int) -> None:
        """A sender dies while it has claimed a chain."""
        self.model.lost.append(self.model.out.pop(which % len(self.model.out)))

    @rule()
    def end_leases(self) -> None:
        """Enough real time passes to end the leases of all senders that have not finished."""
        while self.model.out:
            self.give_back(self.model.out[0])
        self.now[1] += queue.LEASE + SECOND
        self.run(queue.release_expired)
        for out in self.model.lost:
            for delivery in out.rest:
                self.model.told[out.webhook][delivery.event_id].state = "pending"
        self.model.lost.clear()

    @rule(seconds=st.sampled_from([0.001, 3, 61, 400, 3 * 3600, 26 * 3600]))
    def pass_time(self, seconds: float) -> None:
        self.now[0] += int(seconds * SECOND)

    @rule(which=st.integers(0, 1), nth=st.integers(0, 200))
    def replay(self, which: int, nth: int) -> None:
        webhook = self.webhooks[which]
        if not (told := self.model.told[webhook]):
            return
        event_id = sorted(told)[nth % len(told)]
        self.run(replay.send_again, self.retailer_id, webhook, event_id=event_id, limit=1)
        if told[event_id].state != "sending":
            told[event_id].state, told[event_id].failures = "pending", 0

    @rule(which=st.integers(0, 1))
    def switch(self, which: int) -> None:
        webhook = self.webhooks[which]
        if self.model.is_on[webhook]:
            self.run(webhooks.disable, self.retailer_id, webhook, "by hand")
        else:
            self.run(webhooks.enable, self.retailer_id, webhook)
        self.model.is_on[webhook] = not self.model.is_on[webhook]

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "model"):
            return
        for webhook, told in self.model.told.items():
            rows = self.rows(webhook)
            assert {row["event_id"]: (row["state"], row["tries"] - (row["state"] == "delivered")) for row in rows} == {
                event_id: (one.state, one.failures) for event_id, one in told.items()
            }
            for row in rows:
                assert row["tries"] <= schedule.MOST_TRIES
                assert (row["leased_until"] is not None) == (row["state"] == "sending")
                if row["state"] == "pending":
                    soonest = row["created_at"] + schedule.PATIENCE if row["planned_at"] == 0 else row["planned_at"]
                    assert row["due_at"] <= soonest

    def teardown(self) -> None:
        """All receivers are well for good, and all clocks go on: everything arrives, in order, without hurry."""
        if hasattr(self, "model"):
            self.end_leases()
            self.fan_out()
            for which, webhook in enumerate(self.webhooks):
                if not self.model.is_on[webhook]:
                    self.switch(which)
            for _ in range(12):
                for which in (0, 1):
                    self.claim(which, EVERYTHING)
                while self.model.out:
                    self.attempt(0, True, None)
                self.nothing_is_lost()
                self.pass_time(26 * 3600)
            states = {one.state for told in self.model.told.values() for one in told.values()}
            assert states <= {"delivered", "failed"}

    def rows(self, webhook: int) -> Any:
        return self.run(_rows, self.retailer_id, webhook)

    def updated(self, webhook: int) -> int:
        at: int = self.run(webhooks.get, self.retailer_id, webhook).updated_at
        return at


async def _rows(tx: Any, retailer_id: int, webhook_id: int) -> Any:
    return await tx.all(
        "SELECT * FROM deliveries WHERE retailer_id = $1 AND webhook_id = $2 ORDER BY event_id", retailer_id, webhook_id
    )


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The retailer's clock and the real one, as the test sets them."""
    both = [BEGIN, BEGIN]
    monkeypatch.setattr(clock, "now", lambda: both[0])
    monkeypatch.setattr(clock, "of_process", lambda: both[1])
    return both


def test_anything_happens_in_any_order_then_each_event_is_sent_in_order(tmp_path: Path, now: list[int]) -> None:
    fast = FastSqlite(tmp_path / "handcart.db")

    class OnSqlite(Machine):
        def __init__(self) -> None:
            super().__init__(fast.run, now)
            fast.connection.execute("BEGIN")

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                fast.connection.execute("ROLLBACK")

    run_state_machine_as_test(OnSqlite, settings=budget(30, 30))
    fast.connection.close()


def test_database_of_the_server_then_every_event_is_sent_as_well(server: LiveServer, now: list[int]) -> None:
    forget_others(server)
    run_state_machine_as_test(lambda: Machine(server.write, now), settings=budget(2, 15))
