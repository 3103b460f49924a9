"""Creating orders of the four kinds: what is answered, kept and refused, and that a repetition is harmless."""

import asyncio
import re
from typing import Any

import msgspec
import pytest

from handcart.core import clock
from handcart.orders import wire
from handcart.slots.models import WINDOW
from tests.support.orders import (
    ADDRESS,
    GROWN_UP,
    HELD,
    KINDS,
    LASTMILE,
    MILK,
    MONTREAL,
    PHONE,
    SHOPPED,
    USERS,
    Market,
    creation_path,
    line,
    refusals,
)
from tests.support.server import LiveServer
from tests.support.shop import error
from tests.support.volley import Connection

REQUESTS = {
    "delivery": wire.CreateDeliveryRequest,
    "pickup": wire.CreatePickupRequest,
    "last_mile": wire.CreateLastMileRequest,
    "dispatch": wire.CreateDispatchRequest,
}
HOLD = "service_option_hold_id"
BLANK, INVALID = "can't be blank", "is invalid"
TAKEN = ("has already been taken", 1001, "order_id")
FULL = ("Service option is not available", 1001, HOLD)
DUPLICATE = ("Duplicate items were provided", 2000, "items")
INVALID_ITEMS = ("Invalid items", 2000, "items")
UNDELIVERABLE = ("Some items are not deliverable", 2000, "items")
UNITS = ("Maximum total quantity of items exceeded", 2000, "items")
BEVERAGES = ("Maximum total weight of beverage items exceeded", 2000, "items")
BULKY = ("Maximum quantity of large or bulky items exceeded", 2000, "items")
BLANK_BIRTHDAY, WRONG_BIRTHDAY = (BLANK, 1001, "user.birthday"), (INVALID, 1001, "user.birthday")
ADULT = {"birthday": GROWN_UP}
WINE = [line("1", "wine")]


def optional(kind: str) -> list[str]:
    return [field.name for field in msgspec.structs.fields(REQUESTS[kind]) if not field.required]


def required(kind: str) -> list[str]:
    return [field.name for field in msgspec.structs.fields(REQUESTS[kind]) if field.required]


def test_when_the_minimal_flow_of_a_client_runs_then_each_step_answers_what_it_reads(server: LiveServer) -> None:
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
def test_when_an_order_is_created_then_the_answer_is_the_documented_one(market: Market, kind: str) -> None:
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
    assert started <= clock.from_wire(created_at, "") <= clock.now()
    common = {
        "id": body["order_id"],
        "status": "brand_new",
        "order_url": None,
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
def test_when_optional_fields_are_null_then_they_are_as_absent(market: Market, kind: str) -> None:
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
        assert (row["tip_cents"], bool(row["leave_unattended"]), row["details"].get("sms_opt_in", False)) == (0, 0, 0)


def test_when_last_mile_orders_have_no_id_then_each_gets_one_of_its_own(market: Market) -> None:
    user_id = market.customer()
    names = [market.order("last_mile", user_id, order_id=...)["id"] for _ in range(2)]
    assert len(set(names)) == 2
    assert all(name.isdecimal() and market.read(user_id, name).status_code == 200 for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_when_required_fields_are_missing_then_each_is_named(market: Market, kind: str) -> None:
    user_id = market.customer()
    names = required(kind)
    for nothing in ({}, dict.fromkeys(names)):
        assert refusals(market.send(kind, user_id, nothing)) == [(BLANK, 1001, name) for name in names]
    for name in names:
        body = {**market.body(kind, service_option_hold_id=1), name: None}
        assert refusals(market.send(kind, user_id, body)) == [(BLANK, 1001, name)]
        wrong = market.send(kind, user_id, {**body, name: [[]] if name != "items" else {}})
        assert error(wrong) == (400, INVALID, 1001, name)


FORMS = [
    ("delivery", {"order_id": 5}, "order_id", INVALID),
    ("delivery", {"order_id": " "}, "order_id", BLANK),
    ("delivery", {"order_id": ""}, "order_id", BLANK),
    ("delivery", {"order_id": "a\0b"}, "order_id", INVALID),
    ("delivery", {"order_id": "a\nb"}, "order_id", INVALID),
    ("delivery", {"order_id": "a" * 256}, "order_id", INVALID),
    ("delivery", {"initial_tip_cents": -1}, "initial_tip_cents", INVALID),
    ("delivery", {"initial_tip_cents": 2**53}, "initial_tip_cents", INVALID),
    ("delivery", {"initial_tip_cents": "5"}, "initial_tip_cents", INVALID),
    ("delivery", {"initial_tip_cents": 1.5}, "initial_tip_cents", INVALID),
    ("delivery", {"leave_unattended": "true"}, "leave_unattended", INVALID),
    ("delivery", {"locale": "en US"}, "locale", INVALID),
    ("delivery", {"metadata": ["a"]}, "metadata", INVALID),
    ("delivery", {"loyalty_number": "a\0"}, "loyalty_number", INVALID),
    ("delivery", {"special_instructions": "a\0"}, "special_instructions", INVALID),
    ("delivery", {"special_instructions": "a" * 100_000}, "special_instructions", INVALID),
    ("delivery", {"user": "me"}, "user", INVALID),
    ("delivery", {"user": {"phone_number": " "}}, "user.phone_number", INVALID),
    ("delivery", {"user": {"phone_number": 5}}, "user.phone_number", INVALID),
    ("delivery", {"user": {"sms_opt_in": 1}}, "user.sms_opt_in", INVALID),
    ("delivery", {"user": {"birthday": 19910305}}, "user.birthday", INVALID),
    ("delivery", {"address": {"postal_code": "60610"}}, "address.address_line_1", BLANK),
    ("delivery", {"address": {**ADDRESS, "postal_code": "6061"}}, "address.postal_code", INVALID),
    ("delivery", {"items": []}, "items", BLANK),
    ("delivery", {"items": [MILK] * 1001}, "items", INVALID),
    ("delivery", {"items": [{**MILK, "line_num": 1}]}, "items[0].line_num", INVALID),
    ("delivery", {"items": [{**MILK, "line_num": ""}]}, "items[0].line_num", BLANK),
    ("delivery", {"items": [{"line_num": "1", "count": 1}]}, "items[0].item", BLANK),
    ("delivery", {"items": [MILK, {**MILK, "item": {}}]}, "items[1].item", BLANK),
    ("delivery", {"items": [{**MILK, "item": "milk"}]}, "items[0].item", INVALID),
    ("delivery", {"items": [{**MILK, "count": -1}]}, "items[0].count", INVALID),
    ("delivery", {"items": [{**MILK, "count": 1.5}]}, "items[0].count", INVALID),
    ("delivery", {"items": [{**MILK, "count": 2**63}]}, "items[0].count", INVALID),
    ("delivery", {"items": [{**MILK, "weight": -0.5}]}, "items[0].weight", INVALID),
    ("delivery", {"items": [{**MILK, "replacement_policy": "any"}]}, "items[0].replacement_policy", INVALID),
    (
        "delivery",
        {"items": [{**MILK, "replacement_items": [{"rrc": "a"}] * 11}]},
        "items[0].replacement_items",
        INVALID,
    ),
    ("delivery", {HOLD: -1}, HOLD, INVALID),
    ("delivery", {HOLD: 2**63}, HOLD, INVALID),
    ("delivery", {HOLD: "1e3"}, HOLD, INVALID),
    ("delivery", {HOLD: 1.0}, HOLD, INVALID),
    ("pickup", {"location_code": ""}, "location_code", BLANK),
    ("last_mile", {"items_count": -1}, "items_count", INVALID),
    ("last_mile", {"items_weight": "4"}, "items_weight", INVALID),
    ("last_mile", {"start_at": "2026-06-11T17:00:00Z"}, "end_at", BLANK),
    ("last_mile", {"end_at": "2026-06-11T17:00:00Z"}, "start_at", BLANK),
    ("last_mile", {"bag_scan_codes": ["a"] * 201}, "bag_scan_codes", INVALID),
    ("dispatch", {"user_phone": ""}, "user_phone", BLANK),
    ("dispatch", {"start_at": "tomorrow"}, "start_at", INVALID),
]


@pytest.mark.parametrize(("kind", "fields", "key", "message"), FORMS)
def test_when_a_field_breaks_its_form_then_it_is_named(
    market: Market, kind: str, fields: dict[str, Any], key: str, message: str
) -> None:
    user_id = market.customer()
    hold = {HOLD: market.hold(user_id, kind)} if kind in HELD else {}
    refused = market.send(kind, user_id, market.body(kind, **{**hold, **fields}))
    assert error(refused) == (400, message, 1001, key)


def test_when_the_body_is_no_json_number_then_it_is_refused(market: Market) -> None:
    user_id = market.customer()
    for wrong in ('"weight": NaN', '"weight": Infinity', '"weight": 1e999', '"line_num": "\\ud800"', '"count": 01'):
        content = f'{{"order_id": "a", "items": [{{"line_num": "1", {wrong}, "item": {{"rrc": "milk"}}}}]}}'
        refused = market.http.post(creation_path("delivery", user_id), content=content, headers=market.headers)
        assert refused.status_code == 400, wrong


@pytest.mark.parametrize(
    ("accepted", "asked", "answered"),
    [
        ("en-CA", None, "en_CA"),
        ("fr-CA, en;q=0.8", None, "fr_CA"),
        ("en-US;q=0.9", "fr-CA", "fr_CA"),
        ("de-DE", None, "en_US"),
        (None, "en-US", "en_US"),
        (None, "en_US", "en_US"),
        (None, "zh-Hant-TW", "zh_Hant_TW"),
        (None, None, "en_US"),
    ],
)
def test_when_a_locale_is_asked_for_then_the_body_wins_and_the_answer_has_the_posix_form(
    market: Market, accepted: str | None, asked: str | None, answered: str | None
) -> None:
    user_id = market.customer()
    body = market.body("delivery", service_option_hold_id=market.hold(user_id), locale=asked)
    headers = {"Accept-Language": accepted} if accepted else {"Accept-Language": ""}
    ordered = market.send("delivery", user_id, body, headers=headers).json()
    assert ordered.get("locale") == answered
    assert market.read(user_id, ordered["id"]).json().get("locale") == answered


def test_when_replacements_are_wished_then_the_policy_follows_unless_it_is_given(market: Market) -> None:
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


QUANTITIES = [
    (line("1", "milk", count=3), (3, "each", "")),
    (line("1", "milk", count=3, weight=2.5), (3, "each", "weight: 2.5")),
    (line("1", "milk", count=3, weight=2.5, special_instructions="Cold"), (3, "each", "Cold (weight: 2.5)")),
    (line("1", "ham", weight=0.25), (0.25, "lb", "")),
    (line("1", "ham", weight=2, count=4), (2, "lb", "count: 4")),
    (line("1", "apples", weight=1.5), (1.5, "kg", "")),
    (line("1", "apples", count=5), (5, "each", "")),
    (line("1", "milk", weight=1), None),
    (line("1", "ham", count=1), None),
    (line("1", "milk", count=0), None),
    (line("1", "ham", weight=0), None),
    (line("1", "nothing", count=1), None),
    ({"line_num": "1", "item": {"rrc": "milk"}}, None),
]


@pytest.mark.parametrize(("wanted", "answered"), QUANTITIES)
def test_when_a_quantity_is_given_then_how_the_item_is_sold_decides(
    market: Market, wanted: dict[str, Any], answered: tuple[float, str, str] | None
) -> None:
    response = market.create(items=[wanted])
    if answered is None:
        assert error(response) == (400, *INVALID_ITEMS)
        assert response.json()["meta"]["line_nums"] == ["1"]
        return
    (ordered,) = response.json()["items"]
    assert (ordered["qty"], ordered["qty_unit"], ordered.get("special_instructions", "")) == answered


def test_when_the_same_product_or_number_comes_twice_then_the_lines_are_named(market: Market) -> None:
    for twice in (
        [line("1", "milk"), line("2", "milk")],
        [line("1", "milk"), line("1", "bread")],
        [line("1", "milk"), {"line_num": "2", "count": 1, "item": {"upc": "400000000015"}}],
        [line("1", "milk"), {"line_num": "2", "count": 1, "item": {"upc": "00400000000015"}}],
    ):
        refused = market.create(items=twice)
        assert error(refused) == (400, *DUPLICATE)
        assert refused.json()["meta"]["line_nums"] == [twice[1]["line_num"]]


@pytest.mark.parametrize("kind", KINDS)
def test_when_a_creation_is_repeated_then_one_order_is_made_and_answered(server: LiveServer, kind: str) -> None:
    market = Market(server)
    user_id, other = market.customer(), market.customer()
    hold = {HOLD: market.hold(user_id, kind)} if kind in HELD else {}
    body = market.body(kind, **hold)
    first = market.send(kind, user_id, body)
    assert first.status_code == 200, first.text
    again = market.send(kind, user_id, {**dict(reversed(body.items())), "is_express": True})
    assert (again.status_code, again.content) == (200, first.content)
    row = market.row(body["order_id"])
    changed = {"special_instructions": "Ring twice"}
    with_hold = {HOLD: market.hold(user_id, kind)} if kind in HELD else {}
    for answer in (
        market.send(kind, user_id, {**body, **changed}),
        market.send(kind, user_id, {**body, **changed, **with_hold}),
        *([market.send(kind, other, body)] if kind in HELD else []),
    ):
        assert error(answer) == (400, *TAKEN)
    assert market.row(body["order_id"]) == row
    assert market.orders == 1
    assert market.taken == (1 if kind in HELD else 0, 1)


def test_when_two_retailers_use_the_same_order_id_then_neither_notices(server: LiveServer) -> None:
    north, south = Market(server), Market(server)
    for place, tip in ((north, 100), (south, 200)):
        place.order("delivery", place.customer("customer"), order_id="ORDER-1", initial_tip_cents=tip)
    assert [place.row("ORDER-1")["tip_cents"] for place in (north, south)] == [100, 200]
    north.post(north.path("customer", "ORDER-1", "/cancel")).raise_for_status()
    assert south.read("customer", "ORDER-1").json()["status"] == "brand_new"
    assert (north.taken, south.taken) == ((0, 0), (0, 1))


def test_when_order_ids_are_strange_then_each_finds_its_own_order(market: Market) -> None:
    user_id = market.customer()
    strange = [
        "a/b",
        "//",
        "a b",
        " a",
        "%2F",
        "a%00",
        "🛒",
        "\u00e9",
        "\u00c9",
        "e\u0301",
        "x" * 255,
        "?a=1#b",
        "a;b",
        "...",
        "null",
    ]
    strange += ["Order", "order", "ORDER", "order/last_mile", "-1", "0", "{order_id}", "a\\b", "' OR 1=1 --"]
    for order_id in strange:
        assert market.order("delivery", user_id, order_id=order_id)["id"] == order_id
        assert market.order("dispatch", order_id=f"{order_id[:250]}/d")["id"] == f"{order_id[:250]}/d"
    for order_id in strange:
        assert market.read(user_id, order_id).json()["id"] == order_id
        canceled = market.post(market.path(user_id, order_id, "/cancel")).json()
        assert (canceled["id"], canceled["status"]) == (order_id, "canceled")
    assert len(market.get(f"{USERS}/{user_id}/orders").json()["orders"]) == len(strange)


@pytest.mark.parametrize("order_id", ["delivery", "pickup", "last_mile", ".", ".."])
@pytest.mark.parametrize("kind", KINDS)
def test_when_an_order_id_could_not_be_found_by_its_path_then_it_is_refused(
    market: Market, kind: str, order_id: str
) -> None:
    assert error(market.create(kind, order_id=order_id)) == (400, INVALID, 1001, "order_id")


@pytest.mark.parametrize("kind", HELD)
def test_when_a_hold_is_not_ones_own_or_of_another_kind_then_it_is_invalid(server: LiveServer, kind: str) -> None:
    market, elsewhere = Market(server), Market(server)
    user_id, neighbour = market.customer("user-a"), market.customer("user-b")
    wrong_kind = HELD[HELD.index(kind) - 1]
    used = market.hold(user_id, kind)
    market.order(kind, user_id, service_option_hold_id=used)
    stale = market.hold(user_id, kind)
    mine = market.hold(user_id, kind, hour=14)
    refused = {
        "used": used,
        "dropped": stale,
        "a neighbour's": market.hold(neighbour, kind),
        "another retailer's": elsewhere.hold(elsewhere.customer("user-a"), kind),
        "an option": market.option(kind, hour=14),
        "nobody's": 0,
    }
    for hold_id in refused.values():
        for form in (hold_id, str(hold_id)):
            assert error(market.create(kind, user_id, service_option_hold_id=form)) == (400, INVALID, 1001, HOLD)
    away = market.create(kind, user_id, service_option_hold_id=mine, location_code="dry")
    assert error(away) == (400, INVALID, 1001, "location_code")
    assert market.taken == (2, 1)
    assert market.create(kind, user_id, service_option_hold_id=str(mine)).status_code == 200
    other_kind = market.hold(user_id, wrong_kind)
    assert error(market.create(kind, user_id, service_option_hold_id=other_kind)) == (400, INVALID, 1001, HOLD)
    assert market.taken == (2, 2)


@pytest.mark.parametrize("kind", HELD)
def test_when_a_hold_has_expired_then_it_books_while_there_is_room(server: LiveServer, later: Any, kind: str) -> None:
    market = Market(server, capacity=1)
    first, second = market.customer(), market.customer()
    expired = market.hold(first, kind)
    place = ("here", kind, market.at(12))
    with later(seconds=601):
        market.order(kind, first, service_option_hold_id=expired)
        assert market.ledger() == {place: (0, 1)}
        assert error(market.reserve(second, kind)) == (
            400,
            "Service option is not available",
            1001,
            "service_option_id",
        )
        lost = market.hold(second, kind, hour=14)
        with later(seconds=1202):
            market.order(kind, slot={"hour": 14})
            assert error(market.create(kind, second, service_option_hold_id=lost)) == (400, *FULL)
            assert market.taken == (0, 2)


@pytest.mark.parametrize("kind", HELD)
def test_when_the_window_of_an_old_hold_has_begun_then_it_books_no_more(
    server: LiveServer, later: Any, kind: str
) -> None:
    market = Market(server, capacity=1)
    user_id = market.customer()
    kept = market.hold(user_id, kind, day=1)
    starts_in = (market.at(12, day=1) - clock.now()) / clock.SECOND
    with later(seconds=starts_in + 3600):
        market._token = None
        refused = market.create(kind, user_id, service_option_hold_id=kept)
        assert error(refused) == (400, "Service option is expired", 1001, HOLD)
        assert market.orders == 0


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
def test_when_a_cart_is_over_a_limit_then_a_delivery_is_refused_and_all_limits_are_named(
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
    """The birthday of somebody who was so old so many days ago."""
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
    ("here", "wine", {"birthday": ""}, [WRONG_BIRTHDAY]),
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
def test_when_a_cart_is_for_grown_ups_then_age_place_and_store_decide(
    market: Market, location: str, rrc: str, user: dict[str, str], expected: list[Any]
) -> None:
    wanted = {"items": [line("1", rrc)], "user": user, "location_code": location}
    response = market.create("pickup", slot={"location": location}, **wanted)
    assert (refusals(response) if response.status_code != 200 else []) == expected


def test_when_the_retailer_is_lenient_then_a_strange_birthday_or_phone_does_no_harm(server: LiveServer) -> None:
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


def test_when_the_rule_is_to_remove_then_what_the_customer_is_too_young_for_is_left_out(server: LiveServer) -> None:
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
def test_when_alcohol_is_outside_its_hours_then_the_slot_cannot_be_had(server: LiveServer, kind: str) -> None:
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
            market.order(kind, user_id, service_option_hold_id=held)  # the hold was left alone


def test_when_an_order_with_alcohol_is_to_be_left_at_the_door_then_it_is_not(market: Market) -> None:
    unattended = {"leave_unattended": True}
    dry = [market.order(**unattended), market.order("last_mile", **unattended), market.order("dispatch", **unattended)]
    wet = [market.order(items=WINE, user=ADULT, **unattended)]
    wet += [market.order(kind, alcoholic=True, **unattended) for kind in ("last_mile", "dispatch")]
    for orders, has_alcohol in ((dry, False), (wet, True)):
        rows = [market.row(one["id"]) for one in orders]
        assert [(row["has_alcohol"], row["leave_unattended"]) for row in rows] == [(has_alcohol, not has_alcohol)] * 3


def test_when_alcohol_is_sent_from_a_store_without_then_it_is_refused(market: Market) -> None:
    refused = market.create("last_mile", slot={"location": "dry"}, location_code="dry", alcoholic=True)
    assert error(refused) == (400, "Alcohol delivery not enabled for this store", 1001, "alcoholic")


def test_when_ebt_pays_then_the_store_is_in_the_us_and_substitutes_are_eligible(market: Market) -> None:
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


PHONES = [
    ("+13125550188", None),
    ("+442079460018", None),
    ("3125550188", INVALID),
    ("+1 312 555 0188", INVALID),
    ("+03125550188", INVALID),
    ("+1312555018x", INVALID),
    ("+" + "1" * 39, INVALID),
    ("+١٢٣٤٥٦٧٨٩٠", INVALID),
]


@pytest.mark.parametrize(("phone", "message"), PHONES)
@pytest.mark.parametrize("kind", ["delivery", "dispatch"])
def test_when_a_phone_number_is_given_then_it_has_the_form_e164(
    market: Market, kind: str, phone: str, message: str | None
) -> None:
    field = {"user": {"phone_number": phone}} if kind in SHOPPED else {"user_phone": phone}
    response = market.create(kind, **field)
    if message is None:
        assert market.row(response.json()["id"])["details"]["phone_number"] == phone
    else:
        assert error(response) == (400, message, 1001, "user.phone_number" if kind in SHOPPED else "user_phone")


@pytest.mark.parametrize("kind", SHOPPED)
def test_when_the_user_has_no_phone_number_then_the_order_must_have_one(market: Market, kind: str) -> None:
    nameless, known = market.customer(phone_number=None), market.customer(phone_number="+13125550100")
    assert error(market.create(kind, nameless)) == (400, BLANK, 1001, "user.phone_number")
    assert market.row(market.order(kind, known)["id"])["details"]["phone_number"] == "+13125550100"
    given = market.order(kind, known, user={"phone_number": PHONE, "sms_opt_in": True})
    details = market.row(given["id"])["details"]
    assert (details["phone_number"], details["sms_opt_in"]) == (PHONE, True)


@pytest.mark.parametrize(("opt_out", "sms"), [(True, False), (False, True), (None, False)])
def test_when_a_carried_order_opts_out_of_messages_then_that_is_kept(
    market: Market, opt_out: bool | None, sms: bool
) -> None:
    for kind in ("last_mile", "dispatch"):
        row = market.row(market.order(kind, customer_sms_opt_out=opt_out)["id"])
        assert row["details"].get("sms_opt_in", False) is sms


@pytest.mark.parametrize("kind", ["delivery", "last_mile", "dispatch"])
def test_when_the_address_is_out_of_reach_then_it_is_refused(market: Market, kind: str) -> None:
    assert error(market.create(kind, address=MONTREAL)) == (400, INVALID, 1001, "address")
    nowhere = {**ADDRESS, "postal_code": "00000"}
    assert error(market.create(kind, address=nowhere)) == (400, INVALID, 1001, "address.postal_code")
    near = {**MONTREAL, "latitude": 41.9, "longitude": -87.63}
    assert market.create(kind, address=near).status_code == 200


def test_when_several_things_are_wrong_then_all_are_named(market: Market) -> None:
    nameless = market.customer(phone_number=None)
    wrong = [line("1", "wine", count=251), line("1", "nothing")]
    refused = market.create(user_id=nameless, items=wrong)
    assert (refused.status_code, refusals(refused)) == (
        400,
        [(BLANK, 1001, "user.phone_number"), BLANK_BIRTHDAY, DUPLICATE, INVALID_ITEMS, UNITS],
    )
    assert refused.json()["error"]["code"] == 9999


@pytest.mark.parametrize("kind", KINDS)
def test_when_unknown_fields_are_sent_then_they_are_ignored(market: Market, kind: str) -> None:
    user_id = market.customer()
    forged = {"status": "completed", "id": "mine", "retailer_id": 1, "is_express": True, "is_instacartplus": True}
    forged |= {"kind": "pickup", "member_since": 1, "warnings": ["a"], "staged_at": 1, "fingerprint": ""}
    hold = {HOLD: market.hold(user_id, kind)} if kind in HELD else {}
    ordered = market.send(kind, user_id, {**market.body(kind, **hold), **forged}).json()
    row = market.row(ordered["id"])
    assert (ordered["status"], ordered["is_express"], ordered["is_instacartplus"]) == ("brand_new", False, False)
    assert ordered["id"] != "mine"
    assert (row["retailer_id"], row["kind"], row["member_since"]) == (market.retailer.id, kind, None)
    assert "staged_at" not in row["details"]
    assert not row["details"].get("warnings")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "{{ 7 * 7 }} ${7*7} <% 7 %> {% raw %}",
        "\u202etxt.exe\u202c \u0627\u062a\u0631\u0643",
        "'; DROP TABLE orders; --",
        "two\r\nlines\tand \\ \" '",
        "\U0001f9c5" * 2000,
    ],
)
def test_when_instructions_are_strange_then_they_come_back_as_they_were(market: Market, text: str) -> None:
    user_id = market.customer()
    wanted = [line("1", "milk", special_instructions=text, metadata={text[:50]: text})]
    ordered = market.order("delivery", user_id, special_instructions=text, items=wanted, metadata={"note": text})
    assert ordered["items"][0]["special_instructions"] == text
    found = market.read(user_id, ordered["id"])
    assert found.headers["content-type"] == "application/json"
    assert found.json() == {**ordered, "pos_payment_method": "UNSPECIFIED"}
    assert market.row(ordered["id"])["details"]["special_instructions"] == text


def test_when_metadata_is_odd_then_it_comes_back_or_is_refused(market: Market) -> None:
    for odd in ({"n": 10**30}, {"": None}, {"a\0": "\0"}, {"a": 2**63}, {"a": [[[[]]]]}, {"a": -0.5}):
        response = market.create(metadata=odd)
        assert response.status_code == 200, response.text
        assert response.json()["metadata"] == odd
    assert error(market.create(metadata=dict.fromkeys(map(str, range(51))))) == (400, INVALID, 1001, "metadata")


@pytest.mark.parametrize(("starts", "ends"), [(0, 2), (0, 1), (1, 2), (0.5, 1.5)])
def test_when_a_last_mile_order_names_a_window_then_it_lies_within_its_slot(
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


async def test_when_identical_creations_come_at_once_then_all_answer_the_one_order(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    user_id = market.customer()
    bodies = {
        creation_path("delivery", user_id): market.body("delivery", service_option_hold_id=market.hold(user_id)),
        LASTMILE: market.body("dispatch"),
    }
    connections = [await Connection.open(server.url) for _ in range(12)]
    for path, body in bodies.items():
        answers = await asyncio.gather(*[one.post(path, body, market.token) for one in connections])
        assert [status for status, _ in answers] == [200] * 12, answers
        assert all(answer == answers[0][1] for _, answer in answers)
    for one in connections:
        await one.close()
    assert market.orders == 2
    assert market.taken == (0, 2)
