"""`POST /v2/oauth/token/revoke`.

Sources: https://docs.instacart.com/connect/api/oauth/revoke_access_token, RFC 7009
"""

from typing import Any

import httpx
import pytest

from handcart.retailers import clients
from tests.support.contents import nothing_written
from tests.support.oauth import INVALID_REQUEST, code_for, oauth_error, token_for
from tests.support.shop import Shop, error

PATH = "/v2/oauth/token/revoke"
FORBIDDEN = (403, "unauthorized_client")


def revoke(shop: Shop, token: Any, **parameters: Any) -> httpx.Response:
    return shop.http.post(PATH, json={**shop.credentials, "token": token, **parameters})


def test_own_token_then_an_empty_object_and_dead_within_a_second(shop: Shop, later: Any) -> None:
    user_id = shop.user()
    answer = revoke(shop, shop.token)
    assert (answer.status_code, answer.json()) == (200, {})
    with later(seconds=1):
        assert error(shop.get_link(user_id))[:2] == (401, "The access token was revoked")


def test_own_linking_token_then_it_links_nobody(shop: Shop) -> None:
    user_id, token = shop.user(), token_for(shop, shop.account())
    assert revoke(shop, token).json() == {}
    assert error(shop.link(user_id, token)) == (400, "Linking token is invalid", 1001, "linking_token")


def test_form_body_then_the_same(shop: Shop) -> None:
    token = shop.token
    assert shop.http.post(PATH, data={**shop.credentials, "token": token}).json() == {}
    body = {**shop.credentials, "token": token}
    assert shop.http.post("/v2/oauth/token/introspect", json=body).json() == {"active": False}


def test_http_basic_then_the_same(shop: Shop) -> None:
    credentials = (shop.client.client_id, shop.client.client_secret)
    assert shop.http.post(PATH, data={"token": shop.token}, auth=credentials).json() == {}


UNKNOWN = ["A" * 43, " ", "x" * 10_000, "' OR '1'='1", "é"]


@pytest.mark.parametrize("token", UNKNOWN, ids=["never issued", "blank", "10 kB", "SQL", "not ASCII"])
def test_unknown_token_then_success_and_nothing_happens(shop: Shop, token: str) -> None:
    with nothing_written(shop.server):
        assert revoke(shop, token).json() == {}


def test_dead_token_then_success(shop: Shop, later: Any) -> None:
    assert revoke(shop, shop.token).json() == {}
    with nothing_written(shop.server):
        assert revoke(shop, shop.token).json() == {}
    expired = shop.post_token(grant_type="client_credentials").json()["access_token"]
    with later(days=1, seconds=1):
        assert revoke(shop, expired).json() == {}


def test_code_is_no_token_then_it_still_works(shop: Shop) -> None:
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        assert revoke(shop, code).json() == {}
    assert shop.redeem(code).status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "anything"])
def test_hint_then_it_is_ignored(shop: Shop, hint: str) -> None:
    assert revoke(shop, shop.token, token_type_hint=hint).json() == {}


def test_another_clients_token_then_403_and_it_lives(shop: Shop) -> None:
    user_id = shop.user()
    sister = Shop(shop.server)
    sister.client = shop.server.write(clients.create, retailer=shop.slug, scopes=["connect:fulfillment"])
    for stranger in (Shop(shop.server), sister):
        with nothing_written(shop.server):
            answer = revoke(stranger, shop.token)
        assert oauth_error(answer) == FORBIDDEN
        assert answer.json()["error_description"] == "You are not authorized to revoke this token"
    assert error(shop.get_link(user_id))[1] == "User Not Linked"


UNPROVEN: list[dict[str, Any]] = [
    {"client_secret": "wrong"},
    {"client_secret": None},
    {"client_id": None},
    {"client_id": "nobody"},
    {"client_id": None, "client_secret": None},
]


@pytest.mark.parametrize("wrong", UNPROVEN, ids=str)
def test_client_unproven_then_403_not_401(shop: Shop, wrong: dict[str, Any]) -> None:
    token = shop.token
    with nothing_written(shop.server):
        assert oauth_error(revoke(shop, token, **wrong)) == FORBIDDEN


def test_client_disabled_then_it_may_still_revoke(shop: Shop) -> None:
    token = shop.token
    shop.server.write(clients.disable, shop.client.client_id)
    assert revoke(shop, token).json() == {}


@pytest.mark.parametrize("token", [None, "", 5, ["x"], "x\0"])
def test_token_missing_or_no_text_then_invalid_request(shop: Shop, token: Any) -> None:
    with nothing_written(shop.server):
        assert oauth_error(revoke(shop, token)) == INVALID_REQUEST


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"token": "a", "token": "b"}'])
def test_unreadable_then_invalid_request(shop: Shop, body: bytes) -> None:
    answer = shop.http.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert oauth_error(answer) == INVALID_REQUEST


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_method_then_405(shop: Shop, method: str) -> None:
    assert shop.http.request(method, PATH).status_code == 405
