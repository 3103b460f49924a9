"""Fees, pay or a statement change while a form about them is saved; PostgreSQL runs both transactions at once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from handcart.core import clock
from handcart.money import queries, rates
from tests.console.test_money import MONTH, Sold
from tests.support.console import Person
from tests.support.money import ZONE, count, ended
from tests.support.server import LiveServer

# Seconds that the second transaction has to end before the first; with the lock it waits for the first.
_SECONDS = 0.5


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, change: Callable[[], Any]) -> list[Any]:
    """Begin a change when the next transaction has read by `module.name`; the list gets the change's task."""
    read, begun = getattr(module, name), []

    async def reading(*args: Any) -> Any:
        found = await read(*args)
        if not begun:
            begun.append(asyncio.create_task(asyncio.to_thread(change)))
            await asyncio.wait(begun, timeout=_SECONDS)
        return found

    monkeypatch.setattr(module, name, reading)
    return begun


async def result(task: Any) -> Any:
    return await asyncio.wait_for(task, 30)


@pytest.fixture
def sold(server: LiveServer) -> Sold:
    if server.database != "postgresql":
        pytest.skip("SQLite runs one transaction at a time")
    return Sold(server)


@pytest.mark.parametrize("what", ["fees", "pay", "everybody"])
def test_two_people_set_rates_at_once_then_the_second_is_told(
    sold: Sold, server: LiveServer, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = {
        "fees": f"/console/money/fees/{sold.market.slug}",
        "pay": f"/console/money/pay/{sold.ana.id}",
        "everybody": "/console/money/pay",
    }[what]
    first, second = Person(server), Person(server)
    for person in (first, second):
        person.open(path)
    of_second = meanwhile(
        monkeypatch, rates, "history", lambda: second.submit(path, valid_from="2031-01-01").status_code
    )
    assert first.submit(path, valid_from="2031-01-01").status_code == 200
    assert server.wait_for(result(of_second[0])) == 409


def test_amounts_change_while_a_month_is_closed_then_it_has_those_shown(
    sold: Sold, server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = Person(server)
    admin.open(sold.path)
    ended(sold.market, sold.order_id, clock.from_wire("2024-03-05T12:00:00Z", "time"), tip_cents=1)
    counted = meanwhile(monkeypatch, queries, "statement", lambda: count(sold.market))
    answer = admin.submit(f"{sold.path}/close")
    server.wait_for(result(counted[0]))
    found = server.read(queries.statement, sold.market.retailer.id, MONTH, ZONE)
    assert (answer.status_code, found.closed_at is None or found.due == 1333) == (400, True)
