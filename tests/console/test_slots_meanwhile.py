"""A plan changes after a booking has read it; PostgreSQL runs both transactions at the same time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from handcart.slots import changes, ledger, planning
from tests.console.test_slots import Slots
from tests.support.pages import is_page
from tests.support.server import LiveServer


@pytest.fixture
def slots(server: LiveServer) -> Slots:
    return Slots(server)


def meanwhile(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any]) -> None:
    """Make a change when the next booking has read the plan and not yet taken its place."""
    take = ledger.take

    async def taking(*args: Any) -> bool:
        monkeypatch.setattr(ledger, "take", take)
        await asyncio.to_thread(change)
        return await take(*args)

    monkeypatch.setattr(ledger, "take", taking)


@pytest.mark.parametrize("way", ["exception", "plan", "command"])
def test_capacity_lowered_under_a_booking_then_it_gets_no_place(
    slots: Slots, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if slots.market.server.database != "postgresql":
        pytest.skip("SQLite runs one transaction at a time")
    market = slots.market
    for _ in range(2):
        market.order()
    slots.open(kind="delivery")
    if way == "exception":
        is_page(slots.exception("12", "2"))
    elif way == "plan":
        given = {"same_day_only": "0", "lead_minutes": "0", "cutoff_hour": "", "horizon_days": "7"}
        is_page(slots.preview(changes.PLAN, how="capacity", capacity="2", **given))
    of_all = (market.retailer.id, None, ["delivery"], {"capacity": 2})
    save = slots.save if way != "command" else lambda: market.server.write(planning.change_plans, *of_all)
    meanwhile(monkeypatch, save)
    assert market.reserve(market.customer(), "delivery").status_code == 400
    assert slots.places(12) == (2, 2)


def test_row_read_before_a_change_then_the_plan_is_read_again(slots: Slots) -> None:
    """The same on both databases, without two transactions at a time."""
    market, calls = slots.market, []
    market.order()
    place = place_of(market)

    async def current() -> int:
        calls.append(1)
        return 1

    def take(capacity: int) -> bool:
        taken: bool = market.server.write(ledger.take, market.retailer.id, place, "booked", capacity, current)
        return taken

    market.server.write(planning.change_plans, market.retailer.id, "here", ["delivery"], {"capacity": 1})
    assert (take(3), len(calls)) == (False, 1)
    assert (take(1), len(calls)) == (False, 1)


def place_of(market: Any) -> Any:
    """The place that the order of a market has taken."""
    row = market.server.sql(
        "SELECT store_number, kind, starts_at FROM slot_ledger WHERE retailer_id = $1", market.retailer.id
    )[0]
    return ledger.Place(row["store_number"], row["kind"], row["starts_at"])
