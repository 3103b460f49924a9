"""Which connections are accepted, which are closed to make room, and what is logged."""

import io
import json
import resource
from collections.abc import Iterator
from typing import Any

import pytest

from handcart.core import log
from handcart.core.settings import Settings
from handcart.core.web import connections
from handcart.core.web.connections import Connections, unmapped


class Opened:
    """A connection as the HTTP protocol has them."""

    limit_concurrency: int | None = None

    def __init__(self) -> None:
        self.transport = self
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log, with counts reset."""
    monkeypatch.setattr(log, "_counted", {})
    written = io.StringIO()
    log.to(written)
    yield written
    log.to(None)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_all_places_taken_then_who_waits_longest_makes_room(warnings: io.StringIO) -> None:
    counted = Connections(most=3)
    busy, older, newer, late, last = (Opened() for _ in range(5))
    for one in (busy, older, newer):
        assert counted.admit(one, "192.0.2.1")
    counted.begin(busy)
    counted.begin(older)
    counted.wait(older)  # answered just now: `newer` has waited longer
    assert counted.admit(late, "192.0.2.2")
    assert (busy.is_aborted, older.is_aborted, newer.is_aborted) == (False, False, True)
    assert counted.admit(last, "192.0.2.3")
    assert older.is_aborted
    assert counted.open == 3
    assert counted.ended == {"room": 2}
    assert [line["event"] for line in lines(warnings)] == ["connections nearly used up", "connection ended at a limit"]


def test_all_are_busy_then_the_next_ones_are_told_and_many_more_are_closed(warnings: io.StringIO) -> None:
    counted = Connections(most=2)
    opened = [Opened() for _ in range(2 + connections._SPARE + 1)]
    for one in opened[:-1]:
        assert counted.admit(one, "192.0.2.1")
        counted.begin(one)
    assert [one.limit_concurrency for one in opened[:3]] == [None, None, 0]
    assert not counted.admit(opened[-1], "192.0.2.1")
    for one in opened:
        counted.leave(one)
    assert counted.open == 0


def test_one_address_over_its_share_then_closed_unless_it_is_a_proxy(warnings: io.StringIO) -> None:
    counted = Connections(most=0, most_per_address=2, proxies="10.0.0.0/8, 192.0.2.9")
    first = Opened()
    admitted = [counted.admit(one, "2001:db8::1") for one in (first, Opened())]
    admitted.append(counted.admit(Opened(), "2001:db8::2"))  # of the same /64
    admitted.append(counted.admit(Opened(), "2001:db8:0:1::1"))
    assert admitted == [True, True, False, True]
    counted.leave(first)
    assert counted.admit(Opened(), "2001:db8::3")
    assert all(counted.admit(Opened(), address) for address in ("10.1.2.3", "192.0.2.9", "") for _ in range(3))
    assert counted.ended == {"address": 1}


def test_flood_then_a_line_in_ten_seconds_says_how_many(warnings: io.StringIO, stopped: Any) -> None:
    counted = Connections(most=0, most_per_address=1)
    counted.admit(Opened(), "192.0.2.1")
    for _ in range(50):
        counted.admit(Opened(), "192.0.2.1")
    stopped(seconds=11)
    counted.admit(Opened(), "192.0.2.1")
    assert [line["times"] for line in lines(warnings)] == [1, 50]


def test_few_descriptors_then_some_are_kept_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def most(soft: int, **settings: int) -> int:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
        return connections.create(Settings(**settings)).most

    assert most(65_536) == 4096
    assert most(1024) == 640
    assert most(64) == 32
    assert most(65_536, connections=10) == 10
    assert most(65_536, connections=0) == 65_536 - 384


@pytest.mark.parametrize(("address", "plain"), [("::ffff:192.0.2.1", "192.0.2.1"), ("::1", "::1"), ("10.0.0.1",) * 2])
def test_ipv4_in_ipv6s_form_then_ipv4(address: str, plain: str) -> None:
    assert unmapped(address) == plain
