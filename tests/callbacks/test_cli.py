"""`handcart callbacks`: each command, on the database or against a running server, and its error messages."""

import json
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner, Result

from handcart.callbacks import replay, signing
from handcart.cli import handcart
from handcart.core.db import Tx
from handcart.events import ops as events
from handcart.events.kinds import KINDS
from tests.callbacks.conftest import Post
from tests.cli import conftest as operators
from tests.cli.conftest import Run, answer, refusal
from tests.support.callback_receiver import CLIENT_ID, CLIENT_SECRET
from tests.support.contents import contents, nothing_written
from tests.support.process import HANDCART, ROOT, environment
from tests.support.server import SECRET_KEY, LiveServer, on_sqlite

run = operators.run
LOOPBACK = {
    "HANDCART_ENVIRONMENT": "sandbox",
    "HANDCART_CALLBACK_HTTP": "on",
    "HANDCART_CALLBACK_NETWORKS": "127.0.0.0/8",
    "HANDCART_CALLBACK_PORTS": "*",
}


def making(post: Post, **changed: str) -> list[str]:
    """The options of `create`; those that are empty are left out."""
    options = {
        "retailer": post.market.slug,
        "url": post.shop.callback_url,
        "auth-uri": post.shop.auth_uri,
        "client-id": CLIENT_ID,
        **changed,
    }
    return [word for name, value in options.items() if value for word in (f"--{name}", value)]


def test_webhook_is_made_and_changed_then_callbacks_follow_at_once(post: Post, run: Run) -> None:
    of = ("--retailer", post.market.slug)
    made = answer(
        run(
            "callbacks",
            "create",
            *making(post),
            "--client-secret-stdin",
            "--json",
            stdin=f"{CLIENT_SECRET}\n",
            **LOOPBACK,
        )
    )
    assert (made["environment"], made["events"], made["name"]) == ("development", ["all"], post.shop.url[7:])
    webhook = str(made["id"])
    post.emit("order-1", "brand_new")
    post.drain()
    assert post.shop.names() == ["brand_new"]
    changed = run(
        "callbacks", "update", webhook, *of, "--events", "delivered, fulfillment.canceled", "--scope", "events"
    )
    assert changed.output == (f"The webhook {webhook} is changed: {post.shop.callback_url} gets delivered, canceled.\n")
    for name in ("picking", "delivered"):
        post.emit("order-1", name)
    post.drain()
    assert post.shop.names() == ["brand_new", "delivered"]
    assert post.shop.token_requests[-1]["scope"] == "events"
    assert run("callbacks", "disable", webhook, *of).exit_code == 0
    (listed,) = answer(run("callbacks", "list", *of, "--json"))["webhooks"]
    assert (listed["status"], listed["status_reason"]) == ("disabled", "disabled by the operator")
    assert "disabled: disabled by the operator" in run("callbacks", "list", *of).output
    rotated = answer(run("callbacks", "rotate", webhook, *of, "--json"))
    assert made["signing_secret"] != rotated["signing_secret"]
    post.emit("order-1", "canceled")
    assert answer(run("callbacks", "enable", webhook, *of, "--json"))["status"] == "enabled"
    post.drain()
    assert post.shop.names() == ["brand_new", "delivered", "canceled"]
    shown = run("callbacks", "show", webhook, *of).output + run("callbacks", "show", webhook, *of, "--json").output
    assert not [one for one in (CLIENT_SECRET, made["signing_secret"], rotated["signing_secret"]) if one in shown]
    assert answer(run("callbacks", "delete", webhook, *of, "--json")) == {"deleted": made["id"]}
    assert run("callbacks", "list", *of).output == "There are no webhooks.\n"


CANNOT_BE = {
    "no secret": ({}, {}, "the client's secret is missing"),
    "http": (
        {"client-secret": "x"},
        {"HANDCART_CALLBACK_HTTP": "off"},
        "callback_url: blocked: the URL must begin with",
    ),
    "no such event": ({"client-secret": "x", "events": "delivered,shipped"}, {}, "events: 'shipped' is not an event"),
    "the server itself": (
        {"client-secret": "x", "auth-uri": "http://127.0.0.1:8080/token"},
        {"HANDCART_PUBLIC_URL": "http://127.0.0.1:8080"},
        "auth_uri: is this server's own address",
    ),
    "no such retailer": ({"client-secret": "x", "retailer": "nobody"}, {}, "there is no retailer 'nobody'"),
    "no URL": ({"client-secret": "x", "url": "https://["}, {}, "callback_url: blocked: the URL must have a host"),
    "no secret on standard input": ({}, {"CALLBACKS_CLIENT_SECRET": ""}, "the client's secret is missing"),
    "a secret of blanks": (
        {},
        {"CALLBACKS_CLIENT_SECRET": "  "},
        "client_secret: must have 1 to 1000 printable characters",
    ),
}


@on_sqlite
def test_webhook_invalid_then_a_sentence_and_nothing_is_written(post: Post, run: Run) -> None:
    with nothing_written(post.server):
        for name, (options, changed, sentence) in CANNOT_BE.items():
            result = run("callbacks", "create", *making(post, **options), **{**LOOPBACK, **changed})
            assert result.exit_code == 1, name
            assert sentence in result.output + str(result.exception), name
        of = ("--retailer", post.market.slug)
        for command in ("update", "enable", "disable", "delete", "rotate", "deliveries"):
            options = ["--name", "x"] if command == "update" else []
            assert refusal(run("callbacks", command, "7", *of, *options)) == "there is no webhook 7"
        assert refusal(run("callbacks", "show", "7", *of)) == "there is no event 7"
        assert refusal(run("callbacks", "replay", "--event", "7", *of)) == "there is no event 7"
        assert refusal(run("callbacks", "replay", "--webhook", "7", "--after", "0", *of)) == "there is no webhook 7"
        assert "choose the events to send again" in run("callbacks", "replay", *of).output
        assert "is not a time" in run("callbacks", "replay", "--since", "yesterday", *of).output
        # A secret that lies about in the environment changes nothing.
        assert "no change is given" in run("callbacks", "update", "7", *of, CALLBACKS_CLIENT_SECRET="x").output


def test_events_listed_then_the_state_of_each_is_printed(post: Post, run: Run) -> None:
    of = ("--retailer", post.market.slug)
    assert run("callbacks", "events", *of).output == "There are no events.\n"
    webhook = str(post.subscribe().webhook.id)
    assert run("callbacks", "deliveries", webhook, *of).output == "There are no deliveries.\n"
    first, second = post.emit("order-1", "brand_new"), post.emit("order-2", "picking", note="\x1b[31m")
    post.shop.answer = lambda received: (500, {"X-Note": "broken"}) if received.order_id == "order-2" else 200
    post.drain()
    lines = [line.split() for line in run("callbacks", "events", *of).output.splitlines()]
    assert [(line[0], line[2], line[3], " ".join(line[4:])) for line in lines] == [
        ("event", "name", "order", "deliveries"),
        (str(first), "brand_new", "order-1", "1 delivered"),
        (str(second), "picking", "order-2", "1 pending"),
    ]
    (found,) = answer(run("callbacks", "events", "--order", "order-2", "--json", *of))["events"]
    assert (found["event_id"], found["deliveries"][0]["state"]) == (second, "pending")
    assert json.loads(found["body"])["event_id"] == second
    (pending,) = answer(run("callbacks", "deliveries", webhook, "--state", "pending", "--json", *of))["deliveries"]
    assert pending["event_id"] == second
    assert str(second) in run("callbacks", "deliveries", webhook, "--after", str(first), *of).output
    told = run("callbacks", "show", str(second), *of).output
    assert f"attempt 1 at {webhook}" in told
    for part in ("status 500", "> authorization: Bearer ***", f"> webhook-id: {second}", "< x-note: broken", "pending"):
        assert part in told
    assert "\x1b" not in told
    obeyed = post.emit("order\x9b31m\u202e", "picking")  # of a time when ids could have such characters
    told = run("callbacks", "show", str(obeyed), *of).output
    assert told.startswith("picking of order?31m?, ")
    assert not re.search("[\x80-\x9f\u202e]", told)
    assert "1 deliveries" in run("callbacks", "show", webhook, *of).output
    assert len(answer(run("callbacks", "show", str(second), "--json", *of))["attempts"]) == 1


def test_events_replayed_then_their_number_is_printed_and_they_come_again(post: Post, run: Run) -> None:
    of = ("--retailer", post.market.slug)
    webhook = str(post.subscribe().webhook.id)
    first = post.emit("order-1", "brand_new")
    post.emit("order-1", "picking")
    last = post.emit("order-2", "picking")
    post.drain()
    commands = {
        ("--event", str(first)): 1,
        ("--order", "order-1", "--webhook", webhook): 2,
        ("--after", str(first)): 2,
        ("--after", "0", "--until", str(first)): 1,
        ("--since", "2020-01-01T00:00:00Z"): 3,
        ("--since", "2099-01-01T00:00:00Z"): 0,
        ("--after", str(2**63 - 1)): 0,
        ("--after", str(last)): 0,
    }
    many = 3
    for options, count in commands.items():
        assert answer(run("callbacks", "replay", *of, *options, "--json")) == {"replayed": count}, options
        post.drain()
        many += count
        assert len(post.shop.callbacks) == many, options
    assert run("callbacks", "replay", "--event", str(last), *of).output == "1 delivery will be sent again.\n"
    assert run("callbacks", "replay", "--after", str(last), *of).output == "Nothing is sent again.\n"


@on_sqlite
def test_replay_takes_long_then_it_goes_piece_by_piece_with_a_bar(
    post: Post,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post.subscribe()

    async def emit_many(tx: Tx) -> None:
        for number in range(25):
            await events.emit(tx, post.market.retailer.id, "picking", f"order-{number}", {})

    post.server.write(emit_many)
    monkeypatch.setattr(replay, "MOST_REPLAYED", 4)
    monkeypatch.setattr("handcart.cli.replay.BAR_AFTER_SECONDS", 0)
    result = run("callbacks", "replay", "--after", "0", "--retailer", post.market.slug, "--json")
    assert json.loads(result.stdout) == {"replayed": 25}
    assert "Sending again" in result.stderr


# What follows.


@contextmanager
def following(*command: str, **variables: str) -> Iterator[Any]:
    """A command that runs until it is stopped; yields what reads its next line."""
    process = subprocess.Popen(
        [*HANDCART, "callbacks", *command],
        cwd=ROOT,
        env={**environment(), "PYTHONUNBUFFERED": "1", **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        yield process.stdout.readline
    finally:
        timer.cancel()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0, "Ctrl-C ends it quietly"
        process.stdout.close()


def access(server: LiveServer, post: Post) -> dict[str, str]:
    return {
        "SANDBOX_URL": server.url,
        "SANDBOX_CLIENT_ID": post.market.client.client_id,
        "SANDBOX_CLIENT_SECRET": post.market.client.client_secret,
    }


def ask(post: Post, *command: str) -> Result:
    return CliRunner().invoke(handcart, ["callbacks", *command], env=access(post.server, post))


def begun(line: Callable[[], str], do: Callable[[], Any]) -> None:
    """Do something again and again until the command says anything: then it follows."""
    is_over = threading.Event()

    def again() -> None:
        while not is_over.wait(0.2):
            do()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        assert line()
    finally:
        is_over.set()
        thread.join()


def told(line: Callable[[], str], order_id: str) -> Any:
    """The next line about an order."""
    while (one := json.loads(line()))["order_id"] != order_id:
        continue
    return one


def next_with(text: str, line: Callable[[], str]) -> str:
    """The next line that has a text in it."""
    while text not in (one := line()):
        assert one
    return one


@on_sqlite
def test_listen_then_each_event_is_forwarded_as_a_webhook_would_get_it(post: Post) -> None:
    secret = signing.new_secret()
    before = post.emit("order-0")
    options = ["--forward-to", post.shop.callback_url, "--json"]
    options += ["--auth-uri", post.shop.auth_uri, "--auth-client-id", CLIENT_ID]
    variables = access(post.server, post)
    variables |= {"CALLBACKS_CLIENT_SECRET": CLIENT_SECRET, "CALLBACKS_SIGNING_SECRET": secret}
    with following("listen", *options, **variables) as line:
        begun(line, lambda: post.emit("ping"))
        order_id = post.market.order("delivery")["id"]
        found = [told(line, order_id)]
        post.shop.tokens.clear()  # which the receiver refuses from now on
        assert ask(post, "trigger", "late_delivery", "--order", order_id).exit_code == 0
        found.append(told(line, order_id))
        post.shop.answer = lambda received: 500
        triggered = json.loads(ask(post, "trigger", "fulfillment.picking", "--order", order_id, "--json").stdout)
        found.append(told(line, order_id))
    named = [(one["event_name"], one["status"]) for one in found]
    assert named == [("brand_new", 200), ("late_delivery", 200), ("picking", 500)]
    assert found[2]["event_id"] == triggered["event_id"]
    ids = [int(one.headers["Webhook-Id"]) for one in post.shop.callbacks]
    assert before not in ids
    came = post.shop.callbacks[ids.index(found[0]["event_id"])]
    assert came.body.decode() == found[0]["body"] == post.body(found[0]["event_id"])
    signed = signing.headers([secret], found[0]["event_id"], int(came.headers["Webhook-Timestamp"]), came.body)
    assert came.headers["Webhook-Signature"] == dict(signed)["webhook-signature"]
    assert came.headers["Content-Type"] == "application/json"
    assert len(post.shop.token_requests) == 2


@on_sqlite
def test_listen_without_a_receiver_then_events_are_printed_all_the_same(post: Post) -> None:
    variables = access(post.server, post)
    with (
        following("listen", "--order", "order-1", **variables) as printed,
        following("listen", "--forward-to", "http://127.0.0.1:9/", **variables) as forwarded,
    ):
        first = forwarded()
        assert "signed with whsec_" in first
        with following("listen", "--forward-to", "http://127.0.0.1:9/", **variables) as again:
            assert again() == first  # the secret stays, so that a receiver needs it once
        begun(forwarded, lambda: post.emit("order-2"))
        begun(printed, lambda: post.emit("order-1"))
        post.emit("order-2", "delivered")
        post.emit("order-1", "delivered")
        assert "delivered of order-2  connection refused, " in next_with("delivered", forwarded)
        assert next_with("delivered", printed).endswith("Z  delivered of order-1\n")


@on_sqlite
def test_attempts_followed_then_each_is_printed_as_it_is_made(post: Post) -> None:
    webhook = post.subscribe().webhook.id
    first = post.emit("order-1", "brand_new")
    post.drain()

    def attempt() -> None:
        post.emit("order-2")
        post.drain()

    url = post.server.app.settings.database_url
    variables = {"HANDCART_SECRET_KEY": SECRET_KEY, "HANDCART_DATABASE": url}
    with following("tail", "--retailer", post.market.slug, "--json", **variables) as line:
        begun(line, attempt)
        post.market.post("/v2/handcart/callbacks/replay", {"event_id": first}).raise_for_status()
        post.drain()
        one = told(line, "order-1")
    assert (one["event_name"], one["status"], one["webhook_id"]) == ("brand_new", 200, webhook)
    assert (one["number"], one["is_replay"], one["cause"]) == (2, True, None)


@on_sqlite
def test_trigger_impossible_then_a_sentence(post: Post) -> None:
    order_id = post.market.order("delivery")["id"]
    before = contents(post.server, "events")
    for event, order, sentence in (
        (
            "late_pickup",
            order_id,
            "event_name: does not exist for this kind of order; it is for orders of the kind pickup",
        ),
        ("shipped", order_id, f"event_name: is unknown; known names: {', '.join(sorted(KINDS))}"),
        ("picking", "nobody/s", "Resource not found"),
    ):
        result = ask(post, "trigger", event, "--order", order)
        assert (result.exit_code, result.stderr) == (1, f"handcart: {sentence}\n")
    assert contents(post.server, "events") == before
    assert "not a signing secret" in ask(post, "listen", "--signing-secret", "wrong").stderr
    assert "--auth-uri needs" in ask(post, "listen", "--auth-uri", "http://127.0.0.1:9/").stderr
