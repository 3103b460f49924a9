"""Receivers that hang, flood, break and recover: how they affect their own callbacks and those of others."""

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from handcart.callbacks import receiver_tokens, sender, transport, webhooks
from handcart.callbacks.errors import InvalidWebhook
from handcart.core import clock
from handcart.core.outbound import client
from tests.callbacks.conftest import Post
from tests.support.callback_receiver import Received, policy, receiver
from tests.support.receivers import HERE, Receiver, Script, endless, receiving, saying
from tests.support.server import on_sqlite

IS_LONG = bool(os.environ.get("LONG_RUNS"))
ORDERS_AN_HOUR = 50 if IS_LONG else 8
SLOW = 0.2
NO_HTTP, CLOSED, TIMEOUT = "no HTTP answer", "connection closed", "timeout: no answer within 1 s"
HEAD = b"HTTP/1.1 200 OK\r\n"

# What a receiver says to a callback, and why the attempt failed (None: it did not).
HOSTILE: dict[str, tuple[Script, str | None]] = {
    "204": (saying(b"HTTP/1.1 204 No Content\r\n\r\n"), None),
    "299": (saying(b"HTTP/1.1 299 Yes\r\ncontent-length: 0\r\n\r\n"), None),
    "endless body": (endless(HEAD + b"\r\n", b"x" * 65_536), None),
    "endless chunks": (endless(HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000), None),
    "slow body": (endless(HEAD + b"content-length: 1000\r\n\r\n", b"x", SLOW), None),
    "no body": (saying(HEAD + b"content-length: 1000\r\n\r\n"), None),
    "half a body": (saying(HEAD + b"content-length: 1000\r\n\r\nx", close=True), None),
    "broken chunk": (saying(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n"), None),
    "nasty body": (saying(HEAD + b"content-length: 8\r\nx-name: caf\xe9\r\n\r\n\0\xff\xfe\0\xed\xa0\x80x"), None),
    "endless headers": (endless(HEAD, b"a: b\r\n" * 50), "more than 200 headers"),
    "10 MB header": (saying(HEAD + b"a: ", *[b"x" * 2**20] * 10), "headers over 64 KiB"),
    "slow headers": (endless(HEAD, b"a: b\r\n", SLOW), TIMEOUT),
    "endless interim answers": (endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50), "an answer in more than"),
    "silence": (saying(), TIMEOUT),
    "hangs up": (saying(close=True), CLOSED),
    "half a head": (saying(HEAD, close=True), CLOSED),
    "no HTTP": (saying(b"220 mail.example ESMTP\r\n"), NO_HTTP),
    "bytes": (saying(bytes(range(256))), NO_HTTP),
    "NUL in a header": (saying(HEAD + b"a: \0\r\n\r\n"), NO_HTTP),
    "loop": (saying(b"HTTP/1.1 302 Found\r\nlocation: /hook\r\ncontent-length: 0\r\n\r\n"), "status 302"),
    "way inside": (
        saying(b"HTTP/1.1 307 Moved\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"),
        "status 307",
    ),
    "not modified": (saying(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "status 304"),
    "wants another protocol": (saying(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"), "status 101"),
    "error with a flood": (endless(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 65_536), "status 500"),
}


def subscribe(post: Post, to: Receiver, **fields: Any) -> int:
    """A webhook that gets its tokens from the shop and sends to this receiver."""
    number: int = post.subscribe(callback_url=f"http://{HERE}:{to.port}/hook", **fields).webhook.id
    return number


def test_receivers_hostile_then_attempts_end_and_others_are_served(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(event: str, names: Sequence[str]) -> None:
        async with AsyncExitStack() as stack:
            there = [await stack.enter_async_context(receiving(HOSTILE[name][0])) for name in names]
            for name, one in zip(names, there, strict=True):
                await asyncio.to_thread(subscribe, post, one, name=name, events=[event])
            await asyncio.to_thread(post.emit, "order", event)
            await asyncio.wait_for(post.sender().drain(post.server.app.database), 100)
            assert {one.most_open for one in there} <= {0, 1}
            assert {len(one.requests) for one in there} <= {0, 1}

    post.subscribe(name="well", events=["picking"])
    hanging = [name for name, (_, cause) in HOSTILE.items() if cause == TIMEOUT]
    post.server.wait_for(run("picking", [name for name in HOSTILE if name not in hanging]))
    assert len(post.shop.callbacks) == 1
    monkeypatch.setattr(transport, "POST_SECONDS", 1.0)
    monkeypatch.setattr(receiver_tokens, "POST_SECONDS", 1.0)
    post.server.wait_for(run("checkout", hanging))
    rows = post.server.sql(
        "SELECT w.name, a.*, d.state FROM attempts a JOIN webhooks w ON w.retailer_id = a.retailer_id"
        " AND w.id = a.webhook_id JOIN deliveries d ON d.retailer_id = a.retailer_id AND d.webhook_id = a.webhook_id"
        " AND d.event_id = a.event_id WHERE a.retailer_id = $1 ORDER BY a.number DESC",
        post.market.retailer.id,
    )
    # Of each webhook the first attempt: on a slow machine a second one may find the receiver gone.
    causes = {row["name"]: row["cause"] for row in rows}
    assert causes.pop("well") is None
    assert causes.keys() == HOSTILE.keys()
    for name, (_, cause) in HOSTILE.items():
        # Where all are slow, there may be no token in time either.
        assert (name, cause and (causes[name] or "").removeprefix("no token: ")[: len(cause)]) == (name, cause)
        assert cause is not None or causes[name] is None, name
    for row in rows:
        assert row["state"] == ("delivered" if row["cause"] is None else "pending")
        assert len(row["response_head"] or "") <= 2048
        assert len(row["response_body"] or "") <= 2048
        assert "Bearer" not in row["request_head"].replace("Bearer ***", "")


def test_half_of_forty_endpoints_hang_then_the_others_get_everything(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_STOP_SECONDS", 0.1)
    monkeypatch.setattr(transport, "POST_SECONDS", 600)
    monkeypatch.setattr(receiver_tokens, "POST_SECONDS", 600)
    orders, hanging = 12, 20

    async def run() -> None:
        async with AsyncExitStack() as stack:
            holes = [await stack.enter_async_context(receiving(saying())) for _ in range(hanging)]
            for number, hole in enumerate(holes):
                more = {"auth_uri": f"http://{HERE}:{hole.port}/token"} if number % 2 else {}
                await asyncio.to_thread(subscribe, post, hole, name="black hole", **more)
            for name in ("brand_new", "picking"):
                for number in range(orders):
                    await asyncio.to_thread(post.emit, f"order {number}", name)
                if name == "brand_new":
                    await asyncio.to_thread(post.start)
                for hole in holes:
                    await hole.was_asked.wait()
            await asyncio.to_thread(post.shop.wait, hanging * orders * 2)
            # No hanging call has ended, so no other callback waited for one.
            assert set(await asyncio.to_thread(post.causes)) == {None}
            assert [hole.most_open for hole in holes[1::2]] == [1] * (hanging // 2)  # all wait for one token
            assert max(hole.most_open for hole in holes) <= orders
            await asyncio.to_thread(post.stop)

    for _ in range(hanging):
        post.subscribe()
    post.server.wait_for(run())
    for number in range(orders):
        names = post.shop.names(f"order {number}")
        assert (names.count("brand_new"), names.count("picking")) == (hanging, hanging)


@on_sqlite
def test_receivers_name_a_time_then_only_plain_seconds_of_429_or_503_count(post: Post) -> None:
    plain, twice = (b"retry-after: 8\r\n", b"retry-after: 8\r\nRETRY-AFTER: 9\r\n")
    # Status, headers, and between how many seconds the next try is.
    told = [
        (429, plain, 8, 10),
        (503, plain, 8, 10),
        (500, plain, 4, 6),
        (429, twice, 4, 6),
        (429, b"retry-after: \r\n", 4, 6),
        (429, b"retry-after: 0\r\n", 5, 6),
        (503, b"retry-after: -1\r\n", 4, 6),
        (503, b"retry-after: 1000000000\r\n", 10, 10),
        (503, b"retry-after: Fri, 31 Dec 2094 23:59:59 GMT\r\n", 10, 10),
        (503, b"retry-after: soon \xff\r\n", 4, 6),
    ]

    async def run() -> list[int]:
        async with AsyncExitStack() as stack:
            ids = []
            for status, headers, _, _ in told:
                answer = b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n%s\r\n" % (status, headers)
                there = await stack.enter_async_context(receiving(saying(answer)))
                ids.append(await asyncio.to_thread(subscribe, post, there))
            await asyncio.to_thread(post.emit, "order")
            await asyncio.wait_for(post.sender().drain(post.server.app.database), 100)
            return ids

    ids = post.server.wait_for(run())
    rows = post.server.sql("SELECT * FROM deliveries WHERE retailer_id = $1", post.market.retailer.id)
    waits = {row["webhook_id"]: (row["due_at"] - row["attempted_at"]) / clock.SECOND for row in rows}
    for (status, headers, soonest, latest), webhook_id in zip(told, ids, strict=True):
        assert soonest <= waits[webhook_id] <= latest, (status, headers)


@on_sqlite
def test_one_webhook_hangs_then_another_at_the_same_host_does_not_wait(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_STOP_SECONDS", 0.1)
    monkeypatch.setattr(transport, "POST_SECONDS", 600)
    monkeypatch.setattr(receiver_tokens, "POST_SECONDS", 600)
    answer = saying(HEAD + b"content-length: 0\r\n\r\n")

    async def hang_or_answer(shared: Receiver, writer: asyncio.StreamWriter) -> None:
        if b"POST /hook " not in shared.requests[-1]:
            await answer(shared, writer)

    async def run() -> None:
        async with receiving(hang_or_answer) as host:
            await asyncio.to_thread(subscribe, post, host)
            for number in range(sender.CHAINS):
                await asyncio.to_thread(post.emit, f"order {number}")
            await asyncio.to_thread(post.start)
            while len(host.requests) < sender.CHAINS:
                host.was_asked.clear()
                await host.was_asked.wait()
            await asyncio.to_thread(post.subscribe, callback_url=f"http://{HERE}:{host.port}/other")
            await asyncio.to_thread(post.emit, "order 0", "checkout")
            while b"POST /other " not in host.requests[-1]:
                host.was_asked.clear()
                await host.was_asked.wait()
            assert await asyncio.to_thread(post.causes) in ([], [None])
            await asyncio.to_thread(post.stop)

    post.server.wait_for(run())


@on_sqlite
def test_attempt_meets_our_own_defect_then_failed_and_nothing_waits(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = client.Client.request

    async def defective(self: client.Client, method: str, url: str, content: bytes, *args: Any, **more: Any) -> Any:
        if b"poisoned" in content:
            raise ValueError("what nobody has thought of")
        return await ask(self, method, url, content, *args, **more)

    monkeypatch.setattr(client.Client, "request", defective)
    post.subscribe()
    post.emit("poisoned")
    post.emit("well")
    post.drain()
    assert post.shop.names() == ["picking"]
    assert post.causes("poisoned") == ["a defect of this server: ValueError"]
    assert post.deliveries() == [("picking", "pending", 1), ("picking", "delivered", 1)]


@on_sqlite
def test_receiver_only_fails_then_few_chains_ask_it_at_once(post: Post) -> None:
    post.subscribe()
    lock = threading.Lock()
    are_in, most = [0], [0]

    def answer(received: Received) -> int:
        with lock:
            are_in[0] += 1
            most[0] = max(most[0], are_in[0])
        post.shop.wait_until(lambda: most[0] >= expected)
        time.sleep(0.02)  # so that one too many would come in
        with lock:
            are_in[0] -= 1
        return 500

    post.shop.answer = answer
    for expected in (sender.CHAINS, sender.CHAINS_WHEN_FAILING):
        most[0] = 0
        for number in range(expected + 4):
            post.emit(f"order {expected}/{number}")
        post.drain()
        assert most == [expected]


def successes(came: Sequence[Received], poison: int) -> dict[str, list[int]]:
    """The ids of what arrived of each order."""
    found: dict[str, list[int]] = {}
    for one in came:
        if one.event["event_id"] != poison:
            found.setdefault(one.order_id, []).append(one.event["event_id"])
    return found


def test_receiver_down_for_hours_then_all_follows_in_order_without_a_loop(
    post: Post,
) -> None:
    post.subscribe()
    post.shop.answer = lambda received: 503
    emitted: dict[str, list[int]] = {}
    for hour in range(6):
        for number in range(ORDERS_AN_HOUR):
            order_id = f"order {hour}.{number}"
            emitted[order_id] = [post.emit(order_id, name) for name in ("brand_new", "picking")]
        for order_id in list(emitted)[: ORDERS_AN_HOUR // 2]:
            emitted[order_id].append(post.emit(order_id, "order_item_refund"))
        post.drain()
        post.advance(hours=1)
    poison = emitted["order 2.1"].pop(0)
    assert {state for _, state, _ in post.deliveries()} == {"pending"}
    before = len(post.shop.callbacks)
    post.shop.answer = lambda received: 503 if received.event["event_id"] == poison else 200
    emitted["new"] = [post.emit("new", "brand_new")]
    post.drain()  # without a clock that goes on
    came = post.shop.callbacks[before:]
    assert successes(came, poison) == emitted
    # Once or twice as the first of its order, and once when it was brought forward.
    assert 1 <= [one.event["event_id"] for one in came].count(poison) <= 3
    states = [state for _, state, _ in post.deliveries()]
    assert (states.count("pending"), states.count("delivered")) == (1, len(states) - 1)


@on_sqlite
def test_receiver_says_gone_then_asked_no_more_until_it_is_enabled(post: Post) -> None:
    made = post.subscribe()
    key = (post.market.retailer.id, made.webhook.id)
    post.shop.answer = lambda received: 410
    ids = [post.emit("order") for _ in range(3)]
    post.drain()
    ids.append(post.emit("order"))
    post.advance(hours=1)
    post.drain()
    assert len(post.shop.callbacks) == 1
    found = post.server.read(webhooks.get, *key)
    assert (found.status, found.status_reason) == ("disabled", "the receiver refused further callbacks (410)")
    post.shop.answer = lambda received: 200
    post.server.write(webhooks.enable, *key)
    post.drain()
    assert [one.event["event_id"] for one in post.shop.callbacks[1:]] == ids


@on_sqlite
def test_one_of_two_receivers_says_gone_then_the_other_stays_enabled(post: Post) -> None:
    with receiver() as other:
        made = [post.subscribe(to).webhook.id for to in (post.shop, other)]
        post.shop.answer = lambda received: 410
        post.emit("order")
        post.drain()
    found = [post.server.read(webhooks.get, post.market.retailer.id, webhook_id).status for webhook_id in made]
    assert found == ["disabled", "enabled"]


@on_sqlite
def test_webhook_is_this_server_itself_then_it_is_refused(post: Post) -> None:
    own = post.server.url
    for field, url in (("callback_url", f"{own}/callbacks"), ("auth_uri", f"{own}/v2/oauth/token?x=1")):
        with pytest.raises(InvalidWebhook) as refused:
            post.subscribe(**{field: url}, policy=policy(own_url=own))
        assert refused.value.key == field
    made = post.subscribe(policy=policy(own_url=own))
    for field in ("callback_url", "auth_uri"):
        change = {field: own.replace("http://", "HTTP://") + "/elsewhere"}
        with pytest.raises(InvalidWebhook):
            post.server.write(webhooks.update, post.market.retailer.id, made.webhook.id, change, policy(own_url=own))
    with pytest.raises(InvalidWebhook):
        post.subscribe(callback_url="http://127.0.0.1:80/callbacks", policy=policy(own_url="http://127.0.0.1"))
