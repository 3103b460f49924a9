"""Events are written once, with one statement, and each reader takes them once."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

import pytest

from handcart.core.db import Tx
from handcart.events import ops, queries
from handcart.events.errors import UnknownEvent
from tests.support.callback_receiver import Receiver, subscribe
from tests.support.retailers import make_retailer
from tests.support.server import LiveServer


async def emit_and_count(tx: Tx, retailer_id: int) -> int:
    """The number of statements that one event costs."""
    ran: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            method = getattr(tx, name)

            def run(sql: str, *args: Any) -> Any:
                ran.append(sql)
                return method(sql, *args)

            return run

    await ops.emit(Counting(), retailer_id, "picking", "an order", {})  # type: ignore[arg-type]
    return len(ran)


def emit(server: LiveServer, retailer_id: int, subject: str = "an order", count: int = 1) -> Sequence[int]:
    return [server.write(ops.emit, retailer_id, "picking", subject, {"order_id": subject}) for _ in range(count)]


@pytest.fixture
def retailer_id(server: LiveServer) -> int:
    return int(make_retailer(server).id)


def test_event_emitted_then_its_body_is_what_receivers_get(server: LiveServer, retailer_id: int) -> None:
    (event_id,) = emit(server, retailer_id)
    stored = server.read(queries.event, retailer_id, event_id)
    assert (stored.name, stored.subject) == ("picking", "an order")
    body = json.loads(stored.body)
    assert (body["event_id"], body["event_name"]) == (event_id, "fulfillment.picking")
    assert body["event_metadata"] == {"order_id": "an order"}


def test_event_emitted_then_one_statement_with_and_without_webhook(server: LiveServer, retailer_id: int) -> None:
    assert server.write(emit_and_count, retailer_id) == 1
    server.write(subscribe, retailer_id, Receiver("http://127.0.0.1:9"))
    assert server.write(emit_and_count, retailer_id) == 1


def test_retailer_has_no_webhook_then_its_events_are_not_queued(server: LiveServer, retailer_id: int) -> None:
    emit(server, retailer_id)
    assert server.read(queries.unqueued, retailer_id, 10) == []
    server.write(subscribe, retailer_id, Receiver("http://127.0.0.1:9"))
    (later,) = emit(server, retailer_id)
    assert [one.event_id for one in server.read(queries.unqueued, retailer_id, 10)] == [later]


def test_events_marked_then_only_the_others_are_unqueued(server: LiveServer, retailer_id: int) -> None:
    server.write(subscribe, retailer_id, Receiver("http://127.0.0.1:9"))
    ids = emit(server, retailer_id, count=5)
    first = server.read(queries.unqueued, retailer_id, 3)
    assert [one.event_id for one in first] == ids[:3]
    server.write(ops.mark_queued, retailer_id, first)
    assert retailer_id in server.read(queries.retailers_with_unqueued, retailer_id - 1, 1000)
    assert retailer_id not in server.read(queries.retailers_with_unqueued, retailer_id, 1000)
    assert [one.event_id for one in server.read(queries.unqueued, retailer_id, 10)] == ids[3:]
    server.write(ops.mark_queued, retailer_id, server.read(queries.unqueued, retailer_id, 10))
    assert retailer_id not in server.read(queries.retailers_with_unqueued, retailer_id - 1, 1000)


def test_events_listed_then_after_an_id_or_the_newest_or_of_an_order(server: LiveServer, retailer_id: int) -> None:
    ids = [*emit(server, retailer_id, "one", 2), *emit(server, retailer_id, "two", 2)]

    def listed(**wanted: Any) -> list[int]:
        return [one.event_id for one in server.read(queries.events, retailer_id, **wanted)]

    assert listed() == ids
    assert listed(limit=3) == ids[1:]
    assert listed(after=0, limit=3) == ids[:3]
    assert listed(after=ids[1]) == listed(subject="two") == ids[2:]
    assert server.read(queries.last_event_id, retailer_id) == ids[-1]
    assert server.read(queries.exists, retailer_id, "two", "picking")
    assert not server.read(queries.exists, retailer_id, "two", "delivered")
    assert server.read(queries.count, retailer_id, ids[0], ids[2]) == 2
    part = server.read(queries.without_bodies, retailer_id, ids[0], ids[3], "two", 1)
    assert [(one.event_id, one.body) for one in part] == [(ids[2], "")]


def test_list_is_read_in_two_steps_then_each_event_is_in_it_once(server: LiveServer, retailer_id: int) -> None:
    ids = emit(server, retailer_id, count=30)
    for after in (None, 0):
        assert [one.event_id for one in server.read(queries.events, retailer_id, after=after)] == ids


def test_event_of_another_retailer_then_unknown(server: LiveServer, retailer_id: int) -> None:
    (event_id,) = emit(server, int(make_retailer(server, secrets.token_hex(6)).id))
    with pytest.raises(UnknownEvent, match=f"there is no event {event_id}"):
        server.read(queries.event, retailer_id, event_id)
