"""One act arrives many times at once, at several processes: it counts once. And a dispatcher acts at the same time."""

import asyncio
from typing import Any

import pytest

from handcart.acts import ops
from handcart.sign_in.models import SHOPPER
from handcart.upkeep import integrity
from tests.races.rounds import IS_LONG, Report
from tests.support.acting import Acting
from tests.support.orders import Market
from tests.support.sandbox import SANDBOX
from tests.support.server import LiveServer
from tests.support.volley import volleys
from tests.support.working import Working

pytestmark = pytest.mark.serial

ROUNDS = 100 if IS_LONG else 6
AT_ONCE = 20
CANARY_ROUNDS = 40
ACTS = "/shopper/api/acts"


class Contest:
    """A shopper whose phone sends the same again and again."""

    def __init__(self, server: LiveServer) -> None:
        self.server, self.market, self.working = server, Market(server, capacity=100_000), Working(server)

    def picking(self) -> Acting:
        acting = Acting(self.working, self.market, self.market.order()["id"], workflow_state="brand_new")
        acting.did("start")
        return acting

    def send(self, urls: list[str], rounds: list[list[dict[str, Any]]]) -> list[list[str]]:
        """Send the acts of each round at once; returns their outcomes by round."""
        posts = [[(ACTS, {"acts": [act]}) for act in acts] for acts in rounds]
        cookie = f"{SHOPPER.cookie}={self.working.phone.cookie}"
        answers = asyncio.run(volleys([self.server.url, *urls], posts, cookie=cookie))
        assert {status for answered in answers for status, _ in answered} == {200}
        return [[body["results"][0]["outcome"] for _, body in answered] for answered in answers]


@pytest.fixture
def contest(server: LiveServer) -> Contest:
    return Contest(server)


def test_act_arrives_20_times_at_once_then_it_counts_once(contest: Contest, two_processes: str, report: Report) -> None:
    works = [contest.picking() for _ in range(ROUNDS)]
    rounds = [[work.act("add", order=work.order_ids[0], item={"rrc": "soap"})] * AT_ONCE for work in works]
    for work, outcomes in zip(works, contest.send([two_processes], rounds), strict=True):
        assert sorted(outcomes) == ["applied", *["same"] * (AT_ONCE - 1)]
        assert len(contest.market.row(work.order_ids[0])["items"]) == 2
    report(f"one act {AT_ONCE} times at once, {contest.server.database}: {ROUNDS} rounds, each counted once")


def test_acts_of_a_chain_arrive_at_once_then_none_overtakes_another(contest: Contest, two_processes: str) -> None:
    works = [contest.picking() for _ in range(ROUNDS)]
    chains = [[work.act("add", order=work.order_ids[0], item={"rrc": "soap"}) for _ in range(5)] for work in works]
    left = [list(chain) for chain in chains]
    for _ in range(len(chains[0])):  # in each volley, at least the first of those that wait is known afterwards
        volley = [[*acts, *chain[: len(chain) - len(acts)]] for acts, chain in zip(left, chains, strict=True)]
        outcomes = contest.send([two_processes], volley)
        left = [
            [act for act, outcome in zip(acts, answered, strict=False) if outcome == "later"]
            for acts, answered in zip(left, outcomes, strict=True)
        ]
    assert left == [[]] * ROUNDS
    for work, chain in zip(works, chains, strict=True):
        rows = contest.server.sql(
            "SELECT id FROM acts WHERE subject = $1 AND verb = 'add' ORDER BY number", work.subject
        )
        assert [row["id"] for row in rows] == [act["id"] for act in chain]
        assert len(contest.market.row(work.order_ids[0])["items"]) == 6


def test_order_is_canceled_at_the_same_moment_then_one_of_them_is_first(contest: Contest, two_processes: str) -> None:
    works = [contest.picking() for _ in range(ROUNDS)]
    cookie = f"{SHOPPER.cookie}={contest.working.phone.cookie}"
    for work in works:
        (order_id,) = work.order_ids
        posts = [
            (f"{SANDBOX}/orders/{order_id}/callbacks", {"event_name": "canceled"}),
            *[(ACTS, {"acts": [work.act("find", order=order_id, line="1")]})] * 2,
        ]
        urls = [contest.server.url, two_processes]
        (answers,) = asyncio.run(volleys(urls, [posts], contest.market.token, cookie))
        assert [status for status, _ in answers] == [200, 200, 200]
        results = [body["results"][0] for _, body in answers[1:]]
        was_found = contest.market.row(order_id)["items"][0].get("status") == "found"
        assert {one["rule"] for one in results} == ({None} if was_found else {"order_canceled"})
        assert contest.market.row(order_id)["status"] == "canceled"
    assert contest.server.read(integrity.faults) == []


def test_canary_ids_are_ignored_then_an_act_counts_twice(contest: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = ops._claim

    async def unknown(*_: Any) -> None:
        return None

    async def claim_again(*arguments: Any) -> bool:
        await claim(*arguments)
        return True

    monkeypatch.setattr(ops, "_known", unknown)
    monkeypatch.setattr(ops, "_claim", claim_again)
    for _ in range(CANARY_ROUNDS):
        work = contest.picking()
        contest.send([], [[work.act("add", order=work.order_ids[0], item={"rrc": "soap"})] * 2])
        if len(contest.market.row(work.order_ids[0])["items"]) > 2:
            return
    pytest.fail("the race was never seen: the act's id is not what keeps it away")
