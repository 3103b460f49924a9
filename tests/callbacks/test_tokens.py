"""The receiver's token: possible responses of its token endpoint, and how rarely it is called."""

import asyncio
import json
from typing import Any

import pytest

from handcart.callbacks import receiver_tokens, replay, sender, transport, webhooks
from handcart.callbacks.models import NewWebhook
from tests.callbacks.conftest import Post
from tests.support.callback_receiver import CLIENT_SECRET, Receiver, policy, receiver
from tests.support.receivers import receiving, saying
from tests.support.server import on_sqlite

pytestmark = on_sqlite
UNREADABLE = "no token: the answer is not a JSON object with an access_token"
BAD_TOKEN = "no token: the access_token is empty, too long, or has characters that are not allowed in headers"
BAD_TIME = "no token: expires_in is not a positive number"


def given(token: Any, **more: Any) -> Any:
    return 200, {}, json.dumps({"access_token": token, **more}).encode()


REFUSED = {
    "lines in the token": (given("a\r\nX-Evil: 1"), BAD_TOKEN),
    "a line's end": (given("a\n"), BAD_TOKEN),
    "a space": (given("a b"), BAD_TOKEN),
    "an accent": (given("\u00e9"), BAD_TOKEN),
    "NUL": (given("a\0"), BAD_TOKEN),
    "nothing": (given(""), BAD_TOKEN),
    "too long": (given("a" * 8193), BAD_TOKEN),
    "no token": ((200, {}, b'{"expires_in": 3600}'), UNREADABLE),
    "null": (given(None), UNREADABLE),
    "a number": (given(12345), UNREADABLE),
    "a list": ((200, {}, b'["a"]'), UNREADABLE),
    "half of JSON": ((200, {}, b'{"access_token": "a'), UNREADABLE),
    "no UTF-8": ((200, {}, b'{"access_token": "\xff\xfe"}'), UNREADABLE),
    "a lone surrogate": ((200, {}, b'{"access_token": "\\ud800"}'), UNREADABLE),
    "deep JSON": ((200, {}, b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b', "access_token": "a"}'), UNREADABLE),
    "a page": ((200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in</title>"), UNREADABLE),
    "an empty body": ((200, {}, b""), UNREADABLE),
    "1 MB": (given("a", padding="x" * 2**20), "no token: the answer is over 64 KiB or does not end"),
    "a redirect": ((302, {"Location": "/token2"}, b""), "no token: status 302"),
    "to itself": ((307, {"Location": "/token"}, b""), "no token: status 307"),
    "refused": ((401, {}, b'{"error": "invalid_client"}'), "no token: status 401"),
    "an error": ((500, {}, b'{"access_token": "a"}'), "no token: status 500"),
    "a time in the past": (given("a", expires_in=-1), BAD_TIME),
    "no time": (given("a", expires_in=0), BAD_TIME),
    "a word for a time": (given("a", expires_in="soon"), BAD_TIME),
    "not a number": (given("a", expires_in="nan"), BAD_TIME),
    "true": (given("a", expires_in=True), UNREADABLE),
    "beyond numbers": ((200, {}, b'{"access_token": "a", "expires_in": 1e999}'), UNREADABLE),
}


def test_token_endpoint_answers_badly_then_a_named_failure_and_no_callback(post: Post) -> None:
    post.subscribe()
    for what, (answer, cause) in REFUSED.items():
        post.shop.token = lambda answer=answer: answer  # type: ignore[misc]
        post.emit(what)
        asked = len(post.shop.token_requests)
        post.drain()
        assert (what, post.causes(what)) == (what, [cause])
        assert (what, len(post.shop.token_requests) - asked) == (what, 1)
    assert post.shop.callbacks == []
    assert {(state, tries) for _, state, tries in post.deliveries()} == {("pending", 1)}
    rows = post.server.sql("SELECT * FROM attempts WHERE retailer_id = $1", post.market.retailer.id)
    assert CLIENT_SECRET not in str([dict(row) for row in rows])
    post.shop.token = None
    post.advance(seconds=7)
    post.drain()
    assert {(state, tries) for _, state, tries in post.deliveries()} == {("delivered", 2)}


def test_token_with_a_success_other_than_200_then_it_is_used(post: Post) -> None:
    post.subscribe()
    post.shop.tokens.add("a")
    for status in (201, 203, 299):
        post.shop.token = lambda status=status: (status, {}, given("a", expires_in=1)[2])
        post.emit(f"order {status}")
        post.drain()
        assert post.causes(f"order {status}") == [None]


@pytest.mark.parametrize("expires_in", [None, "3600", 0.5e9, 10**12, "1e300", "inf"])
def test_token_with_a_usual_lifetime_then_it_is_used_again(post: Post, expires_in: Any) -> None:
    post.shop.expires_in = expires_in
    post.subscribe()
    for number in range(30):
        post.emit(f"order {number}")
    post.emit("order 1", "delivering")
    post.drain()
    assert len(post.shop.callbacks) == 31
    assert len(post.shop.token_requests) == 1


def test_token_expired_then_another_is_asked_for(post: Post) -> None:
    post.shop.expires_in = 0.000001
    post.subscribe()
    for _ in range(3):
        post.emit("order")
    post.drain()
    assert [one.token for one in post.shop.callbacks] == ["token-0", "token-1", "token-2"]


def test_receiver_echoes_what_it_was_sent_then_no_token_is_kept(post: Post) -> None:
    async def echo(host: Any, writer: Any) -> None:
        asked = host.requests[-1]
        token = asked.partition(b"Bearer ")[2].partition(b"\r")[0]
        head = b"HTTP/1.1 200 OK\r\nx-you-sent: Bearer %s\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % (token, len(asked)) + asked)

    async def attempt() -> None:
        async with receiving(echo) as host:
            url = f"http://{host.url.partition('//')[2].replace('receiver.example', '127.0.0.1')}"
            await asyncio.to_thread(post.subscribe, callback_url=url)
            await asyncio.to_thread(post.emit, "order")
            await asyncio.wait_for(post.sender().drain(post.server.app.database), 100)

    post.server.wait_for(attempt())
    (row,) = post.server.sql("SELECT * FROM attempts WHERE retailer_id = $1", post.market.retailer.id)
    assert "x-you-sent: Bearer ***" in row["response_head"]
    assert "authorization: Bearer ***" in row["response_body"]
    assert "token-0" in post.shop.tokens
    assert "token-0" not in str(dict(row))


def test_token_is_short_then_only_whole_words_are_masked(post: Post) -> None:
    async def answer(host: Any, writer: Any) -> None:
        body = b'{"access_token": "x", "expires_in": 3600, "sent": "Bearer x"}'
        writer.write(b"HTTP/1.1 200 OK\r\nx-you-sent: x, extra\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    async def attempt() -> None:
        async with receiving(answer) as host:
            url = f"http://{host.url.partition('//')[2].replace('receiver.example', '127.0.0.1')}"
            await asyncio.to_thread(post.subscribe, callback_url=url)
            await asyncio.to_thread(post.emit, "order")
            await asyncio.wait_for(post.sender().drain(post.server.app.database), 100)

    post.shop.token = lambda: given("x")
    post.server.wait_for(attempt())
    (row,) = post.server.sql("SELECT * FROM attempts WHERE retailer_id = $1", post.market.retailer.id)
    assert row["response_body"] == '{"access_token": "***", "expires_in": 3600, "sent": "Bearer ***"}'
    assert "x-you-sent: ***, extra" in row["response_head"]


@pytest.mark.parametrize("gives_the_same", [True, False])
def test_every_token_is_refused_then_one_attempt_asks_for_another_once(post: Post, gives_the_same: bool) -> None:
    if gives_the_same:
        post.shop.token = lambda: given("the-same")
    post.subscribe()
    post.emit("order")
    post.shop.answer = lambda received: 401
    post.drain()
    assert (len(post.shop.callbacks), len(post.shop.token_requests)) == (2, 2)
    assert post.causes() == ["status 401"]
    assert post.deliveries() == [("picking", "pending", 1)]


def test_token_withdrawn_then_all_chains_renew_it_once_and_nothing_fails(post: Post) -> None:
    post.subscribe()
    post.start()
    post.emit("order")
    post.shop.wait(1)
    post.shop.tokens.clear()
    for number in range(16):
        post.emit(f"order {number}")
    post.shop.wait_until(lambda: [one.token for one in post.shop.callbacks].count("token-1") == 16)
    post.stop()
    assert len(post.shop.token_requests) == 2
    assert {(state, tries) for _, state, tries in post.deliveries()} == {("delivered", 1)}


def test_token_endpoint_dead_then_attempts_end_and_others_are_sent_to(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_STOP_SECONDS", 0.1)
    monkeypatch.setattr(transport, "POST_SECONDS", 600)
    monkeypatch.setattr(receiver_tokens, "POST_SECONDS", 600)

    async def run() -> None:
        async with receiving(saying()) as dead:
            await post.server.app.database.write(_point, post.market.retailer.id, webhook, dead.port)
            await asyncio.to_thread(post.start)
            await asyncio.to_thread(other.wait, 12)
            await dead.was_asked.wait()
            await asyncio.to_thread(post.stop)
            assert (len(dead.requests), dead.most_open) == (1, 1)
            monkeypatch.setattr(transport, "POST_SECONDS", 0.3)
            monkeypatch.setattr(receiver_tokens, "POST_SECONDS", 0.3)
            for number in range(12):
                await asyncio.to_thread(post.emit, f"other order {number}", "checkout")
            await asyncio.wait_for(post.sender().drain(post.server.app.database), 100)
            assert (len(dead.requests), dead.most_open) == (2, 1)

    webhook = post.subscribe().webhook
    with receiver() as other:
        post.subscribe(other, events=["picking"])
        for number in range(12):
            post.emit(f"order {number}")
        post.server.wait_for(run())
    assert post.shop.callbacks == []
    assert post.causes() == [None] * 12 + ["no token: timeout: no answer within 0.3 s"] * 12


def test_replay_and_enable_in_a_pause_then_no_token_is_requested(post: Post, stopped: Any) -> None:
    """The token endpoint may be a stranger's: nothing that the retailer calls ends a pause."""
    made, sends = post.subscribe(), post.sender()
    of = (post.market.retailer.id, made.webhook.id)
    post.shop.token = lambda: (404, {}, b"")
    for number in range(3):
        post.emit(f"order {number}")
    post.server.wait_for(sends.drain(post.server.app.database))
    assert (len(post.shop.token_requests), post.causes()) == (1, ["no token: status 404"] * 3)
    assert post.server.read(webhooks.get, *of).failures == 3
    asked = []
    for seconds in (0, 4, 1, 9, 1, 19, 1):
        stopped(seconds=seconds)
        for _ in range(3):
            post.server.write(replay.send_again, *of)
            post.server.write(webhooks.enable, *of)
            post.server.wait_for(sends.drain(post.server.app.database))
        asked.append(len(post.shop.token_requests))
    assert asked == [1, 1, 2, 2, 3, 3, 4]
    assert len(post.causes()) == 3 * 4  # a delivery that waited for the end of a pause was not tried
    post.shop.token = None
    stopped(minutes=5)
    post.server.wait_for(sends.drain(post.server.app.database))
    assert {state for _, state, _ in post.deliveries()} == {"delivered"}


def test_a_secret_changes_15_times_then_10_requests_fail_in_a_minute(post: Post, stopped: Any) -> None:
    made, sends = post.subscribe(), post.sender()
    post.shop.token = lambda: (401, {}, b"")

    def drain_with(secret: str) -> None:
        changes = {"client_secret": secret}
        post.server.write(webhooks.update, post.market.retailer.id, made.webhook.id, changes, policy())
        post.emit(f"order {secret}")
        post.server.wait_for(sends.drain(post.server.app.database))

    for number in range(15):
        drain_with(f"wrong {number}")
    assert len(post.shop.token_requests) == receiver_tokens.MOST_FAILED
    stopped(minutes=1)
    post.shop.token = None
    drain_with(CLIENT_SECRET)
    assert len(post.shop.token_requests) == receiver_tokens.MOST_FAILED + 1
    assert len(post.shop.callbacks) == 16


def test_the_secret_is_corrected_then_a_token_is_asked_for_at_once(post: Post, stopped: Any) -> None:
    made, sends = post.subscribe(client_secret="wrong"), post.sender()
    post.emit("order")
    post.server.wait_for(sends.drain(post.server.app.database))
    changes = {"client_secret": CLIENT_SECRET}
    post.server.write(webhooks.update, post.market.retailer.id, made.webhook.id, changes, policy())
    post.emit("other order")
    post.server.wait_for(sends.drain(post.server.app.database))
    assert (len(post.shop.callbacks), len(post.shop.token_requests)) == (1, 2)


def test_a_posted_token_is_refused_in_a_pause_then_the_attempt_is_recorded(post: Post, stopped: Any) -> None:
    post.subscribe()
    sends = post.sender()
    post.emit("order")
    post.server.wait_for(sends.drain(post.server.app.database))
    post.shop.token, post.shop.answer = (lambda: (404, {}, b"")), lambda received: 401
    for number in range(2):
        post.emit(f"order {number}")
        post.server.wait_for(sends.drain(post.server.app.database))
    assert post.causes() == [None, "no token: status 404"]
    assert len(post.shop.token_requests) == 2


async def _point(tx: Any, retailer_id: int, webhook: Any, port: int) -> None:
    """Change a webhook's token endpoint."""
    await tx.run(
        "UPDATE webhooks SET auth_uri = $3 WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook.id,
        f"http://127.0.0.1:{port}/token",
    )


def change(post: Post, made: NewWebhook, to: Receiver) -> None:
    changes = {"callback_url": to.callback_url, "auth_uri": to.auth_uri, "client_secret": CLIENT_SECRET}
    retailer_id = post.market.retailer.id
    post.server.write(webhooks.update, retailer_id, made.webhook.id, changes, policy())


def test_endpoint_changes_in_flight_then_later_events_go_to_the_new_one(
    post: Post,
) -> None:
    made = post.subscribe()
    with receiver() as new:
        for _ in range(3):
            post.emit("order")

        def answer(received: Any) -> int:
            change(post, made, new)
            return 200

        post.shop.answer = answer
        post.drain()
        assert (len(post.shop.callbacks), len(new.callbacks)) == (1, 2)
        # Each has given its own: a token is never taken along to another endpoint.
        assert (len(post.shop.token_requests), len(new.token_requests)) == (1, 1)
    assert post.deliveries() == [("picking", "delivered", 1)] * 3


def test_endpoint_changes_while_a_token_is_asked_for_then_it_is_not_reused(post: Post) -> None:
    made = post.subscribe()
    with receiver() as new:
        post.emit("order")

        def token() -> Any:
            post.shop.token = None
            change(post, made, new)
            post.emit("other order")
            new.wait(1)  # which the sender has claimed by now with what holds now
            return given("of-the-old-one")

        post.shop.token = token
        post.shop.answer = lambda received: 200
        post.start()
        new.wait(1)
        post.shop.wait(1)
        assert {one.token for one in new.callbacks} == {"token-0"}
        assert {one.token for one in post.shop.callbacks} <= {"of-the-old-one", "token-1"}
        post.stop()
