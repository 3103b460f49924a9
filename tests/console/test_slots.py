"""The console's pages of slots: the ledger of a day, and changes with a preview."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from handcart.core import clock
from handcart.slots import changes, plans, queries
from handcart.slots.plans import Plan
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer

WEEK = "\n".join([",".join(["2"] * 24)] * 7)


class Slots:
    """The page of the slots of a market's store, and a person who looks at it."""

    def __init__(self, server: LiveServer) -> None:
        self.market, self.person = Market(server, capacity=3), Person(server)
        self.path = f"/console/slots/{self.market.slug}/here"
        self.day = datetime.fromtimestamp(self.market.at(12) // clock.SECOND, ZoneInfo("America/Chicago")).date()

    def open(self, **query: str) -> httpx.Response:
        return is_page(self.person.open(self.path, **query))

    def preview(self, operation: str, **fields: Any) -> httpx.Response:
        """Post a form of the open page to its preview."""
        form = self.person.form(f"{self.path}/preview")
        self.person.page = self.person.http.post(
            f"{self.path}/preview",
            data={"kind": "delivery", **form, "operation": operation, **fields},
        )
        return self.person.page

    def exception(self, hours: str, places: str, **fields: Any) -> httpx.Response:
        return self.preview(changes.EXCEPTION, day=self.day.isoformat(), hours=hours, places=places, **fields)

    def save(self) -> httpx.Response:
        return self.person.submit(f"{self.path}/save")

    def places(self, hour: int) -> tuple[int, int]:
        """The capacity and the booked places of the delivery window that starts at an hour of the day."""
        args = (self.market.retailer.id, "here", "delivery", self.day)
        found = self.market.server.read(queries.occupancy, *args).windows
        return next((one.capacity, one.booked) for one in found if one.start.hour == hour)


@pytest.fixture
def slots(server: LiveServer) -> Slots:
    return Slots(server)


def test_day_of_a_store_then_its_windows_with_their_places(slots: Slots) -> None:
    slots.market.order()
    slots.market.hold(slots.market.customer())
    page = slots.open(kind="delivery", day=slots.day.isoformat())
    assert page.text.count('<td class="number">3</td><td class="number">1</td><td class="number">1</td>') == 1
    assert page.text.count("<tr>") >= 24
    lines = slots.person.http.get(f"{slots.path}/windows.csv", params={"day": slots.day.isoformat()}).text.splitlines()
    assert f'"{slots.day}","12:00","delivery","3","1","1","1","",""' in lines


def test_exception_previewed_then_nothing_until_it_is_saved(slots: Slots) -> None:
    slots.open(kind="delivery")
    with nothing_written(slots.market.server):
        page = is_page(slots.exception("9-11", "0"))
    assert "2 windows are no longer offered" in page.text
    assert slots.places(9) == (3, 0)
    is_page(slots.save())
    assert (slots.places(9), slots.places(10), slots.places(11)) == ((0, 0), (0, 0), (3, 0))
    page = slots.open(kind="delivery")
    assert f"{slots.day} 9-11" in page.text
    page = is_page(slots.preview(changes.NO_EXCEPTION, day=slots.day.isoformat(), hours="9-11"))
    assert "2 windows are newly offered" in page.text
    is_page(slots.save())
    assert slots.places(9) == (3, 0)


def test_change_would_oversell_a_window_then_refused_twice(slots: Slots) -> None:
    for _ in range(2):
        slots.market.order()
    slots.open(kind="delivery")
    page = is_page(slots.exception("12", "1"))
    assert "1 window would have more orders than places" in page.text
    assert f"{slots.path}/save" not in page.text
    slots.open(kind="delivery")
    is_page(slots.exception("12", "2"))
    slots.market.order()  # after the preview
    with nothing_written(slots.market.server):
        assert "Some windows have more orders" in is_page(slots.save(), 409).text
    assert slots.places(12) == (3, 3)


def test_plan_changed_then_the_store_has_its_own_and_loses_it(slots: Slots) -> None:
    market = slots.market
    slots.open(kind="delivery")
    given = {"same_day_only": "1", "lead_minutes": "30", "cutoff_hour": "17", "horizon_days": "9"}
    given |= {"how": "shoppers", "week": WEEK, "orders_per_hour": "2.5"}
    page = is_page(slots.preview(changes.PLAN, **given))
    assert "newly offered" in page.text
    is_page(slots.save())
    plan = market.server.read(plans.plan_for, market.retailer.id, "here", "delivery")
    assert (plan.shoppers, plan.orders_per_hour, plan.cutoff_hour, plan.horizon_days) == ([[2.0] * 24] * 7, 2.5, 17, 9)
    page = slots.open(kind="delivery", day=slots.day.isoformat())
    assert "Shoppers" in page.text
    is_page(slots.preview(changes.NO_PLAN))
    is_page(slots.save())
    assert market.server.read(plans.plan_for, market.retailer.id, "here", "delivery").capacity == 3
    assert isinstance(plan, Plan)


def test_somebody_changes_the_plan_meanwhile_then_the_second_is_told(slots: Slots) -> None:
    slots.open(kind="delivery")
    is_page(slots.exception("9", "1"))
    other = Person(slots.market.server)
    first, slots.person = slots.person, other
    slots.open(kind="delivery")
    is_page(slots.exception("10", "2"))
    is_page(slots.save())
    slots.person = first
    with nothing_written(slots.market.server):
        assert "Somebody else" in is_page(slots.save(), 409).text


def test_wrong_number_day_or_week_then_said_and_kept(slots: Slots) -> None:
    past = (slots.day - timedelta(days=9)).isoformat()
    wrong = [
        (changes.EXCEPTION, {"places": "-1"}),
        (changes.EXCEPTION, {"places": "1000001"}),
        (changes.EXCEPTION, {"places": "²"}),
        (changes.EXCEPTION, {"hours": "17-9"}),
        (changes.EXCEPTION, {"hours": "9-25"}),
        (changes.EXCEPTION, {"day": past}),
        (changes.EXCEPTION, {"day": "2027-02-30"}),
        (changes.EXCEPTION, {"kind": "teleport"}),
        (changes.NO_EXCEPTION, {}),
        (changes.NO_PLAN, {"kind": ""}),
        (changes.PLAN, {"how": "capacity", "capacity": "many"}),
        (changes.PLAN, {"how": "weekly", "week": "1,2,3"}),
        (changes.PLAN, {"how": "weekly", "week": WEEK.replace("2", "2.5")}),
        (changes.PLAN, {"how": "shoppers", "week": WEEK, "orders_per_hour": "nan"}),
        (changes.PLAN, {"how": "capacity", "horizon_days": "61"}),
        (changes.PLAN, {"how": "capacity", "cutoff_hour": "25"}),
    ]
    good = {"places": "1", "hours": "9", "day": slots.day.isoformat(), "capacity": "3", "same_day_only": "0"}
    good |= {"lead_minutes": "60", "horizon_days": "7", "cutoff_hour": ""}
    failed = []
    slots.open(kind="delivery")
    page = slots.person.page
    with nothing_written(slots.market.server):
        for operation, fields in wrong:
            slots.person.page = page
            answer = slots.preview(operation, **{**good, **fields})
            if answer.status_code != 400 or 'role="alert"' not in answer.text:
                failed.append((operation, fields, answer.status_code))
    assert not failed


def test_person_of_another_place_then_no_slots(slots: Slots) -> None:
    server = slots.market.server
    associate = Person(server, "store_associate", slots.market.retailer.id, 2)
    support = Person(server, "support")
    with nothing_written(server):
        is_error(associate.open(slots.path), 403, "forbidden")
        assert f"{slots.path}/preview" not in is_page(support.open(slots.path)).text
