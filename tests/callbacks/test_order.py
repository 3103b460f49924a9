"""Which webhook gets which event, and when an event waits for another."""

import asyncio
import os
import threading
from typing import Any

import pytest

from handcart.callbacks import queue, replay, sender, transport, webhooks
from handcart.core import clock
from handcart.core.db import durable
from handcart.core.outbound import client
from handcart.events import ops as events
from tests.callbacks.conftest import Post
from tests.support.callback_receiver import Received, policy, receiver
from tests.support.moments import HOUR
from tests.support.server import on_sqlite

REPLAYED = 10_000 if os.environ.get("LONG_RUNS") else 300


def test_webhooks_choose_events_then_each_gets_its_own_of_its_environment(post: Post) -> None:
    with receiver() as some, receiver() as others:
        post.subscribe(events=["all"])
        post.subscribe(some, events=["picking", "fulfillment.delivered"])
        post.subscribe(others, policy=policy(environment="production"))
        order_id = post.market.order("delivery")["id"]
        post.shopping.reach(post.shopping.batch(order_id), "completed")
        post.emit("a pick", "picking")
        post.drain()
        assert post.shop.names(order_id) == post.shopping.events(order_id)
        assert (some.names(order_id), some.names("a pick")) == (["picking", "delivered"], ["picking"])
        assert others.callbacks == others.token_requests == []
    assert {(state, tries) for _, state, tries in post.deliveries()} == {("delivered", 1)}


@on_sqlite
def test_one_webhook_fails_then_the_other_gets_all_and_the_first_later(post: Post) -> None:
    with receiver() as broken:
        post.subscribe()
        post.subscribe(broken)
        broken.answer = lambda received: 500
        for _ in range(3):
            post.emit("order")
        post.drain()
        assert (len(post.shop.callbacks), len(broken.callbacks)) == (3, 1)
        broken.answer = lambda received: 200
        post.advance(seconds=7)
        post.drain()
        assert (len(post.shop.callbacks), len(broken.callbacks)) == (3, 4)
        assert [one.event["event_id"] for one in broken.callbacks[1:]] == [
            one.event["event_id"] for one in post.shop.callbacks
        ]


def test_event_undeliverable_then_only_its_order_waits(
    post: Post,
) -> None:
    def refuse(received: Received) -> int:
        return 500 if received.name == "acknowledged" and received.order_id == "poisoned" else 200

    post.subscribe()
    post.shop.answer = refuse
    for name in ("brand_new", "acknowledged", "picking", "checkout"):
        post.emit("poisoned", name)
        post.emit("well", name)
    post.drain()
    assert post.shop.names("well") == ["brand_new", "acknowledged", "picking", "checkout"]
    assert post.shop.names("poisoned") == ["brand_new", "acknowledged"]
    post.advance(seconds=3)
    post.drain()
    assert post.shop.names("poisoned") == ["brand_new", "acknowledged"]
    post.advance(seconds=4)
    post.drain()
    assert post.shop.names("poisoned") == ["brand_new", "acknowledged", "acknowledged"]
    post.advance(seconds=54)
    post.drain()
    # The head is pulled along, early, which does not count.
    assert post.shop.names("poisoned")[3:] == ["acknowledged", "picking", "checkout"]
    assert post.deliveries()[2] == ("acknowledged", "pending", 2)
    post.emit("poisoned", "delivering")
    post.advance(seconds=50)
    post.drain()
    assert post.shop.names("poisoned")[6:] == []
    post.advance(seconds=11)
    post.drain()
    assert post.shop.names("poisoned")[6:] == ["acknowledged", "delivering"]
    post.emit("poisoned", "delivered")
    post.shop.answer = lambda received: 200
    post.advance(minutes=5)
    post.drain()
    assert post.shop.names("poisoned")[8:] == ["acknowledged", "delivered"]
    assert post.causes("poisoned").count("status 500") == 4


@on_sqlite
def test_more_events_wait_than_a_chain_holds_then_a_new_one_still_gets_out(post: Post) -> None:
    post.subscribe()
    post.shop.answer = lambda received: 500
    for _ in range(queue.MOST_IN_CHAIN + 5):
        post.emit("order")
    post.advance(seconds=70)
    post.drain()
    asked = len(post.shop.callbacks)
    assert queue.MOST_IN_CHAIN + 5 <= asked <= queue.MOST_IN_CHAIN + 7
    last = post.emit("order")
    post.shop.answer = lambda received: 200 if received.event["event_id"] == last else 500
    post.advance(seconds=3)
    post.drain()
    assert len(post.shop.callbacks) == asked  # it waits, and so do they
    post.advance(seconds=290)
    post.drain()
    assert last in [one.event["event_id"] for one in post.shop.callbacks]
    # Every other one was due: each of them once, and a few heads early.
    assert len(post.shop.callbacks) - asked < 4 * queue.MOST_IN_CHAIN
    post.shop.answer = lambda received: 200
    before = len(post.shop.callbacks)
    post.advance(hours=1)
    post.drain()
    ids = [one.event["event_id"] for one in post.shop.callbacks[before:]]
    assert ids == sorted(set(ids))
    assert {state for _, state, _ in post.deliveries()} == {"delivered"}


def test_two_senders_share_the_work_then_nothing_comes_twice_or_unordered(post: Post) -> None:
    post.subscribe()
    post.start()
    post.start()
    for name in ("brand_new", "acknowledged", "picking", "checkout"):
        for number in range(25):
            post.emit(f"order {number}", name)
    post.shop.wait(100)
    post.stop()
    assert len(post.shop.callbacks) == 100
    for number in range(25):
        assert post.shop.names(f"order {number}") == ["brand_new", "acknowledged", "picking", "checkout"]
    assert {(state, tries) for _, state, tries in post.deliveries()} == {("delivered", 1)}


def test_sender_dies_with_chains_then_sent_again_after_their_lease(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    made = post.subscribe()
    for name in ("brand_new", "acknowledged"):
        post.emit("order", name)
    post.server.write(queue.fan_out, "development")
    claim = (post.market.retailer.id, made.webhook.id, clock.of_process())
    (chain,) = post.server.write(queue.claim, *claim, 16)
    assert [one.tries for one in chain.deliveries] == [0, 0]
    post.emit("order", "picking")
    post.advance(days=30)  # only the real clock counts
    post.drain()
    assert post.shop.callbacks == []
    monkeypatch.setattr(clock, "_shift", queue.LEASE + clock.SECOND)
    post.drain()
    assert post.shop.names() == ["brand_new", "acknowledged", "picking"]


def test_many_events_sent_again_then_new_ones_do_not_wait(post: Post) -> None:
    made = post.subscribe()
    retailer_id = post.market.retailer.id
    post.server.write(_emit_many, retailer_id, REPLAYED)
    post.start()
    for count in range(REPLAYED + 1):
        post.shop.wait(count)
    post.stop()
    last: int | None = 0
    while last is not None:
        _, last = post.server.write(replay.send_again, retailer_id, made.webhook.id, after=last)
    post.start()
    post.shop.wait(REPLAYED + 20)
    ids = {}
    for number in range(10):
        # Every other one is of an order whose events are being sent again.
        event_id = post.emit(f"old {REPLAYED - number}" if number % 2 else f"new {number}", "checkout")
        ids[event_id] = len(post.shop.callbacks)
    for count in range(REPLAYED, 2 * REPLAYED + 11):
        post.shop.wait(count)
    post.stop()
    came = [one.event["event_id"] for one in post.shop.callbacks]
    assert len(came) == 2 * REPLAYED + 10
    for event_id, before in ids.items():
        assert came.index(event_id) - before < 4 * sender.CHAINS
    rows = post.server.sql(
        "SELECT is_replay, count(*) AS n FROM attempts WHERE retailer_id = $1 GROUP BY 1", retailer_id
    )
    assert {bool(row["is_replay"]): row["n"] for row in rows} == {False: REPLAYED + 10, True: REPLAYED}


async def _emit_many(tx: Any, retailer_id: int, count: int) -> None:
    for number in range(1, count + 1):
        await events.emit(tx, retailer_id, "picking", f"old {number}", {"order_id": f"old {number}"})


@on_sqlite
def test_sender_is_closed_at_the_moment_it_is_woken_then_it_ends(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "PAUSE_SECONDS", HOUR)

    async def wake_and_close(one: sender.Sender) -> None:
        one._rounds.wake()
        await asyncio.wait_for(one.close(), 20)

    for _ in range(5):
        one = post.sender()
        post.server.wait_for(one.open(post.server.app.database))
        post.server.wait_for(asyncio.sleep(0.05))  # it has looked, and waits
        post.server.wait_for(wake_and_close(one))


@on_sqlite
def test_chain_takes_long_then_it_is_handed_back_before_its_lease_ends(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An attempt may take four times the limit: a token, the callback, and both again; each waits for its turn before.
    longest = sender.CHAIN_SECONDS + 4 * (client.WAIT_SECONDS + transport.POST_SECONDS) + sum(durable.PAUSES)
    assert longest < queue.LEASE / clock.SECOND
    post.subscribe()
    monkeypatch.setattr(sender, "CHAIN_SECONDS", 0)
    handed_back = []
    give_back = queue.give_back

    async def watched(tx: Any, destination: Any, deliveries: Any) -> None:
        handed_back.append(len(deliveries))
        await give_back(tx, destination, deliveries)

    monkeypatch.setattr(queue, "give_back", watched)
    for _ in range(7):
        post.emit("order")
    post.drain()
    ids = [one.event["event_id"] for one in post.shop.callbacks]
    assert (len(ids), ids, handed_back) == (7, sorted(set(ids)), [6, 5, 4, 3, 2, 1])


@pytest.mark.parametrize("ends", [webhooks.delete, lambda *args: webhooks.disable(*args, "by hand")])
def test_webhook_ends_with_many_pending_then_only_those_in_flight_are_sent(post: Post, ends: Any) -> None:
    made = post.subscribe()
    door = threading.Event()

    def answer(received: Received) -> int:
        assert door.wait(30)
        return 200

    post.shop.answer = answer
    for number in range(100):
        post.emit(f"order {number}", "picking")
        post.emit(f"order {number}", "checkout")
    post.start()
    post.shop.wait_until(lambda: len(post.shop.token_requests) == 1)
    post.server.write(ends, post.market.retailer.id, made.webhook.id)
    door.set()
    post.server.wait_for(_quiet(post))
    post.stop()
    assert set(post.shop.names()) <= {"picking"}
    assert len(post.shop.callbacks) <= sender.CHAINS
    assert len(post.causes()) == len(post.shop.callbacks)
    states = [state for _, state, _ in post.deliveries()]
    assert states.count("pending") == 200 - len(post.shop.callbacks)
    post.drain()
    assert len(post.shop.callbacks) <= sender.CHAINS


async def _quiet(post: Post) -> None:
    """Until everything that was out has come back."""

    async def out(tx: Any) -> int:
        row = await tx.one("SELECT count(*) AS out FROM deliveries WHERE state = 'sending'")
        return int(row["out"])

    while await post.server.app.database.read(out):  # noqa: ASYNC110 (what changes is a table)
        await asyncio.sleep(0.01)


@on_sqlite
def test_event_of_our_own_then_only_webhooks_that_name_it_get_it(post: Post) -> None:
    with receiver() as naming:
        everything, _ = post.subscribe(events=["all"]), post.subscribe(naming, events=["handcart.pickup_closed"])
        post.emit("an order", "pickup_closed")
        post.emit("an order", "picking")
        post.drain()
        assert (post.shop.names("an order"), len(naming.callbacks)) == (["picking"], 1)
        post.server.write(replay.send_again, post.market.retailer.id, everything.webhook.id)
        post.drain()
        assert post.shop.names("an order") == ["picking", "picking"]
