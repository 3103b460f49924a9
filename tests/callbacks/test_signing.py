"""Signatures, checked by another project's verifier."""

import json
import random
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from handcart.callbacks import replay, signing, webhooks
from handcart.core import clock
from tests.callbacks.conftest import Post
from tests.support.server import on_sqlite

SECRETS, PAYLOADS = 50, 200
NASTY = "crème \u0000 \U0001f9c0 \u2028 \ufeff </script> \\ \" ' \x7f" * 1000


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8) if place == bit // 8 else byte for place, byte in enumerate(data))


def is_taken(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError):  # also a body that is no UTF-8, or no JSON
        return False
    return True


def test_callback_signed_then_another_verifier_takes_it_and_nothing_else() -> None:
    random.seed(8)
    now = int(time.time())
    for _ in range(SECRETS):
        secret, other = signing.new_secret(), signing.new_secret()
        for number in range(PAYLOADS):
            body = json.dumps({"event_id": number, "text": random.choice(NASTY) * number}).encode()
            event_id = random.getrandbits(63)
            headers = dict(signing.headers([secret], event_id, now, body))
            assert is_taken(secret, headers, body)
            which = number % 3
            if which == 0:
                assert not is_taken(secret, headers, flipped(body, random.randrange(8 * len(body))))
            elif which == 1:
                assert not is_taken(secret, {**headers, "webhook-id": str(event_id ^ 1 << random.randrange(63))}, body)
            else:
                assert not is_taken(secret, {**headers, "webhook-timestamp": str(now ^ 1 << random.randrange(8))}, body)
        assert not is_taken(other, headers, body)


def test_any_single_bit_is_flipped_then_it_is_refused() -> None:
    secret = signing.new_secret()
    body, now = b'{"event_id": 7, "event_name": "fulfillment.picking"}', int(time.time())
    headers = dict(signing.headers([secret], 7, now, body))
    assert is_taken(secret, headers, body)
    for bit in range(8 * len(body)):
        assert not is_taken(secret, headers, flipped(body, bit))
    for name in ("webhook-id", "webhook-timestamp"):
        value = headers[name].encode()
        for bit in range(8 * len(value)):
            assert not is_taken(secret, {**headers, name: flipped(value, bit).decode("latin-1")}, body)


@on_sqlite
def test_secret_rotated_then_both_secrets_verify_for_a_day(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    made = post.subscribe()
    secrets = [made.signing_secret]

    def holders() -> list[bool]:
        """The verifiers, of all secrets issued so far, that accept the next callback."""
        before = len(post.shop.callbacks)
        post.emit("order")
        post.drain()
        (came,) = post.shop.callbacks[before:]
        sent = datetime.fromtimestamp(int(came.headers["Webhook-Timestamp"]), UTC)
        signatures = came.headers["Webhook-Signature"].split()
        made_by = [Webhook(one).sign(came.headers["Webhook-Id"], sent, came.body.decode()) for one in secrets]
        assert len(signatures) == len({*signatures}) == sum(one in signatures for one in made_by)
        return [one in signatures for one in made_by]

    assert holders() == [True]
    post.advance(days=30)  # only the real clock counts
    assert (came := post.shop.callbacks[-1]).headers["Webhook-Id"] == str(came.event["event_id"])
    rotated_at = clock.of_process()
    secrets.append(post.server.write(webhooks.rotate_secret, post.market.retailer.id, made.webhook.id).signing_secret)
    assert holders() == [True, True]
    assert all(is_taken(one, lower(post.shop.callbacks[-1].headers), post.shop.callbacks[-1].body) for one in secrets)
    monkeypatch.setattr(clock, "_shift", 24 * clock.HOUR - (clock.of_process() - rotated_at) - clock.MINUTE)
    assert holders() == [True, True]
    monkeypatch.setattr(clock, "_shift", 24 * clock.HOUR + clock.MINUTE)
    assert holders() == [False, True]
    for _ in range(2):
        secrets.append(
            post.server.write(webhooks.rotate_secret, post.market.retailer.id, made.webhook.id).signing_secret
        )
    assert holders() == [False, False, True, True]


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_payload_large_and_nasty_then_signed_and_the_same_at_a_replay(
    post: Post,
) -> None:
    made = post.subscribe()
    items = [{"name": NASTY[:place], "count": place} for place in range(0, 1600, 40)]
    event_id = post.emit("order \U0001f955", "checkout", checkout_items=items, text=NASTY)
    post.drain()
    count, _ = post.server.write(
        replay.send_again, post.market.retailer.id, made.webhook.id, event_id=event_id, limit=1
    )
    post.drain()
    first, again = post.shop.callbacks
    assert (count, first.body) == (1, again.body)
    assert first.body == post.body(event_id).encode()
    assert len(first.body) > 20_000
    assert first.event["event_metadata"] == {"order_id": "order \U0001f955", "checkout_items": items, "text": NASTY}
    assert first.event["event_id"] == event_id
    assert all(is_taken(made.signing_secret, lower(one.headers), one.body) for one in (first, again))
    replays = post.server.sql("SELECT is_replay FROM attempts WHERE event_id = $1 ORDER BY number", event_id)
    assert [bool(row["is_replay"]) for row in replays] == [False, True]
