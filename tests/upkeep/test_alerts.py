"""Alerts: what begins them, when they end, and who gets a mail."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from handcart.core import clock
from handcart.messages import queries as messages
from handcart.messages.models import Message
from handcart.upkeep import alerts, jobs
from handcart.upkeep.alerts import Alert
from tests.cli import conftest as operators
from tests.cli.conftest import Run, answer
from tests.support.callback_receiver import Receiver, subscribe
from tests.support.orders import Market
from tests.support.server import LiveServer

run = operators.run
ADDRESS = "operator@example.com"


@pytest.fixture
def calm(server: LiveServer) -> Iterator[LiveServer]:
    """A server without alerts, before and after."""
    server.sql("DELETE FROM alerts WHERE began_at > $1 RETURNING kind", 0)
    yield server
    server.sql("DELETE FROM alerts WHERE began_at > $1 RETURNING kind", 0)


def look(server: LiveServer, to: str = ADDRESS, free: float | None = None) -> list[Alert]:
    settings = replace(server.app.settings, alerts_to=to)
    return list(server.write(alerts.look, settings, free))


def of_disk(server: LiveServer) -> list[Alert]:
    return [one for one in server.read(alerts.live) if one.kind == alerts.DISK_FULL]


def mails(server: LiveServer) -> list[Message]:
    found = server.read(messages.messages, recipient="operator")
    return [one for one in found if "disk full" in server.read(messages.message, one.id).content.subject]


def test_disk_nearly_full_then_one_alert_and_one_mail(calm: LiveServer, stopped: Any) -> None:
    before = len(mails(calm))
    assert [one.kind for one in look(calm, free=0.09) if one.kind == alerts.DISK_FULL] == [alerts.DISK_FULL]
    assert [one for one in look(calm, free=0.08) if one.kind == alerts.DISK_FULL] == []
    (one,) = of_disk(calm)
    assert "8% of the disk" in one.detail
    assert len(mails(calm)) == before + 1


def test_cause_gone_then_it_ends_after_five_minutes_with_a_mail(calm: LiveServer, stopped: Any) -> None:
    look(calm, free=0.01)
    before = len(mails(calm))
    stopped(minutes=4)
    look(calm, free=0.5)
    assert len(of_disk(calm)) == 1
    stopped(minutes=2)
    ended = [one for one in look(calm, free=0.5) if one.kind == alerts.DISK_FULL]
    assert [one.ended_at for one in ended] == [clock.of_process()]
    assert of_disk(calm) == []
    assert calm.read(alerts.ended)[0] == ended[0]
    assert len(mails(calm)) == before + 1


def test_begins_again_within_the_hour_then_no_mail(calm: LiveServer, stopped: Any) -> None:
    look(calm, free=0.01)
    stopped(minutes=6)
    look(calm, free=0.5)
    before = len(mails(calm))
    look(calm, free=0.01)
    assert [one.mailed_at for one in of_disk(calm)] == [None]
    assert len(mails(calm)) == before


def test_no_addresses_then_alerts_without_mails(calm: LiveServer, stopped: Any) -> None:
    before = len(mails(calm))
    look(calm, to="", free=0.01)
    assert len(of_disk(calm)) == 1
    assert len(mails(calm)) == before


def test_nobody_takes_orders_then_an_alert_of_the_retailer(calm: LiveServer) -> None:
    market = Market(calm)
    order_id = market.order()["id"]
    since = clock.of_process() - 11 * clock.MINUTE
    calm.sql(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at)"
        " VALUES ($1, $2, 'untaken', $3) RETURNING kind",
        *(market.retailer.id, order_id, since),
    )
    subject = f"retailer/{market.slug}"
    found = {(one.kind, one.subject): one for one in look(calm)}
    assert "no shopper takes: 1." in found[alerts.ORDERS_UNTAKEN, subject].detail
    market.set_status(order_id, "canceled")


def test_webhook_fails_for_long_then_an_alert_names_it(calm: LiveServer) -> None:
    market = Market(calm)
    webhook_id = calm.write(subscribe, market.retailer.id, Receiver("http://127.0.0.1:9")).webhook.id
    calm.sql(
        "UPDATE webhooks SET failing_since = $2 WHERE retailer_id = $1 RETURNING id",
        *(market.retailer.id, clock.of_process() - 16 * clock.MINUTE),
    )
    key = (alerts.WEBHOOK_FAILING, f"webhook/{market.slug}/{webhook_id}")
    assert key in {(one.kind, one.subject) for one in look(calm)}
    calm.sql("UPDATE webhooks SET status = 'deleted' WHERE retailer_id = $1 RETURNING id", market.retailer.id)


def test_free_share_then_only_of_a_database_in_a_file(server: LiveServer) -> None:
    share = jobs.free_share(server.app.settings)
    assert share is None if server.database == "postgresql" else 0 < (share or 0) < 1


def test_command_then_alerts_in_words_and_as_json(calm: LiveServer, run: Run, stopped: Any) -> None:
    look(calm, free=0.01)
    assert "disk_full" in run("alerts").output
    listed = answer(run("alerts", "--json"))["alerts"]
    assert [one["subject"] for one in listed if one["kind"] == "disk_full"] == ["disk"]
    stopped(minutes=6)
    look(calm, free=0.5)
    listed = answer(run("alerts", "--ended", "--json"))["alerts"]
    assert [one["ended_at"] is None for one in listed if one["kind"] == "disk_full"][-1:] == [False]


def test_ended_long_ago_then_purged(calm: LiveServer, stopped: Any) -> None:
    look(calm, free=0.01)
    stopped(minutes=6)
    look(calm, free=0.5)
    assert calm.write(alerts.purge, 100) == 0
    stopped(days=91)
    assert calm.write(alerts.purge, 100) >= 1
