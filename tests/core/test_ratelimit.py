"""Rate limits: buckets in the process, windows in the database."""

import time
from typing import Any

import pytest

from handcart.core import ratelimit
from handcart.core.ratelimit import Buckets, Limit
from tests.support.server import LiveServer

LIMIT = Limit(3, 60)


@pytest.mark.parametrize("per_second", [1, 2, 3, 5, 7, 10, 50, 500, 999])
def test_burst_then_a_seconds_worth_at_once_and_then_the_rate(stopped: Any, per_second: int) -> None:
    buckets = Buckets(per_second)
    assert sum(buckets.take("a") for _ in range(per_second * 2)) == per_second
    stopped(seconds=1)
    assert sum(buckets.take("a") for _ in range(per_second * 2)) == per_second
    stopped(seconds=1 / per_second + 0.0001)
    assert [buckets.take("a") for _ in range(2)] == [True, False]


def test_steady_rate_then_never_refused(stopped: Any) -> None:
    buckets = Buckets(10)
    for _ in range(1000):
        assert buckets.take("a")
        stopped(seconds=0.1)


def test_one_client_over_then_others_are_not(stopped: Any) -> None:
    buckets = Buckets(1)
    assert [buckets.take("a"), buckets.take("a"), buckets.take("b")] == [True, False, True]


def test_switched_off_then_never_refused() -> None:
    buckets = Buckets(0)
    assert all(buckets.take("a") for _ in range(10_000))


def test_many_clients_then_memory_is_bounded_and_nobody_is_forgiven(
    stopped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratelimit, "_MOST_BUCKETS", 100)
    buckets = Buckets(1)
    for number in range(1000):
        assert buckets.take(f"early-{number}")
        stopped(seconds=0.1)
    assert len(buckets._full_at) <= 101
    assert buckets.take("a")
    for number in range(150):
        buckets.take(f"late-{number}")
    assert not buckets.take("a")


def count(server: LiveServer, subject: str, limit: Limit = LIMIT) -> int:
    wait: int = server.write(ratelimit.count, subject, limit)
    return wait


def test_window_full_then_the_seconds_to_wait_and_a_new_one_after(server: LiveServer, stopped: Any) -> None:
    subject = f"test:{time.time_ns()}"
    assert [count(server, subject) for _ in range(4)] == [0, 0, 0, 60]
    assert count(server, f"{subject}:other") == 0
    stopped(seconds=59)
    assert count(server, subject) == 1
    stopped(seconds=1)
    assert count(server, subject) == 0


def test_hit_taken_back_then_there_is_room_again_and_never_below_none(server: LiveServer, stopped: Any) -> None:
    subject = f"test:{time.time_ns()}"
    for _ in range(3):
        assert count(server, subject) == 0
    server.write(ratelimit.uncount, subject, LIMIT)
    assert count(server, subject) == 0
    assert count(server, subject) > 0
    for _ in range(10):
        server.write(ratelimit.uncount, subject, LIMIT)
    assert [count(server, subject) for _ in range(3)] == [0, 0, 0]
    assert count(server, subject) > 0


def test_taken_back_without_a_hit_then_nothing_is_written(server: LiveServer) -> None:
    subject = f"test:{time.time_ns()}"
    server.write(ratelimit.uncount, subject, LIMIT)
    assert server.sql("SELECT hits FROM rate_limits WHERE subject = $1", subject) == []
