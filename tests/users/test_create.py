"""`POST /v2/fulfillment/users`: fields, refusals in both documented forms, and repeated creation.

Source: https://docs.instacart.com/connect/api/fulfillment/users/create_user
"""

import secrets
from typing import Any

import httpx
import pytest

from handcart.core import clock
from handcart.core.db import Tx
from handcart.users import ops
from tests.support.contents import nothing_written
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error

PATH = "/v2/fulfillment/users"
BLANK, MALFORMED = "can't be blank", "is invalid"
EVERYTHING = {
    "user_id": "38b15dd0-150d-40cf-9c8a-963b0e6c6b9f",
    "first_name": "Sample",
    "last_name": "Member",
    "phone_number": "+13125550188",
    "locale": "en-US",
}


def user(**fields: Any) -> dict[str, Any]:
    """A request that would do, but for these fields."""
    return {"user_id": f"user-{secrets.token_hex(6)}", "first_name": "Sample", **fields}


def single(message: str, key: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": 1001}, "meta": {"key": key}}


def create(shop: Shop, body: Any) -> httpx.Response:
    return shop.post(PATH, body)


def row_of(shop: Shop, user_id: str) -> Any:
    rows = shop.server.sql(
        "SELECT u.* FROM users u JOIN retailers r ON r.isolation_id = u.isolation_id"
        " WHERE r.slug = $1 AND u.user_id = $2",
        shop.slug,
        user_id,
    )
    return rows[0] if rows else None


# What is accepted


def test_all_fields_then_they_come_back_as_sent(shop: Shop) -> None:
    answer = create(shop, EVERYTHING)
    assert (answer.status_code, answer.json()) == (200, EVERYTHING)


def test_required_fields_alone_then_no_others_come_back(shop: Shop) -> None:
    body = user()
    assert create(shop, body).json() == body


def test_nulls_then_they_count_as_absent(shop: Shop) -> None:
    body = user()
    assert create(shop, {**body, "last_name": None, "phone_number": None, "locale": None}).json() == body


def test_unknown_and_server_owned_fields_then_they_have_no_effect(shop: Shop) -> None:
    body = user()
    extra = {"id": 1, "created_at": 1, "isolation_id": 1, "retailer_id": 1, "is_active": False, "x": [{"y": "\0"}]}
    before = clock.now()
    assert create(shop, {**body, **extra}).json() == body
    row = row_of(shop, body["user_id"])
    assert before <= row["created_at"] <= clock.now()
    assert row["isolation_id"] != 1


GOOD = [
    ("user_id", "u"),
    ("user_id", "x" * 255),
    ("user_id", "member@example.com"),
    ("user_id", "a/b?c#d%2F..é😀' \""),
    ("first_name", "x" * 100),
    ("first_name", "Zoë-Anne O'Neil, Jr. 李 😀"),
    ("first_name", "{{7*7}} & {x}"),
    ("last_name", ""),
    ("last_name", "x" * 100),
    ("phone_number", "+13125550188"),
    ("phone_number", "800-555-0100"),
    ("phone_number", "(312) 555-0188"),
    ("phone_number", "312.555.0188"),
    ("phone_number", "5550188"),
    ("phone_number", "+123456789012345"),
    ("locale", "en"),
    ("locale", "en-CA"),
    ("locale", "fr-CA"),
    ("locale", "en_US"),
    ("locale", "zh-Hant-TW"),
    ("locale", "english"),
    ("locale", "en-US,fr-CA"),
    ("locale", ""),
]


@pytest.mark.parametrize(("field", "value"), GOOD, ids=lambda value: ascii(value[:20]))
def test_value_at_the_edge_then_kept_as_typed(shop: Shop, field: str, value: str) -> None:
    body = user(**{field: value})
    assert create(shop, body).json() == body
    assert row_of(shop, body["user_id"])[field] == value


AS_MEANT = [
    ("user_id", 20417, "20417"),
    ("phone_number", "", None),
    ("phone_number", "\u202a+1\u00a0312\u2011555\u20110188\u202c", "+13125550188"),
    ("phone_number", "312\u2011555\u20110188", "3125550188"),
]


@pytest.mark.parametrize(("field", "sent", "kept"), AS_MEANT, ids=ascii)
def test_value_as_callers_send_it_then_kept_as_it_is_meant(shop: Shop, field: str, sent: Any, kept: str | None) -> None:
    answer = create(shop, user(**{field: sent}))
    assert (answer.status_code, answer.json().get(field)) == (200, kept), answer.text


# What is refused, one by one


@on_sqlite
@pytest.mark.parametrize("character", list("/:<>$%?\t\n\r\x1b\x7f"), ids=ascii)
@pytest.mark.parametrize("field", ["first_name", "last_name"])
@pytest.mark.parametrize("form", ["{}a", "a{}", "a{}b"])
def test_name_with_a_forbidden_character_then_invalid(shop: Shop, field: str, character: str, form: str) -> None:
    assert shop.token
    with nothing_written(shop.server):
        answer = create(shop, user(**{field: form.format(character)}))
    assert (answer.status_code, answer.json()) == (400, single(MALFORMED, field))


ABSENT: dict[str, Any] = {"null": None, "empty": "", "space": " ", "spaces": " \t\n\u2003"}


@pytest.mark.parametrize("row", ABSENT)
@pytest.mark.parametrize("field", ["user_id", "first_name"])
def test_required_field_blank_then_cant_be_blank(shop: Shop, field: str, row: str) -> None:
    assert shop.token
    with nothing_written(shop.server):
        answer = create(shop, user(**{field: ABSENT[row]}))
    assert (answer.status_code, answer.json()) == (400, single(BLANK, field))


@pytest.mark.parametrize("field", ["user_id", "first_name"])
def test_required_field_missing_then_cant_be_blank(shop: Shop, field: str) -> None:
    body = user()
    del body[field]
    assert create(shop, body).json() == single(BLANK, field)


@pytest.mark.parametrize("value", [5, 1.5, True, ["x"], {"x": 1}], ids=str)
@pytest.mark.parametrize("field", list(EVERYTHING))
@on_sqlite
def test_value_of_another_type_then_invalid(shop: Shop, field: str, value: Any) -> None:
    if (field, value) == ("user_id", 5):
        return  # a number is taken for its decimal string
    assert shop.token
    with nothing_written(shop.server):
        answer = create(shop, user(**{field: value}))
    assert (answer.status_code, answer.json()) == (400, single(MALFORMED, field))


BAD = [
    ("user_id", "x" * 256),
    ("user_id", "x" * 1_000_000),
    ("user_id", "a\n"),
    ("user_id", "a\tb"),
    ("user_id", "a\0b"),
    ("first_name", "a\0b"),
    ("last_name", "\0"),
    ("phone_number", "3125550188\0"),
    ("locale", "en-US\0"),
    ("user_id", "x" * 500_000 + "\x01"),
    ("first_name", "x" * 101),
    ("first_name", "x" * 1_000_000),
    ("last_name", "x" * 101),
    ("phone_number", "+"),
    ("phone_number", "123456"),
    ("phone_number", "1234567890123456"),
    ("phone_number", "1" * 100),
    ("phone_number", "++13125550188"),
    ("phone_number", "1-800-FLOWERS"),
    ("phone_number", "3125550188x12"),
    ("phone_number", "٣١٢٥٥٥٠١٨٨"),
    ("phone_number", "3125550188\n"),
    ("phone_number", "(" * 30 + "1"),
    ("locale", "en-US\n"),
    ("locale", "en" + "-US" * 12),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda value: ascii(value[:20]))
@on_sqlite
def test_value_malformed_then_invalid(shop: Shop, field: str, value: str) -> None:
    assert shop.token
    with nothing_written(shop.server):
        answer = create(shop, user(**{field: value}))
    assert (answer.status_code, answer.json()) == (400, single(MALFORMED, field))


# Several at once


def test_several_errors_then_the_documented_multiple_form(shop: Shop) -> None:
    assert shop.token
    with nothing_written(shop.server):
        answer = create(shop, {"first_name": "A/B", "phone_number": "x", "locale": 5})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "message": "There were issues with your request",
            "code": 9999,
            "errors": [
                single(BLANK, "user_id"),
                single(MALFORMED, "first_name"),
                single(MALFORMED, "phone_number"),
                single(MALFORMED, "locale"),
            ],
        },
        "meta": {},
    }


@pytest.mark.parametrize("body", [None, {}], ids=["no body", "empty object"])
def test_nothing_sent_then_both_required_fields_are_named(shop: Shop, body: Any) -> None:
    answer = create(shop, body)
    assert answer.json()["error"]["errors"] == [single(BLANK, "user_id"), single(BLANK, "first_name")]


# Bodies that are no request

UNREADABLE = {
    "repeated, the first one wrong": b'{"user_id": 5, "user_id": "a", "first_name": "b"}',
    "truncated": b'{"user_id": "a", "first_name": "b"',
    "wrong, then truncated": b'{"user_id": 5, "first_name": ',
    "array": b'[{"user_id": "a", "first_name": "b"}]',
    "null": b"null",
    "string": b'"a"',
    "NaN": b'{"user_id": NaN, "first_name": "b"}',
    "raw NUL": b'{"user_id": "a\0b", "first_name": "b"}',
    "lone surrogate": b'{"user_id": "\\ud800", "first_name": "b"}',
    "latin-1": b'{"user_id": "\xe9", "first_name": "b"}',
    "byte order mark": b'\xef\xbb\xbf{"user_id": "a", "first_name": "b"}',
    "depth 10,000": b'{"x":' * 10_000,
    "wrong, then depth 10,000": b'{"user_id": 5, "x":' + b"[" * 10_000,
    "trailing comma": b'{"user_id": "a", "first_name": "b",}',
}


@pytest.mark.parametrize("row", UNREADABLE)
@on_sqlite
def test_body_unreadable_then_400_in_the_envelope(shop: Shop, row: str) -> None:
    headers = {**shop.headers, "Content-Type": "application/json"}
    with nothing_written(shop.server):
        status, message, code, key = error(shop.http.post(PATH, content=UNREADABLE[row], headers=headers))
    assert (status, code, key) == (400, 1001, None)
    assert message.startswith("Request body must")


def test_backslash_before_u0000_then_it_is_text(shop: Shop) -> None:
    body = user(first_name="a\\u0000")
    assert create(shop, body).json() == body


# Creating again


def test_again_with_the_same_content_then_200_and_nothing_new(shop: Shop) -> None:
    assert create(shop, EVERYTHING).status_code == 200
    with nothing_written(shop.server):
        answer = create(shop, EVERYTHING)
    assert (answer.status_code, answer.json()) == (200, EVERYTHING)


OTHER: list[dict[str, Any]] = [
    {"first_name": "Other"},
    {"first_name": "sample"},
    {"last_name": "Other"},
    {"last_name": None},
    {"last_name": ""},
    {"phone_number": "+13125550189"},
    {"locale": "fr-CA"},
    {"phone_number": None, "locale": None},
]


@pytest.mark.parametrize("change", OTHER, ids=str)
def test_again_with_other_content_then_taken_and_unchanged(shop: Shop, change: dict[str, Any]) -> None:
    assert create(shop, EVERYTHING).status_code == 200
    with nothing_written(shop.server):
        answer = create(shop, {**EVERYTHING, **change})
    assert (answer.status_code, answer.json()) == (400, single("has already been taken", "user_id"))


def test_id_in_another_case_then_another_user(shop: Shop) -> None:
    for user_id in ("user-a", "USER-A", "user-a "):
        assert create(shop, user(user_id=user_id, last_name=user_id)).status_code == 200


def test_same_id_at_another_retailer_then_both_are_made(shop: Shop) -> None:
    other = Shop(shop.server)
    assert create(shop, EVERYTHING).status_code == 200
    assert create(other, {**EVERYTHING, "first_name": "Other"}).status_code == 200
    assert row_of(shop, EVERYTHING["user_id"])["first_name"] == "Sample"


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_user_deleted_while_created_again_then_not_active(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # On SQLite, no other request can write between the two statements.
    user_id, find = shop.user(), ops.find

    async def find_after_deletion(tx: Tx, isolation_id: int, name: str) -> Any:
        monkeypatch.setattr(ops, "find", find)
        await shop.server.app.database.write(ops.delete, isolation_id, name)
        return await find(tx, isolation_id, name)

    monkeypatch.setattr(ops, "find", find_after_deletion)
    response = create(shop, {"user_id": user_id, "first_name": "Sample"})
    assert (response.status_code, response.json()["error"]["message"]) == (403, "User Not Active")
