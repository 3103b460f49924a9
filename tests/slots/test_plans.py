"""A store's windows by plan, exception, lead time, cutoff and horizon."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from handcart.core import clock
from handcart.slots import files, plans, windows
from handcart.slots.models import CUTOFF_PASSED, NO_CAPACITY, STORE_CLOSED, TOO_FAR, TOO_SOON
from handcart.slots.plans import EVERY_STORE, WHOLE_DAY, Calendar, Plan, StorePlan
from handcart.stores.models import DELIVERY, KINDS, PICKUP, Store
from tests.support.server import on_sqlite
from tests.support.shop import Shop
from tests.support.slots import listed, moment, reserve, set_plan, stock
from tests.support.stores import store

CHICAGO = "America/Chicago"
THURSDAY = "2027-06-10"


def week(of: float, **hours: dict[int, float]) -> list[list[float]]:
    """The same number for every hour, but for some hours of some weekdays."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return [[hours.get(name, {}).get(hour, of) for hour in range(24)] for name in names]


@pytest.mark.parametrize(
    ("plan", "orders"),
    [
        (Plan(), 10),
        (Plan(capacity=3), 3),
        (Plan(capacity=0), 0),
        (Plan(capacity=3, weekly=week(1, thu={12: 7})), 7),
        (Plan(weekly=week(1, wed={12: 7}, thu={11: 7, 13: 7})), 1),
        (Plan(weekly=week(2.9)), 2),
        (Plan(capacity=5, weekly=week(6), shoppers=week(3)), 3),
        (Plan(shoppers=week(3, thu={12: 4}), orders_per_hour=2.5), 10),
        (Plan(shoppers=week(1), orders_per_hour=0.9), 0),
        (Plan(shoppers=week(2.5), orders_per_hour=3), 7),
        # what floating point makes a hair less
        (Plan(shoppers=week(100), orders_per_hour=0.29), 29),
        (Plan(shoppers=week(3), orders_per_hour=1.1), 3),
    ],
)
def test_plan_counts_orders_then_template_and_shoppers_decide(plan: Plan, orders: int) -> None:
    start = windows.start_of(CHICAGO, moment(f"{THURSDAY}T12:00-05:00"))
    assert Calendar(store("s"), plan, {}).capacity(start) == orders


def test_places_kept_for_the_day_itself_then_full_without_them_until_then(shop: Shop, at: Any) -> None:
    kept = stock(shop, Plan(capacity=2, same_day_only=1))
    shop.server.write(plans.set_exception, shop.retailer.id, "s", DELIVERY, THURSDAY, [14], 7)
    start = windows.start_of(CHICAGO, moment(f"{THURSDAY}T12:00-05:00"))
    for now, orders in ((f"{THURSDAY}T00:00-05:00", 2), ("2027-06-09T23:59-05:00", 1)):
        at(now)
        calendar = shop.server.read(plans.calendar, shop.retailer.id, kept, DELIVERY)
        assert (calendar.capacity(start), calendar.least(), calendar.is_even) == (orders, 1, False)
        assert calendar.capacity(windows.start_of(CHICAGO, moment(f"{THURSDAY}T14:00-05:00"))) == 7
    slot = next(one for one in listed(shop, "preview delivery") if one["date"] == THURSDAY)
    assert [reserve(shop, shop.user(), slot["id"]).status_code for _ in range(2)] == [200, 400]
    assert {one["id"]: one for one in listed(shop, "preview delivery")}[slot["id"]]["availability"] == {
        "available": False,
        "reasons": ["no_capacity"],
    }
    at(f"{THURSDAY}T00:00-05:00")
    assert [reserve(shop, shop.user(), slot["id"]).status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize(
    "text",
    [
        '{"capacity": -1}',
        '{"capacity": 1000001}',
        '{"weekly": []}',
        '{"weekly": [[1], [1], [1], [1], [1], [1], [1]]}',
        '{"orders_per_hour": 0}',
        '{"same_day_only": -1}',
        '{"lead_minutes": -1}',
        '{"cutoff_hour": 25}',
        '{"horizon_days": 0}',
        '{"horizon_days": 61}',
        '{"capacty": 5}',
    ],
)
def test_plan_says_what_no_plan_can_then_it_is_not_read(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Plan)


def test_plan_with_the_least_or_most_values_then_read_back_unchanged() -> None:
    hours = [[0.0] * 23 + [1_000_000.0]] * 7
    least = {"capacity": 0, "weekly": hours, "shoppers": hours, "lead_minutes": 0, "cutoff_hour": 0, "horizon_days": 1}
    most = {"capacity": 1_000_000, "cutoff_hour": 24, "horizon_days": 60}
    for said in (least, most):
        plan = msgspec.json.decode(msgspec.json.encode(said), type=Plan)
        assert {name: getattr(plan, name) for name in said} == said


@on_sqlite
def test_plan_removed_then_other_kinds_stores_and_retailers_keep_theirs(shop: Shop) -> None:
    other = Shop(shop.server)
    every = [(code, kind) for code in ("s", "t") for kind in sorted(KINDS)]
    for owner in (shop, other):
        for code in ("s", "t"):
            set_plan(owner, Plan(), code)
    removed = [shop.server.write(plans.remove_plan, shop.retailer.id, "s", DELIVERY) for _ in range(2)]
    found = [shop.server.read(plans.plans, owner.retailer.id) for owner in (shop, other)]
    kept, of_other = [[(one.location_code, one.kind) for one in each] for each in found]
    assert removed == [True, False]
    assert kept == [one for one in every if one != ("s", DELIVERY)]
    assert of_other == every


EXCEPTIONS = [
    ([], (10, 10, 10)),
    ([("s", WHOLE_DAY, 4)], (4, 4, 10)),
    ([("s", 12, 5)], (5, 10, 10)),
    ([("s", WHOLE_DAY, 4), ("s", 12, 5)], (5, 4, 10)),
    ([("s", 12, 5), ("s", WHOLE_DAY, 0)], (5, 0, 10)),
    ([("s", 12, 0)], (0, 10, 10)),
    ([(EVERY_STORE, WHOLE_DAY, 4)], (4, 4, 10)),
    ([(EVERY_STORE, 12, 5)], (5, 10, 10)),
    ([(EVERY_STORE, WHOLE_DAY, 4), ("s", WHOLE_DAY, 3)], (3, 3, 10)),
    ([(EVERY_STORE, 12, 4), ("s", 12, 3)], (3, 10, 10)),
    ([(EVERY_STORE, WHOLE_DAY, 4), ("s", 12, 3)], (3, 4, 10)),
    # a store that closes for a day is closed, whatever the others do at that hour
    ([(EVERY_STORE, 12, 5), ("s", WHOLE_DAY, 0)], (0, 0, 10)),
    ([(EVERY_STORE, 12, 5), ("s", WHOLE_DAY, 0), ("s", 13, 2)], (0, 2, 10)),
    ([("other", 12, 5), ("other", WHOLE_DAY, 0)], (10, 10, 10)),
]


@pytest.mark.parametrize(("exceptions", "expected"), EXCEPTIONS)
def test_day_is_an_exception_then_hour_beats_day_and_store_beats_all(
    shop: Shop, at: Any, exceptions: list[tuple[str, int, int]], expected: tuple[int, ...]
) -> None:
    """Of three windows: Thursday at 12 and 13, Friday at 12."""
    at(f"{THURSDAY}T08:00-05:00")
    kept = stock(shop)
    for code, hour, orders in exceptions:
        shop.server.write(plans.set_exception, shop.retailer.id, code, DELIVERY, THURSDAY, [hour], orders)
    calendar = shop.server.read(plans.calendar, shop.retailer.id, kept, DELIVERY)
    begins = [f"{THURSDAY}T12:00-05:00", f"{THURSDAY}T13:00-05:00", "2027-06-11T12:00-05:00"]
    found = tuple(calendar.capacity(windows.start_of(CHICAGO, moment(begin))) for begin in begins)
    assert found == expected
    others = shop.server.read(plans.calendar, shop.retailer.id, kept, PICKUP)
    assert others.capacity(windows.start_of(CHICAGO, moment(begins[0]))) == 10


def test_exception_set_again_then_the_last_one_counts_even_after_midnight(shop: Shop, at: Any) -> None:
    """A window that was listed before midnight may still be held after it."""
    kept = stock(shop)
    for orders in (5, 3):
        shop.server.write(plans.set_exception, shop.retailer.id, "s", DELIVERY, THURSDAY, range(24), orders)
    for now in (f"{THURSDAY}T23:50-05:00", "2027-06-11T00:10-05:00"):
        at(now)
        calendar = shop.server.read(plans.calendar, shop.retailer.id, kept, DELIVERY)
        assert calendar.capacity(windows.start_of(CHICAGO, moment(f"{THURSDAY}T23:00-05:00"))) == 3
    assert calendar.capacity(windows.start_of(CHICAGO, moment("2027-06-11T00:00-05:00"))) == 10


def test_store_has_its_own_plan_then_it_wins_over_that_of_all_stores(shop: Shop) -> None:
    kept, other = stock(shop), stock(shop, code="zz")

    def orders(of: Store, kind: str = DELIVERY, owner: Shop = shop) -> int:
        calendar = shop.server.read(plans.calendar, owner.retailer.id, of, kind)
        return int(calendar.capacity(windows.start_of(CHICAGO, moment(f"{THURSDAY}T12:00-05:00"))))

    assert orders(kept) == 10
    for code, number in ((EVERY_STORE, 4), ("s", 5), ("s", 6)):
        shop.server.write(plans.set_plan, shop.retailer.id, code, DELIVERY, Plan(capacity=number))
    assert (orders(kept), orders(other), orders(kept, PICKUP)) == (6, 4, 10)
    stranger = Shop(shop.server)
    assert orders(stock(stranger), owner=stranger) == 10
    assert shop.server.read(plans.plans, shop.retailer.id) == [
        StorePlan(EVERY_STORE, DELIVERY, Plan(capacity=4)),
        StorePlan("s", DELIVERY, Plan(capacity=6)),
    ]


OPEN_8_TO_20 = [[[480, 1200]]] * 7


@pytest.mark.parametrize(
    ("plan", "now", "begin", "reason"),
    [
        (Plan(), "T10:00:00-05:00", "T12:00-05:00", None),
        # lead
        (Plan(lead_minutes=60), "T11:00:00-05:00", "T12:00-05:00", None),
        (Plan(lead_minutes=60), "T11:00:01-05:00", "T12:00-05:00", TOO_SOON),
        (Plan(lead_minutes=0), "T12:00:00-05:00", "T12:00-05:00", None),
        (Plan(lead_minutes=0), "T12:00:01-05:00", "T12:00-05:00", TOO_SOON),
        (Plan(lead_minutes=1440), "T12:00:01-05:00", "T18:00-05:00", TOO_SOON),
        # cut-off, by the store's clock
        (Plan(cutoff_hour=14), "T13:59:59-05:00", "T18:00-05:00", None),
        (Plan(cutoff_hour=14), "T14:00:00-05:00", "T18:00-05:00", CUTOFF_PASSED),
        (Plan(cutoff_hour=14), "T18:59:59Z", "T18:00-05:00", None),
        (Plan(cutoff_hour=14), "T19:00:00Z", "T18:00-05:00", CUTOFF_PASSED),
        (Plan(cutoff_hour=0), "T00:00:00-05:00", "T18:00-05:00", CUTOFF_PASSED),
        (Plan(cutoff_hour=24), "T14:00:00-05:00", "T18:00-05:00", None),
        # horizon
        (Plan(horizon_days=1), "T00:00:00-05:00", "T18:00-05:00", None),
        # capacity and hours
        (Plan(capacity=0), "T10:00:00-05:00", "T12:00-05:00", NO_CAPACITY),
        (Plan(capacity=0), "T10:00:00-05:00", "T07:00-05:00", STORE_CLOSED),
        (Plan(), "T10:00:00-05:00", "T19:00-05:00", STORE_CLOSED),
    ],
)
def test_window_unavailable_then_one_reason(plan: Plan, now: str, begin: str, reason: str | None) -> None:
    calendar = Calendar(store("s", opening_hours=OPEN_8_TO_20), plan, {})
    start = windows.start_of(CHICAGO, moment(THURSDAY + begin))
    assert calendar.reason(start, moment(THURSDAY + now)) == reason


def test_day_changes_then_the_horizon_moves_and_the_cutoff_is_over() -> None:
    calendar = Calendar(store("s"), Plan(horizon_days=2, cutoff_hour=20), {})
    midnight = moment("2027-06-11T00:00-05:00")

    def reasons(now: int, **allowed: Any) -> list[str | None]:
        begins = ["2027-06-11T12:00-05:00", "2027-06-11T23:00-05:00", "2027-06-12T00:00-05:00"]
        return [calendar.reason(windows.start_of(CHICAGO, moment(begin)), now, **allowed) for begin in begins]

    assert reasons(midnight - 1) == [None, None, TOO_FAR]
    assert reasons(midnight) == [None, None, None]
    # what was listed a moment ago, at 20:00 or before midnight, may be held
    evening = moment("2027-06-11T20:00-05:00")
    assert reasons(evening - 1) == [TOO_SOON, None, None]
    assert reasons(evening) == [TOO_SOON, CUTOFF_PASSED, None]
    assert reasons(evening + 10 * clock.MINUTE, grace=15 * clock.MINUTE) == [TOO_SOON, None, None]
    assert reasons(evening + 15 * clock.MINUTE, grace=15 * clock.MINUTE) == [TOO_SOON, CUTOFF_PASSED, None]
    assert reasons(evening, has_lead=False) == [CUTOFF_PASSED, CUTOFF_PASSED, None]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_week_with_another_separator_then_read(tmp_path: Path, separator: str) -> None:
    number = "2.5" if separator == "," else "2,5"
    file = tmp_path / "week.csv"
    file.write_text("\n".join([separator.join([number] * 24)] * 7))
    assert files.week(file, are_whole=False) == [[2.5] * 24] * 7
