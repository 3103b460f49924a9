"""The operator's check of stored data: it accepts what the server writes, and finds each kind of error."""

from collections.abc import Iterator
from typing import Any

import pytest

from handcart.callbacks import jobs as callbacks
from handcart.callbacks import queue
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.events import jobs as events
from handcart.messages import ops as messages
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from handcart.upkeep import integrity
from tests.support import slots
from tests.support.callback_receiver import Receiver, subscribe
from tests.support.extent import DATABASES
from tests.support.letters import letter
from tests.support.process import run
from tests.support.server import LiveServer, live_server, migrated_database
from tests.support.shop import Shop
from tests.support.shoppers import Phone, add_shopper

FAULTS = {
    "no window is oversold": None,  # the schema's own CHECK keeps this from being written
    "the ledger's held places are the holds": "UPDATE slot_ledger SET held = held - 1 WHERE held > 0",
    "the ledger's booked places are the orders": "UPDATE slot_ledger SET booked = booked + 1 WHERE booked > 0",
    "a canceled order has no place, any other has one": "UPDATE orders SET status = 'canceled'",
    "a delivery or pickup order has items": "UPDATE orders SET items = '[]'",
    "an order has a history that ends with its status": "DELETE FROM order_history",
    "an order's user exists": "UPDATE orders SET user_id = 'nobody'",
    "an order stands where its batch does, or was canceled": "UPDATE batches SET workflow_state = 'picking'",
    "an order that shoppers are at is in a batch, or paid and taken away": (
        "UPDATE batch_orders SET is_live = NOT is_live"
    ),
    "a batch has orders until it ends, and then none": "UPDATE batches SET ended_at = 1",
    "a chat message is of a customer or of a shopper, and says something": (
        "INSERT INTO chat_messages (id, retailer_id, order_id, sender, shopper_id, sent_at)"
        " SELECT number, retailer_id, order_id, 'shopper', 1, 1 FROM orders"
    ),
    "an order that was moved because nobody took it has the step in its history": (
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at, moved_at)"
        " SELECT retailer_id, order_id, 'untaken', 1, 1 FROM orders"
    ),
    "a warning is of a known kind, and only an order that nobody took was moved": (
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at)"
        " SELECT retailer_id, order_id, 'rumour', 1 FROM orders"
    ),
    "a retailer's shopper that stands for one of the operator's stands for one that exists": (
        "UPDATE retailer_shoppers SET person_id = 1"
    ),
    "a retailer's shopper that stands for one of the operator's has no phone number or e-mail address": (
        "UPDATE retailer_shoppers SET person_id = (SELECT id FROM shoppers), email = 'ana@example.com'"
    ),
    "the shifts of a shopper do not overlap, and begin before they end": (
        "INSERT INTO shifts (id, person_id, starts_at, ends_at, area) SELECT 1, id, 2, 1, '' FROM shoppers"
    ),
    "a closed shopper has no position": "UPDATE shoppers SET closed_at = 2",
    "a closed shopper has no phone number, e-mail address or PIN": "UPDATE shoppers SET closed_at = 1",
    "a device belongs to an open shopper": "UPDATE sessions SET person_id = 1",
    "a passkey for the app belongs to an open shopper": (
        "INSERT INTO passkeys (credential_id, audience, person_id, public_key, sign_count, name, created_at)"
        " SELECT 'sample', 'shopper', 1, secret_hash, 0, '', 1 FROM client_secrets LIMIT 1"
    ),
    "a shopper's home store exists": "UPDATE shoppers SET home_store_number = 9",
    "a hold's user exists": "UPDATE holds SET user_id = 'nobody'",
    "every event that an order's history lists was written": "DELETE FROM events WHERE name = 'checkout'",
    "an event's body has its id": "UPDATE events SET body = '{\"event_id\":1' || event_id || '}'",
    "an event that was queued has a delivery for each webhook that wants it": (
        "DELETE FROM deliveries WHERE event_id = (SELECT max(event_id) FROM deliveries)"
    ),
    "a delivery that waits has its event": "DELETE FROM events",
    "a delivery is being sent as long as it is under a lease": "UPDATE deliveries SET state = 'sending'",
    "a message is being sent as long as it is under a lease": "UPDATE messages SET leased_until = 1",
    "a message has an end unless it waits or is being sent": "UPDATE messages SET state = 'sent'",
    "a message that ended without being sent says why": "UPDATE messages SET state = 'failed', ended_at = 1",
    "a message was not sent more than twice in doubt": "UPDATE messages SET doubts = 2",
    "the figures of a day are the sums of its ended orders": (
        "INSERT INTO daily_figures SELECT retailer_id, '2027-01-01', 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,"
        " 0, 0 FROM orders LIMIT 1"
    ),
    "a counted order has ended, and its figures are stored": "UPDATE orders SET is_counted = TRUE",
    "the sum of a month is the sum of its lines": (
        "INSERT INTO month_sums SELECT retailer_id, '2027-01', 'tip', 0, 1, 1 FROM orders LIMIT 1"
    ),
    "a line is of a known kind, and pay and tips alone have a shopper": (
        "INSERT INTO money_lines SELECT retailer_id, order_id, '2027-01', 'rumour', 0, 0, 1, 1, 1, FALSE FROM orders"
    ),
    "the lines of an order's tip are its tip": (
        "INSERT INTO money_lines SELECT retailer_id, order_id, '2027-01', 'tip', 0, 0, 1, 1, 1, FALSE FROM orders"
    ),
    "what was delivered was attempted": "UPDATE deliveries SET state = 'delivered'",
}


async def subscribe_long_ago(tx: Tx, retailer_id: int) -> None:
    """A webhook that was there before any of the transactions that follow."""
    url = "http://127.0.0.1:9"
    webhook = (await subscribe(tx, retailer_id, Receiver(url))).webhook
    long_ago = ids.event_ids_from(clock.now() - clock.HOUR) >> 10
    await tx.run("UPDATE webhooks SET id = $3 WHERE retailer_id = $1 AND id = $2", retailer_id, webhook.id, long_ago)


@pytest.fixture(scope="module", params=DATABASES)
def stocked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of this module's own with a hold and an order."""
    data = tmp_path_factory.mktemp("data")
    database = f"sqlite:///{data}/handcart.db"
    if request.param == "postgresql":
        database = migrated_database(request.getfixturevalue("postgres_cluster"))
    with live_server(database, data) as running:
        shop = Shop(running)
        slots.stock(shop)
        user = shop.user()
        running.write(subscribe_long_ago, shop.retailer.id)
        for order_id in ("1", "2"):
            hold = slots.reserve(shop, user, slots.first(shop)).json()["service_option_hold"]["id"]
            body = {"order_id": order_id, "service_option_hold_id": hold, "location_code": "s", **slots.CART}
            body["user"] = {"phone_number": "+13125550188"}
            made = shop.post(f"/v2/fulfillment/users/{user}/orders/pickup", body)
            assert made.status_code == 200, made.text
        assert slots.reserve(shop, user, slots.first(shop)).status_code == 200
        shopper_id = shop.post("/v2/fulfillment_sandbox/shoppers", {}).json()["id"]
        batch = {"shopper_id": shopper_id, "orders": [{"id": "2"}], "workflow_state": "receipt_sanity_check"}
        shop.post("/v2/fulfillment_sandbox/batches", batch).raise_for_status()
        assert running.write(queue.fan_out, "development") == 5
        home = {"home_retailer_id": shop.retailer.id, "home_store_number": 1}
        person = Phone(running, add_shopper(running, phone="8005550155", **home)).person
        running.write(messages.write, letter())
        running.write(positions.report, person.id, [Position(clock.of_process(), 41.9, -87.6)])
        yield running


def names(server: LiveServer) -> list[str]:
    return [fault.sentence for fault in server.read(integrity.faults)]


def test_all_is_well_then_no_fault(stocked: LiveServer) -> None:
    assert names(stocked) == []
    counted = stocked.read(integrity.counts)
    names_there = ("orders", "holds", "users", "shoppers", "batches", "events", "deliveries", "messages")
    assert [counted[name] for name in names_there] == [2, 1, 1, 1, 1, 5, 5, 1]


def test_any_check_then_it_has_its_fault() -> None:
    assert {one.sentence for one in integrity.INVARIANTS} == set(FAULTS)


class Undo(Exception):
    """Ends a transaction that has shown enough."""


@pytest.mark.parametrize("days", [31, 91])
def test_what_is_old_is_dropped_step_by_step_then_no_fault(stocked: LiveServer, later: Any, days: int) -> None:
    found: list[str] = []
    dropped: list[int] = []

    async def drop_and_look(tx: Tx) -> None:
        for job in (*events.purges([callbacks.delete_waiting]), callbacks.purge_deliveries, callbacks.purge_attempts):
            for _ in range(3):
                dropped.append(await job(tx, 2))
                found.extend(fault.sentence for fault in await integrity.faults(tx))
        raise Undo

    with later(days=days), pytest.raises(Undo):
        stocked.write(drop_and_look)
    assert found == []
    assert sum(dropped) == 10


@pytest.mark.parametrize(("name", "sql"), [(name, sql) for name, sql in FAULTS.items() if sql])
def test_data_is_broken_then_the_fault_is_named(stocked: LiveServer, name: str, sql: str) -> None:
    found: list[str] = []

    async def break_and_look(tx: Any) -> None:
        await tx.run(sql)
        found.extend(fault.sentence for fault in await integrity.faults(tx))
        raise Undo

    with pytest.raises(Undo):
        stocked.write(break_and_look)
    assert name in found
    assert names(stocked) == []


def test_command_then_exit_status_and_sentence(stocked: LiveServer) -> None:
    database = stocked.app.settings.database_url
    good = run("check", "--data", "--database", database)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.splitlines()[1] == f"All {len(integrity.INVARIANTS)} checks passed."
    stocked.sql("UPDATE slot_ledger SET held = held - 1 WHERE held > 0")
    try:
        bad = run("check", "--data", "--json", "--database", database)
    finally:
        stocked.sql(
            "UPDATE slot_ledger SET held = (SELECT count(*) FROM holds h WHERE h.is_counted"
            " AND h.ledger_starts_at = slot_ledger.starts_at AND h.kind = slot_ledger.kind)"
        )
    assert bad.returncode == 1
    assert '"check": "the ledger\'s held places are the holds", "places": 1' in bad.stdout
