"""Lists of slots with wishes: desired windows, an earliest start, deliveries within the hour."""

import json
from base64 import b64decode
from typing import Any

import pytest

from handcart.core import clock
from handcart.retailers.models import Caller
from handcart.slots import ops, plans
from handcart.slots.plans import Plan
from handcart.stores.models import PICKUP
from tests.slots.lists import NOW, spans, window
from tests.support.shop import Shop, error
from tests.support.slots import (
    LISTS,
    ask,
    listed,
    moment,
    reserve,
    set_rules,
    stock,
    wire_time,
)

OFFER_PRIORITY = tuple(name for name in LISTS if name != "pickup")


TAKE_DESIRED = ("preview delivery", "delivery", "cart")


TAKE_EARLIEST = ("preview last mile", "preview lastmile", "last mile")


@pytest.mark.parametrize("name", TAKE_DESIRED)
def test_windows_are_desired_then_these_are_listed_with_references(shop: Shop, at: Any, name: str) -> None:
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
def test_desired_window_is_short_long_or_off_the_hour_then_it_is_refused(
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
def test_time_cannot_be_read_then_its_field_is_named(shop: Shop, text: str) -> None:
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
    """The slots before the scheduled ones."""
    return [span for span in spans(listed(shop, name, shop.user(), **changes)) if span[0] != "scheduled"]


@pytest.mark.parametrize("name", LISTS)
def test_etas_asked_for_then_only_retailers_that_offer_them_answer_them(shop: Shop, at: Any, name: str) -> None:
    at(NOW)
    stock(shop)
    both = {"with_eta_options": True, "with_priority_eta_options": True}
    assert soon(shop, name, **both) == []
    set_rules(shop, offers_eta=True, offers_immediate=True)
    priority, eta = ("priority_eta", "10:10", "11:10"), ("eta", "10:10", "12:40")
    assert soon(shop, name, **both) == ([priority, eta] if name in OFFER_PRIORITY else [eta])
    assert soon(shop, name, with_eta_options=True) == [eta]
    immediate = [("immediate", "10:10", "12:10"), ("immediate", "10:10", "15:10")]
    assert soon(shop, name) == immediate
    expected = [priority] if name in OFFER_PRIORITY else immediate
    assert soon(shop, name, with_priority_eta_options=True) == expected
    # the places that an ETA takes are those of the two hours around its end
    option_id = listed(shop, name, shop.user(), with_eta_options=True)[0]["id"]
    assert reserve(shop, shop.user(), option_id).status_code == 200
    rows = shop.server.sql("SELECT starts_at FROM slot_ledger WHERE retailer_id = $1", shop.retailer.id)
    assert clock.to_wire(rows[0]["starts_at"]) == "2027-06-10T16:00:00Z"


def test_slots_begin_with_the_order_then_none_begins_before_now(shop: Shop, at: Any) -> None:
    stock(shop)
    set_rules(shop, offers_eta=True)
    for now, begins in (("10:04:59", "10:05"), ("10:05:01", "10:10"), ("10:09:59", "10:10")):
        at(f"2027-06-10T{now}-05:00")
        slots = listed(shop, "preview pickup", with_eta_options=True)
        assert moment(slots[0]["window"]["start_at"]) == moment(f"2027-06-10T{begins}-05:00")
    user = shop.user()
    hold = reserve(shop, user, slots[0]["id"]).json()["service_option_hold"]["id"]
    at("2027-06-10T10:17:00-05:00")
    retailer = shop.retailer
    caller = Caller(shop.client.client_id, retailer.organization_id, retailer.id, retailer.isolation_id, (), None)
    slot = shop.server.read(ops.held_slot, caller, user, hold)
    window = shop.server.write(ops.claim, caller, user, hold, slot).window
    assert window.starts_at == moment("2027-06-10T10:20-05:00")
    assert window.ends_at == slot.window.ends_at == moment("2027-06-10T12:40-05:00")


def lengths(shop: Shop) -> dict[str, float]:
    """By type, how many minutes an ETA lies behind the moment of its list."""
    slots = listed(shop, "preview pickup", with_eta_options=True, with_priority_eta_options=True)
    windows = [slot["window"] for slot in slots if slot["window"]["type"] != "scheduled"]
    return {one["type"]: (moment(one["end_at"]) - moment(one["start_at"])) / clock.MINUTE for one in windows}


def test_early_hours_are_full_then_etas_move_within_the_documented_bounds(shop: Shop, at: Any) -> None:
    """Priority: 45 minutes to 5 hours after the order, and 30 minutes before the standard one, which is 2 to 5.

    The order may come 15 minutes after the list.
    """
    at("2027-06-10T09:56:00-05:00")
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


def test_no_eta_possible_then_scheduled_slots_begin_with_the_next_hour(shop: Shop, at: Any) -> None:
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
    assert spans(slots)[:2] == [("eta", "10:10", "12:40"), ("scheduled", "12:00", "14:00")]


def test_day_ends_the_horizon_then_no_eta_lies_after_it(shop: Shop, at: Any) -> None:
    at("2027-06-10T22:46:00-05:00")
    stock(shop, Plan(horizon_days=1))
    set_rules(shop, offers_eta=True)
    slots = listed(shop, "preview pickup", with_eta_options=True, with_priority_eta_options=True)
    assert spans(slots) == [("priority_eta", "22:50", "23:50")]
    assert reserve(shop, shop.user(), slots[0]["id"]).status_code == 200


def test_handoff_times_are_asked_for_then_etas_of_last_mile_say_them(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop)
    set_rules(shop, offers_eta=True)
    wanted = {"with_eta_options": True, "with_priority_eta_options": True, "with_handoff_time": True}
    slots = listed(shop, "last mile", shop.user(), **wanted)
    assert [slot.get("handoff_at") for slot in slots[:3]] == [
        wire_time("2027-06-10T10:40-05:00"),
        wire_time("2027-06-10T12:10-05:00"),
        None,
    ]
    slots = listed(shop, "last mile", shop.user(), **{**wanted, "with_handoff_time": False})
    assert not any("handoff_at" in slot for slot in slots)


@pytest.mark.parametrize("name", TAKE_EARLIEST)
def test_earliest_start_set_then_nothing_begins_before_it(shop: Shop, at: Any, name: str) -> None:
    at(NOW)
    stock(shop)
    set_rules(shop, offers_immediate=True)
    user = shop.user()
    for earliest, begin in (
        ("2027-06-10T09:00:00-05:00", "10:10"),
        ("2027-06-10T10:25:00-05:00", "10:10"),  # what begins with the order is listed for a quarter of an hour
        ("2027-06-10T10:25:01-05:00", "12:00"),
        ("2027-06-10T20:00:00-05:00", "20:00"),
        ("2027-06-11T01:00:01Z", "21:00"),
    ):
        assert spans(listed(shop, name, user, earliest_option_start_at=earliest))[0][1] == begin
    assert listed(shop, name, user, earliest_option_start_at="2027-07-11T00:00:00Z") == []
