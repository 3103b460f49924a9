"""Validating an address by the three documented endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/users/create_user_and_address,
.../lastmile/create_user_and_validate_address, .../lastmile/validate_address
"""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.support.contents import nothing_written
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error

ADDRESS = {"address_line_1": "50 Sample St", "postal_code": "60610"}
CURRENT = "/v2/fulfillment/users/{user_id}/addresses"
WITH_BODY = "/v2/fulfillment/lastmile/validate_address"
EXISTING = "/v2/fulfillment/lastmile/users/{user_id}/validate_address"
FORMS = [CURRENT, WITH_BODY, EXISTING]


def check(shop: Shop, form: str, user_id: str, **fields: Any) -> httpx.Response:
    """Check an address by one of the three forms; a field of None is left out."""
    body = {name: value for name, value in {**ADDRESS, **fields}.items() if value is not None}
    named = {"user_id": user_id} if form == WITH_BODY else {}
    segment = quote(user_id, safe="").replace(".", "%2E")
    return shop.post(form.format(user_id=segment), {**named, **body})


def addresses(shop: Shop, user_id: str) -> list[Any]:
    return shop.server.sql(
        "SELECT a.* FROM addresses a JOIN retailers r ON r.isolation_id = a.isolation_id"
        " WHERE r.slug = $1 AND a.user_id = $2 ORDER BY a.postal_code",
        shop.slug,
        user_id,
    )


def users(shop: Shop) -> dict[str, Any]:
    rows = shop.server.sql(
        "SELECT u.* FROM users u JOIN retailers r ON r.isolation_id = u.isolation_id WHERE r.slug = $1", shop.slug
    )
    return {row["user_id"]: row for row in rows}


@pytest.mark.parametrize("form", FORMS)
def test_user_exists_then_the_checked_address_is_answered_and_kept(shop: Shop, form: str) -> None:
    user_id = shop.user()
    answer = check(shop, form, user_id, address_line_2="Suite 600", address_type="residential")
    flags = {"long_distance_delivery": False}
    assert (answer.status_code, answer.json()) == (200, {"user_id": user_id, **ADDRESS, "flags": flags})
    (kept,) = addresses(shop, user_id)
    assert (kept["address_line_2"], kept["address_type"]) == ("Suite 600", "residential")


@pytest.mark.parametrize("form", [CURRENT, WITH_BODY])
def test_user_unknown_then_created_with_the_address(shop: Shop, form: str) -> None:
    assert check(shop, form, "new-user").status_code == 200
    assert list(users(shop)) == ["new-user"]
    assert len(addresses(shop, "new-user")) == 1


def test_user_unknown_in_the_form_for_existing_ones_then_user_not_found(shop: Shop) -> None:
    assert shop.token
    with nothing_written(shop.server):
        assert error(check(shop, EXISTING, "nobody")) == (400, "User Not Found", 1001, "user_id")


def test_user_created_by_the_current_form_then_the_names_are_kept(shop: Shop) -> None:
    names = {"first_name": "Sample", "last_name": "Member", "phone_number": "800-555-0100", "locale": "fr-CA"}
    assert check(shop, CURRENT, "new-user", city="Chicago", **names).status_code == 200
    assert {name: users(shop)["new-user"][name] for name in names} == names
    assert addresses(shop, "new-user")[0]["city"] == "Chicago"


@pytest.mark.parametrize("form", FORMS)
def test_user_exists_then_other_names_change_nothing(shop: Shop, form: str) -> None:
    user_id = shop.user()
    assert check(shop, form, user_id, first_name="Other", last_name="Name").status_code == 200
    assert (users(shop)[user_id]["first_name"], users(shop)[user_id]["last_name"]) == ("Sample", None)


@pytest.mark.parametrize("form", FORMS)
def test_same_address_again_then_one_row_and_another_address_then_two(shop: Shop, form: str) -> None:
    user_id = shop.user()
    for _ in range(2):
        assert check(shop, form, user_id, address_type="business").status_code == 200
    assert check(shop, form, user_id, postal_code="94105").status_code == 200
    assert [row["postal_code"] for row in addresses(shop, user_id)] == ["60610", "94105"]


CHECKED = {
    "60610": "60610",
    " 60610 ": "60610",
    "606101234": "60610-1234",
    "60610-1234": "60610-1234",
    "K1A 0B1": "K1A 0B1",
    "k1a0b1": "K1A 0B1",
    "K1A-0B1": "K1A 0B1",
}


@pytest.mark.parametrize("postal_code", CHECKED)
def test_postal_code_then_in_one_form(shop: Shop, postal_code: str) -> None:
    assert check(shop, CURRENT, "u", postal_code=postal_code).json()["postal_code"] == CHECKED[postal_code]


def test_spaces_in_the_address_then_single_ones(shop: Shop) -> None:
    assert check(shop, CURRENT, "u", address_line_1="  50   Sample  St ").json()["address_line_1"] == "50 Sample St"


BAD = [
    ("address_line_1", None, "can't be blank"),
    ("address_line_1", "", "can't be blank"),
    ("address_line_1", " ", "can't be blank"),
    ("address_line_1", 5, "is invalid"),
    ("address_line_1", "x" * 201, "is invalid"),
    ("address_line_1", "50 Sample St\n", "is invalid"),
    ("address_line_1", "50\x01St", "is invalid"),
    ("address_line_1", "50\0St", "is invalid"),
    ("address_line_2", "\0", "is invalid"),
    ("address_type", "\0", "is invalid"),
    ("postal_code", "60610\0", "is invalid"),
    ("address_line_2", "x" * 201, "is invalid"),
    ("address_line_2", ["x"], "is invalid"),
    ("address_type", "x" * 201, "is invalid"),
    ("postal_code", None, "can't be blank"),
    ("postal_code", "", "can't be blank"),
    ("postal_code", 60610.5, "is invalid"),
    ("postal_code", "6061", "is invalid"),
    ("postal_code", "606101", "is invalid"),
    ("postal_code", "60610-123", "is invalid"),
    ("postal_code", "K1A 0B", "is invalid"),
    ("postal_code", "٦٠٦١٠", "is invalid"),
    ("postal_code", "1" * 1_000_000, "is invalid"),
    ("postal_code", " " * 500_000 + "x", "is invalid"),
    ("postal_code", "60610'--", "is invalid"),
]


@on_sqlite
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("field", "value", "message"), BAD, ids=lambda value: ascii(value)[:20])
def test_address_malformed_then_named_and_no_user_is_made(
    shop: Shop, form: str, field: str, value: Any, message: str
) -> None:
    assert shop.token
    with nothing_written(shop.server):
        answer = check(shop, form, "new-user", **{field: value})
    assert error(answer) == (400, message, 1001, field)


@pytest.mark.parametrize("field", ["first_name", "last_name", "phone_number", "locale", "city"])
def test_current_form_with_a_malformed_field_then_named_and_no_user(shop: Shop, field: str) -> None:
    assert shop.token
    with nothing_written(shop.server):
        assert error(check(shop, CURRENT, "new-user", **{field: "<\x01>"})) == (400, "is invalid", 1001, field)


def test_several_errors_then_the_multiple_form(shop: Shop) -> None:
    body = shop.post(WITH_BODY, {"postal_code": "x"}).json()
    assert body["error"]["code"] == 9999
    assert sorted(one["meta"]["key"] for one in body["error"]["errors"]) == [
        "address_line_1",
        "postal_code",
        "user_id",
    ]


@pytest.mark.parametrize("user_id", ["x" * 256, " ", "a\n", "a\x01"], ids=lambda value: ascii(value[:20]))
def test_id_in_the_path_that_cannot_be_created_then_invalid(shop: Shop, user_id: str) -> None:
    assert shop.token
    with nothing_written(shop.server):
        assert error(check(shop, CURRENT, user_id)) == (400, "is invalid", 1001, "user_id")


@pytest.mark.parametrize("user_id", ["a/b", "..", "a?b#c", "é😀", "a%2Fb", "member@example.com", "' OR '1'='1"])
def test_id_in_the_path_percent_encoded_then_that_user(shop: Shop, user_id: str) -> None:
    assert check(shop, CURRENT, user_id).json()["user_id"] == user_id
    assert list(users(shop)) == [user_id]
