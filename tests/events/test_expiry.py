"""Old rows about events are deleted: only old ones, and only about as many as wanted."""

from collections.abc import Sequence

import pytest

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.events import expiry, queries
from tests.support.retailers import make_retailer
from tests.support.server import LiveServer

OLD = 100


async def insert(tx: Tx, retailer_id: int, *days_ago: int) -> Sequence[int]:
    """Insert events as if they had been written some days ago; returns their ids."""
    made = [ids.event_ids_from(clock.of_process() - days * clock.DAY) for days in days_ago]
    await tx.many(
        "INSERT INTO events (retailer_id, event_id, name, subject, body, created_at, is_queued)"
        " VALUES ($1, $2, 'picking', 'an order', '{}', 0, $3)",
        [(retailer_id, event_id, True) for event_id in made],
    )
    return made


def delete(server: LiveServer, most: int) -> int:
    deleted: int = server.write(expiry.delete_older, "events", OLD * clock.DAY, most)
    return deleted


@pytest.fixture
def retailers(server: LiveServer) -> Sequence[int]:
    """Two new retailers, on a database without old events of other tests."""
    while delete(server, 1000):
        pass
    return [int(make_retailer(server).id) for _ in range(2)]


def left(server: LiveServer, retailer_id: int) -> Sequence[int]:
    return [one.event_id for one in server.read(queries.events, retailer_id)]


def test_some_events_are_old_then_only_these_are_deleted(server: LiveServer, retailers: Sequence[int]) -> None:
    one, other = retailers
    *_, young = server.write(insert, one, OLD + 2, OLD + 1, OLD - 1)
    others = server.write(insert, other, OLD - 2)
    assert delete(server, 10) == 2
    assert (left(server, one), left(server, other)) == ([young], others)


def test_more_events_than_wanted_are_old_then_the_rest_stays(server: LiveServer, retailers: Sequence[int]) -> None:
    for retailer_id in retailers:
        server.write(insert, retailer_id, OLD + 3, OLD + 2, OLD + 1)
    assert delete(server, 4) == 4
    assert sorted(len(left(server, retailer_id)) for retailer_id in retailers) == [0, 2]
    assert delete(server, 4) == 2
