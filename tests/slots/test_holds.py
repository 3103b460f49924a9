"""Holding a place, over HTTP, on both databases."""

import json
from base64 import b64encode
from datetime import datetime
from typing import Any

import httpx
import pytest

from handcart.core import clock
from handcart.core.db import Tx
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.slots import ops, plans
from handcart.slots.models import ETA, IMMEDIATE, PRIORITY_ETA, SCHEDULED
from handcart.slots.plans import EVERY_STORE, WHOLE_DAY, Plan
from handcart.stores.models import DELIVERY, PICKUP
from tests.support.oauth import Organization
from tests.support.shop import Shop, error
from tests.support.slots import (
    ADDRESS,
    BASE,
    CART,
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

NOW = "2027-06-10T10:07:30-05:00"  # a Thursday
FULL = (400, "Service option is not available", 1001, "service_option_id")
EXPIRED = (400, "Service option is expired", 1001, "service_option_id")
MALFORMED = (400, "is invalid", 1001, "service_option_id")


def refer(shop: Shop, user: str, reference: object) -> httpx.Response:
    return shop.post(f"{BASE}/users/{user}/service_options/reserve", {"service_option_reference": reference})


def reserve_cart(shop: Shop, user: str, option_id: int, **changes: Any) -> httpx.Response:
    body = {"address": ADDRESS, **CART, **changes}
    path = f"{BASE}/users/{user}/service_options/{option_id}/reserve/cart"
    return shop.post(path, {key: value for key, value in body.items() if value is not None})


def caller(shop: Shop) -> Caller:
    retailer = shop.retailer
    return Caller(shop.client.client_id, retailer.organization_id, retailer.id, retailer.isolation_id, (), None)


def holds(shop: Shop) -> list[tuple[str, bool]]:
    """Whose holds there are, and whether each still counts."""
    rows = shop.server.sql(
        "SELECT user_id, is_counted FROM holds WHERE retailer_id = $1 ORDER BY user_id", shop.retailer.id
    )
    return [(row["user_id"], bool(row["is_counted"])) for row in rows]


def test_when_a_slot_is_reserved_then_the_hold_lasts_ten_minutes_and_shows_the_slot(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop)
    slot = listed(shop, "delivery", user := shop.user())[0]
    begun = clock.now()
    answered = reserve(shop, user, slot["id"])
    assert answered.status_code == 200
    hold = answered.json()["service_option_hold"]
    assert set(answered.json()) == {"service_option_hold"}
    assert set(hold) == {"id", "expires_at", "service_option"}
    assert 0 < hold["id"] < 2**53
    del slot["flags"]
    assert hold["service_option"] == slot
    assert hold["expires_at"].endswith("Z")
    assert len(hold["expires_at"]) == len("2026-06-11T15:42:10.000Z")
    expires_at = datetime.fromisoformat(hold["expires_at"]).timestamp() * clock.SECOND
    assert begun - 1000 <= expires_at - 10 * clock.MINUTE <= clock.now()
    assert counters(shop) == [(10, 1, 0)]


def test_when_the_body_is_anything_then_it_is_not_read(shop: Shop) -> None:
    stock(shop)
    user, option_id = shop.user(), first(shop)
    path = f"{BASE}/users/{user}/service_options/{option_id}/reserve"
    for content in (None, b"", b'""', b"{}", b"null", b"not JSON", b'{"service_option_id": 5}'):
        headers = {**shop.headers, **({} if content is None else {"Content-Type": "application/json"})}
        assert shop.http.post(path, content=content, headers=headers).status_code == 200
    assert counters(shop) == [(10, 1, 0)]


def test_when_the_last_mile_path_is_used_then_it_holds_the_same(shop: Shop) -> None:
    stock(shop)
    user, option_id = shop.user(), first(shop, "preview lastmile")
    path = f"{BASE}/lastmile/users/{user}/service_options/{option_id}/reserve"
    assert shop.post(path).json()["service_option_hold"]["service_option"]["id"] == option_id
    assert taken_places(shop) == 1


def test_when_a_user_reserves_again_then_the_old_place_is_free_first(shop: Shop) -> None:
    stock(shop, Plan(capacity=1))
    one, two = (slot["id"] for slot in listed(shop, "preview pickup")[3:5])
    user, other = shop.user(), shop.user()
    ids = [reserve(shop, user, option_id).json()["service_option_hold"]["id"] for option_id in (one, one, two)]
    assert len(set(ids)) == 3
    assert counters(shop) == [(1, 0, 0), (1, 1, 0)]
    assert reserve(shop, other, one).status_code == 200
    assert holds(shop) == sorted([(user, True), (other, True)])


@pytest.mark.parametrize("refusal", ["full", "closed", "past"])
def test_when_the_new_place_cannot_be_had_then_the_old_one_is_free_all_the_same(
    shop: Shop, at: Any, refusal: str
) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    one, two = (slot["id"] for slot in listed(shop, "preview pickup")[3:5])
    user = shop.user()
    assert reserve(shop, user, one).status_code == 200
    if refusal == "full":
        assert reserve(shop, shop.user(), two).status_code == 200
    if refusal == "closed":
        shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [16], 0)
    if refusal == "past":
        begin = moment("2027-06-10T09:00-05:00")
        two = slot_id(shop.retailer.id, PICKUP, begin)
    assert error(reserve(shop, user, two)) == (EXPIRED if refusal == "past" else FULL)
    assert user not in [holder for holder, _ in holds(shop)]
    assert counters(shop)[0] == (1, 0, 0)
    assert reserve(shop, shop.user(), one).status_code == 200


def test_when_the_slot_is_unknown_then_the_old_hold_stays(shop: Shop) -> None:
    stock(shop)
    user = shop.user()
    assert reserve(shop, user, first(shop)).status_code == 200
    assert error(reserve(shop, user, 12345)) == FULL
    assert holds(shop) == [(user, True)]


def test_when_a_hold_has_expired_then_its_place_goes_to_whoever_needs_it(shop: Shop, at: Any, later: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=2))
    option_id = first(shop)
    users = [shop.user() for _ in range(4)]
    assert [reserve(shop, user, option_id).status_code for user in users[:2]] == [200, 200]
    at("2027-06-10T10:17:28-05:00")
    assert error(reserve(shop, users[2], option_id)) == FULL
    at("2027-06-10T10:17:40-05:00")
    # Nobody sweeps: both still count, until the third one comes.
    assert counters(shop) == [(2, 2, 0)]
    assert reserve(shop, users[2], option_id).status_code == 200
    assert counters(shop) == [(2, 1, 0)]
    assert sorted(is_counted for _, is_counted in holds(shop)) == [False, False, True]
    # whose place was taken may have it again while there is room
    assert reserve(shop, users[0], option_id).status_code == 200
    assert error(reserve(shop, users[1], option_id)) == FULL
    assert error(reserve(shop, users[3], option_id)) == FULL
    assert counters(shop) == [(2, 2, 0)]


def test_when_ten_minutes_are_over_to_the_microsecond_then_list_and_hold_agree(shop: Shop, frozen: list[int]) -> None:
    stock(shop, Plan(capacity=1))
    option_id = listed(shop, "preview pickup")[3]["id"]
    begun = frozen[0]
    assert reserve(shop, shop.user(), option_id).status_code == 200
    for microseconds, is_free in ((-1, False), (0, True)):
        frozen[0] = begun + 10 * clock.MINUTE + microseconds
        (slot,) = (one for one in listed(shop, "preview pickup") if one["id"] == option_id)
        assert slot["availability"]["available"] is is_free
        assert (reserve(shop, shop.user(), option_id).status_code == 200) is is_free


def test_when_a_hold_expired_and_the_user_reserves_elsewhere_then_no_place_is_given_back_twice(
    shop: Shop, at: Any
) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    one, two = (slot["id"] for slot in listed(shop, "preview pickup")[3:5])
    user, other = shop.user(), shop.user()
    assert reserve(shop, user, one).status_code == 200
    at("2027-06-10T10:18:00-05:00")
    assert reserve(shop, other, one).status_code == 200
    assert reserve(shop, user, two).status_code == 200
    assert counters(shop) == [(1, 1, 0), (1, 1, 0)]
    assert error(reserve(shop, shop.user(), one)) == FULL


def test_when_ids_are_malformed_then_the_parameter_is_named(shop: Shop) -> None:
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


def test_when_an_id_was_never_listed_then_every_rule_of_the_lists_is_against_it(shop: Shop, at: Any) -> None:
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
def test_when_no_list_has_windows_of_that_length_then_no_id_stands_for_one(kind: str, type_: str, minutes: int) -> None:
    with pytest.raises(KeyError):
        slot_id(1, kind, moment(NOW), minutes * clock.MINUTE, type_)


def test_when_a_list_was_for_alcohol_then_its_slots_are_reserved_by_the_rules_for_alcohol(shop: Shop, at: Any) -> None:
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


def test_when_slots_were_listed_in_place_of_an_eta_then_their_lead_time_is_not_asked_for(shop: Shop, at: Any) -> None:
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


def test_when_a_hold_was_made_before_ids_had_tags_then_an_order_takes_it(shop: Shop, at: Any) -> None:
    """Such ids say nothing any more: the hold itself keeps the slot."""
    at(NOW)
    stock(shop)
    user, old = shop.user(), 5_512_209_123_456
    kept = reserve(shop, user, first(shop)).json()["service_option_hold"]["id"]
    shop.server.sql("UPDATE holds SET option_id = $1 WHERE retailer_id = $2", old, shop.retailer.id)
    slot = shop.server.read(ops.held_slot, caller(shop), user, kept)
    booking = shop.server.write(ops.claim, caller(shop), user, kept, slot)
    assert (booking.window.starts_at, booking.window.type) == (moment("2027-06-10T12:00-05:00"), SCHEDULED)
    assert counters(shop) == [(10, 0, 1)]
    assert error(reserve(shop, user, old)) == FULL


def test_when_an_id_is_another_retailers_then_it_cannot_be_had(shop: Shop) -> None:
    stranger = Shop(shop.server)
    stock(shop)
    stock(stranger)
    user = shop.user()
    for name in ("preview delivery", "preview pickup", "preview last mile"):
        for slot in listed(stranger, name)[:20]:
            assert error(reserve(shop, user, slot["id"])) == FULL
    assert (taken_places(shop), taken_places(stranger)) == (0, 0)


def test_when_a_window_has_begun_or_its_lead_ran_out_then_there_is_a_grace(shop: Shop, at: Any) -> None:
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


def test_when_the_user_is_not_there_then_nothing_is_held(shop: Shop) -> None:
    stock(shop)
    option_id = first(shop)
    assert error(reserve(shop, "nobody", option_id)) == (400, "User Not Found", 1001, "user_id")
    shop.server.sql("UPDATE retailers SET allows_user_deletion = $1 WHERE slug = $2", True, shop.slug)
    gone = shop.user()
    assert reserve(shop, gone, option_id).status_code == 200
    shop.post(f"{BASE}/users/{gone}/privacy_request").raise_for_status()
    assert (counters(shop), holds(shop)) == ([(10, 0, 0)], [])
    reference = b64encode(json.dumps({"id": option_id}).encode()).decode()
    for answered in (reserve(shop, gone, option_id), refer(shop, gone, reference), reserve_cart(shop, gone, option_id)):
        assert error(answered) == (403, "User Not Active", None, None)
    assert taken_places(shop) == 0


@pytest.mark.parametrize("how", ["plan", "hour", "day"])
def test_when_an_operator_lowers_the_capacity_below_what_is_held_then_nothing_new_and_nothing_gone(
    shop: Shop, at: Any, how: str
) -> None:
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


def test_when_a_statement_would_oversell_then_the_database_itself_refuses_it(shop: Shop) -> None:
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


def test_when_a_reference_is_reserved_then_its_id_alone_decides(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop)
    user = shop.user()
    desired = [{"starts_at": "2027-06-10T18:00:00-05:00", "ends_at": "2027-06-10T21:00:00-05:00"}]
    slot = listed(shop, "delivery", user, desired_windows=desired)[0]
    answered = refer(shop, user, slot["service_option_reference"])
    del slot["flags"]
    assert answered.json()["service_option_hold"]["service_option"] == slot
    said = json.dumps({"id": slot["id"], "hold_id": 7, "starts_at": "2020-01-01", "more": {"x": [1]}}).encode()
    kept = refer(shop, user, b64encode(said).decode()).json()["service_option_hold"]["service_option"]
    assert kept == slot
    assert counters(shop) == [(10, 1, 0)]


def test_when_a_reference_cannot_be_read_then_it_is_invalid(shop: Shop) -> None:
    stock(shop)
    user = shop.user()
    invalid = (400, "is invalid", 1001, "service_option_reference")
    blank = (400, "can't be blank", 1001, "service_option_reference")

    def encoded(text: str) -> str:
        return b64encode(text.encode()).decode()

    unreadable = [
        *(encoded(text) for text in ("", "x", "[]", "5", "{}", '{"id": "5"}', '{"id": 1.5}', '{"id": null}')),
        *(encoded(f'{{"id": {number}}}') for number in (-1, 2**53, 2**63, 2**64, "1e3", 10**30)),
        encoded('{"a":' + "[" * 700),
        encoded('{"a":' + "[" * 350 + "]" * 350 + ',"id":true}'),
        "ä",
        "====",
        "a b",
        "A" * 1001,
        encoded('{"id": 5}')[:-1],
        5,
        ["x"],
    ]
    for reference in unreadable:
        found = error(refer(shop, user, reference))
        assert found == (blank if reference == "" else invalid), reference
    assert error(shop.post(f"{BASE}/users/{user}/service_options/reserve", {})) == blank
    for number in (0, 12345, 2**53 - 1):
        assert error(refer(shop, user, encoded(f'{{"id": {number}}}'))) == FULL


def test_when_a_cart_is_sent_along_then_it_has_to_fit_the_slot(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, sells_alcohol=True)
    user = shop.user()
    slot = listed(shop, "delivery", user)[0]["id"]
    evening = slot_id(shop.retailer.id, DELIVERY, moment("2027-06-10T21:00-05:00"))
    assert reserve_cart(shop, user, slot, location_code="s").status_code == 200
    assert reserve_cart(shop, user, slot, items=[line("wine")]).status_code == 200
    assert reserve_cart(shop, user, evening).status_code == 200
    assert error(reserve_cart(shop, user, evening, items=[line("wine")])) == FULL
    assert holds(shop) == []
    far = {**ADDRESS, "postal_code": "99501"}
    refused = [
        ({"location_code": "other"}, 1001, "location_code"),
        ({"address": None}, 1001, "address"),
        ({"address": far}, 1001, "address"),
        ({"items": None}, 1001, "items"),
        ({"items": []}, 1001, "items"),
        ({"items": [line("caviar")]}, 2000, "items"),
        ({"items": [line("milk", 251)]}, 2000, "items"),
    ]
    for changes, code, key in refused:
        assert error(reserve_cart(shop, user, slot, **changes))[2:] == (code, key)
    # who picks up may live anywhere and buy any number
    pickup = first(shop)
    assert reserve_cart(shop, user, pickup, address=far, items=[line("milk", 251)]).status_code == 200
    assert error(reserve_cart(shop, user, 12345)) == FULL


def test_when_a_store_takes_no_such_orders_any_more_then_its_slots_cannot_be_had(shop: Shop) -> None:
    stock(shop)
    ids = [first(shop, name) for name in ("preview delivery", "preview pickup", "preview last mile")]
    stock(shop, takes_delivery=False, takes_pickup=False, takes_last_mile=False)
    for option_id in ids:
        assert error(reserve(shop, shop.user(), option_id)) == FULL
    assert taken_places(shop) == 0


def test_when_an_expired_hold_is_claimed_then_it_books_while_there_is_room_until_its_window_begins(
    shop: Shop, at: Any
) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1, lead_minutes=0))
    option_id = first(shop)  # at 11:00
    users = [shop.user() for _ in range(2)]

    def held(user: str) -> int:
        return int(reserve(shop, user, option_id).json()["service_option_hold"]["id"])

    def claim(user: str, hold_id: int) -> None:
        slot = shop.server.read(ops.held_slot, caller(shop), user, hold_id)
        shop.server.write(ops.claim, caller(shop), user, hold_id, slot)

    kept = held(users[0])
    at("2027-06-10T10:40:00-05:00")
    claim(users[0], kept)
    assert counters(shop) == [(1, 0, 1)]
    shop.server.write(ops.release, shop.retailer.id, _place(shop))
    kept = held(users[0])
    at("2027-06-10T10:51:00-05:00")
    taken = held(users[1])
    with pytest.raises(Exception, match="Service option is not available"):
        claim(users[0], kept)
    assert len(holds(shop)) == 2
    at("2027-06-10T11:00:30-05:00")  # in time, though the window has begun
    claim(users[1], taken)
    shop.server.write(ops.release, shop.retailer.id, _place(shop))
    at("2027-06-10T11:00:59-05:00")
    with pytest.raises(Exception, match="Service option is expired"):
        claim(users[0], kept)
    assert counters(shop) == [(1, 0, 0)]


def test_when_a_counted_hold_expired_and_its_window_has_begun_then_it_is_not_booked(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(lead_minutes=0))
    user, option_id = shop.user(), first(shop)
    kept = reserve(shop, user, option_id).json()["service_option_hold"]["id"]
    at("2027-06-10T11:30:00-05:00")
    slot = shop.server.read(ops.held_slot, caller(shop), user, kept)
    with pytest.raises(Exception, match="Service option is expired"):
        shop.server.write(ops.claim, caller(shop), user, kept, slot)
    assert counters(shop) == [(10, 1, 0)]


def _place(shop: Shop) -> Any:
    row = shop.server.sql("SELECT * FROM slot_ledger WHERE retailer_id = $1", shop.retailer.id)[0]
    return ops.Place(row["store_number"], row["kind"], row["starts_at"])


def test_when_banners_share_users_then_a_hold_at_one_is_dropped_for_the_other(shop: Shop) -> None:
    group = Organization(shop.server, shares_users=True)
    north, south = (group.at(banner) for banner in group.banners)
    for banner in (north, south):
        banner.retailer = shop.server.read(retailers.retailer_by_slug, banner.banner)
        stock(banner, Plan(capacity=1))
    user = north.user()
    assert reserve(north, user, first(north)).status_code == 200
    assert reserve(south, user, first(south)).status_code == 200
    assert (counters(north), counters(south)) == ([(1, 0, 0)], [(1, 1, 0)])
    assert error(reserve(north, user, first(south))) == FULL
    assert reserve(north, user, first(north)).status_code == 200
    assert (counters(north), counters(south)) == ([(1, 1, 0)], [(1, 0, 0)])


class Locks:
    """A transaction that writes down which ledger rows it holds, in the order in which it first does."""

    def __init__(self, tx: Tx) -> None:
        self.tx, self.keys = tx, tx.keys
        self.held: list[tuple[Any, ...]] = []

    def _note(self, sql: str, args: tuple[Any, ...], found: object) -> None:
        if "slot_ledger" in sql and found and args[:4] not in self.held:
            self.held.append(args[:4])

    async def one(self, sql: str, *args: Any) -> Any:
        row = await self.tx.one(sql, *args)
        self._note(sql, args, row)
        return row

    async def all(self, sql: str, *args: Any) -> Any:
        return await self.tx.all(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        changed = await self.tx.run(sql, *args)
        self._note(sql, args, changed)
        return changed


def test_when_a_hold_moves_then_ledger_rows_are_locked_in_the_order_of_their_keys(shop: Shop) -> None:
    """Also of rows that are not there yet, and of two banners: or else two users who swap could wait for each other."""
    group = Organization(shop.server, shares_users=True)
    ids = {}
    callers = {}
    for banner in group.banners:
        one = group.at(banner)
        one.retailer = shop.server.read(retailers.retailer_by_slug, banner)
        stock(one, Plan(capacity=1))
        for slot in listed(one, "preview pickup")[:3]:
            ids.setdefault(banner, []).append(slot["id"])
        callers[banner] = caller(one)

    async def moved(tx: Tx, banner: str, user: str, option_id: int) -> list[tuple[Any, ...]]:
        locks = Locks(tx)
        await ops.hold(locks, callers[banner], user, option_id)
        return locks.held

    north, south = group.banners
    user = group.at(north).user()
    route = [(north, 2), (north, 0), (south, 1), (north, 1), (south, 0), (south, 2), (north, 2), (north, 0)]
    for banner, place in route:
        held = shop.server.write(moved, banner, user, ids[banner][place])
        assert held == sorted(held), (banner, place)
