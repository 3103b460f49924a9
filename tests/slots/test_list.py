"""Previews and lists of slots, over HTTP, on both databases: the slots, and why one is not available."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from handcart.core.db.postgres import PostgresTx
from handcart.core.db.sqlite import SqliteTx
from handcart.slots import plans
from handcart.slots.plans import EVERY_STORE, WHOLE_DAY, Plan
from handcart.stores.models import DELIVERY, Point
from tests.slots.lists import NOW, OF_USERS, WITH_CART, spans
from tests.support.contents import nothing_written
from tests.support.shop import Shop
from tests.support.slots import (
    ADDRESS,
    LISTS,
    ask,
    first,
    line,
    listed,
    reserve,
    set_plan,
    set_rules,
    stock,
    wire_time,
)

FOR_AN_ADDRESS = ("preview delivery", "delivery", "cart", "last mile")


def reasons(slots: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The reasons by the start of the day's slots."""
    return {slot["window"]["start_at"][11:16]: slot["availability"]["reasons"] for slot in slots}


@pytest.mark.parametrize("name", LISTS)
def test_slots_are_listed_then_they_have_the_documented_shape(shop: Shop, at: Any, name: str) -> None:
    at(NOW)
    stock(shop)
    answered = ask(shop, name, shop.user())
    assert (answered.status_code, set(answered.json())) == (200, {"service_options"})
    slots = answered.json()["service_options"]
    # from the first full hour after the lead time to the end of the seventh day
    assert len(slots) == 12 + 6 * 24
    assert spans(slots)[:2] == [("scheduled", "12:00", "14:00"), ("scheduled", "13:00", "15:00")]
    assert slots[-1]["window"]["start_at"] == wire_time("2027-06-16T23:00-05:00")
    for slot in slots:
        has_flags = name in FOR_AN_ADDRESS
        assert set(slot) == {"id", "date", "window", "availability", *(["flags"] if has_flags else [])}
        assert slot["window"].keys() == {"start_at", "end_at", "type"}
        assert slot["availability"] == {"available": True, "reasons": []}
        assert slot["date"] == slot["window"]["start_at"][:10]
        assert slot["window"]["start_at"].endswith(":00:00.000-05:00")
        begin, end = (datetime.fromisoformat(slot["window"][key]) for key in ("start_at", "end_at"))
        assert (end - begin).total_seconds() == 7200
    assert len({slot["id"] for slot in slots}) == len(slots)


@pytest.mark.parametrize("name", LISTS)
def test_slots_listed_twice_then_the_same_and_nothing_is_written_or_locked(
    shop: Shop, at: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(NOW)
    stock(shop)
    user = shop.user()
    once = ask(shop, name, user).json()
    statements: list[str] = []
    for tx, methods in ((SqliteTx, ("_cursor",)), (PostgresTx, ("one", "all", "run"))):
        for method in methods:
            plain = getattr(tx, method)
            monkeypatch.setattr(
                tx, method, lambda self, sql, *args, _=plain: statements.append(sql) or _(self, sql, *args)
            )
    with nothing_written(shop.server):
        assert ask(shop, name, user).json() == once
    assert statements
    assert [sql for sql in statements if not sql.startswith("SELECT") or "FOR UPDATE" in sql] == []


def test_window_listed_by_kind_store_or_retailer_then_each_has_its_own_id(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, code="other", north=5)
    stock(shop)
    stranger = Shop(shop.server)
    stock(stranger)
    ids = [first(shop, name) for name in LISTS if name.startswith("preview")]
    ids += [first(shop, location_code="other"), first(stranger)]
    user = shop.user()
    assert [listed(shop, name, user)[0]["id"] for name in OF_USERS] == [ids[0], ids[0], ids[1], ids[2]]
    assert ids[2] == ids[3]
    assert len(set(ids)) == 5


def test_window_is_full_then_it_is_still_listed_and_says_why(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    held = first(shop)
    assert reserve(shop, shop.user(), held).status_code == 200
    for name in LISTS:
        slot = listed(shop, name, shop.user())[0]
        is_held = name in ("preview pickup", "pickup")
        assert slot["availability"] == {"available": not is_held, "reasons": ["no_capacity"] if is_held else []}
    at("2027-06-10T10:17:31-05:00")
    assert listed(shop, "pickup", shop.user())[0]["availability"]["available"] is True


def test_user_holds_the_last_place_then_it_is_there_for_this_user_alone(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    holder = shop.user()
    assert reserve(shop, holder, first(shop)).status_code == 200
    assert listed(shop, "pickup", holder)[0]["availability"] == {"available": True, "reasons": []}
    assert reserve(shop, holder, first(shop)).status_code == 200
    for name, user in (("pickup", shop.user()), ("preview pickup", "")):
        assert listed(shop, name, user)[0]["availability"]["available"] is False


def test_plan_rules_windows_out_then_the_list_says_so(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(horizon_days=1), opening_hours=[[[480, 1200]]] * 7)
    for hour, orders in ((13, 0), (14, 2)):
        shop.server.write(plans.set_exception, shop.retailer.id, EVERY_STORE, DELIVERY, "2027-06-10", [hour], orders)
    assert reasons(listed(shop, "preview delivery")) == {
        "12:00": [],
        "13:00": ["no_capacity"],
        **{f"{hour}:00": [] for hour in range(14, 19)},
        **{f"{hour}:00": ["store_closed"] for hour in range(19, 24)},
    }
    shop.server.write(plans.set_exception, shop.retailer.id, "s", DELIVERY, "2027-06-10", [WHOLE_DAY], 0)
    assert set(map(tuple, reasons(listed(shop, "preview delivery")).values())) == {("no_capacity",), ("store_closed",)}


@pytest.mark.parametrize(("now", "is_passed"), [("13:59:00", False), ("14:00:00", True)])
def test_cutoff_has_passed_then_windows_of_the_same_day_say_so(shop: Shop, at: Any, now: str, is_passed: bool) -> None:
    at(f"2027-06-10T{now}-05:00")
    stock(shop, Plan(cutoff_hour=14, horizon_days=2))
    set_rules(shop, offers_eta=True)
    slots = listed(shop, "preview pickup")
    found = {slot["date"]: slot["availability"]["reasons"] for slot in slots}
    assert found == {"2027-06-10": ["cutoff_passed"] if is_passed else [], "2027-06-11": []}
    assert reserve(shop, shop.user(), slots[0]["id"]).status_code == 200  # a moment later there is grace
    types = [slot["window"]["type"] for slot in listed(shop, "preview pickup", with_eta_options=True)]
    assert ("eta" in types) is not is_passed


# Windows begin in two time zones on the nights when clocks change; the address may lie in another zone than the store.


@pytest.mark.parametrize(
    ("time_zone", "now", "begins"),
    [
        (
            "America/Chicago",
            "2027-03-14T00:30:00-06:00",
            ["01:00:00.000-06:00", "03:00:00.000-05:00", "04:00:00.000-05:00"],
        ),
        (
            "America/Chicago",
            "2027-11-07T00:30:00-05:00",
            ["01:00:00.000-05:00", "01:00:00.000-06:00", "02:00:00.000-06:00"],
        ),
        (
            "America/St_Johns",
            "2027-11-07T00:30:00-02:30",
            ["01:00:00.000-02:30", "01:00:00.000-03:30", "02:00:00.000-03:30"],
        ),
        (
            "America/Regina",
            "2027-03-14T00:30:00-06:00",
            ["01:00:00.000-06:00", "02:00:00.000-06:00", "03:00:00.000-06:00"],
        ),
    ],
)
def test_clocks_change_then_each_hour_is_listed_once_on_the_stores_clock(
    shop: Shop, at: Any, time_zone: str, now: str, begins: list[str]
) -> None:
    at(now)
    stock(shop, Plan(lead_minutes=0, capacity=1), time_zone=time_zone)
    set_rules(shop, alcohol_from_hour=0, alcohol_until_hour=24)
    slots = listed(shop, "delivery", shop.user())
    assert [slot["window"]["start_at"][11:] for slot in slots[:3]] == begins
    instants = [datetime.fromisoformat(slot["window"]["start_at"]).timestamp() for slot in slots]
    assert {later - former for former, later in pairwise(instants)} == {3600}
    # each has its own places
    assert [reserve(shop, shop.user(), slot["id"]).status_code for slot in slots[:3]] == [200] * 3
    assert [slot["availability"]["available"] for slot in listed(shop, "delivery", shop.user())[:4]] == [
        *[False] * 3,
        True,
    ]


def alcohol_reasons(shop: Shop, name: str = "pickup", **rules: Any) -> set[str]:
    """Hours of Friday whose windows alcohol rules out."""
    set_rules(shop, **rules)
    slots = listed(shop, name, shop.user(), items=[line("milk"), line("wine")])
    friday = reasons([slot for slot in slots if slot["date"] == "2027-06-11"])
    assert {tuple(found) for found in friday.values()} <= {(), ("alcohol_not_allowed",)}
    return {hour[:2] for hour, found in friday.items() if found}


def test_cart_holds_alcohol_then_windows_outside_its_hours_say_so(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, sells_alcohol=True)

    def but(*allowed: int) -> set[str]:
        return {f"{hour:02}" for hour in range(24)} - {f"{hour:02}" for hour in allowed}

    for name in WITH_CART:
        assert alcohol_reasons(shop, name) == but(*range(8, 21))
    assert alcohol_reasons(shop, alcohol_from_hour=9, alcohol_until_hour=12) == but(9, 10)
    assert alcohol_reasons(shop, alcohol_from_hour=0, alcohol_until_hour=24) == set()
    assert alcohol_reasons(shop, alcohol_from_hour=20, alcohol_until_hour=24) == but(20, 21, 22)
    assert alcohol_reasons(shop, alcohol_from_hour=20, alcohol_until_hour=2) == but(20, 21, 22, 23, 0)
    assert alcohol_reasons(shop, alcohol_from_hour=12, alcohol_until_hour=12) == but()
    assert {tuple(found) for found in reasons(listed(shop, "pickup", shop.user())).values()} == {()}


def test_window_is_full_and_alcohol_is_not_allowed_then_both_are_said(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=0), sells_alcohol=True)
    set_rules(shop, alcohol_until_hour=9)
    slot = listed(shop, "cart", shop.user(), items=[line("wine")])[0]
    assert slot["availability"] == {"available": False, "reasons": ["no_capacity", "alcohol_not_allowed"]}


@pytest.mark.parametrize(("north", "is_far"), [(1, False), (15.2, False), (15.5, True), (30.5, True)])
def test_store_is_30_to_60_minutes_away_then_the_flag_says_so(shop: Shop, north: float, is_far: bool) -> None:
    stock(shop, north=north, delivers_long_distance=True)
    point = {"latitude": 41.8781, "longitude": -87.6298}
    user = shop.user()
    for name in ("delivery", "cart", "last mile"):
        slot = listed(shop, name, user, address={**ADDRESS, **point})[0]
        assert slot["flags"] == {"long_distance_delivery": is_far}
    assert "flags" not in listed(shop, "pickup", user)[0]


def test_no_store_serves_a_postal_code_then_the_preview_is_empty(shop: Shop) -> None:
    stock(shop, point=Point(21.3, -157.86), time_zone="Pacific/Honolulu")
    for name in ("preview delivery", "preview lastmile"):
        assert ask(shop, name).json() == {"service_options": []}
    assert listed(shop, "preview lastmile", location_code="s", postal_code="60601")
    shop.server.sql("UPDATE retailers SET serves_everywhere = $1 WHERE slug = $2", True, shop.slug)
    assert listed(shop, "preview delivery")[0]["window"]["start_at"].endswith("-10:00")


def test_several_stores_serve_a_postal_code_then_the_nearest_is_previewed(shop: Shop) -> None:
    stock(shop, code="far", north=9)
    stock(shop, code="s", north=1)
    set_plan(shop, Plan(capacity=0), "far")
    assert listed(shop, "preview delivery")[0]["availability"]["available"] is True
