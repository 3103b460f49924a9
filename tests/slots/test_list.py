"""Previews and lists of slots, over HTTP, on both stores of data."""

import json
from base64 import b64decode
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.db_postgres import PostgresTx
from handcart.core.db_sqlite import SqliteTx
from handcart.slots import plans
from handcart.slots.plans import EVERY_STORE, WHOLE_DAY, Plan
from handcart.stores.models import DELIVERY, PICKUP, Point
from tests.support.contents import nothing_written
from tests.support.shop import Shop, error
from tests.support.slots import (
    ADDRESS,
    BASE,
    CART,
    LISTS,
    ask,
    first,
    line,
    listed,
    moment,
    reserve,
    set_plan,
    set_rules,
    stock,
    wire_time,
)

NOW = "2027-06-10T10:07:30-05:00"  # a Thursday
WITH_CART = ("delivery", "cart", "pickup")
FOR_AN_ADDRESS = ("preview delivery", "delivery", "cart", "last mile")
OF_USERS = ("delivery", "cart", "pickup", "last mile")
OFFER_PRIORITY = tuple(name for name in LISTS if name != "pickup")
TAKE_DESIRED = ("preview delivery", "delivery", "cart")
TAKE_EARLIEST = ("preview last mile", "preview lastmile", "last mile")


def spans(slots: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Type, start and end of slots, as hours and minutes."""
    return [
        (slot["window"]["type"], slot["window"]["start_at"][11:16], slot["window"]["end_at"][11:16]) for slot in slots
    ]


def reasons(slots: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The reasons by the start of the day's slots."""
    return {slot["window"]["start_at"][11:16]: slot["availability"]["reasons"] for slot in slots}


@pytest.mark.parametrize("name", LISTS)
def test_when_slots_are_listed_then_they_have_the_documented_shape(shop: Shop, at: Any, name: str) -> None:
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
def test_when_slots_are_listed_then_nothing_is_written_or_locked_and_again_they_are_the_same(
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


def test_when_the_same_window_is_listed_by_kind_store_or_retailer_then_each_has_its_own_id(shop: Shop, at: Any) -> None:
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


def test_when_a_window_is_full_then_it_is_still_listed_and_says_why(shop: Shop, at: Any) -> None:
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


def test_when_a_user_holds_the_last_place_then_it_is_there_for_this_user_alone(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    holder = shop.user()
    assert reserve(shop, holder, first(shop)).status_code == 200
    assert listed(shop, "pickup", holder)[0]["availability"] == {"available": True, "reasons": []}
    assert reserve(shop, holder, first(shop)).status_code == 200
    for name, user in (("pickup", shop.user()), ("preview pickup", "")):
        assert listed(shop, name, user)[0]["availability"]["available"] is False


def test_when_a_plan_rules_windows_out_then_the_list_says_so(shop: Shop, at: Any) -> None:
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
def test_when_the_cutoff_has_passed_then_windows_of_the_same_day_say_so(
    shop: Shop, at: Any, now: str, is_passed: bool
) -> None:
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
def test_when_clocks_change_then_each_hour_is_listed_once_on_the_stores_clock(
    shop: Shop, at: Any, time_zone: str, now: str, begins: list[str]
) -> None:
    at(now)
    stock(shop, Plan(lead_minutes=0, capacity=1), time_zone=time_zone)
    set_rules(shop, alcohol_from_hour=0, alcohol_until_hour=24)
    slots = listed(shop, "delivery", shop.user())
    assert [slot["window"]["start_at"][11:] for slot in slots[:3]] == begins
    instants = [datetime.fromisoformat(slot["window"]["start_at"]).timestamp() for slot in slots]
    assert {later - former for former, later in pairwise(instants)} == {3600}
    # each has places of its own
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


def test_when_a_cart_holds_alcohol_then_windows_outside_its_hours_say_so(shop: Shop, at: Any) -> None:
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


def test_when_a_window_is_full_and_alcohol_is_not_allowed_then_both_are_said(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=0), sells_alcohol=True)
    set_rules(shop, alcohol_until_hour=9)
    slot = listed(shop, "cart", shop.user(), items=[line("wine")])[0]
    assert slot["availability"] == {"available": False, "reasons": ["no_capacity", "alcohol_not_allowed"]}


def window(begin: str, end: str) -> dict[str, str]:
    return {"starts_at": begin, "ends_at": end}


@pytest.mark.parametrize("name", TAKE_DESIRED)
def test_when_windows_are_desired_then_these_are_listed_with_references(shop: Shop, at: Any, name: str) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1, horizon_days=2))
    desired = [
        window("2027-06-10T20:00:00-05:00", "2027-06-10T21:00:00-05:00"),
        window("2027-06-10T17:00:00+00:00", "2027-06-11T00:00:00-05:00"),
        window("2027-06-10T11:00:00-05:00", "2027-06-10T12:00:00-05:00"),
        window("2027-06-12T00:00:00-05:00", "2027-06-12T02:00:00-05:00"),
        window("2020-06-12T00:00:00-05:00", "2020-06-12T02:00:00-05:00"),
    ]
    user = shop.user()
    slots = listed(shop, name, user, desired_windows=desired, with_eta_options=True)
    assert spans(slots) == [
        ("scheduled", "20:00", "21:00"),
        ("scheduled", "12:00", "00:00"),
        ("scheduled", "11:00", "12:00"),
        ("scheduled", "00:00", "02:00"),
        ("scheduled", "00:00", "02:00"),
    ]
    assert [slot["availability"]["reasons"] for slot in slots] == [
        [],
        [],
        ["too_soon"],
        ["too_far_ahead"],
        ["too_soon"],
    ]
    for slot in slots:
        reference = json.loads(b64decode(slot["service_option_reference"]))
        assert reference == {
            "id": slot["id"],
            "hold_id": None,
            "starts_at": slot["window"]["start_at"],
            "ends_at": slot["window"]["end_at"],
        }
    # a desired window draws on the places of the two hours that begin with it
    assert reserve(shop, shop.user(), slots[0]["id"]).status_code == 200
    assert listed(shop, name, user, desired_windows=desired)[0]["availability"]["reasons"] == ["no_capacity"]
    eight = next(slot for slot in listed(shop, name, user) if slot["window"]["start_at"][11:13] == "20")
    assert (eight["availability"]["available"], "service_option_reference" in eight) == (False, False)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2027-06-10T20:00:00-05:00", "2027-06-10T20:59:00-05:00"),
        ("2027-06-10T20:00:00-05:00", "2027-06-10T20:00:00-05:00"),
        ("2027-06-10T20:00:00-05:00", "2027-06-10T19:00:00-05:00"),
        ("2027-06-10T20:30:00-05:00", "2027-06-10T21:30:00-05:00"),
        ("2027-06-10T20:00:00-05:00", "2027-06-10T21:30:00-05:00"),
        ("2027-06-10T20:00:01-05:00", "2027-06-10T21:00:01-05:00"),
        ("2027-06-10T20:00:00-05:30", "2027-06-10T22:00:00-05:30"),
        ("2027-06-10T20:00:00-05:00", "2027-06-11T09:00:00-05:00"),
    ],
)
def test_when_a_desired_window_is_short_long_or_off_the_hour_then_it_is_refused(
    shop: Shop, at: Any, begin: str, end: str
) -> None:
    at(NOW)
    stock(shop)
    good = window("2027-06-10T20:00:00-05:00", "2027-06-10T21:00:00-05:00")
    for name in TAKE_DESIRED:
        refused = ask(shop, name, shop.user(), desired_windows=[good, window(begin, end)])
        assert error(refused) == (400, "is invalid", 1001, "desired_windows")


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2027-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]
)
def test_when_a_time_cannot_be_read_then_its_field_is_named(shop: Shop, text: str) -> None:
    stock(shop)
    for key, wish in (
        ("starts_at", window(text, "2027-06-10T21:00:00-05:00")),
        ("ends_at", window("2027-06-10T21:00:00-05:00", text)),
    ):
        refused = ask(shop, "preview delivery", desired_windows=[wish])
        assert error(refused) == (400, "is invalid", 1001, f"desired_windows[0].{key}")
    for name in TAKE_EARLIEST:
        refused = ask(shop, name, shop.user(), earliest_option_start_at=text)
        assert error(refused) == (400, "is invalid", 1001, "earliest_option_start_at")


def soon(shop: Shop, name: str = "preview last mile", **changes: Any) -> list[tuple[str, str, str]]:
    """What comes before the scheduled slots."""
    return [span for span in spans(listed(shop, name, shop.user(), **changes)) if span[0] != "scheduled"]


@pytest.mark.parametrize("name", LISTS)
def test_when_etas_are_asked_for_then_only_retailers_that_offer_them_answer_them(
    shop: Shop, at: Any, name: str
) -> None:
    at(NOW)
    stock(shop)
    both = {"with_eta_options": True, "with_priority_eta_options": True}
    assert soon(shop, name, **both) == []
    set_rules(shop, offers_eta=True, offers_immediate=True)
    priority, eta = ("priority_eta", "10:05", "11:05"), ("eta", "10:05", "12:35")
    assert soon(shop, name, **both) == ([priority, eta] if name in OFFER_PRIORITY else [eta])
    assert soon(shop, name, with_eta_options=True) == [eta]
    immediate = [("immediate", "10:05", "12:05"), ("immediate", "10:05", "15:05")]
    assert soon(shop, name) == immediate
    expected = [priority] if name in OFFER_PRIORITY else immediate
    assert soon(shop, name, with_priority_eta_options=True) == expected
    # the places that an ETA takes are those of the two hours around its end
    option_id = listed(shop, name, shop.user(), with_eta_options=True)[0]["id"]
    assert reserve(shop, shop.user(), option_id).status_code == 200
    rows = shop.server.sql("SELECT starts_at FROM slot_ledger WHERE retailer_id = $1", shop.retailer.id)
    assert clock.to_wire(rows[0]["starts_at"]) == "2027-06-10T16:00:00Z"


def lengths(shop: Shop) -> dict[str, float]:
    """By type, how many minutes an ETA lies behind the moment of its list."""
    slots = listed(shop, "preview pickup", with_eta_options=True, with_priority_eta_options=True)
    windows = [slot["window"] for slot in slots if slot["window"]["type"] != "scheduled"]
    return {one["type"]: (moment(one["end_at"]) - moment(one["start_at"])) / clock.MINUTE for one in windows}


def test_when_early_hours_are_full_then_etas_move_within_the_documented_bounds(shop: Shop, at: Any) -> None:
    """Priority: 45 minutes to 5 hours after the order, and 30 minutes before the standard one, which is 2 to 5.

    The order may come 15 minutes after the list.
    """
    at("2027-06-10T10:04:00-05:00")
    stock(shop)
    set_rules(shop, offers_eta=True)
    seen: dict[int, set[str]] = {}
    for full_until in range(9, 15):
        shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", range(9, full_until), 0)
        found = lengths(shop)
        seen[full_until] = set(found)
        assert 45 + 15 <= found.get("priority_eta", 60) <= 300
        assert 120 + 15 <= found.get("eta", 180) <= 300
        assert found.get("eta", 300) - found.get("priority_eta", 0) >= 30
    both = {"priority_eta", "eta"}
    assert seen == {9: both, 10: both, 11: both, 12: both, 13: both, 14: set()}


def test_when_no_eta_can_be_had_then_scheduled_slots_begin_with_the_next_hour(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    set_rules(shop, offers_eta=True)
    for hour in range(9, 16):
        shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [hour], 0)
    assert spans(listed(shop, "preview pickup"))[0] == ("scheduled", "12:00", "14:00")
    slots = listed(shop, "preview pickup", with_eta_options=True)
    assert spans(slots)[0] == ("scheduled", "11:00", "13:00")
    shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [11], 1)
    slots = listed(shop, "preview pickup", with_eta_options=True)
    assert spans(slots)[:2] == [("eta", "10:05", "12:35"), ("scheduled", "12:00", "14:00")]


def test_when_the_day_ends_the_horizon_then_no_eta_lies_behind_it(shop: Shop, at: Any) -> None:
    at("2027-06-10T22:50:00-05:00")
    stock(shop, Plan(horizon_days=1))
    set_rules(shop, offers_eta=True)
    slots = listed(shop, "preview pickup", with_eta_options=True, with_priority_eta_options=True)
    assert spans(slots) == [("priority_eta", "22:50", "23:50")]
    assert reserve(shop, shop.user(), slots[0]["id"]).status_code == 200


def test_when_handoff_times_are_asked_for_then_etas_of_last_mile_say_them(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop)
    set_rules(shop, offers_eta=True)
    wanted = {"with_eta_options": True, "with_priority_eta_options": True, "with_handoff_time": True}
    slots = listed(shop, "last mile", shop.user(), **wanted)
    assert [slot.get("handoff_at") for slot in slots[:3]] == [
        wire_time("2027-06-10T10:35-05:00"),
        wire_time("2027-06-10T12:05-05:00"),
        None,
    ]
    slots = listed(shop, "last mile", shop.user(), **{**wanted, "with_handoff_time": False})
    assert not any("handoff_at" in slot for slot in slots)


@pytest.mark.parametrize("name", TAKE_EARLIEST)
def test_when_an_earliest_start_is_given_then_nothing_begins_before_it(shop: Shop, at: Any, name: str) -> None:
    at(NOW)
    stock(shop)
    set_rules(shop, offers_immediate=True)
    user = shop.user()
    for earliest, begin in (
        ("2027-06-10T09:00:00-05:00", "10:05"),
        ("2027-06-10T20:00:00-05:00", "20:00"),
        ("2027-06-11T01:00:01Z", "21:00"),
    ):
        assert spans(listed(shop, name, user, earliest_option_start_at=earliest))[0][1] == begin
    assert listed(shop, name, user, earliest_option_start_at="2027-07-11T00:00:00Z") == []


@pytest.mark.parametrize(("north", "is_far"), [(1, False), (15.2, False), (15.5, True), (30.5, True)])
def test_when_the_store_is_30_to_60_minutes_away_then_the_flag_says_so(shop: Shop, north: float, is_far: bool) -> None:
    stock(shop, north=north, delivers_long_distance=True)
    point = {"latitude": 41.8781, "longitude": -87.6298}
    user = shop.user()
    for name in ("delivery", "cart", "last mile"):
        slot = listed(shop, name, user, address={**ADDRESS, **point})[0]
        assert slot["flags"] == {"long_distance_delivery": is_far}
    assert "flags" not in listed(shop, "pickup", user)[0]


def test_when_no_store_serves_a_postal_code_then_the_preview_is_empty(shop: Shop) -> None:
    stock(shop, point=Point(21.3, -157.86), time_zone="Pacific/Honolulu")
    for name in ("preview delivery", "preview lastmile"):
        assert ask(shop, name).json() == {"service_options": []}
    assert listed(shop, "preview lastmile", location_code="s", postal_code="60601")
    shop.server.sql("UPDATE retailers SET serves_everywhere = $1 WHERE slug = $2", True, shop.slug)
    assert listed(shop, "preview delivery")[0]["window"]["start_at"].endswith("-10:00")


def test_when_several_stores_serve_a_postal_code_then_the_nearest_is_previewed(shop: Shop) -> None:
    stock(shop, code="far", north=9)
    stock(shop, code="s", north=1)
    set_plan(shop, Plan(capacity=0), "far")
    assert listed(shop, "preview delivery")[0]["availability"]["available"] is True


WRONG_FIELDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("preview delivery", {"postal_code": None}, "can't be blank", "postal_code"),
    ("preview delivery", {"postal_code": ""}, "can't be blank", "postal_code"),
    ("preview delivery", {"postal_code": "00000"}, "is invalid", "postal_code"),
    ("preview delivery", {"postal_code": "6060"}, "is invalid", "postal_code"),
    ("preview delivery", {"items_count": -1}, "is invalid", "items_count"),
    ("preview delivery", {"items_count": 1.5}, "is invalid", "items_count"),
    ("preview delivery", {"cart_total_cents": 2**53}, "is invalid", "cart_total_cents"),
    ("preview delivery", {"with_eta_options": "yes"}, "is invalid", "with_eta_options"),
    ("preview delivery", {"desired_windows": {}}, "is invalid", "desired_windows"),
    ("preview delivery", {"desired_windows": [window(NOW, NOW)] * 101}, "is invalid", "desired_windows"),
    ("preview pickup", {"location_code": None}, "can't be blank", "location_code"),
    ("preview pickup", {"location_code": "gone"}, "is invalid", "location_code"),
    ("preview last mile", {"location_code": None}, "can't be blank", "location_code"),
    ("preview last mile", {"location_code": "gone", "postal_code": "60601"}, "is invalid", "location_code"),
    ("preview lastmile", {"postal_code": None}, "can't be blank", "location_code"),
    ("preview lastmile", {"postal_code": "00000"}, "is invalid", "postal_code"),
    ("delivery", {"location_code": None}, "can't be blank", "location_code"),
    ("delivery", {"location_code": "gone"}, "is invalid", "location_code"),
    ("delivery", {"address": None}, "can't be blank", "address"),
    ("delivery", {"address": {"address_line_1": "1 State St"}}, "can't be blank", "address.postal_code"),
    ("delivery", {"address": {**ADDRESS, "postal_code": "00000"}}, "is invalid", "address.postal_code"),
    ("delivery", {"address": {**ADDRESS, "postal_code": "99501"}}, "is invalid", "address"),
    ("cart", {"items": None}, "can't be blank", "items"),
    ("cart", {"items": []}, "can't be blank", "items"),
    ("cart", {"items": [line("milk")] * 1001}, "is invalid", "items"),
    ("pickup", {"items": [{"item": {"rrc": "milk"}, "count": 1}]}, "can't be blank", "items[0].line_num"),
    ("pickup", {"items": [{"line_num": 1, "item": {"rrc": "milk"}}]}, "is invalid", "items[0].line_num"),
    ("pickup", {"items": [{"line_num": "1", "count": 1}]}, "can't be blank", "items[0].item"),
    ("pickup", {"items": [{"line_num": "1", "count": 1, "item": {}}]}, "can't be blank", "items[0].item"),
    ("pickup", {"items": [line("milk", -1)]}, "is invalid", "items[0].count"),
    ("pickup", {"items": [line("milk", 2**63)]}, "is invalid", "items[0].count"),
    ("pickup", {"items": [{**line("milk"), "count": 1.5}]}, "is invalid", "items[0].count"),
    ("pickup", {"items": [line("ham", None, weight=-1)]}, "is invalid", "items[0].weight"),
    ("pickup", {"items": [line("milk", replacement_policy="all")]}, "is invalid", "items[0].replacement_policy"),
    ("last mile", {"cart_total_cents": None}, "can't be blank", "cart_total_cents"),
    ("last mile", {"items_count": None}, "can't be blank", "items_count"),
    ("last mile", {"units_count": -0.5}, "is invalid", "units_count"),
]


def test_when_a_field_is_missing_or_wrong_then_it_is_named(shop: Shop) -> None:
    stock(shop)
    shop.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, shop.slug)
    user = shop.user()
    answers = [error(ask(shop, name, user, **changes)) for name, changes, _, _ in WRONG_FIELDS]
    assert answers == [(400, message, 1001, key) for _, _, message, key in WRONG_FIELDS]


@pytest.mark.parametrize("name", OF_USERS)
def test_when_the_user_is_not_there_then_lists_say_so(shop: Shop, name: str) -> None:
    stock(shop)
    assert error(ask(shop, name, "nobody")) == (400, "User Not Found", 1001, "user_id")
    gone = shop.user()
    shop.server.sql("UPDATE retailers SET allows_user_deletion = $1 WHERE slug = $2", True, shop.slug)
    shop.post(f"{BASE}/users/{gone}/privacy_request").raise_for_status()
    assert error(ask(shop, name, gone)) == (403, "User Not Active", None, None)


def test_when_a_store_does_not_take_the_kind_then_its_code_is_invalid(shop: Shop) -> None:
    stock(shop, takes_delivery=False, takes_pickup=False, takes_last_mile=False)
    for name in ("preview pickup", "preview last mile", *OF_USERS):
        assert error(ask(shop, name, shop.user())) == (400, "is invalid", 1001, "location_code")


def refusals(shop: Shop, name: str, user: str, *items: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """Messages and line numbers of what is wrong with a cart."""
    response = ask(shop, name, user, items=items)
    if response.status_code == 200:
        return []
    assert response.status_code == 400
    body = response.json()
    several = body["error"].get("errors")
    assert (several is None) is (body["error"]["code"] != 9999)
    found = []
    for one in several or [body]:
        assert (one["error"]["code"], one["meta"]["key"]) == (2000, "items")
        found.append((one["error"]["message"], one["meta"].get("line_nums")))
    return found


UNITS = "Maximum total quantity of items exceeded"
BEVERAGES = "Maximum total weight of beverage items exceeded"
BULKY = "Maximum quantity of large or bulky items exceeded"
INVALID = "Invalid items"
DUPLICATE = "Duplicate items were provided"


BIG_CARTS: list[tuple[list[dict[str, Any]], list[Any]]] = [
    ([line("milk", 250)], []),
    ([line("milk", 200), line("eggs", 50)], []),
    ([line("milk", 200), line("eggs", 51)], [(UNITS, None)]),
    ([line("milk", 250), line("ham", None, weight=300)], []),
    ([line("water", 9)], []),
    ([line("water", 10)], [(BEVERAGES, None)]),
    ([line("chair", 10)], []),
    ([line("chair", 11)], [(BULKY, None)]),
    ([line("milk", 240), line("water", 10), line("chair", 11)], [(UNITS, None), (BEVERAGES, None), (BULKY, None)]),
]


def test_when_a_delivery_is_over_its_limits_then_each_is_named_and_pickup_has_none(shop: Shop) -> None:
    stock(shop)
    user = shop.user()
    for items, found in BIG_CARTS:
        assert [refusals(shop, name, user, *items) for name in WITH_CART] == [found, found, []]
    set_rules(shop, most_units=3, most_beverage_pounds=26, most_bulky_items=0)
    over = (line("milk", 2), line("water", 2), line("chair", 1))
    assert [message for message, _ in refusals(shop, "delivery", user, *over)] == [UNITS, BEVERAGES, BULKY]


WRONG_ITEMS: list[tuple[list[dict[str, Any]], list[Any], list[Any]]] = [  # the lines; what a strict, a lenient one says
    ([line("milk"), line("caviar")], [(INVALID, ["caviar"])], []),
    ([line("milk", None)], [(INVALID, ["milk"])], [(INVALID, ["milk"])]),
    ([line("milk", 0), line("ham", 2)], [(INVALID, ["milk", "ham"])], [(INVALID, ["milk", "ham"])]),
    ([line("ham", None, weight=0.0)], [(INVALID, ["ham"])], [(INVALID, ["ham"])]),
    ([line("caviar", None)], [(INVALID, ["caviar"])], [(INVALID, ["caviar"])]),
    (
        [line("milk"), line("eggs", line_num="milk")],
        [(DUPLICATE, ["milk"])],
        [(DUPLICATE, ["milk"])],
    ),
    (
        [line("milk"), {"line_num": "2", "count": 1, "item": {"upc": "0400000000015"}}],
        [(DUPLICATE, ["2"])],
        [(DUPLICATE, ["2"])],
    ),
    (
        [line("caviar"), line("caviar", line_num="2")],
        [(DUPLICATE, ["2"]), (INVALID, ["caviar", "2"])],
        [(DUPLICATE, ["2"])],
    ),
    ([line("milk"), line("Milk")], [(INVALID, ["Milk"])], []),
]


@pytest.mark.parametrize("name", WITH_CART)
def test_when_items_are_wrong_then_their_lines_are_named_unless_the_retailer_is_lenient(shop: Shop, name: str) -> None:
    stock(shop)
    user = shop.user()
    assert [refusals(shop, name, user, *items) for items, _, _ in WRONG_ITEMS] == [one for _, one, _ in WRONG_ITEMS]
    shop.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, shop.slug)
    assert [refusals(shop, name, user, *items) for items, _, _ in WRONG_ITEMS] == [one for _, _, one in WRONG_ITEMS]


def test_when_a_lenient_retailer_gets_unknown_items_then_a_warning_names_them(shop: Shop) -> None:
    stock(shop)
    shop.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, shop.slug)
    items = [line("milk"), line("caviar"), {"line_num": "9", "weight": 1.5, "item": {"upc": "123"}}]
    for name in WITH_CART:
        assert ask(shop, name, shop.user(), items=items).json()["warnings"] == [
            {
                "error": {"message": INVALID, "code": 2000},
                "meta": {"key": "items", "line_nums": ["caviar", "9"]},
            }
        ]
        assert "warnings" not in ask(shop, name, shop.user(), **CART).json()


def test_when_the_store_sells_no_alcohol_then_its_lines_are_not_deliverable(shop: Shop) -> None:
    stock(shop)
    for name in WITH_CART:
        assert refusals(shop, name, shop.user(), line("milk"), line("wine")) == [
            ("Some items are not deliverable", ["wine"])
        ]
