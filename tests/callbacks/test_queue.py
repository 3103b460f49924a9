"""Claims and records without a network: the health of webhooks, catching up, and replays together with new events."""

import itertools
import secrets
from collections.abc import Sequence
from typing import Any

import pytest

from handcart.callbacks import queue, replay, results, webhooks
from handcart.callbacks.models import Attempt, Webhook
from handcart.callbacks.queue import Chain
from handcart.callbacks.results import Outcome
from handcart.core import clock
from handcart.core.clock import DAY, HOUR, SECOND
from handcart.events import ops as events
from handcart.retailers import ops as retailers
from tests.callbacks.conftest import development, forget_others
from tests.support.server import LiveServer, on_sqlite

ONLY_FAILURES = "all attempts failed for five days"


class Desk:
    """One webhook, and a sender that only keeps books, by a clock that the test sets."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        slug = f"shop-{secrets.token_hex(6)}"
        self.retailer_id = server.write(retailers.create_retailer, slug=slug, name="Sample Market").id
        self.webhook_id = server.write(development, self.retailer_id).webhook.id
        self.now = clock.now()
        self._orders = itertools.count()

    @property
    def webhook(self) -> Webhook:
        found: Webhook = self.server.read(webhooks.get, self.retailer_id, self.webhook_id)
        return found

    def emit(self, *orders: str) -> None:
        """An event of each order, or of a new one."""
        for order_id in orders or (f"order {next(self._orders)}",):
            self.server.write(events.emit, self.retailer_id, "picking", order_id, {"order_id": order_id})
        self.server.write(queue.fan_out, "development")

    def claim(self, most: int = 16) -> Sequence[Chain]:
        chains: Sequence[Chain] = self.server.write(queue.claim, self.retailer_id, self.webhook_id, self.now, most)
        return chains

    def record(self, chain: Chain, cause: str | None, **more: Any) -> bool:
        """Record the result of the first delivery of a chain, and leave the others."""
        attempt = Attempt(at=self.now, milliseconds=1, url="", request_head="", cause=cause, **more)
        outcome = Outcome(chain.deliveries[0], attempt, chain.deliveries[1:])
        may_go_on: bool = self.server.write(results.record, chain.destination, [outcome], self.now)
        if cause is None:
            self.server.write(queue.give_back, chain.destination, chain.deliveries[1:])
        return may_go_on

    def send(self, cause: str | None = None) -> bool:
        """Try something new."""
        self.emit()
        chain, *others = self.claim()
        for other in others:
            self.server.write(queue.give_back, other.destination, other.deliveries)
        return self.record(chain, cause)

    def rows(self) -> list[Any]:
        return self.server.sql("SELECT * FROM deliveries WHERE retailer_id = $1 ORDER BY event_id", self.retailer_id)


@pytest.fixture
def desk(server: LiveServer) -> Desk:
    forget_others(server)
    return Desk(server)


def test_three_tries_in_a_day_fail_then_failing_since_the_first(desk: Desk) -> None:
    begun = desk.now
    for hours in (0, 1):
        desk.now = begun + hours * HOUR
        assert desk.send("status 500")
        assert desk.webhook.failing_since is None
    desk.send()
    assert (desk.webhook.failures, desk.webhook.first_failure_at) == (0, None)
    for hours in (2, 26.5, 28):
        desk.now = begun + int(hours * HOUR)
        desk.send("status 500")
        assert desk.webhook.failing_since is None  # no three of them within a day
    desk.now = begun + 29 * HOUR
    desk.send("status 500")
    assert desk.webhook.failing_since == begun + int(26.5 * HOUR)
    (busy,) = [one for one in desk.server.read(queue.busy, "development") if one.webhook_id == desk.webhook_id]
    assert busy.is_failing


def test_only_failures_for_five_days_then_disabled_and_nothing_is_lost(desk: Desk) -> None:
    begun = desk.now
    for after in (0, HOUR, 2 * HOUR, 5 * DAY - SECOND):
        desk.now = begun + after
        assert desk.send("timeout")
        assert desk.webhook.status == "enabled"
    desk.now = begun + 5 * DAY
    assert not desk.send("timeout")
    assert (desk.webhook.status, desk.webhook.status_reason) == ("disabled", ONLY_FAILURES)
    desk.emit("late", "late", "later")
    assert desk.claim() == []
    assert [row["state"] for row in desk.rows()] == ["pending"] * 8
    desk.server.write(webhooks.enable, desk.retailer_id, desk.webhook_id)
    assert (desk.webhook.status, desk.webhook.status_reason, desk.webhook.failures) == ("enabled", None, 0)
    assert desk.webhook.failing_since is None
    sent = []
    while chains := desk.claim(3):
        for chain in chains:
            sent.append(chain.deliveries[0].event_id)
            desk.record(chain, None)
    assert sorted(sent) == [row["event_id"] for row in desk.rows()]
    (first, second) = [row["event_id"] for row in desk.rows() if row["subject"] == "late"]
    assert sent.index(first) < sent.index(second)


@on_sqlite
def test_one_try_succeeds_within_five_days_then_these_start_again(desk: Desk) -> None:
    begun = desk.now
    for day in range(12):
        desk.now = begun + day * DAY
        for _ in range(3):
            assert desk.send("status 500")
        if day % 4 == 3:
            desk.send()
            assert desk.webhook.failing_since is None
    assert desk.webhook.status == "enabled"


@on_sqlite
def test_heads_tried_early_then_their_failures_do_not_count(desk: Desk) -> None:
    desk.emit("order")
    (chain,) = desk.claim()
    desk.record(chain, "status 500")
    (planned,) = [row["planned_at"] for row in desk.rows()]
    desk.emit("order")
    desk.now = clock.now() + 61 * SECOND
    desk.server.sql(
        "UPDATE deliveries SET planned_at = $1, due_at = $1 WHERE retailer_id = $2 AND planned_at > 0 RETURNING tries",
        desk.now + HOUR,
        desk.retailer_id,
    )
    for _ in range(20):
        (chain,) = desk.claim()
        assert [one.planned_at > desk.now for one in chain.deliveries] == [True, False]
        desk.record(chain, "status 500")
        desk.server.write(queue.release_expired)
    head = desk.rows()[0]
    assert (head["tries"], head["attempts"], head["due_at"]) == (1, 21, head["planned_at"])
    assert desk.webhook.failures == 1
    desk.now = head["planned_at"]
    (chain,) = desk.claim()
    desk.record(chain, "status 500")
    assert (desk.rows()[0]["tries"], desk.webhook.failures) == (2, 2)
    assert planned


@on_sqlite
@pytest.mark.parametrize("status", [410, 429, 503])
def test_receiver_says_gone_or_later_then_it_is_heard(desk: Desk, status: int) -> None:
    desk.emit("order", "order", "other")
    chain, other = desk.claim()
    wait = {"is_gone": True} if status == 410 else {"retry_after": 9 * SECOND}
    assert desk.record(chain, f"status {status}", **wait) == (status != 410)
    assert desk.webhook.status == ("disabled" if status == 410 else "enabled")
    assert desk.record(other, None) == (status != 410)
    first, second, third = desk.rows()
    assert (first["state"], first["tries"], second["state"], third["state"]) == ("pending", 1, "pending", "delivered")
    if status != 410:
        assert 9 * SECOND <= first["due_at"] - desk.now <= 10 * SECOND
    assert (desk.claim() == []) is True


@pytest.mark.parametrize("stands_still", [True, False])
def test_receiver_is_back_then_all_pending_events_become_due_once(
    desk: Desk, stands_still: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_QUEUED", 5)
    desk.now = clock.now() + SECOND
    for _ in range(23):
        desk.send("status 500")
    assert desk.claim() == []
    assert desk.webhook.failing_since is not None
    desk.now += 0 if stands_still else SECOND
    desk.send()
    assert desk.webhook.failing_since is None
    attempts = 0
    while chains := desk.claim(4):
        attempts += len(chains)
        assert attempts <= 2 * 23
        for chain in chains:
            desk.now += 0 if stands_still else SECOND // 1000
            desk.record(chain, "status 500")
    assert attempts == 23
    assert desk.webhook.caught_up_to is None
    assert {(row["tries"], row["attempts"]) for row in desk.rows() if row["state"] == "pending"} == {(1, 2)}


def test_everything_sent_again_then_new_events_go_first_and_in_order(desk: Desk) -> None:
    for _ in range(30):
        desk.emit()
    old = [row["event_id"] for row in desk.rows()]
    while chains := desk.claim():
        for chain in chains:
            desk.record(chain, None)
    last, count = 0, 0
    while last is not None:
        some, last = desk.server.write(replay.send_again, desk.retailer_id, desk.webhook_id, after=last, limit=7)
        count += some
    assert count == 30
    desk.now += SECOND
    desk.emit("new", "order 20", "newer")
    chains = desk.claim(3)
    assert {chain.subject for chain in chains} == {"new", "order 20", "newer"}
    assert [[one.is_replay for one in chain.deliveries] for chain in chains if chain.subject == "order 20"] == [
        [True, False]
    ]
    for chain in chains:
        desk.record(chain, None)
    assert [chain.subject for chain in desk.claim(1)] == ["order 20"]
    assert [chain.deliveries[0].event_id for chain in desk.claim(4)] == old[:4]


def test_chain_is_out_then_nothing_else_of_its_order_is_claimed(desk: Desk) -> None:
    desk.emit("order", "order", "order")
    first, *rest = [row["event_id"] for row in desk.rows()]
    (chain,) = desk.claim()
    attempt = Attempt(at=desk.now, milliseconds=1, url="", request_head="")
    desk.server.write(results.record, chain.destination, [Outcome(chain.deliveries[0], attempt)], desk.now)
    for event_id in (first, rest[0]):  # delivered; and out, which stays as it is
        desk.server.write(replay.send_again, desk.retailer_id, desk.webhook_id, event_id=event_id, limit=1)
    desk.emit("order")
    desk.now += DAY
    assert desk.claim() == []
    desk.server.write(queue.give_back, chain.destination, chain.deliveries[1:])
    (chain,) = desk.claim()
    assert [one.event_id for one in chain.deliveries] == [row["event_id"] for row in desk.rows()]
    assert [one.is_replay for one in chain.deliveries] == [True, False, False, False]


@on_sqlite
def test_head_of_a_chain_delivered_early_then_the_others_follow(desk: Desk) -> None:
    desk.emit(*["order"] * (queue.MOST_IN_CHAIN + 2))
    (chain,) = desk.claim()
    desk.record(chain, "status 500")
    assert desk.claim() == []
    ids = [row["event_id"] for row in desk.rows()]
    desk.server.write(replay.send_again, desk.retailer_id, desk.webhook_id, event_id=ids[0], limit=1)
    (chain,) = desk.claim()
    assert [one.event_id for one in chain.deliveries] == ids[: queue.MOST_IN_CHAIN]
    attempt = Attempt(at=desk.now, milliseconds=1, url="", request_head="")
    desk.server.write(results.record, chain.destination, [Outcome(one, attempt) for one in chain.deliveries], desk.now)
    (chain,) = desk.claim()
    assert [one.event_id for one in chain.deliveries] == ids[queue.MOST_IN_CHAIN :]


@on_sqlite
def test_some_payloads_gone_then_the_rest_of_the_order_keeps_its_wait(
    desk: Desk,
) -> None:
    desk.emit("order", "order")
    gone, left = [row["event_id"] for row in desk.rows()]
    (chain,) = desk.claim()
    desk.record(chain, "status 500")
    desk.server.sql("DELETE FROM events WHERE event_id = $1 RETURNING event_id", gone)
    desk.now += DAY
    (chain,) = desk.claim()
    assert [one.event_id for one in chain.deliveries] == [left]
    desk.record(chain, "status 500")
    assert desk.claim() == []
    assert [row["state"] for row in desk.rows()] == ["failed", "pending"]
    desk.now += HOUR
    (chain,) = desk.claim()
    desk.record(chain, None)
    assert [row["state"] for row in desk.rows()] == ["failed", "delivered"]


@on_sqlite
def test_tries_used_up_then_failed_and_the_next_of_the_order_goes_at_once(desk: Desk) -> None:
    desk.emit("order", "order")
    for tries in range(1, 11):
        (chain,) = desk.claim()
        desk.record(chain, "status 500")
        row, waiting = desk.rows()
        assert (row["state"], row["tries"]) == ("failed" if tries == 10 else "pending", tries)
        assert (waiting["state"], waiting["due_at"] == 0) == ("pending", tries == 10)
        desk.now = row["due_at"]
    (chain,) = desk.claim()
    assert [one.event_id for one in chain.deliveries] == [waiting["event_id"]]
    desk.record(chain, None)
    assert desk.claim() == []
    replayed = desk.server.write(
        replay.send_again, desk.retailer_id, desk.webhook_id, event_id=row["event_id"], limit=1
    )
    assert replayed == (1, None)
    (chain,) = desk.claim()
    desk.record(chain, "status 500")
    row = desk.rows()[0]
    assert (row["state"], row["tries"], row["attempts"]) == ("pending", 1, 11)
    assert len(desk.server.sql("SELECT number FROM attempts WHERE retailer_id = $1", desk.retailer_id)) == 12


def test_lease_has_ended_then_its_former_holder_changes_nothing(desk: Desk) -> None:
    desk.emit("one", "one")
    (slow,) = desk.claim()
    desk.server.sql(
        "UPDATE deliveries SET leased_until = 1 WHERE retailer_id = $1 RETURNING event_id", desk.retailer_id
    )
    desk.server.write(queue.release_expired)
    (quick,) = desk.claim()
    desk.record(slow, "too late")
    assert [(row["state"], row["tries"]) for row in desk.rows()] == [("sending", 0)] * 2
    desk.record(quick, "status 500")
    assert [(row["state"], row["tries"]) for row in desk.rows()] == [("pending", 1), ("pending", 0)]
