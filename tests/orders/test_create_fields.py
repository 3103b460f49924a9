"""The fields of new orders: required, optional, malformed, strange, several wrong at once."""

from typing import Any

import pytest

from tests.orders.creations import BLANK, BLANK_BIRTHDAY, DUPLICATE, HOLD, INVALID, INVALID_ITEMS, UNITS
from tests.support.orders import (
    ADDRESS,
    HELD,
    KINDS,
    MILK,
    SHOPPED,
    Market,
    creation_path,
    line,
    refusals,
)
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import error

TAKEN = ("has already been taken", 1001, "order_id")


FORMS = [
    ("delivery", {"order_id": True}, "order_id", INVALID),
    ("delivery", {"order_id": " "}, "order_id", BLANK),
    ("delivery", {"order_id": ""}, "order_id", BLANK),
    ("delivery", {"order_id": "a\0b"}, "order_id", INVALID),
    ("delivery", {"order_id": "a\nb"}, "order_id", INVALID),
    ("delivery", {"order_id": "a\x9b31mb"}, "order_id", INVALID),
    ("delivery", {"order_id": "a\u202eb"}, "order_id", INVALID),
    ("delivery", {"order_id": "a" * 256}, "order_id", INVALID),
    ("delivery", {"initial_tip_cents": -1}, "initial_tip_cents", INVALID),
    ("delivery", {"initial_tip_cents": 2**53}, "initial_tip_cents", INVALID),
    ("delivery", {"initial_tip_cents": "5"}, "initial_tip_cents", INVALID),
    ("delivery", {"initial_tip_cents": 1.5}, "initial_tip_cents", INVALID),
    ("delivery", {"leave_unattended": "true"}, "leave_unattended", INVALID),
    ("delivery", {"locale": 5}, "locale", INVALID),
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
    ("delivery", {"items": [{**MILK, "line_num": 1.5}]}, "items[0].line_num", INVALID),
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
    ("dispatch", {"start_at": "2026-12-03T15:00:00"}, "start_at", INVALID),
]


@pytest.mark.parametrize(("kind", "fields", "key", "message"), FORMS)
@on_sqlite
def test_field_breaks_its_form_then_it_is_named(
    market: Market, kind: str, fields: dict[str, Any], key: str, message: str
) -> None:
    user_id = market.customer()
    hold = {HOLD: market.hold(user_id, kind)} if kind in HELD else {}
    refused = market.send(kind, user_id, market.body(kind, **{**hold, **fields}))
    assert error(refused) == (400, message, 1001, key)


def test_body_is_no_json_number_then_it_is_refused(market: Market) -> None:
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
        (None, "zh-Hant-TW", "en_US"),
        (None, "FR_ca", "fr_CA"),
        ("fr-CA", "de-DE", "en_US"),
        ("fr-CA", "english", "en_US"),
        ("fr-CA", "", "fr_CA"),
        ("fr-CA;q=0.5, en-CA;q=0.9", None, "en_CA"),
        ("de-DE, fr-CA;q=0, en-CA;q=0.1", None, "en_CA"),
        (None, None, "en_US"),
    ],
)
def test_locale_asked_for_then_the_body_wins_and_the_answer_is_posix(
    market: Market, accepted: str | None, asked: str | None, answered: str | None
) -> None:
    user_id = market.customer()
    body = market.body("delivery", service_option_hold_id=market.hold(user_id), locale=asked)
    headers = {"Accept-Language": accepted} if accepted else {"Accept-Language": ""}
    ordered = market.send("delivery", user_id, body, headers=headers).json()
    assert ordered.get("locale") == answered
    assert market.read(user_id, ordered["id"]).json().get("locale") == answered


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
def test_quantity_sent_then_how_the_item_is_sold_decides(
    market: Market, wanted: dict[str, Any], answered: tuple[float, str, str] | None
) -> None:
    response = market.create(items=[wanted])
    if answered is None:
        assert error(response) == (400, *INVALID_ITEMS)
        assert response.json()["meta"]["line_nums"] == ["1"]
        return
    (ordered,) = response.json()["items"]
    assert (ordered["qty"], ordered["qty_unit"], ordered.get("special_instructions", "")) == answered


def test_same_product_or_number_comes_twice_then_the_lines_are_named(market: Market) -> None:
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
def test_creation_is_repeated_then_one_order_is_made_and_answered(server: LiveServer, kind: str) -> None:
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
@on_sqlite
def test_phone_number_sent_then_it_has_the_form_e164(
    market: Market, kind: str, phone: str, message: str | None
) -> None:
    field = {"user": {"phone_number": phone}} if kind in SHOPPED else {"user_phone": phone}
    response = market.create(kind, **field)
    if message is None:
        assert market.row(response.json()["id"])["details"]["phone_number"] == phone
    else:
        assert error(response) == (400, message, 1001, "user.phone_number" if kind in SHOPPED else "user_phone")


def test_several_things_are_wrong_then_all_are_named(market: Market) -> None:
    nameless = market.customer(phone_number=None)
    wrong = [line("1", "wine", count=251), line("1", "nothing")]
    refused = market.create(user_id=nameless, items=wrong)
    assert (refused.status_code, refusals(refused)) == (
        400,
        [(BLANK, 1001, "user.phone_number"), BLANK_BIRTHDAY, DUPLICATE, INVALID_ITEMS, UNITS],
    )
    assert refused.json()["error"]["code"] == 9999


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_are_sent_then_they_are_ignored(market: Market, kind: str) -> None:
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
def test_instructions_are_strange_then_they_come_back_as_they_were(market: Market, text: str) -> None:
    user_id = market.customer()
    wanted = [line("1", "milk", special_instructions=text, metadata={text[:50]: text})]
    ordered = market.order("delivery", user_id, special_instructions=text, items=wanted, metadata={"note": text})
    assert ordered["items"][0]["special_instructions"] == text
    found = market.read(user_id, ordered["id"])
    assert found.headers["content-type"] == "application/json"
    assert found.json() == {**ordered, "pos_payment_method": "UNSPECIFIED"}
    assert market.row(ordered["id"])["details"]["special_instructions"] == text


def test_metadata_is_odd_then_it_comes_back_or_is_refused(market: Market) -> None:
    for odd in ({"n": 10**30}, {"": None}, {"a\0": "\0"}, {"a": 2**63}, {"a": [[[[]]]]}, {"a": -0.5}):
        response = market.create(metadata=odd)
        assert response.status_code == 200, response.text
        assert response.json()["metadata"] == odd
    assert error(market.create(metadata=dict.fromkeys(map(str, range(51))))) == (400, INVALID, 1001, "metadata")


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_is_longer_than_16_kib_as_json_then_it_is_refused(server: LiveServer, kind: str) -> None:
    """Counted in bytes as it is stored: a letter of two bytes counts twice, an escaped one too."""
    market = Market(server, capacity=20)
    room = (16 << 10) - len('{"note":""}')
    for text in ("x" * room, "é" * (room // 2), "\n" * (room // 2)):
        note = {"note": text}
        assert market.create(kind, metadata=note).status_code == 200
        refused = market.create(kind, metadata={**note, "one": 1})
        assert error(refused) == (400, "is too large (maximum is 16 KiB of JSON)", 1001, "metadata")
        if kind in SHOPPED:
            items = [line("1", "milk"), line("2", "bread", metadata={**note, "one": 1})]
            assert error(market.create(kind, items=items))[3] == "items[1].metadata"
            assert market.create(kind, items=[line("1", "milk", metadata=note)]).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_is_nested_too_deeply_then_it_is_refused(server: LiveServer, kind: str) -> None:
    """Encoders give up at some hundreds of levels: such an order could not be read again."""
    market = Market(server, capacity=20)
    refusal = "is nested too deeply (maximum is 32 levels)"
    for levels in (33, 300):
        assert error(market.create(kind, metadata=nested(levels))) == (400, refusal, 1001, "metadata"), levels
        if kind in SHOPPED:
            items = [line("1", "milk"), line("2", "bread", metadata=nested(levels))]
            assert error(market.create(kind, items=items)) == (400, refusal, 1001, "items[1].metadata"), levels
    response = market.create(kind, metadata=nested(32))
    assert response.json()["metadata"] == nested(32)


def nested(levels: int) -> dict[str, Any]:
    """Metadata of this many levels, objects and lists in turn."""
    value: Any = 1
    for level in range(levels - 1):
        value = {"a": value} if level % 2 else [value]
    return {"a": value}


@pytest.mark.parametrize("kind", SHOPPED)
def test_order_is_longer_than_256_kib_as_json_then_it_is_refused(server: LiveServer, kind: str) -> None:
    market = Market(server, is_lenient=True)
    user_id = market.customer()
    items = [line(str(n), f"product {n}", metadata={"note": "x" * (15 << 10)}) for n in range(18)]
    ordered = market.order(kind, user_id, items=items[:16])
    taken = market.taken
    too_large = (400, "is too large (maximum is 256 KiB of JSON)", 1001, "items")
    assert error(market.create(kind, items=items)) == too_large
    path = market.path(user_id, ordered["id"])
    assert error(market.put(path, {"items": items})) == too_large
    assert market.read(user_id, ordered["id"]).json() == {**ordered, "pos_payment_method": "UNSPECIFIED"}
    assert (market.taken[1], taken[1]) == (1, 1)  # nothing more was booked


def test_longest_fields_together_then_no_carried_order_is_too_large(market: Market) -> None:
    """So neither has a refusal for it."""
    onion = "\U0001f9c5"
    fields = {
        "metadata": {"note": "x" * 16_000},
        "special_instructions": "\x01" * 2000,
        "bag_scan_codes": [onion * 200] * 200,
        "bag_label": onion * 200,
        "first_name": onion * 100,
    }
    assert market.create("last_mile", **fields).status_code == 200
