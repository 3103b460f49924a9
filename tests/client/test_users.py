from typing import Any

import pytest
from handcart_client import AddressFlags, BadRequest, User, ValidatedAddress

from tests.client.fakes import Caller, FakeServer, error_body

ADDRESS = {
    "address_line_1": "350 W Oak St",
    "address_line_2": "Apt 2",
    "address_type": "residential",
    "postal_code": "60610",
}
PERSON = {"first_name": "Sample", "last_name": "Member", "phone_number": "+13125550188", "locale": "en-US"}
VALIDATED = {"address_line_1": "350 W Oak St", "postal_code": "60610", "flags": {"long_distance_delivery": True}}


def test_create_then_every_field_is_sent_and_the_user_is_read(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"user_id": "member-1", **PERSON})
    user = caller(lambda client: client.users.create("member-1", **PERSON))
    assert user == User(user_id="member-1", **PERSON)
    assert (fake.last.method, fake.last.url.path) == ("POST", "/v2/fulfillment/users")
    assert fake.sent == {"user_id": "member-1", **PERSON}


def test_create_without_optional_fields_then_they_are_left_out(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"user_id": "member-1", "first_name": "Sample", "last_name": None})
    user = caller(lambda client: client.users.create("member-1", first_name="Sample"))
    assert user == User(user_id="member-1", first_name="Sample")
    assert fake.sent == {"user_id": "member-1", "first_name": "Sample"}


def test_create_with_address_then_every_field_is_sent(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"user_id": "member-1", **VALIDATED})
    fields = {**ADDRESS, **PERSON, "city": "Chicago"}
    address = caller(lambda client: client.users.create_with_address("member-1", **fields))
    assert address == ValidatedAddress(
        user_id="member-1",
        address_line_1="350 W Oak St",
        postal_code="60610",
        flags=AddressFlags(long_distance_delivery=True),
    )
    assert fake.last.url.path == "/v2/fulfillment/users/member-1/addresses"
    assert fake.sent == fields


def test_create_and_validate_address_then_the_body_names_the_user(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=VALIDATED)
    address = caller(lambda client: client.users.create_and_validate_address("member-1", **ADDRESS, **PERSON))
    assert address.user_id is None
    assert fake.last.url.path == "/v2/fulfillment/lastmile/validate_address"
    assert fake.sent == {"user_id": "member-1", **ADDRESS, **PERSON}


def test_validate_address_then_the_path_names_the_user(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"address_line_1": "350 W Oak St", "postal_code": "60610"})
    address = caller(lambda client: client.users.validate_address("member-1", **ADDRESS))
    assert address.flags.long_distance_delivery is None
    assert fake.last.url.path == "/v2/fulfillment/lastmile/users/member-1/validate_address"
    assert fake.sent == ADDRESS


def test_request_deletion_then_a_post_without_a_body(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"success": True})
    assert caller(lambda client: client.users.request_deletion("member-1")) is None
    assert (fake.last.method, fake.last.url.path) == ("POST", "/v2/fulfillment/users/member-1/privacy_request")
    assert fake.last.content == b""


def test_create_refused_then_the_error_names_the_field(caller: Caller, fake: FakeServer) -> None:
    fake.answer(400, error_body("is invalid", "phone_number"))
    with pytest.raises(BadRequest) as caught:
        caller(lambda client: client.users.create("member-1", first_name="Sample", phone_number="1"))
    assert caught.value.key == "phone_number"


@pytest.mark.parametrize("method", ["create_with_address", "validate_address", "request_deletion"])
@pytest.mark.parametrize("user_id", ["", ".", ".."])
def test_user_id_that_no_path_can_carry_then_refused_before_sending(
    caller: Caller, fake: FakeServer, method: str, user_id: str
) -> None:
    fields: dict[str, Any] = {} if method == "request_deletion" else ADDRESS
    with pytest.raises(ValueError, match="user id"):
        caller(lambda client: getattr(client.users, method)(user_id, **fields))
    assert not fake.token_requests
    assert not fake.requests
