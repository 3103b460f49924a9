"""Creating orders of the four kinds: the response, the stored order, and the hold."""

import re
from typing import Any

import msgspec
import pytest

from handcart.core import clock
from handcart.orders import wire
from handcart.slots.models import WINDOW
from tests.orders.creations import BLANK, FULL, HOLD, INVALID
from tests.support.orders import (
    ADDRESS,
    GROWN_UP,
    HELD,
    KINDS,
    PHONE,
    SHOPPED,
    USERS,
    Market,
    line,
    refusals,
)
from tests.support.server import LiveServer
from tests.support.shop import error

REQUESTS = {
    "delivery": wire.CreateDeliveryRequest,
    "pickup": wire.CreatePickupRequest,
    "last_mile": wire.CreateLastMileRequest,
    "dispatch": wire.CreateDispatchRequest,
}


def optional(kind: str) -> list[str]:
    return [field.name for field in msgspec.structs.fields(REQUESTS[kind]) if not field.required]


def required(kind: str) -> list[str]:
    return [field.name for field in msgspec.structs.fields(REQUESTS[kind]) if field.required]


def test_minimal_client_runs_then_each_step_answers_what_it_reads(server: LiveServer) -> None:
    market = Market(server, is_lenient=True, offers_eta=True)
    market.post(USERS, {"user_id": "customer", "first_name": "Sample", "phone_number": PHONE}).raise_for_status()
    found = market.post("/v2/fulfillment/stores/delivery", {"find_by": ADDRESS}).json()
    asked = {
        "location_code": found["stores"][0]["location_code"],
        "with_eta_options": True,
        "with_priority_eta_options": True,
        "address": ADDRESS,
        "items": [{"line_num": "1", "count": 4, "item": {"upc": "000000000000"}}],
    }
    option = market.post(f"{USERS}/customer/service_options/cart/delivery", asked).json()["service_options"][0]["id"]
    for content in ('""', ""):
        held = market.http.post(
            f"{USERS}/customer/service_options/{option}/reserve", content=content, headers=market.headers
        )
        assert held.status_code == 200, held.text
    ordered = market.send(
        "delivery",
        "customer",
        {
            "order_id": "TEST-6a0a2b52-95a2-4f57-b9c3-2f4d2c3ed0ad",
            "service_option_hold_id": held.json()["service_option_hold"]["id"],
            "initial_tip_cents": 0,
            "loyalty_number": None,
            "leave_unattended": False,
            "special_instructions": None,
            "location_code": asked["location_code"],
            "address": {**ADDRESS, "address_line_2": None, "address_type": None},
            "items": [
                {"line_num": "1", "count": 4, "weight": 1.5, "special_instructions": None, "item": {"rrc": "x"}},
                {"line_num": "2", "count": 1, "weight": None, "replacement_items": None, "item": {"rrc": "milk"}},
            ],
            "user": {"phone_number": PHONE, "birthday": GROWN_UP, "sms_opt_in": False},
        },
    )
    assert ordered.status_code == 200, ordered.text
    answer = ordered.json()
    assert (answer["id"], answer["status"]) == ("TEST-6a0a2b52-95a2-4f57-b9c3-2f4d2c3ed0ad", "brand_new")
    assert [one["meta"]["line_nums"] for one in answer["warnings"]] == [["1"]]
    assert market.read("customer", answer["id"]).json() == {**answer, "pos_payment_method": "UNSPECIFIED"}


@pytest.mark.parametrize("kind", [*KINDS, "last_mile deprecated"])
def test_order_is_created_then_the_answer_is_the_documented_one(market: Market, kind: str) -> None:
    user_id, plain = market.customer(), kind.split()[0]
    started = clock.now() // clock.SECOND * clock.SECOND
    body = market.body(plain, locale="fr-CA", metadata={"note": "é", "parts": [1, {"deep": None}]})
    if plain in HELD:
        body[HOLD] = market.hold(user_id, plain)
    response = market.send(kind, user_id, body)
    assert response.status_code == 200, response.text
    answer = response.json()
    created_at = answer.pop("created_at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created_at)
    assert re.fullmatch(rf"{market.server.url}/o/[A-Za-z0-9_-]{{32}}", answer.pop("order_url"))
    assert started <= clock.from_wire(created_at, "") <= clock.now()
    common = {
        "id": body["order_id"],
        "status": "brand_new",
        "is_express": False,
        "is_instacartplus": False,
        "locale": "fr_CA",
        "metadata": {"note": "é", "parts": [1, {"deep": None}]},
        "fulfillment_details": {
            "window_starts_at": clock.to_wire(market.at(12)),
            "window_ends_at": clock.to_wire(market.at(14)),
            "store_location": "here",
        },
    }
    upc = "400000000015"
    milk = {"upc": upc, "rrc": "milk", "requested_upc": upc, "requested_rrc": "milk"}
    ordered = {
        "line_num": "1",
        "qty": 2,
        "qty_unit": "each",
        "replaced": False,
        "replacement_policy": "shoppers_choice",
        "item": {**milk, "delivered_upc": "", "delivered_rrc": ""},
    }
    assert answer == common | ({"items": [ordered], "warnings": []} if plain in SHOPPED else {})
    row = market.row(body["order_id"])
    assert (row["kind"], row["status"], row["tip_cents"]) == (plain, "brand_new", 0)
    assert market.history(body["order_id"]) == [("brand_new", "created")]
    stranger = market.customer()
    assert market.read(stranger, body["order_id"]).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_optional_fields_null_then_as_if_absent(market: Market, kind: str) -> None:
    user_id = market.customer()
    hold = {HOLD: market.hold(user_id, kind)} if kind in HELD else {}
    plain = market.body(kind, **hold)
    if kind == "last_mile":
        del plain["order_id"]
    nulls = {name: None for name in optional(kind) if name not in plain}
    first = market.send(kind, user_id, {**plain, **nulls})
    assert first.status_code == 200, first.text
    if kind != "last_mile":
        assert market.send(kind, user_id, plain).json() == first.json()
        row = market.row(first.json()["id"])
        assert (row["tip_cents"], bool(row["leave_unattended"])) == (0, 0)
        assert row["details"].get("sms_opt_in", False) is (kind not in SHOPPED)


def test_last_mile_orders_have_no_id_then_each_gets_one_of_its_own(market: Market) -> None:
    user_id = market.customer()
    names = [market.order("last_mile", user_id, order_id=...)["id"] for _ in range(2)]
    assert len(set(names)) == 2
    assert all(name.isdecimal() and market.read(user_id, name).status_code == 200 for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_required_fields_are_missing_then_each_is_named(market: Market, kind: str) -> None:
    user_id = market.customer()
    names = required(kind)
    for nothing in ({}, dict.fromkeys(names)):
        assert refusals(market.send(kind, user_id, nothing)) == [(BLANK, 1001, name) for name in names]
    for name in names:
        body = {**market.body(kind, service_option_hold_id=1), name: None}
        assert refusals(market.send(kind, user_id, body)) == [(BLANK, 1001, name)]
        wrong = market.send(kind, user_id, {**body, name: [[]] if name != "items" else {}})
        assert error(wrong) == (400, INVALID, 1001, name)


def test_replacements_wished_then_the_policy_follows_unless_given(market: Market) -> None:
    wished = {"replacement_items": [{"rrc": "bread"}, {"upc": "4"}]}
    ordered = market.order(
        items=[
            line("1", "milk"),
            line("2", "bread", replacement_items=[]),
            line("3", "soap", **wished),
            line("4", "ham", weight=1, replacement_policy="no_replacements", **wished),
            line("5", "chair", replacement_policy="users_choice"),
        ]
    )
    assert [one["replacement_policy"] for one in ordered["items"]] == [
        "shoppers_choice",
        "shoppers_choice",
        "users_choice",
        "no_replacements",
        "users_choice",
    ]
    kept = [one.get("replacement_items", []) for one in market.row(ordered["id"])["items"]]
    assert kept == [[], [], wished["replacement_items"], wished["replacement_items"], []]


@pytest.mark.parametrize("kind", HELD)
def test_hold_has_expired_then_it_books_while_there_is_room(server: LiveServer, later: Any, kind: str) -> None:
    market = Market(server, capacity=1)
    first, second = market.customer(), market.customer()
    expired = market.hold(first, kind)
    place = ("here", kind, market.at(12))
    with later(minutes=10, seconds=1):
        market.order(kind, first, service_option_hold_id=expired)
        assert market.ledger() == {place: (0, 1)}
        assert error(market.reserve(second, kind)) == (
            400,
            "Service option is not available",
            1001,
            "service_option_id",
        )
        lost = market.hold(second, kind, hour=14)
        with later(minutes=20, seconds=2):
            market.order(kind, slot={"hour": 14})
            assert error(market.create(kind, second, service_option_hold_id=lost)) == (400, *FULL)
            assert market.taken == (0, 2)


@pytest.mark.parametrize("kind", HELD)
def test_window_of_an_old_hold_begun_then_not_booked(server: LiveServer, later: Any, kind: str) -> None:
    market = Market(server, capacity=1)
    user_id = market.customer()
    kept = market.hold(user_id, kind, day=1)
    starts_in = (market.at(12, day=1) - clock.now()) / clock.SECOND
    with later(hours=1, seconds=starts_in):
        market._token = None
        refused = market.create(kind, user_id, service_option_hold_id=kept)
        assert error(refused) == (400, "Service option is expired", 1001, HOLD)
        assert market.orders == 0


@pytest.mark.parametrize(("opt_out", "sms"), [(True, False), (False, True), (None, True)])
def test_carried_order_opts_out_of_messages_then_that_is_kept(market: Market, opt_out: bool | None, sms: bool) -> None:
    for kind in ("last_mile", "dispatch"):
        row = market.row(market.order(kind, customer_sms_opt_out=opt_out)["id"])
        assert row["details"].get("sms_opt_in", False) is sms


@pytest.mark.parametrize(("starts", "ends"), [(0, 2), (0, 1), (1, 2), (0.5, 1.5)])
def test_last_mile_order_names_a_window_then_it_lies_within_its_slot(
    market: Market, starts: float, ends: float
) -> None:
    base = market.at(12)
    window = {
        "start_at": clock.to_wire(base + int(starts * clock.HOUR)),
        "end_at": clock.to_wire(base + int(ends * clock.HOUR)),
    }
    answered = market.order("last_mile", **window)["fulfillment_details"]
    assert (answered["window_starts_at"], answered["window_ends_at"]) == (window["start_at"], window["end_at"])
    for begin, end in ((base - 1, base + WINDOW), (base, base + WINDOW + clock.SECOND), (base, base), (base + 9, base)):
        outside = {"start_at": clock.to_wire(begin), "end_at": clock.to_wire(end)}
        assert error(market.create("last_mile", **outside)) == (400, INVALID, 1001, "start_at")
