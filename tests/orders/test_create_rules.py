"""The rules for new orders: limits, age, alcohol, EBT, phone numbers, the store's area."""

from typing import Any

import pytest

from handcart.core import clock
from tests.orders.creations import BLANK, BLANK_BIRTHDAY, DUPLICATE, FULL, INVALID, INVALID_ITEMS, UNITS, WRONG_BIRTHDAY
from tests.support.orders import (
    ADDRESS,
    GROWN_UP,
    MONTREAL,
    PHONE,
    SHOPPED,
    Market,
    line,
    refusals,
)
from tests.support.server import LiveServer
from tests.support.shop import error

UNDELIVERABLE = ("Some items are not deliverable", 2000, "items")


BEVERAGES = ("Maximum total weight of beverage items exceeded", 2000, "items")


BULKY = ("Maximum quantity of large or bulky items exceeded", 2000, "items")


ADULT = {"birthday": GROWN_UP}


WINE = [line("1", "wine")]


LIMITS = [
    ("delivery", [line("1", "milk", count=250)], []),
    ("delivery", [line("1", "milk", count=251)], [UNITS]),
    ("delivery", [line("1", "milk", count=200), line("2", "bread", count=51)], [UNITS]),
    ("delivery", [line("1", "milk", count=250), line("2", "ham", weight=90)], []),
    ("delivery", [line("1", "soda", count=19)], []),
    ("delivery", [line("1", "soda", count=20)], [BEVERAGES]),
    ("delivery", [line("1", "chair", count=10)], []),
    ("delivery", [line("1", "chair", count=11)], [BULKY]),
    ("delivery", [line("1", "chair", count=251), line("2", "soda", count=20)], [UNITS, BEVERAGES, BULKY]),
    ("delivery", [line("1", "milk", count=251), line("2", "milk")], [DUPLICATE, UNITS]),
    ("pickup", [line("1", "chair", count=251), line("2", "soda", count=2000)], []),
]


@pytest.mark.parametrize(("kind", "wanted", "expected"), LIMITS)
def test_cart_over_limits_then_a_delivery_is_refused_and_each_is_named(
    market: Market, kind: str, wanted: list[Any], expected: list[Any]
) -> None:
    before = market.orders
    response = market.create(kind, items=wanted)
    if expected:
        assert (response.status_code, refusals(response)) == (400, expected)
    else:
        assert response.status_code == 200, response.text
    assert market.orders - before == (not expected)


def birthday(years: int, days: int = 0) -> str:
    """The birthday of somebody who reached this age `days` days ago."""
    now = clock.to_wire(clock.now() - 6 * clock.HOUR - days * clock.DAY)[:10]  # on Chicago's clock, or nearly
    day = "28" if now[5:] == "02-29" else now[8:]
    return f"{int(now[:4]) - years}-{now[5:7]}-{day}"


AGES = [
    ("here", "wine", ADULT, []),
    ("here", "wine", {}, [BLANK_BIRTHDAY]),
    ("here", "wine", {"birthday": birthday(21, days=1)}, []),
    ("here", "wine", {"birthday": birthday(21, days=-2)}, [WRONG_BIRTHDAY]),
    ("here", "wine", {"birthday": "1990-02-30"}, [WRONG_BIRTHDAY]),
    ("here", "wine", {"birthday": "2999-01-01"}, [WRONG_BIRTHDAY]),
    ("here", "wine", {"birthday": ""}, [BLANK_BIRTHDAY]),
    ("here", "wine", {"birthday": "yesterday"}, [WRONG_BIRTHDAY]),
    ("here", "syrup", {}, [BLANK_BIRTHDAY]),
    ("here", "syrup", {"birthday": birthday(20)}, [WRONG_BIRTHDAY]),
    ("dry", "syrup", ADULT, []),
    ("dry", "wine", ADULT, [UNDELIVERABLE]),
    ("dry", "wine", {}, [BLANK_BIRTHDAY, UNDELIVERABLE]),
    ("alberta", "wine", {"birthday": birthday(18, days=1)}, []),
    ("alberta", "wine", {"birthday": birthday(18, days=-2)}, [WRONG_BIRTHDAY]),
    ("ontario", "wine", {"birthday": birthday(18, days=1)}, [WRONG_BIRTHDAY]),
    ("ontario", "wine", {"birthday": birthday(19, days=1)}, []),
    ("here", "milk", {"birthday": "1990-02-30"}, [WRONG_BIRTHDAY]),
    ("here", "milk", {"birthday": "2999-01-01"}, [WRONG_BIRTHDAY]),
    ("here", "milk", {"birthday": birthday(3)}, []),
]


@pytest.mark.parametrize(("location", "rrc", "user", "expected"), AGES)
def test_cart_is_for_grown_ups_then_age_place_and_store_decide(
    market: Market, location: str, rrc: str, user: dict[str, str], expected: list[Any]
) -> None:
    wanted = {"items": [line("1", rrc)], "user": user, "location_code": location}
    response = market.create("pickup", slot={"location": location}, **wanted)
    assert (refusals(response) if response.status_code != 200 else []) == expected


def test_retailer_lenient_then_a_strange_birthday_or_phone_does_no_harm(server: LiveServer) -> None:
    market = Market(server, is_lenient=True, capacity=20)
    for user in ({"birthday": "05.03.1991"}, {"phone_number": "call me"}, {"phone_number": "(312) 555-0188"}):
        ordered = market.order(user=user)
        assert market.row(ordered["id"])["details"].items() >= user.items()
    market.order(items=[line("1", "nothing"), line("2", "something", weight=3)])
    for wrong in ([{"line_num": "1", "item": {"rrc": "nothing"}}], [line("1", "nothing", count=0)]):
        assert error(market.create(items=wrong)) == (400, *INVALID_ITEMS)
    refused = market.create(items=WINE, user={"birthday": "05.03.1991"})
    assert error(refused) == (400, *WRONG_BIRTHDAY)
    assert error(market.create(user_id=market.customer(phone_number=None))) == (400, BLANK, 1001, "user.phone_number")


def test_rule_is_to_remove_then_items_above_the_age_are_left_out(server: LiveServer) -> None:
    market = Market(server, underage="remove", legal_age=30)
    young = {"birthday": birthday(29)}
    mixed = [line("1", "wine"), line("2", "milk"), line("3", "syrup")]
    for user in (young, {}, {"birthday": "nonsense"}):
        ordered = market.order(items=mixed, user=user)
        assert [one["line_num"] for one in ordered["items"]] == ["2"]
        (warning,) = ordered["warnings"]
        assert (warning["error"]["message"], warning["meta"]["line_nums"]) == ("Some items were removed", ["1", "3"])
        assert not market.row(ordered["id"])["has_alcohol"]
    assert error(market.create(items=[line("1", "wine")], user=young)) == (400, BLANK, 1001, "items")
    kept = market.order(items=mixed, user={"birthday": birthday(31)})
    assert (len(kept["items"]), kept["warnings"]) == (3, [])


@pytest.mark.parametrize("kind", [*SHOPPED, "last_mile"])
def test_alcohol_outside_its_hours_then_the_slot_is_refused(server: LiveServer, kind: str) -> None:
    market = Market(server, capacity=20, alcohol_from_hour=10, alcohol_until_hour=20)
    alcohol = {"items": WINE, "user": ADULT} if kind in SHOPPED else {"alcoholic": True}
    for hour, is_allowed in ((9, False), (10, True), (18, True), (19, False), (23, False)):
        user_id = market.customer()
        held = market.hold(user_id, kind, hour=hour)
        response = market.create(kind, user_id, service_option_hold_id=held, **alcohol)
        if is_allowed:
            assert response.status_code == 200, response.text
        else:
            assert error(response) == (400, *FULL)
            market.order(kind, user_id, service_option_hold_id=held)  # the hold was not used


def test_order_with_alcohol_is_to_be_left_at_the_door_then_it_is_not(market: Market) -> None:
    unattended = {"leave_unattended": True}
    dry = [market.order(**unattended), market.order("last_mile", **unattended), market.order("dispatch", **unattended)]
    wet = [market.order(items=WINE, user=ADULT, **unattended)]
    wet += [market.order(kind, alcoholic=True, **unattended) for kind in ("last_mile", "dispatch")]
    for orders, has_alcohol in ((dry, False), (wet, True)):
        rows = [market.row(one["id"]) for one in orders]
        assert [(row["has_alcohol"], row["leave_unattended"]) for row in rows] == [(has_alcohol, not has_alcohol)] * 3


def test_alcohol_is_sent_from_a_store_without_then_it_is_refused(market: Market) -> None:
    refused = market.create("last_mile", slot={"location": "dry"}, location_code="dry", alcoholic=True)
    assert error(refused) == (400, "Alcohol delivery not enabled for this store", 1001, "alcoholic")


def test_ebt_pays_then_the_store_is_in_the_us_and_substitutes_are_eligible(market: Market) -> None:
    wished = [line("1", "milk", replacement_items=[{"rrc": "bread"}, {"rrc": "soap"}, {"upc": "7"}])]
    ordered = market.order(paid_with_ebt=True, items=wished)
    row = market.row(ordered["id"])
    assert row["details"]["paid_with_ebt"]
    assert row["items"][0]["replacement_items"] == [{"rrc": "bread"}]
    only_soap = [line("1", "milk", replacement_items=[{"rrc": "soap"}])]
    ordered = market.order("pickup", paid_with_ebt=True, items=only_soap)
    assert ordered["items"][0]["replacement_policy"] == "shoppers_choice"
    refused = market.create("pickup", slot={"location": "montreal"}, location_code="montreal", paid_with_ebt=True)
    assert error(refused) == (400, INVALID, 1001, "paid_with_ebt")


@pytest.mark.parametrize("kind", SHOPPED)
def test_user_has_no_phone_number_then_the_order_must_have_one(market: Market, kind: str) -> None:
    nameless, known = market.customer(phone_number=None), market.customer(phone_number="+13125550100")
    assert error(market.create(kind, nameless)) == (400, BLANK, 1001, "user.phone_number")
    assert market.row(market.order(kind, known)["id"])["details"]["phone_number"] == "+13125550100"
    given = market.order(kind, known, user={"phone_number": PHONE, "sms_opt_in": True})
    details = market.row(given["id"])["details"]
    assert (details["phone_number"], details["sms_opt_in"]) == (PHONE, True)


@pytest.mark.parametrize("kind", SHOPPED)
def test_users_number_taken_as_written_then_their_orders_need_no_other(market: Market, kind: str) -> None:
    """The documentation's own sample of a user has the number 800-555-0100."""
    user_id = market.customer(phone_number="800-555-0100")
    assert market.row(market.order(kind, user_id)["id"])["details"]["phone_number"] == "800-555-0100"
    empty = market.order(kind, user_id, user={"phone_number": "", "birthday": ""})
    assert market.row(empty["id"])["details"]["phone_number"] == "800-555-0100"


def test_number_copied_then_invisible_characters_do_no_harm(market: Market) -> None:
    copied = "\u202a+1\u00a0312\u2011555\u20110188\u202c"
    for ordered in (
        market.order("delivery", user={"phone_number": copied}),
        market.order("dispatch", user_phone=copied),
    ):
        assert market.row(ordered["id"])["details"]["phone_number"] == "+13125550188"


def test_codes_are_numbers_and_options_empty_then_the_order_is_as_meant(market: Market) -> None:
    item = {"line_num": 1, "count": 2, "item": {"upc": 400000000015}, "replacement_policy": "", "weight": ""}
    ordered = market.order(
        "pickup",
        items=[item],
        loyalty_number=20417,
        paid_with_ebt="",
        applied_instacartplus=True,
        order_id=9007199254740993,
        location_code="here",
    )
    assert (ordered["id"], ordered["items"][0]["line_num"]) == ("9007199254740993", "1")
    assert ordered["items"][0]["item"]["rrc"] == "milk"
    assert market.row(ordered["id"])["details"]["loyalty_number"] == "20417"


@pytest.mark.parametrize("kind", ["delivery", "last_mile", "dispatch"])
def test_address_is_out_of_reach_then_it_is_refused(market: Market, kind: str) -> None:
    assert error(market.create(kind, address=MONTREAL)) == (400, INVALID, 1001, "address")
    nowhere = {**ADDRESS, "postal_code": "00000"}
    assert error(market.create(kind, address=nowhere)) == (400, INVALID, 1001, "address.postal_code")
    near = {**MONTREAL, "latitude": 41.9, "longitude": -87.63}
    assert market.create(kind, address=near).status_code == 200
