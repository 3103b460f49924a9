"""Both clients against the real server, on both stores."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from handcart_client import (
    BadRequest,
    Forbidden,
    ItemName,
    ItemToValidate,
    NotFound,
    OAuthError,
    Token,
    User,
    ValidatedAddress,
    new_pkce,
    new_state,
)

from handcart.core import clock
from tests.client.fakes import Caller
from tests.support.shop import REDIRECT_URI, Shop, answer
from tests.support.stores import keep, store

ODD_ID = "member 2/@example.com+100%é"
ADDRESS = {"address_line_1": "350 W Oak St", "postal_code": "60610"}


@pytest.fixture
def live(make_caller: Callable[..., Caller], shop: Shop) -> Caller:
    return make_caller(shop.server.url, **shop.credentials)


def refusal(live: Caller, kind: type[Exception], use: Callable[[Any], Any]) -> Any:
    with pytest.raises(kind) as caught:
        live(use)
    return caught.value


def test_customer_who_allows_is_linked_and_a_member(live: Caller, shop: Shop) -> None:
    account = shop.account(member_for=30 * clock.DAY)
    live(lambda client: client.users.create("member-1", first_name="Sample"))
    assert live(lambda client: client.links.find("member-1")) is None

    state, pkce = new_state(), new_pkce()
    url = live(
        lambda client: client.oauth.authorization_url(
            f"{shop.server.url}/oauth/authorize",
            redirect_uri=REDIRECT_URI,
            state=state,
            code_challenge=pkce.challenge,
        )
    )
    visitor = shop.visitor()
    visitor.open(url)
    visitor.sign_in(account)
    returned = answer(visitor.decide("allow"))
    assert returned["state"] == state

    token = live(
        lambda client: client.oauth.exchange_code(
            returned["code"], redirect_uri=REDIRECT_URI, code_verifier=pkce.verifier
        )
    )
    assert token.scopes == ("account_linking",)
    live(lambda client: client.links.create("member-1", token.access_token))
    link = live(lambda client: client.links.get("member-1"))
    assert link.instacartplus_member is link.express_member is True
    assert link.expired_at > datetime.now(UTC)
    assert live(lambda client: client.links.find("member-1")) == link


def test_code_used_twice_is_an_invalid_grant(live: Caller, shop: Shop) -> None:
    code = shop.code(shop.account())
    live(lambda client: client.oauth.exchange_code(code, redirect_uri=REDIRECT_URI))
    error = refusal(live, OAuthError, lambda client: client.oauth.exchange_code(code, redirect_uri=REDIRECT_URI))
    assert (error.status, error.error) == (400, "invalid_grant")


def test_account_linked_to_another_user_is_refused_by_key(live: Caller, shop: Shop) -> None:
    account = shop.account()
    shop.link(shop.user(), shop.linking_token(account))
    other, token = shop.user(), shop.linking_token(account)
    error = refusal(live, BadRequest, lambda client: client.links.create(other, token))
    assert (error.code, error.key) == (1001, "linking_token")
    assert "one user per isolation context" in error.message
    assert error.request_id


def test_user_of_any_id_is_created_addressed_and_deleted(live: Caller) -> None:
    person = {"first_name": "Sample", "last_name": "Member", "phone_number": "+13125550188", "locale": "fr-CA"}
    user = live(lambda client: client.users.create(ODD_ID, **person))
    assert user == User(user_id=ODD_ID, **person)
    assert live(lambda client: client.users.create(ODD_ID, **person)) == user
    checks: list[Callable[[Any], Any]] = [
        lambda client: client.users.create_with_address(ODD_ID, **ADDRESS),
        lambda client: client.users.create_and_validate_address(ODD_ID, **ADDRESS),
        lambda client: client.users.validate_address(ODD_ID, **ADDRESS),
    ]
    for check in checks:
        address: ValidatedAddress = live(check)
        assert (address.user_id, address.postal_code) == (ODD_ID, "60610")
    assert live(lambda client: client.links.find(ODD_ID)) is None
    live(lambda client: client.users.request_deletion(ODD_ID))
    assert refusal(live, Forbidden, lambda client: client.links.find(ODD_ID)).message == "User Not Active"


def test_unknown_user_is_not_the_same_as_not_linked(live: Caller) -> None:
    assert refusal(live, BadRequest, lambda client: client.links.find("nobody")).message == "User Not Found"


def test_two_wrong_fields_are_two_errors(live: Caller) -> None:
    error = refusal(live, BadRequest, lambda client: client.users.create(" ", first_name=""))
    assert error.code == 9999
    assert {(detail.key, detail.code) for detail in error.errors} == {("user_id", 1001), ("first_name", 1001)}


def test_refused_token_is_renewed(live: Caller) -> None:
    live.client._connection._token = Token(access_token="revoked", token_type="Bearer", expires_in=86400)
    live.client._connection._renew_at = 86340
    live(lambda client: client.users.create("member-1", first_name="Sample"))
    assert live.client._connection._fetches == 1


def test_wrong_secret_is_an_invalid_client(make_caller: Callable[..., Caller], shop: Shop) -> None:
    live = make_caller(shop.server.url, **{**shop.credentials, "client_secret": "wrong"})
    assert refusal(live, OAuthError, lambda client: client.links.get("member-1")).error == "invalid_client"


def test_wrong_base_url_is_not_found(make_caller: Callable[..., Caller], shop: Shop) -> None:
    live = make_caller(shop.server.url + "/nowhere", **shop.credentials)
    refusal(live, NotFound, lambda client: client.links.get("member-1"))


def test_token_revoked_is_no_longer_active(live: Caller) -> None:
    live(lambda client: client.users.create("member-1", first_name="Sample"))
    token = live(lambda client: client.oauth.user_token("member-1")).access_token
    active = live(lambda client: client.oauth.introspect(token))
    assert (active.active, active.scope, active.sub) == (True, "connect:post_checkout", "member-1")
    live(lambda client: client.oauth.revoke(token))
    assert live(lambda client: client.oauth.introspect(token)).active is False


def test_metadata_names_the_server(live: Caller, shop: Shop) -> None:
    metadata = live(lambda client: client.oauth.metadata())
    assert metadata.token_endpoint == shop.server.url + "/v2/oauth/token"
    assert "S256" in metadata.code_challenge_methods_supported


def test_stores_are_found_and_items_validated(live: Caller, shop: Shop) -> None:
    keep(shop, store("here"))
    finders = ("find_delivery", "find_pickup", "find_last_mile", "find_dispatch")
    for finder in finders:
        found = live(lambda client, finder=finder: getattr(client.stores, finder)(postal_code="60601"))
        assert [one.location_code for one in found.stores] == ["here"]
    unknown = ItemToValidate(item=ItemName(rrc="unknown"), count=1)
    address = {"address_line_1": "1 State St", "postal_code": "60601"}
    validated = live(lambda client: client.items.validate([unknown], location_code="here", address=address))
    assert [failure.item.rrc for failure in validated.validation_failures] == ["unknown"]
