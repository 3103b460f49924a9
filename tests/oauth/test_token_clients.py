"""`POST /v2/oauth/token`: client authentication, and the limit of failures."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from handcart.core import clock
from handcart.core.ratelimit import Buckets
from handcart.core.web.app import REFUSALS_PER_SECOND
from handcart.linking import ops as linking
from handcart.retailers import clients
from tests.oauth.token_requests import FORM, JSON, as_form, as_json, post
from tests.support.contents import nothing_written
from tests.support.oauth import INVALID_CLIENT, INVALID_GRANT, INVALID_REQUEST, code_for, oauth_error, token_for
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error, new_address


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()


# The client


def test_basic_then_a_token(shop: Shop) -> None:
    authorization = basic(shop.client.client_id, shop.client.client_secret)
    assert post(shop, FORM, b"grant_type=client_credentials", Authorization=authorization).status_code == 200
    named = urlencode({"grant_type": "client_credentials", "client_id": shop.client.client_id}).encode()
    assert post(shop, FORM, named, Authorization=authorization.replace("Basic", "bASIC")).status_code == 200


UNPROVEN: dict[str, Callable[[Shop, Shop], dict[str, Any]]] = {
    "wrong secret": lambda shop, other: {"client_secret": "wrong"},
    "secret of another client": lambda shop, other: {"client_secret": other.client.client_secret},
    "unknown client": lambda shop, other: {"client_id": "nobody"},
    "client id in another case": lambda shop, other: {"client_id": shop.client.client_id.swapcase()},
    "no client": lambda shop, other: {"client_id": None},
    "no secret": lambda shop, other: {"client_secret": None},
    "empty secret": lambda shop, other: {"client_secret": ""},
    "secret with a space": lambda shop, other: {"client_secret": shop.client.client_secret + " "},
    "secret of 10 kB": lambda shop, other: {"client_secret": "s" * 10_000},
    "client id of 10 kB": lambda shop, other: {"client_id": "c" * 10_000},
    "SQL": lambda shop, other: {"client_id": "' OR 1=1 --", "client_secret": "' OR '1'='1"},
}


@pytest.mark.parametrize("row", UNPROVEN)
def test_client_unproven_then_invalid_client(shop: Shop, row: str) -> None:
    wrong = UNPROVEN[row](shop, Shop(shop.server))
    with nothing_written(shop.server):
        answer = shop.post_token(grant_type="client_credentials", **wrong)
    assert oauth_error(answer) == INVALID_CLIENT
    assert answer.headers["www-authenticate"] == 'Basic realm="handcart"'
    assert answer.json()["error_description"] == (
        "Client authentication failed due to unknown client, no client authentication included, or unsupported "
        "authentication method."
    )


BAD_BASIC = {
    "no colon": base64.b64encode(b"abc").decode(),
    "not Base64": "&&&",
    "not ASCII": "é",
    "not UTF-8": base64.b64encode(b"\xff:\xff").decode(),
    "NUL": base64.b64encode(b"a%00:b%00").decode(),
    "raw NUL": base64.b64encode(b"a\0:b").decode(),
    "lone surrogate": base64.b64encode(b"%ED%A0%80:b").decode(),
    "half an escape": base64.b64encode(b"%:%zz").decode(),
    "empty": "",
}


@pytest.mark.parametrize("row", BAD_BASIC)
@on_sqlite
def test_malformed_basic_then_invalid_client(shop: Shop, row: str) -> None:
    headers = {"Content-Type": FORM, "Authorization": f"Basic {BAD_BASIC[row]}".strip().encode("latin-1")}
    with nothing_written(shop.server):
        answer = shop.http.post("/v2/oauth/token", content=b"grant_type=client_credentials", headers=headers)
    assert oauth_error(answer) == INVALID_CLIENT


def test_another_scheme_then_invalid_client(shop: Shop) -> None:
    answer = post(shop, FORM, b"grant_type=client_credentials", Authorization=f"Bearer {shop.token}")
    assert oauth_error(answer) == INVALID_CLIENT


def test_a_bearer_token_beside_the_secret_then_the_secret_counts(shop: Shop) -> None:
    assert post(shop, JSON, as_json(shop), Authorization=f"Bearer {shop.token}").status_code == 200


def test_two_ways_at_once_then_invalid_request(shop: Shop) -> None:
    authorization = basic(shop.client.client_id, shop.client.client_secret)
    with nothing_written(shop.server):
        assert oauth_error(post(shop, JSON, as_json(shop), Authorization=authorization)) == INVALID_REQUEST
        named = urlencode({"grant_type": "client_credentials", "client_id": "another"}).encode()
        assert oauth_error(post(shop, FORM, named, Authorization=authorization)) == INVALID_REQUEST
        twice = [("Content-Type", FORM), ("Authorization", authorization), ("Authorization", authorization)]
        answer = shop.http.post("/v2/oauth/token", content=b"grant_type=client_credentials", headers=twice)
        assert oauth_error(answer) == INVALID_REQUEST


REVOKED = (401, "The access token was revoked", None, None)


def introspect(shop: Shop, token: str, **parameters: str) -> httpx.Response:
    return shop.http.post("/v2/oauth/token/introspect", json={**shop.credentials, "token": token, **parameters})


def test_client_disabled_then_invalid_client_and_its_tokens_stay_dead(shop: Shop) -> None:
    user_id = shop.user()
    shop.server.write(clients.disable, shop.client.client_id)
    assert oauth_error(shop.post_token(grant_type="client_credentials")) == INVALID_CLIENT
    assert oauth_error(introspect(shop, shop.token)) == INVALID_CLIENT
    assert error(shop.get_link(user_id)) == REVOKED
    shop.server.write(clients.disable, shop.client.client_id, disabled=False)
    assert shop.post_token(grant_type="client_credentials").status_code == 200
    assert error(shop.get_link(user_id)) == REVOKED
    assert introspect(shop, shop.token).json() == {"active": False}


@pytest.mark.parametrize("cut_off", [clients.rotate_secret, clients.revoke_tokens])
def test_client_cut_off_then_tokens_and_codes_are_dead(shop: Shop, cut_off: Any) -> None:
    account, user_id = shop.account(), shop.user()
    code, linking_token = code_for(shop, account), token_for(shop, account)
    secret = getattr(shop.server.write(cut_off, shop.client.client_id), "client_secret", shop.client.client_secret)
    assert error(shop.get_link(user_id)) == REVOKED
    assert introspect(shop, shop.token, client_secret=secret).json() == {"active": False}
    assert oauth_error(shop.redeem(code, client_secret=secret)) == INVALID_GRANT
    newer = shop.post_token(grant_type="client_credentials", client_secret=secret).json()["access_token"]
    refused = shop.http.post(
        f"/v2/fulfillment/users/{user_id}/link",
        json={"linking_token": linking_token},
        headers={"Authorization": f"Bearer {newer}"},
    )
    assert refused.status_code == 400
    assert shop.server.read(linking.links_of_account, account.id) == []


def test_scope_taken_from_a_client_then_from_its_tokens_too(shop: Shop) -> None:
    account, user_id = shop.account(), shop.user()
    linking_token = token_for(shop, account)
    shop.server.write(clients.set_scopes, shop.client.client_id, ["connect:fulfillment"])
    assert introspect(shop, shop.token).json()["scope"] == "connect:fulfillment"
    assert introspect(shop, linking_token).json() == {"active": False}
    assert shop.link(user_id, linking_token).status_code == 400
    shop.server.write(clients.set_scopes, shop.client.client_id, ["handcart:callbacks"])
    assert shop.get_link(user_id).status_code == 403
    narrow = shop.post_token(grant_type="client_credentials").json()["access_token"]
    shop.server.write(clients.set_scopes, shop.client.client_id, ["connect:fulfillment"])
    lost = shop.http.get(f"/v2/fulfillment/users/{user_id}/link", headers={"Authorization": f"Bearer {narrow}"})
    assert error(lost) == REVOKED


def test_secret_rotated_then_the_old_one_works_as_long_as_it_was_kept(shop: Shop, later: Any) -> None:
    newer = shop.server.write(clients.rotate_secret, shop.client.client_id, keep_old=clock.HOUR)
    assert shop.post_token(grant_type="client_credentials").status_code == 200
    assert shop.post_token(grant_type="client_credentials", client_secret=newer.client_secret).status_code == 200
    with later(hours=1, seconds=1):
        assert oauth_error(shop.post_token(grant_type="client_credentials")) == INVALID_CLIENT
        assert shop.post_token(grant_type="client_credentials", client_secret=newer.client_secret).status_code == 200


def test_refusals_from_one_address_then_429_for_that_address_alone(
    shop: Shop, stopped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong secrets, made-up clients and bodies that are too long count alike; right ones never count."""
    monkeypatch.setattr(shop.server.app, "refusals_from", Buckets(REFUSALS_PER_SECOND))
    elsewhere = shop.server.http(address=new_address())
    right = as_json(shop)
    refused = [as_json(shop, client_secret="wrong"), as_json(shop, client_id="nobody"), right.ljust(17 << 10), b"%zz"]
    with nothing_written(shop.server):
        statuses = [post(shop, JSON, refused[number % 4]).status_code for number in range(100)]
    assert [status for status in statuses if status != 429] == ([401, 401, 413, 400] * 3)[:REFUSALS_PER_SECOND]
    limited = post(shop, JSON, right)
    assert error(limited) == (429, "Too many requests", None, None)
    assert limited.headers["retry-after"] == "1"
    assert introspect(shop, "x").status_code == shop.http.post("/v2/oauth/token/revoke").status_code == 429
    headers = {"Content-Type": JSON}
    for _ in range(2 * REFUSALS_PER_SECOND):
        assert elsewhere.post("/v2/oauth/token", content=right, headers=headers).status_code == 200
    stopped(seconds=1)
    assert post(shop, JSON, right).status_code == 200


@pytest.mark.parametrize("secret", ["a:b", "a+b", "a%b", "a%2Bb", "a b", "ä:+%€"])
def test_secret_with_reserved_characters_then_decoded_as_rfc_6749_says(shop: Shop, secret: str) -> None:
    insert = "INSERT INTO client_secrets (client_id, secret_hash, created_at) VALUES ($1, $2, $3)"
    shop.server.sql(insert, shop.client.client_id, shop.server.app.keys.hash(secret), clock.now())
    authorization = basic(shop.client.client_id, secret)
    assert post(shop, FORM, b"grant_type=client_credentials", Authorization=authorization).status_code == 200
    assert post(shop, FORM, as_form(shop, client_secret=secret)).status_code == 200
    assert post(shop, JSON, as_json(shop, client_secret=secret)).status_code == 200
