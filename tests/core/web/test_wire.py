"""From msgspec's messages to the documented envelope, with structs for the test: nesting, arrays, several errors."""

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from handcart.core.errors import ApiError
from handcart.core.web import wire

Cents = Annotated[int, Meta(ge=0)]


class Measurement(Struct):
    quantity: Annotated[float, Meta(gt=0)]
    unit: Annotated[str, Meta(min_length=1)]


class Item(Struct):
    upc: str
    line_item_measurements: list[Measurement] = []


class Order(Struct):
    service_option_id: int
    items: list[Item] = []
    note: str | None = None


class Request(Struct):
    order: Order
    tip_cents: Cents
    tags: Annotated[list[str], Meta(min_length=1)] | None = None
    renamed: str | None = msgspec.field(default=None, name="Renamed")


GOOD: dict[str, Any] = {"order": {"service_option_id": 1}, "tip_cents": 0}


def refusal(body: Any) -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    with pytest.raises(ApiError) as refused:
        wire.decode(raw, Request)
    assert refused.value.status == 400
    return refused.value.body()


def single(message: str, key: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": 1001}, "meta": {"key": key}}


BLANK, INVALID = "can't be blank", "is invalid"
PROBLEMS: list[tuple[dict[str, Any], str, str]] = [
    ({"order": None}, BLANK, "order"),
    ({"order": 5}, INVALID, "order"),
    ({"order": []}, INVALID, "order"),
    ({"order": {}}, BLANK, "order.service_option_id"),
    ({"order": {"service_option_id": "x"}}, INVALID, "order.service_option_id"),
    ({"order": {"service_option_id": None}}, BLANK, "order.service_option_id"),
    ({"order": {"service_option_id": 1, "note": 5}}, INVALID, "order.note"),
    ({"order": {"service_option_id": 1, "items": {}}}, INVALID, "order.items"),
    ({"order": {"service_option_id": 1, "items": [{"upc": "a"}, {}]}}, BLANK, "order.items[1].upc"),
    ({"order": {"service_option_id": 1, "items": [5]}}, INVALID, "order.items[0]"),
    (
        {"order": {"service_option_id": 1, "items": [{"upc": "a", "line_item_measurements": [{"unit": "lb"}]}]}},
        BLANK,
        "order.items[0].line_item_measurements[0].quantity",
    ),
    ({"tip_cents": -1}, INVALID, "tip_cents"),
    ({"tip_cents": 1.5}, INVALID, "tip_cents"),
    ({"tip_cents": "5"}, INVALID, "tip_cents"),
    ({"tip_cents": None}, BLANK, "tip_cents"),
    ({"tip_cents": ""}, BLANK, "tip_cents"),
    ({"tags": ["a", 5]}, INVALID, "tags[1]"),
    ({"tags": []}, BLANK, "tags"),
    ({"Renamed": 5}, INVALID, "Renamed"),
]


@pytest.mark.parametrize(("change", "message", "key"), PROBLEMS, ids=lambda value: str(value)[:60])
def test_one_problem_then_the_single_form_with_its_path(change: dict[str, Any], message: str, key: str) -> None:
    assert refusal({**GOOD, **change}) == single(message, key)


def test_several_problems_then_all_are_named_in_the_order_of_the_fields() -> None:
    body = refusal({"tags": 5, "tip_cents": -1, "order": {"note": 5}})
    assert body["error"]["code"] == 9999
    assert [(one["error"]["message"], one["meta"]["key"]) for one in body["error"]["errors"]] == [
        (BLANK, "order.service_option_id"),
        (INVALID, "order.note"),
        (INVALID, "tip_cents"),
        (INVALID, "tags"),
    ]


def test_very_many_problems_then_the_first_hundred_are_named() -> None:
    body = refusal({**GOOD, "tags": [5] * 10_000})
    assert [one["meta"]["key"] for one in body["error"]["errors"]] == [f"tags[{place}]" for place in range(100)]


def test_good_then_read_with_unknown_fields_and_nulls_ignored() -> None:
    body = {**GOOD, "tags": None, "Renamed": None, "unknown": [{"a": None}]}
    assert wire.decode(msgspec.json.encode(body), Request) == Request(Order(1), 0)


NO_JSON = [b"", b"{", b'{"order": 5', b"{} {}", b"{'order': 1}", b"\xff", b'{"order": NaN}', b"[" * 100_000]


@pytest.mark.parametrize("raw", NO_JSON, ids=lambda raw: repr(raw[:12]))
def test_no_json_then_a_sentence_without_a_key(raw: bytes) -> None:
    assert refusal(raw) == {"error": {"message": "Request body must be valid JSON", "code": 1001}, "meta": {}}


@pytest.mark.parametrize("raw", [b"[]", b"null", b"5", b'"x"', b"true"])
def test_no_object_then_a_sentence_without_a_key(raw: bytes) -> None:
    assert refusal(raw) == {"error": {"message": "Request body must be a JSON object", "code": 1001}, "meta": {}}


def test_first_of_two_equal_names_wrong_then_refused_with_a_reason() -> None:
    raw = b'{"tip_cents": -1, "tip_cents": 1, "order": {"service_option_id": 1}}'
    assert refusal(raw)["error"]["message"] == "Request body must be valid JSON"


class Codes(Struct):
    id: wire.WireId
    code: Annotated[str, Meta(min_length=1), wire.NUMBER_TOO]
    codes: Annotated[list[Annotated[str, wire.NUMBER_TOO]], Meta(max_length=2)] | None = None
    choice: Literal["a"] | None = None
    flag: bool | None = None
    note: str | None = None


AS_MEANT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"id": "9007199254740991"}, {"id": 2**53 - 1}),
    ({"code": 140}, {"code": "140"}),
    ({"code": 10**30}, {"code": "1" + "0" * 30}),
    ({"codes": [1, "b"]}, {"codes": ["1", "b"]}),
    ({"choice": "", "flag": "", "codes": ""}, {}),
    ({"note": "", "flag": ""}, {"note": ""}),
]


@pytest.mark.parametrize(("sent", "read"), AS_MEANT, ids=str)
def test_habits_of_callers_then_read_as_they_are_meant(sent: dict[str, Any], read: dict[str, Any]) -> None:
    """Numbers for codes, strings for ids, empty strings for no value."""
    good = {"id": 1, "code": "a"}
    assert wire.decode(msgspec.json.encode({**good, **sent}), Codes) == Codes(**{**good, **read})


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        *[({"code": value}, "code") for value in (True, 1.5, -1, [1])],
        *[({"id": value}, "id") for value in ("x", "-1", "1.0", "9007199254740992", "1" * 5000, "\u0663", 1.0, True)],
        ({"codes": ["a", "b", "c"]}, "codes"),
        ({"codes": [True]}, "codes[0]"),
        ({"flag": "true"}, "flag"),
        ({"note": 5}, "note"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_other_types_then_refused(sent: dict[str, Any], key: str) -> None:
    with pytest.raises(ApiError) as refused:
        wire.decode(msgspec.json.encode({"id": 1, "code": "a", **sent}), Codes)
    assert refused.value.body() == single(INVALID, key)


REPEATED = {
    "at the top": b'{"a": 1, "a": 1}',
    "inside": b'{"a": {"b": 1, "b": 2}}',
    "in a list": b'[{"a": 1}, {"a": 1, "a": 1}]',
    "written with an escape": b'{"a": 1, "\\u0061": 1}',
    "a colon as its name": b'{":": 1, "\\u003a": 1}',
    "beside escaped colons": b'{"a": "\\u003A", "a": "\\u003a\\u003a"}',
}
ONCE = [
    b'{"a": "::", "b": "\\u003a\\u003A", ":" : {"a": ":"}}',
    b'{"a": "\\\\u003a", "b": "\\\\\\u003a"}',
    b'[{"a": 1}, {"a": 1}]',
    b'"a:b"',
]


@pytest.mark.parametrize("raw", REPEATED.values(), ids=REPEATED)
def test_name_repeated_then_no_json(raw: bytes) -> None:
    with pytest.raises(wire.NotJson):
        wire.decode_any(raw)


@pytest.mark.parametrize("raw", ONCE)
def test_no_name_repeated_then_read(raw: bytes) -> None:
    assert wire.decode_any(raw) == json.loads(raw)


def test_unknown_field_repeated_then_refused() -> None:
    raw = b'{"order": {"service_option_id": 1}, "tip_cents": 0, "unknown": {"x": 1, "x": 2}}'
    assert refusal(raw)["error"]["message"] == "Request body must be valid JSON"


def test_wrong_and_then_broken_off_then_no_defect() -> None:
    assert refusal(b'{"tip_cents": -1, "order": {')["error"]["message"] == "Request body must be valid JSON"


def test_refusals_for_the_description_then_decode_raises_no_other() -> None:
    described = {error.message for error in wire.refusals(Request)}
    assert {BLANK, INVALID, "Request body must be valid JSON", "Request body must be a JSON object"} <= described


def test_many_wrong_elements_then_no_more_are_looked_at_than_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    convert = msgspec.convert

    def counted(value: Any, kind: Any) -> Any:
        nonlocal looked
        looked += 1
        return convert(value, kind)

    monkeypatch.setattr(msgspec, "convert", counted)
    raw = msgspec.json.encode({**GOOD, "tags": [5] * 10_000})
    with pytest.raises(ApiError) as refusal:
        wire.decode(raw, Request)
    assert (len(refusal.value.body()["error"]["errors"]), looked < 200) == (100, True)
