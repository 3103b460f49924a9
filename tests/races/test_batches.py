"""Shoppers, customers and retailers change the same order at the same time: the result is always an allowed one."""

import asyncio
from typing import Any

import pytest

from handcart.orders import storage
from handcart.upkeep import integrity
from tests.races.rounds import IS_LONG, Report
from tests.support.orders import Market
from tests.support.sandbox import SANDBOX, Shopping
from tests.support.server import LiveServer
from tests.support.volley import Answer, volleys

pytestmark = pytest.mark.serial

ROUNDS = 200 if IS_LONG else 8
CANARY_ROUNDS = 200
TOO_LATE = (400, "too_late")
FINISHED = (400, "Batch is finished")
NOT_AHEAD = (400, "must come after the current state")

Post = tuple[str, Any]


class Contest:
    """A market with shoppers, and the possible requests about one of its orders."""

    def __init__(self, server: LiveServer) -> None:
        self.market = Market(server, capacity=100_000)
        self.shopping = Shopping(self.market)
        self.user_id = self.market.customer()
        self.shoppers = [self.shopping.shopper(), self.shopping.shopper()]

    def order(self) -> str:
        return str(self.market.order("dispatch", self.user_id)["id"])

    def shopped(self) -> str:
        return str(self.market.order("delivery", self.user_id)["id"])

    def cancel(self, order_id: str) -> Post:
        return self.market.path(self.user_id, order_id, "/cancel"), {}

    def simulate(self, order_id: str) -> Post:
        return f"{SANDBOX}/orders/{order_id}/callbacks", {"event_name": "canceled"}

    def generate(self, order_id: str, shopper: int) -> Post:
        return f"{SANDBOX}/batches", {"shopper_id": self.shoppers[shopper], "orders": [{"id": order_id}]}

    def advance(self, batch_id: int, state: str | None = None) -> Post:
        return f"{SANDBOX}/batches/{batch_id}/advance", {} if state is None else {"workflow_state": state}

    def refund(self, order_id: str) -> Post:
        path = f"{SANDBOX}/shoppers/{self.shoppers[0]}/orders/{order_id}/items/1"
        return path, {"status": "to_refund"}

    def batch(self, order_id: str, **fields: Any) -> int:
        made = self.shopping.generate(self.shoppers[0], order_id, **fields)
        assert made.status_code == 200, made.text
        number: int = made.json()["id"]
        return number

    def settle(self, url: str, rounds: list[list[Post]]) -> list[list[tuple[int, str]]]:
        """Send the requests; returns status and message of each response by round. The operator's check must pass."""
        answers = asyncio.run(volleys([self.market.server.url, url], rounds, self.market.token))
        assert self.market.server.read(integrity.faults) == []
        return [[told(answer) for answer in answered] for answered in answers]

    def status(self, order_id: str) -> str:
        return str(self.market.row(order_id)["status"])


def told(answer: Answer) -> tuple[int, str]:
    status, body = answer
    return status, body["error"]["message"] if "error" in body else ""


@pytest.fixture
def contest(server: LiveServer) -> Contest:
    return Contest(server)


def test_cancellation_meets_a_shopper_then_one_of_them_wins(
    contest: Contest, two_processes: str, report: Report
) -> None:
    orders = [contest.order() for _ in range(ROUNDS)]
    batches = [contest.batch(order_id, workflow_state="brand_new") for order_id in orders]
    rounds = [
        [contest.cancel(order_id), contest.advance(batch_id)]
        for order_id, batch_id in zip(orders, batches, strict=True)
    ]
    won = 0
    for order_id, answers in zip(orders, contest.settle(two_processes, rounds), strict=True):
        canceled = contest.status(order_id) == "canceled"
        assert answers == ([(200, ""), FINISHED] if canceled else [TOO_LATE, (200, "")])
        assert (contest.market.row(order_id)["ledger_starts_at"] is None) == canceled
        won += canceled
    report(f"cancel against acknowledge, {contest.market.server.database}: {ROUNDS} rounds, canceled {won} times")


def test_cancellation_meets_the_last_step_then_one_of_them_wins(contest: Contest, two_processes: str) -> None:
    orders = [contest.order() for _ in range(ROUNDS)]
    batches = [contest.batch(order_id, workflow_state="delivering") for order_id in orders]
    rounds = [
        [contest.simulate(order_id), contest.advance(batch_id)]
        for order_id, batch_id in zip(orders, batches, strict=True)
    ]
    for order_id, answers in zip(orders, contest.settle(two_processes, rounds), strict=True):
        canceled = contest.status(order_id) == "canceled"
        assert answers == ([(200, ""), FINISHED] if canceled else [TOO_LATE, (200, "")])


@pytest.mark.parametrize("target", ["delivering", None])
def test_two_advance_at_once_then_each_step_is_taken_once(
    contest: Contest, two_processes: str, target: str | None
) -> None:
    orders = [contest.order() for _ in range(ROUNDS)]
    batches = [contest.batch(order_id) for order_id in orders]
    answered = contest.settle(two_processes, [[contest.advance(batch_id, target)] * 2 for batch_id in batches])
    for order_id, answers in zip(orders, answered, strict=True):
        assert sorted(answers) == ([(200, ""), NOT_AHEAD] if target else [(200, "")] * 2)
        steps = [status for status, _ in contest.market.history(order_id)]
        passed = ["brand_new", "acknowledged_for_delivery", "at_store", "bags_verified", "delivering"]
        assert steps == (passed if target else passed[:4])


def test_two_shoppers_want_an_order_then_one_has_it(contest: Contest, two_processes: str) -> None:
    orders = [contest.order() for _ in range(ROUNDS)]
    rounds = [[contest.generate(order_id, 0), contest.generate(order_id, 1)] for order_id in orders]
    for order_id, answers in zip(orders, contest.settle(two_processes, rounds), strict=True):
        assert sorted(answers) == [(200, ""), (400, "is already in a batch")]
        assert contest.market.history(order_id)[1:] == [("acknowledged_for_delivery", "acknowledged_for_delivery")]


def test_item_changes_just_before_checkout_then_it_counts_or_is_refused(contest: Contest, two_processes: str) -> None:
    orders = [contest.shopped() for _ in range(ROUNDS)]
    batches = [contest.batch(order_id, workflow_state="picking") for order_id in orders]
    rounds = [
        [contest.refund(order_id), contest.advance(batch_id, "checkout")]
        for order_id, batch_id in zip(orders, batches, strict=True)
    ]
    for order_id, answers in zip(orders, contest.settle(two_processes, rounds), strict=True):
        status = contest.market.row(order_id)["items"][0]["status"]
        refused = (400, "Order is not being picked")
        assert answers == [(200, "") if status == "to_refund" else refused, (200, "")]
        assert status in ("to_refund", "found")


def test_canary_orders_are_not_held_then_both_win(contest: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for SQLite, which has only one writer at a time, so there is no lock to remove."""
    if contest.market.server.database == "sqlite":
        return
    monkeypatch.setattr(storage, "lock", storage.find)
    for _ in range(CANARY_ROUNDS):
        order_id = contest.order()
        posts = [contest.cancel(order_id), contest.advance(contest.batch(order_id, workflow_state="brand_new"))]
        (answers,) = asyncio.run(volleys([contest.market.server.url], [posts], contest.market.token))
        if [status for status, _ in answers] == [200, 200]:
            break
    else:
        pytest.fail("the race was never seen: the guard is not what keeps it away")
    # Other tests must not find the broken rows.
    for table in ("later_events", "batch_orders", "order_history", "orders"):
        contest.market.server.sql(f"DELETE FROM {table} WHERE order_id = $1 RETURNING order_id", order_id)
    contest.market.server.sql(
        "UPDATE batches SET ended_at = 1 WHERE ended_at IS NULL AND retailer_id = $1 AND NOT EXISTS"
        " (SELECT 1 FROM batch_orders o WHERE o.batch_id = batches.id) RETURNING id",
        contest.market.retailer.id,
    )
    assert contest.market.server.read(integrity.faults) == []
