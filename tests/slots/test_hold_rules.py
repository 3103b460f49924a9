"""Which slots a user can hold: the rules of lists also apply to holds."""

from typing import Any

import pytest

from handcart.core import clock
from handcart.slots import ops, plans, rules
from handcart.slots.models import ETA, IMMEDIATE, PRIORITY_ETA, SCHEDULED
from handcart.slots.plans import EVERY_STORE, WHOLE_DAY, Plan
from handcart.stores.models import DELIVERY, PICKUP
from tests.slots.holding import EXPIRED, FULL, MALFORMED, caller, holds, refer, reserve_cart
from tests.slots.lists import NOW
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error
from tests.support.slots import (
    counters,
    first,
    line,
    listed,
    moment,
    reserve,
    set_plan,
    set_rules,
    slot_id,
    stock,
    taken_places,
)


def test_ids_are_malformed_then_the_parameter_is_named(shop: Shop) -> None:
    stock(shop)
    user = shop.user()
    for text in (
        "-1",
        "1e3",
        "1.0",
        "+1",
        "0x10",
        "abc",
        "%20",
        "1%20",
        "١٢٣",
        "9" * 17,
        str(2**63),
        "9" * 400,
        "null",
    ):
        assert error(reserve(shop, user, text)) == MALFORMED, text
    for number in (0, 1, 12345, 2**53 - 1, 2**53, 10**16 - 1, "0000000000000001"):
        assert error(reserve(shop, user, number)) == FULL, number
    assert counters(shop) == []


def test_id_was_never_listed_then_every_rule_of_the_lists_is_against_it(shop: Shop, at: Any) -> None:
    """Ids with a correct tag, which needs the installation's key. Each breaks one rule of the lists."""
    at(NOW)
    stock(shop, Plan(lead_minutes=240, horizon_days=3), sells_alcohol=True)
    user = shop.user()

    def refusals(*asked: tuple[str, str, int, dict[str, Any]]) -> list[Any]:
        answers = [
            reserve(shop, user, slot_id(shop.retailer.id, PICKUP, moment(begin), minutes * clock.MINUTE, type_, **more))
            for type_, begin, minutes, more in asked
        ]
        return [answer.status_code if answer.status_code == 200 else error(answer) for answer in answers]

    today = "2027-06-10T"
    anything: dict[str, Any] = {}
    assert refusals(
        (SCHEDULED, f"{today}15:00-05:00", 120, anything),  # nothing is against it
        (SCHEDULED, f"{today}15:00-05:00", 120, {"number": 2}),  # no such store
        (SCHEDULED, f"{today}13:00-05:00", 120, anything),  # within the lead time
        (SCHEDULED, f"{today}13:00-05:00", 120, {"ignores_lead": True}),  # the retailer has no ETAs
        (SCHEDULED, f"{today}10:00-05:00", 120, anything),  # has begun
        (SCHEDULED, "2027-06-13T00:00-05:00", 120, anything),  # behind the horizon
        (SCHEDULED, f"{today}21:00-05:00", 120, {"has_alcohol": True}),  # after the hours of alcohol
        (SCHEDULED, f"{today}19:00-05:00", 120, {"has_alcohol": True}),
        (IMMEDIATE, f"{today}10:05-05:00", 120, anything),  # switched off
        (ETA, f"{today}10:05-05:00", 150, anything),
        (PRIORITY_ETA, f"{today}10:05-05:00", 60, anything),
    ) == [200, FULL, FULL, FULL, EXPIRED, FULL, FULL, 200, FULL, FULL, FULL]
    set_rules(shop, offers_eta=True, offers_immediate=True)
    assert refusals(
        (SCHEDULED, f"{today}13:00-05:00", 120, anything),  # within the lead time, whatever else the retailer offers
        (SCHEDULED, f"{today}13:00-05:00", 120, {"ignores_lead": True}),
        (IMMEDIATE, f"{today}10:05-05:00", 120, anything),
        (IMMEDIATE, f"{today}09:50-05:00", 120, anything),  # listed too long ago
        (IMMEDIATE, f"{today}11:05-05:00", 120, anything),  # begins later than now
        (ETA, f"{today}10:05-05:00", 150, anything),
        (PRIORITY_ETA, f"{today}10:05-05:00", 60, anything),
        (PRIORITY_ETA, f"{today}10:05-05:00", 60, {"has_alcohol": True}),
    ) == [FULL, 200, 200, EXPIRED, FULL, 200, 200, 200]
    shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [10], 0)
    assert refusals((PRIORITY_ETA, f"{today}10:05-05:00", 60, anything)) == [FULL]  # not free so early
    set_plan(shop, Plan(cutoff_hour=9))
    assert refusals((SCHEDULED, f"{today}15:00-05:00", 120, anything)) == [FULL]


@pytest.mark.parametrize(
    ("kind", "type_", "minutes"),
    [
        (PICKUP, SCHEDULED, 60),  # only lists of deliveries take desired windows
        (DELIVERY, SCHEDULED, 13 * 60),
        (DELIVERY, SCHEDULED, 90),
        (DELIVERY, IMMEDIATE, 5),
        (DELIVERY, IMMEDIATE, 180),
        (DELIVERY, ETA, 10),
        (DELIVERY, ETA, 135),
        (DELIVERY, ETA, 315),
        (DELIVERY, PRIORITY_ETA, 10),
        (DELIVERY, PRIORITY_ETA, 45),
    ],
)
def test_no_list_has_windows_of_that_length_then_no_id_stands_for_one(kind: str, type_: str, minutes: int) -> None:
    with pytest.raises(KeyError):
        slot_id(1, kind, moment(NOW), minutes * clock.MINUTE, type_)


def test_list_for_alcohol_then_its_slots_are_reserved_by_the_same_rules(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, sells_alcohol=True)
    user = shop.user()
    desired = [{"starts_at": "2027-06-10T20:00:00-05:00", "ends_at": "2027-06-10T23:00:00-05:00"}]
    for wishes in ({}, {"desired_windows": desired}):
        for items, found in (([line("wine")], FULL), ([line("milk")], None)):
            slots = listed(shop, "delivery", user, items=items, **wishes)
            late = next(slot for slot in slots if slot["window"]["end_at"][11:16] == "23:00")
            assert late["availability"]["reasons"] == (["alcohol_not_allowed"] if found else [])
            answers = [reserve(shop, user, late["id"])]
            if wishes:
                answers.append(refer(shop, user, late["service_option_reference"]))
            for answer in answers:
                assert (error(answer) if found else answer.status_code) == (found or 200)
    # A cart that comes along says what is in it now.
    wine, milk = (listed(shop, "delivery", user, items=[line(rrc)])[-1]["id"] for rrc in ("wine", "milk"))
    assert wine != milk
    assert reserve_cart(shop, user, wine).status_code == 200
    assert error(reserve_cart(shop, user, milk, items=[line("wine")])) == FULL


def test_slots_listed_in_place_of_an_eta_then_their_lead_time_is_ignored(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(lead_minutes=90))
    set_rules(shop, offers_eta=True)
    for hour in range(9, 15):
        shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [hour], 0)
    shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [11], 1)
    listed_alone = listed(shop, "preview pickup")[0]
    assert listed_alone["window"]["start_at"][11:16] == "12:00"
    shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [11], 0)
    slots = listed(shop, "preview pickup", with_eta_options=True)
    assert slots[0]["window"]["start_at"][11:16] == "11:00"
    assert listed_alone["id"] == slots[1]["id"]  # behind the lead time, all lists agree
    # By now an ETA could be had; what was listed before may be reserved all the same.
    for hour in range(9, 15):
        shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [hour], 3)
    assert reserve(shop, shop.user(), slots[0]["id"]).status_code == 200
    never_listed = slot_id(shop.retailer.id, PICKUP, moment("2027-06-10T11:00-05:00"))
    assert error(reserve(shop, shop.user(), never_listed)) == FULL


def test_id_of_another_retailer_then_refused(shop: Shop) -> None:
    stranger = Shop(shop.server)
    stock(shop)
    stock(stranger)
    user = shop.user()
    for name in ("preview delivery", "preview pickup", "preview last mile"):
        for slot in listed(stranger, name)[:20]:
            assert error(reserve(shop, user, slot["id"])) == FULL
    assert (taken_places(shop), taken_places(stranger)) == (0, 0)


def test_lead_time_over_then_a_grace_of_fifteen_minutes(shop: Shop, at: Any) -> None:
    """A customer looks at a list for a while: what it offered may be had for 15 more minutes, until it begins."""
    at("2027-06-10T10:59:00-05:00")
    stock(shop)
    option_id = first(shop)
    for now, found in (("11:14:59", 200), ("11:15:01", FULL), ("11:59:59", FULL), ("12:00:01", EXPIRED)):
        at(f"2027-06-10T{now}-05:00")
        answered = reserve(shop, shop.user(), option_id)
        assert (200 if answered.status_code == 200 else error(answered)) == found
    set_rules(shop, offers_eta=True)
    at("2027-06-10T11:59:58-05:00")
    assert error(reserve(shop, shop.user(), option_id)) == FULL
    at("2027-06-10T12:04:00-05:00")
    soon = listed(shop, "preview pickup", with_eta_options=True)[0]
    for now, found in (("12:19:59", 200), ("12:20:01", EXPIRED)):
        at(f"2027-06-10T{now}-05:00")
        answered = reserve(shop, shop.user(), soon["id"])
        assert (200 if answered.status_code == 200 else error(answered)) == found


@on_sqlite
def test_slot_begins_then_it_can_be_held_up_to_that_microsecond(shop: Shop, frozen: list[int]) -> None:
    """A slot that begins with the order can be held a grace period longer."""
    stock(shop, Plan(lead_minutes=0))
    set_rules(shop, offers_immediate=True)
    begun = frozen[0]
    ids = {slot["window"]["type"]: slot["id"] for slot in reversed(listed(shop, "preview pickup"))}
    for type_, grace in ((SCHEDULED, 0), (IMMEDIATE, rules.GRACE)):
        frozen[0] = begun + grace
        assert reserve(shop, shop.user(), ids[type_]).status_code == 200
        frozen[0] += 1
        assert error(reserve(shop, shop.user(), ids[type_])) == EXPIRED


@pytest.mark.parametrize("how", ["plan", "hour", "day"])
def test_capacity_lowered_below_the_held_then_no_new_hold_and_none_lost(shop: Shop, at: Any, how: str) -> None:
    at(NOW)
    stock(shop, Plan(capacity=3))
    option_id = first(shop)
    users = [shop.user() for _ in range(3)]
    kept = [reserve(shop, user, option_id).json()["service_option_hold"]["id"] for user in users]

    def lower(orders: int) -> None:
        if how == "plan":
            set_plan(shop, Plan(capacity=orders))
        else:
            hour = 12 if how == "hour" else WHOLE_DAY
            shop.server.write(plans.set_exception, shop.retailer.id, EVERY_STORE, PICKUP, "2027-06-10", [hour], orders)

    lower(1)
    assert error(reserve(shop, shop.user(), option_id)) == FULL
    assert listed(shop, "preview pickup")[0]["availability"]["available"] is False
    assert [is_counted for _, is_counted in holds(shop)] == [True] * 3
    # two of them go, one after the other; the last one's place is the one that the plan has
    slot = shop.server.read(ops.held_slot, caller(shop), users[0], kept[0])
    shop.server.write(ops.claim, caller(shop), users[0], kept[0], slot)
    shop.server.write(ops.forget_user, shop.retailer.isolation_id, users[1])
    assert error(reserve(shop, shop.user(), option_id)) == FULL
    assert error(reserve(shop, users[2], option_id)) == FULL
    assert [held + booked for _, held, booked in counters(shop)] == [1]
    lower(2)
    assert reserve(shop, users[2], option_id).status_code == 200
    assert counters(shop) == [(2, 1, 1)]
    lower(0)
    assert error(reserve(shop, shop.user(), option_id)) == FULL
    assert counters(shop) == [(2, 1, 1)]


def test_statement_would_oversell_then_the_database_itself_refuses_it(shop: Shop) -> None:
    """The CHECK stands without any of our code."""
    stock(shop, Plan(capacity=1))
    assert reserve(shop, shop.user(), first(shop)).status_code == 200
    for change in (
        "held = held + 1",
        "booked = booked + 1",
        "capacity = 0",
        "held = held - 2",
        "booked = -1, held = 0",
    ):
        with pytest.raises(Exception, match="never_oversold"):
            shop.server.sql(f"UPDATE slot_ledger SET {change} WHERE retailer_id = $1", shop.retailer.id)
    assert counters(shop) == [(1, 1, 0)]


def test_store_takes_no_such_orders_any_more_then_its_slots_are_full(shop: Shop) -> None:
    stock(shop)
    ids = [first(shop, name) for name in ("preview delivery", "preview pickup", "preview last mile")]
    stock(shop, takes_delivery=False, takes_pickup=False, takes_last_mile=False)
    for option_id in ids:
        assert error(reserve(shop, shop.user(), option_id)) == FULL
    assert taken_places(shop) == 0
