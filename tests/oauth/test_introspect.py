"""`POST /v2/oauth/token/introspect` (RFC 7662): says nothing about invalid tokens and those of other clients."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from handcart.core import clock
from tests.support.contents import nothing_written
from tests.support.moments import DAY
from tests.support.oauth import INVALID_CLIENT, INVALID_REQUEST, oauth_error, token_for
from tests.support.shop import Shop

PATH = "/v2/oauth/token/introspect"


def introspect(shop: Shop, token: Any, **parameters: Any) -> httpx.Response:
    return shop.http.post(PATH, json={**shop.credentials, "token": token, **parameters})


def test_own_live_token_then_what_it_is(shop: Shop) -> None:
    issued = shop.post_token(grant_type="client_credentials", scope="connect:fulfillment").json()
    assert introspect(shop, issued["access_token"]).json() == {
        "active": True,
        "scope": "connect:fulfillment",
        "client_id": shop.client.client_id,
        "token_type": "Bearer",
        "iat": issued["created_at"],
        "exp": issued["created_at"] + issued["expires_in"],
        "iss": shop.server.url,
    }


def test_linking_token_then_its_scope_and_not_whose_account(shop: Shop) -> None:
    account = shop.account()
    answer = introspect(shop, token_for(shop, account))
    assert answer.json()["scope"] == "account_linking"
    assert "sub" not in answer.json()
    assert str(account.id) not in answer.text
    assert account.email not in answer.text


def revoked(shop: Shop) -> str:
    body = {**shop.credentials, "token": shop.token}
    assert shop.http.post("/v2/oauth/token/revoke", json=body).json() == {}
    return shop.token


def spent(shop: Shop) -> str:
    token = token_for(shop, shop.account())
    shop.link(shop.user(), token).raise_for_status()
    return token


DEAD: dict[str, Callable[[Shop], str]] = {
    "unknown": lambda shop: "A" * 43,
    "revoked": revoked,
    "a spent linking token": spent,
    "another client's": lambda shop: Shop(shop.server).token,
    "another client's linking token": lambda shop: token_for(other := Shop(shop.server), other.account()),
    "its own secret": lambda shop: shop.client.client_secret,
    "10 kB": lambda shop: "x" * 10_000,
    "SQL": lambda shop: "' OR '1'='1",
}


@pytest.mark.parametrize("row", DEAD)
def test_token_dead_or_foreign_then_inactive_and_no_more(shop: Shop, row: str) -> None:
    token = DEAD[row](shop)
    with nothing_written(shop.server):
        answer = introspect(shop, token)
    assert (answer.status_code, answer.content) == (200, b'{"active":false}')


def test_token_expired_then_inactive_and_no_more(shop: Shop, later: Any) -> None:
    token = shop.token
    with later(hours=23, minutes=59):
        assert introspect(shop, token).json()["active"] is True
    with later(days=1, seconds=1):
        assert introspect(shop, token).content == b'{"active":false}'


@pytest.mark.parametrize(
    "wrong",
    [{"client_secret": "wrong"}, {"client_secret": None}, {"client_id": None}, {"client_id": "nobody"}],
    ids=str,
)
def test_client_unproven_then_401(shop: Shop, wrong: dict[str, Any]) -> None:
    token = shop.token
    with nothing_written(shop.server):
        assert oauth_error(introspect(shop, token, **wrong)) == INVALID_CLIENT


def test_bearer_token_in_place_of_credentials_then_401(shop: Shop) -> None:
    body = json.dumps({"token": shop.token})
    headers = {**shop.headers, "Content-Type": "application/json"}
    assert oauth_error(shop.http.post(PATH, content=body, headers=headers)) == INVALID_CLIENT


def test_form_and_basic_then_the_same(shop: Shop) -> None:
    credentials = (shop.client.client_id, shop.client.client_secret)
    assert shop.http.post(PATH, data={"token": shop.token}, auth=credentials).json()["active"] is True


@pytest.mark.parametrize("token", [None, "", 5, {}])
def test_token_missing_or_no_text_then_invalid_request(shop: Shop, token: Any) -> None:
    assert oauth_error(introspect(shop, token)) == INVALID_REQUEST


def test_get_then_405(shop: Shop) -> None:
    assert shop.http.get(PATH, headers=shop.headers).status_code == 405


def test_times_then_whole_seconds_of_the_servers_clock(shop: Shop, later: Any) -> None:
    with later(days=12):
        body = introspect(shop, shop.post_token(grant_type="client_credentials").json()["access_token"]).json()
        assert body["iat"] <= clock.now() // clock.SECOND
        assert body["exp"] - body["iat"] == DAY
