"""A receiver is asked before its webhook is enabled: its possible responses, and the webhook's state until then."""

import asyncio
import re
from collections.abc import Mapping

import pytest

from handcart.callbacks import sender, verification, webhooks
from handcart.callbacks.models import Webhook
from handcart.core import clock
from handcart.core.settings import Settings, SettingsError, load
from tests.callbacks.conftest import Post
from tests.cli import conftest as operators
from tests.cli.conftest import Run, answer
from tests.support.callback_receiver import CLIENT_SECRET, policy
from tests.support.receivers import HERE, receiving, saying
from tests.support.server import on_sqlite

run = operators.run
ORIGIN = "connect.example.org"
ASKED = policy(verify=webhooks.ALWAYS)


def drain(post: Post) -> None:
    post.drain(origin=ORIGIN)


def webhook(post: Post, webhook_id: int) -> Webhook:
    found: Webhook = post.server.read(webhooks.get, post.market.retailer.id, webhook_id)
    return found


def enable(post: Post, webhook_id: int) -> Webhook:
    """As the retailer does over the API, some time later."""
    post.server.sql("UPDATE webhooks SET asked_at = 0 WHERE id = $1 RETURNING id", webhook_id)
    found: Webhook = post.server.write(webhooks.enable, post.market.retailer.id, webhook_id, webhooks.ALWAYS)
    return found


def test_receiver_agrees_then_enabled_and_it_gets_what_has_waited(post: Post) -> None:
    made = post.subscribe(policy=ASKED).webhook
    assert (made.status, made.verified_at) == ("verifying", None)
    post.emit("order")
    post.drain(origin=ORIGIN)
    assert post.shop.senders == [ORIGIN]
    found = webhook(post, made.id)
    assert (found.status, found.status_reason) == ("enabled", None)
    assert found.verified_at is not None
    assert post.shop.names() == ["picking"]
    assert post.shop.callbacks[0].headers["Origin"] == ORIGIN
    # It has agreed, so it is not asked again after its webhook was disabled by hand and enabled.
    post.server.write(webhooks.disable, post.market.retailer.id, made.id, "by hand")
    assert enable(post, made.id).status == "enabled"
    # Another URL may be a stranger's.
    change = {"callback_url": f"{post.shop.callback_url}/2"}
    changed = post.server.write(webhooks.update, post.market.retailer.id, made.id, change, ASKED)
    assert (changed.status, changed.verified_at) == ("verifying", None)


ANSWERS: Mapping[str, tuple[bytes, str | None]] = {
    "its name": (b"200 OK\r\nWebHook-Allowed-Origin: Connect.Example.Org", None),
    "anybody": (b"204 No Content\r\nwebhook-allowed-origin: *\r\nWebHook-Allowed-Rate: 10", None),
    "one of several": (b"200 OK\r\nwebhook-allowed-origin: other.example, connect.example.org", None),
    "another": (b"200 OK\r\nwebhook-allowed-origin: other.example", "its WebHook-Allowed-Origin is not connect"),
    "nothing": (b"200 OK\r\nAllow: POST, OPTIONS", "no WebHook-Allowed-Origin in its answer"),
    "no such method": (b"405 No\r\nwebhook-allowed-origin: *", "status 405 to OPTIONS"),
    "a redirect": (b"307 Go\r\nlocation: /\r\nwebhook-allowed-origin: *", "status 307 to OPTIONS"),
    "no token": (b"401 No", "status 401 to OPTIONS"),
}


@on_sqlite
def test_receiver_answers_then_only_a_success_with_our_name_is_a_yes(post: Post) -> None:
    async def check() -> None:
        for what, (status, reason) in ANSWERS.items():
            async with receiving(saying(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")) as receiver:
                url = f"http://{HERE}:{receiver.port}/hook"
                made = (await asyncio.to_thread(post.subscribe, callback_url=url, policy=ASKED)).webhook
                one = post.sender(origin=ORIGIN)
                await asyncio.wait_for(one.drain(post.server.app.database), 100)
            (request,) = receiver.requests
            assert request.startswith(b"OPTIONS /hook HTTP/1.1\r\n")
            assert b"\r\nwebhook-request-origin: connect.example.org\r\n" in request
            assert not re.search(rb"(?i)authorization|secret", request)
            found = await asyncio.to_thread(webhook, post, made.id)
            assert found.status == ("enabled" if reason is None else "disabled"), what
            assert (reason is None and found.status_reason is None) or reason in (found.status_reason or ""), what

    post.server.wait_for(check())


def test_receiver_does_not_answer_then_told_and_it_may_be_asked_again(post: Post) -> None:
    made = post.subscribe(callback_url="http://127.0.0.1:9/callbacks", policy=ASKED).webhook
    post.emit("order")
    drain(post)
    found = webhook(post, made.id)
    assert found.status == "disabled"
    assert found.status_reason == verification.could_not_ask("connection refused")
    assert post.deliveries() == [("picking", "pending", 0)]
    assert post.causes() == []
    change = {"callback_url": post.shop.callback_url, "client_secret": CLIENT_SECRET}
    post.server.write(webhooks.update, post.market.retailer.id, made.id, change, ASKED)
    post.server.write(webhooks.enable, post.market.retailer.id, made.id, webhooks.ALWAYS)
    drain(post)  # at most once in 15 seconds
    assert (webhook(post, made.id).status, post.shop.senders) == ("verifying", [])
    assert enable(post, made.id).status == "verifying"
    drain(post)
    assert (webhook(post, made.id).status, post.shop.names()) == ("enabled", ["picking"])
    # A receiver that answers 410 withdraws its agreement.
    post.shop.answer = lambda received: 410
    post.emit("order")
    drain(post)
    assert (webhook(post, made.id).status, webhook(post, made.id).verified_at) == ("disabled", None)
    assert enable(post, made.id).status == "verifying"


def test_webhook_made_again_then_its_receiver_is_not_asked_again_at_once(post: Post) -> None:
    """Otherwise a loop of creating and deleting sends a stranger as many requests as it likes."""
    post.shop.answer = lambda received: 404
    for _ in range(3):
        made = post.subscribe(policy=ASKED).webhook
        drain(post)
        post.server.write(webhooks.delete, post.market.retailer.id, made.id)
    assert len(post.shop.senders) == 1


@on_sqlite
def test_webhook_changes_while_it_is_asked_then_the_answer_is_ignored(post: Post) -> None:
    made = post.subscribe(policy=ASKED).webhook
    key = (post.market.retailer.id, made.id)
    asked = post.server.write(verification.claim, *key)
    assert asked is not None
    assert post.server.write(verification.claim, *key) is None  # by another process
    post.server.write(webhooks.update, *key, {"callback_url": f"{post.shop.callback_url}/2"}, ASKED)
    assert post.server.write(verification.record, asked, None, clock.now()) is False
    assert webhook(post, made.id).status == "verifying"


@on_sqlite
def test_option_not_set_then_production_asks_and_sandboxes_do_not(post: Post, run: Run) -> None:
    assert Settings().verify_receivers == webhooks.IN_PRODUCTION
    with pytest.raises(SettingsError, match="must be production, always or never"):
        load({"HANDCART_VERIFY_RECEIVERS": "on"})
    assert sender.create(Settings(public_url="https://connect.example.org:8443"), [])._transport._origin == ORIGIN
    asked = webhooks.IN_PRODUCTION
    assert post.subscribe(policy=policy(verify=asked)).webhook.status == "enabled"
    assert post.subscribe(policy=policy(environment="production", verify=asked)).webhook.status == "verifying"
    assert post.subscribe(policy=policy(environment="production", verify=webhooks.NEVER)).webhook.status == "enabled"
    of_retailer = ("--retailer", post.market.slug)
    options = ("--url", "https://shop.example/", "--auth-uri", "https://shop.example/", "--client-id", "a")
    make = ("callbacks", "create", *of_retailer, *options, "--client-secret", "b")
    made = run(*make, HANDCART_ENVIRONMENT="production")
    assert "Its receiver is asked first whether it agrees to callbacks" in made.output
    trusted = answer(run(*make, "--trust", "--json", HANDCART_ENVIRONMENT="production"))
    assert (trusted["status"], trusted["verified_at"]) == ("enabled", None)
    # What is enabled already stays so; what was disabled is asked, unless the operator knows.
    enabling = ("callbacks", "enable", str(trusted["id"]), *of_retailer, "--json")
    assert answer(run(*enabling))["status"] == "enabled"
    run("callbacks", "disable", str(trusted["id"]), *of_retailer)
    assert answer(run(*enabling))["status"] == "verifying"
    assert answer(run(*enabling, "--trust"))["status"] == "enabled"
