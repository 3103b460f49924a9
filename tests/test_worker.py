"""The worker deletes only expired data, in small steps, on both databases."""

import asyncio
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from handcart import worker
from handcart.assignment.jobs import Watch
from handcart.callbacks import queue, results, webhooks
from handcart.callbacks.models import Attempt
from handcart.callbacks.results import Outcome
from handcart.core import clock, log, ratelimit
from handcart.core.db import Tx, Unavailable
from handcart.core.ratelimit import Limit
from handcart.core.web import idempotency
from handcart.events import ops as events
from handcart.messages import queries
from handcart.oauth import authorization
from handcart.oauth.checks import Request
from handcart.oauth.scopes import ACCOUNT_LINKING
from handcart.retailers import clients
from handcart.sign_in import sessions
from handcart.sign_in.models import CUSTOMER
from handcart.upkeep.jobs import Alarm
from tests.support.callback_receiver import Receiver, receiver, subscribe
from tests.support.contents import contents
from tests.support.letters import read, write
from tests.support.oauth import code_for, token_for
from tests.support.server import LiveServer
from tests.support.shop import REDIRECT_URI, Shop
from tests.support.slots import counters, first, reserve, stock

PURGED = (
    *("sessions", "rate_limits", "authorization_requests", "authorization_codes", "tokens", "idempotency_keys"),
    *("events", "deliveries", "attempts", "webhooks"),
)
# Purged too, each with a test in its domain. Rows here were left by other tests.
PURGED_ELSEWHERE = (
    *("acts", "accounts", "one_time_links", "pictures", "awaited_pictures", "signatures", "shopper_positions"),
    *(
        "messages",
        "message_attempts",
        "push_subscriptions",
        "replies",
        "chat_messages",
        "alerts",
        "request_log",
        "uploads",
    ),
)


def purge(server: LiveServer) -> dict[str, int]:
    dropped: dict[str, int] = server.wait_for(worker.purge(server.app.database))
    return dropped


async def start_request(tx: Tx, client_id: str) -> None:
    client = await clients.find(tx, client_id)
    assert client is not None
    request = Request([], client=client, redirect_uri=REDIRECT_URI, scope=ACCOUNT_LINKING)
    await authorization.start(tx, request, "a session that never signs in")


async def keep_key(tx: Tx, client_id: str) -> None:
    names = "client_id, idempotency_key, fingerprint, answer, expires_at"
    expires_at = clock.now() + idempotency.KEPT
    await tx.run(f"INSERT INTO idempotency_keys ({names}) VALUES ($1, 'k', $2, $2, $3)", client_id, b"", expires_at)


async def make_callbacks(tx: Tx, retailer_id: int) -> str:
    """An event that was delivered, one that waits, and the webhook that they were for, deleted by now."""
    made = (await subscribe(tx, retailer_id, Receiver("http://127.0.0.1:9"))).webhook
    for _ in range(2):
        await events.emit(tx, retailer_id, "brand_new", "an order", {"order_id": "an order"})
    while await queue.fan_out(tx, made.environment):
        pass
    (chain,) = await queue.claim(tx, retailer_id, made.id, clock.now(), 1)
    attempt = Attempt(at=clock.now(), milliseconds=1, url=made.callback_url, request_head="POST", status=200)
    await results.record(tx, chain.destination, [Outcome(chain.deliveries[0], attempt)], clock.now())
    await queue.give_back(tx, chain.destination, chain.deliveries[1:])
    await webhooks.delete(tx, retailer_id, made.id)
    return str(made.id)


def fill(shop: Shop) -> tuple[str, ...]:
    """Create at least one row of everything that expires; returns their content."""
    account = shop.account()
    assert code_for(shop, account)
    assert token_for(shop, account)
    assert shop.token
    shop.server.write(start_request, shop.client.client_id)
    shop.server.write(ratelimit.count, f"test:{shop.slug}", Limit(1, 60))
    shop.server.write(keep_key, shop.client.client_id)
    webhook_id = shop.server.write(make_callbacks, shop.retailer.id)
    return f"test:{shop.slug}", shop.client.client_id, str(account.id), webhook_id, f"({shop.retailer.id}, "


def left(server: LiveServer, marks: tuple[str, ...]) -> dict[str, list[str]]:
    """The rows with such a mark, of the tables where there are any."""
    found = {
        name: [row for row in rows if any(mark in row for mark in marks)]
        for name, rows in contents(server, *PURGED).items()
    }
    return {name: rows for name, rows in found.items() if rows}


@pytest.fixture
def tidy(shop: Shop, stopped: Any) -> Shop:
    """A shop on a database where nothing has expired or will expire soon, and no callback is waiting."""
    shop.server.sql("UPDATE webhooks SET status = 'deleted' RETURNING id")
    shop.server.sql("UPDATE events SET is_queued = $1 WHERE NOT is_queued RETURNING event_id", True)
    purge(shop.server)
    return shop


# What is over after so long, and not a moment before.
ENDS = {
    "authorization_requests": timedelta(minutes=30),
    "sessions": timedelta(hours=12),
    "rate_limits": timedelta(minutes=1),
    "idempotency_keys": timedelta(days=1),
    "authorization_codes": timedelta(days=1, minutes=1),
    "tokens": timedelta(days=2),
    "events": timedelta(days=30),
    "attempts": timedelta(days=90),
    "webhooks": timedelta(days=90),
}


@pytest.mark.parametrize("table", ENDS)
def test_over_then_dropped_and_not_a_minute_before(tidy: Shop, stopped: Any, table: str) -> None:
    server, marks = tidy.server, fill(tidy)
    made = left(server, marks)[table]
    stopped(seconds=ENDS[table].total_seconds() - 90)
    purge(server)
    assert left(server, marks)[table] == made
    stopped(minutes=3)
    purge(server)
    assert table not in left(server, marks)


def test_event_no_longer_kept_then_its_pending_deliveries_go_with_it(tidy: Shop, stopped: Any) -> None:
    server = tidy.server
    fill(tidy)

    def states() -> list[str]:
        sql = "SELECT state FROM deliveries WHERE retailer_id = $1 ORDER BY event_id"
        return [row["state"] for row in server.sql(sql, tidy.retailer.id)]

    seen = [states()]
    # Two minutes before each end, and two minutes after it.
    for further in ({"days": 30, "minutes": -2}, {"minutes": 4}, {"days": 60, "minutes": -4}, {"minutes": 4}):
        stopped(**further)
        purge(server)
        seen.append(states())
    assert seen == [["delivered", "pending"], ["delivered", "pending"], ["delivered"], ["delivered"], []]


def test_nothing_over_then_nothing_dropped(tidy: Shop) -> None:
    fill(tidy)
    before = contents(tidy.server)
    assert set(purge(tidy.server).values()) == {0}
    assert contents(tidy.server) == before


def test_everything_over_then_what_lasts_is_still_there(tidy: Shop, stopped: Any) -> None:
    marks = fill(tidy)
    before = contents(tidy.server)
    stopped(days=365)
    dropped = purge(tidy.server)
    after = contents(tidy.server)
    assert {name for name in before if before[name] != after[name]} - set(PURGED_ELSEWHERE) == set(PURGED)
    assert left(tidy.server, marks) == {}
    assert sum(dropped.values()) == sum(len(before[name]) - len(after[name]) for name in before)


def test_hold_expired_then_the_worker_keeps_it(tidy: Shop, stopped: Any) -> None:
    stock(tidy)
    reserve(tidy, tidy.user(), first(tidy)).raise_for_status()
    stopped(days=365)
    purge(tidy.server)
    held = tidy.server.sql("SELECT is_counted FROM holds WHERE retailer_id = $1", tidy.retailer.id)
    assert [bool(row["is_counted"]) for row in held] == [True]
    assert counters(tidy) == [(10, 1, 0)]


def test_session_in_use_then_kept_until_its_absolute_end(tidy: Shop, stopped: Any) -> None:
    server, account = tidy.server, tidy.account()
    cookie = server.write(sessions.start, CUSTOMER, account.id, "")
    for _ in range(33):
        stopped(hours=10)
        server.write(sessions.touch, cookie)
        purge(server)
        assert server.read(sessions.person_of, CUSTOMER, cookie) == account.id
    stopped(hours=6, minutes=1)  # fourteen days and a minute by now
    assert server.read(sessions.person_of, CUSTOMER, cookie) is None
    purge(server)
    assert "sessions" not in left(server, (str(account.id),))


def test_more_than_one_step_then_all_are_dropped(tidy: Shop, stopped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tidy.server
    monkeypatch.setattr(worker, "STEP_ROWS", 7)
    for number in range(50):
        server.write(ratelimit.count, f"{tidy.slug}:{number}", Limit(1, 60))
    stopped(days=2)
    assert purge(server)["handcart.core.ratelimit.purge"] >= 50
    assert left(server, (tidy.slug,)) == {}


def test_run_once_then_what_is_over_is_dropped_and_logged_without_secrets(tidy: Shop, stopped: Any) -> None:
    server, marks = tidy.server, fill(tidy)
    # In a sandbox, the clock of any other test's shop would count as well.
    settings = replace(server.app.settings, environment="production")
    stream = io.StringIO()
    log.to(stream)
    stopped(days=365)
    asyncio.run(worker.run(settings, server.app.keys, once=True))
    log.to(None)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (line,) = [line for line in lines if line["event"] == "housekeeping"]
    assert line["handcart.oauth.tokens.purge"] >= 2
    assert left(server, marks) == {}


def test_run_once_then_callbacks_that_are_due_have_been_sent(tidy: Shop) -> None:
    settings = replace(tidy.server.app.settings, callback_http=True, callback_ports="*", callback_networks="127.0.0.1")
    with receiver() as shop:
        tidy.server.write(subscribe, tidy.retailer.id, shop)
        ids = [
            tidy.server.write(events.emit, tidy.retailer.id, "brand_new", f"order-{number % 7}", {"order_id": "one"})
            for number in range(30)
        ]
        asyncio.run(worker.run(settings, tidy.server.app.keys, once=True))
        assert sorted(one.event["event_id"] for one in shop.callbacks) == ids


def test_database_away_then_put_off_and_done_after_its_return(tidy: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    log.to(stream)
    tries: list[int] = []

    async def purge_at_the_second_try(database: Any, **days: int) -> dict[str, int]:
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("the database is away")
        raise asyncio.CancelledError

    monkeypatch.setattr(worker, "purge", purge_at_the_second_try)
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(worker.run(tidy.server.app.settings, tidy.server.app.keys))
    log.to(None)
    assert len(tries) == 2
    assert '"cause":"the database is away"' in stream.getvalue()


def test_sandbox_or_production_then_messages_are_kept_or_sent(server: LiveServer) -> None:
    settings = server.app.settings
    server.sql("UPDATE messages SET state = 'kept', ended_at = 1 WHERE state = 'pending' RETURNING id")
    kept = write(server)
    asyncio.run(worker.run(settings, server.app.keys, once=True))
    assert (read(server, kept).state, server.read(queries.attempts, kept)) == ("kept", [])
    refused = write(server)
    production = replace(settings, environment="production")
    server.wait_for(worker.create_messenger(production).drain(server.app.database))
    assert read(server, refused).reason == "there is no gateway: set HANDCART_SMTP_HOST and HANDCART_MAIL_FROM"


def test_sandbox_or_production_then_orders_are_warned_about_or_ended(server: LiveServer) -> None:
    """A sandbox's orders wait for calls, so that its tests do not depend on when the worker looks."""
    settings = server.app.settings
    for environment in ("sandbox", "production"):
        steps = worker.create_sender(replace(settings, environment=environment))._steps
        (watch,) = [step for step in steps if isinstance(step, Watch)]
        assert watch._only_warns == (environment == "sandbox")
        assert any(isinstance(step, Alarm) for step in steps) == (environment == "production")
