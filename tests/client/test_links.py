from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from handcart_client import BadRequest, Forbidden, Link, UnexpectedResponse

from tests.client.fakes import Caller, FakeServer, error_body

END = datetime(2023, 3, 12, 7, 59, 59, tzinfo=UTC)


def test_create_then_the_linking_token_is_sent(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"success": True})
    assert caller(lambda client: client.links.create("member-1", "linking-token")) is None
    assert (fake.last.method, fake.last.url.path) == ("POST", "/v2/fulfillment/users/member-1/link")
    assert fake.sent == {"linking_token": "linking-token"}


@pytest.mark.parametrize(
    ("body", "member", "expired_at"),
    [
        ({"express_member": True, "expired_at": "2023-03-12T07:59:59Z"}, True, END),
        ({"express_member": False}, False, None),
        ({"instacartplus_member": True}, True, None),
        ({"instacartplus_member": True, "express_member": False}, True, None),
        ({"instacartplus_member": False, "express_member": True}, False, None),
        ({"instacartplus_member": None, "express_member": True, "expired_at": None}, True, None),
        ({"instacartplus_member": True, "expired_at": "2023-03-12T09:59:59+02:00"}, True, END),
        ({"instacartplus_member": True, "expired_at": "2023-03-12T07:59:59"}, True, END),
        ({"instacartplus_member": True, "tier": "gold", "benefits": [{"kind": "new"}]}, True, None),
    ],
)
def test_get_then_the_current_flag_is_read_first(
    caller: Caller, fake: FakeServer, body: dict[str, Any], member: bool, expired_at: datetime | None
) -> None:
    fake.answer(body=body)
    link: Link = caller(lambda client: client.links.get("member-1"))
    assert (link.instacartplus_member, link.expired_at) == (member, expired_at)
    assert link.express_member == body.get("express_member")
    if link.expired_at:
        assert link.expired_at.tzinfo == timezone(timedelta(0))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"expired_at": "2023-03-12T07:59:59Z"},
        {"instacartplus_member": "true"},
        {"instacartplus_member": 1},
        {"instacartplus_member": True, "expired_at": "soon"},
        {"instacartplus_member": True, "expired_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_get_without_a_readable_membership_then_unexpected_response(
    caller: Caller, fake: FakeServer, body: dict[str, Any]
) -> None:
    fake.answer(body=body)
    with pytest.raises(UnexpectedResponse):
        caller(lambda client: client.links.get("member-1"))


def test_find_and_not_linked_then_none(caller: Caller, fake: FakeServer) -> None:
    fake.answer(400, error_body("User Not Linked"))
    assert caller(lambda client: client.links.find("member-1")) is None


def test_find_and_not_linked_in_the_multiple_form_then_none(caller: Caller, fake: FakeServer) -> None:
    outer = {"message": "There were issues with your request", "code": 9999}
    fake.answer(400, {"error": {**outer, "errors": [error_body("User Not Linked")]}})
    assert caller(lambda client: client.links.find("member-1")) is None


def test_find_and_linked_then_the_link(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"instacartplus_member": True, "express_member": True})
    assert caller(lambda client: client.links.find("member-1")) == Link(instacartplus_member=True, express_member=True)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, error_body("User Not Found"), BadRequest),
        (400, {}, BadRequest),
        (403, error_body("User Not Linked", code=None), Forbidden),
        (403, {"error": {"message": "User Not Active", "code": None}, "meta": {}}, Forbidden),
    ],
)
def test_find_refused_for_another_reason_then_raised(
    caller: Caller, fake: FakeServer, status: int, body: dict[str, Any], error: type[Exception]
) -> None:
    fake.answer(status, body)
    with pytest.raises(error):
        caller(lambda client: client.links.find("member-1"))


@pytest.mark.parametrize("body", [{"success": False}, {}, {"success": "yes"}])
def test_create_without_success_then_unexpected_response(caller: Caller, fake: FakeServer, body: Any) -> None:
    fake.answer(body=body)
    with pytest.raises(UnexpectedResponse):
        caller(lambda client: client.links.create("member-1", "linking-token"))
