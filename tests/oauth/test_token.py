"""`POST /v2/oauth/token`: bodies, grants and scopes, answers.

Clients are in `test_token_clients.py`, codes are in `test_token_codes.py`, assertions in `test_token_assertions.py`.
No refresh grant is documented, so there is no refresh token; that is tested here.
Source: https://docs.instacart.com/connect/api/access_tokens
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from handcart.core import clock
from handcart.oauth import scopes
from tests.oauth.token_requests import FORM, JSON, as_form, as_json, post
from tests.support.contents import contents, nothing_written
from tests.support.moments import DAY
from tests.support.oauth import (
    INVALID_REQUEST,
    INVALID_SCOPE,
    code_for,
    issue_unserved,
    oauth_error,
    token_for,
)
from tests.support.server import on_sqlite
from tests.support.shop import REDIRECT_URI, Shop, error

ALL_BY_CREDENTIALS = "connect:fulfillment connect:post_checkout Connect::Orders::RatingService handcart:callbacks"


# Bodies


@pytest.mark.parametrize(
    "content_type", [JSON, f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"', "Application/JSON"]
)
def test_json_then_a_token(shop: Shop, content_type: str) -> None:
    assert post(shop, content_type, as_json(shop)).status_code == 200


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=UTF-8"])
def test_form_then_a_token(shop: Shop, content_type: str) -> None:
    assert post(shop, content_type, as_form(shop, unknown="ignored")).status_code == 200


Body = tuple[str | None, Callable[[Shop], bytes]]


UNREADABLE: dict[str, Body] = {
    "no content type": (None, as_json),
    "text": ("text/plain", as_json),
    "multipart": ("multipart/form-data; boundary=x", as_form),
    "a form that says it is JSON": (JSON, as_form),
    "JSON that says it is a form": (FORM, as_json),
    "charset latin-1": (f"{JSON}; charset=iso-8859-1", as_json),
    "form in latin-1": (FORM, lambda shop: as_form(shop) + b"&scope=\xe9"),
    "UTF-16": (JSON, lambda shop: as_json(shop).decode().encode("utf-16")),
    "byte order mark": (JSON, lambda shop: b"\xef\xbb\xbf" + as_json(shop)),
    "not UTF-8": (JSON, lambda shop: as_json(shop).replace(b'"client_credentials"', b'"\xff"')),
    "empty JSON": (JSON, lambda shop: b""),
    "empty form": (FORM, lambda shop: b""),
    "array": (JSON, lambda shop: b"[" + as_json(shop) + b"]"),
    "null": (JSON, lambda shop: b"null"),
    "string": (JSON, lambda shop: b'"grant_type"'),
    "truncated": (JSON, lambda shop: as_json(shop)[:-1]),
    "two objects": (JSON, lambda shop: as_json(shop) * 2),
    "grant type missing": (JSON, lambda shop: json.dumps(shop.credentials).encode()),
    "grant type null": (JSON, lambda shop: as_json(shop, grant_type=None)),
    "grant type empty": (JSON, lambda shop: as_json(shop, grant_type="")),
    "grant type a number": (JSON, lambda shop: as_json(shop, grant_type=1)),
    "grant type a list": (JSON, lambda shop: as_json(shop, grant_type=["client_credentials"])),
    "secret a number": (JSON, lambda shop: as_json(shop, client_secret=5)),
    "repeated name": (JSON, lambda shop: as_json(shop)[:-1] + b', "client_id": "x"}'),
    "repeated name, nested": (JSON, lambda shop: as_json(shop)[:-1] + b', "x": {"a": 1, "a": 2}}'),
    "repeated field of a form": (FORM, lambda shop: as_form(shop) + b"&client_id=x"),
    "51 fields of a form": (FORM, lambda shop: as_form(shop) + b"&a=1" * 48),
    "NaN": (JSON, lambda shop: as_json(shop, x=float("nan"))),
    "Infinity": (JSON, lambda shop: as_json(shop, x=float("inf"))),
    "depth 5,000": (JSON, lambda shop: as_json(shop)[:-1] + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "depth 3,000 without end": (JSON, lambda shop: b'{"a":' * 3000),
    "number of 10,000 digits": (JSON, lambda shop: as_json(shop)[:-1] + b', "x": ' + b"1" * 10_000 + b"}"),
    "NUL": (JSON, lambda shop: as_json(shop, scope="connect:fulfillment\0")),
    "NUL in a form": (FORM, lambda shop: as_form(shop, scope="connect:fulfillment\0")),
    "raw NUL": (JSON, lambda shop: as_json(shop).replace(b"client_credentials", b"client\0credentials")),
    "lone surrogate": (JSON, lambda shop: as_json(shop, scope="\ud800")),
}


@on_sqlite
@pytest.mark.parametrize("row", UNREADABLE)
def test_unreadable_then_invalid_request(shop: Shop, row: str) -> None:
    content_type, body = UNREADABLE[row]
    with nothing_written(shop.server):
        assert oauth_error(post(shop, content_type, body(shop))) == INVALID_REQUEST


@on_sqlite
def test_form_of_50_fields_then_a_token(shop: Shop) -> None:
    assert post(shop, FORM, as_form(shop) + b"&a=1" * 47).status_code == 200


def test_two_content_types_then_invalid_request(shop: Shop) -> None:
    headers = [("Content-Type", JSON), ("Content-Type", FORM)]
    answer = shop.http.post("/v2/oauth/token", content=as_json(shop), headers=headers)
    assert oauth_error(answer) == INVALID_REQUEST


def test_nulls_and_unknown_fields_then_they_are_ignored(shop: Shop) -> None:
    answer = post(shop, JSON, as_json(shop, scope=None, code=None, x=[{"y": None}], expires_in=1, created_at=1))
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == DAY


@on_sqlite
@pytest.mark.parametrize("path", ["/v2/oauth/token", "/v2/oauth/token/revoke", "/v2/oauth/token/introspect"])
def test_body_over_16_kib_then_413_in_the_envelope(shop: Shop, path: str) -> None:
    body = as_json(shop)
    with nothing_written(shop.server):
        longer = shop.http.post(path, content=body.ljust((16 << 10) + 1), headers={"Content-Type": JSON})
    assert error(longer) == (413, "Request body is too large: at most 16 KiB is read", None, None)
    assert post(shop, JSON, body.ljust(16 << 10)).status_code == 200


# Grants and scopes


@pytest.mark.parametrize(
    "grant_type",
    [
        "password",
        "implicit",
        "token",
        "refresh_token",
        "CLIENT_CREDENTIALS",
        "client_credentials ",
        "urn:ietf:params:oauth:grant-type:retailer-json-bearer",
        "x" * 10_000,
    ],
    ids=lambda grant_type: grant_type[:30],
)
def test_grant_type_not_ours_then_unsupported(shop: Shop, grant_type: str) -> None:
    with nothing_written(shop.server):
        answer = shop.post_token(grant_type=grant_type, username="a", password="b", refresh_token="c")
    assert oauth_error(answer) == (400, "unsupported_grant_type")


def test_any_grant_then_no_refresh_token(shop: Shop) -> None:
    keys = {"access_token", "token_type", "expires_in", "scope", "created_at"}
    assert set(shop.post_token(grant_type="client_credentials").json()) == keys
    assert set(shop.redeem(code_for(shop, shop.account())).json()) == keys


SCOPES = {
    "absent": (None, ALL_BY_CREDENTIALS),
    "one": ("connect:fulfillment", "connect:fulfillment"),
    "comma": ("connect:fulfillment,handcart:callbacks", "connect:fulfillment handcart:callbacks"),
    "space": ("handcart:callbacks connect:fulfillment", "connect:fulfillment handcart:callbacks"),
    "both": ("handcart:callbacks, connect:fulfillment", "connect:fulfillment handcart:callbacks"),
    "twice": ("handcart:callbacks handcart:callbacks", "handcart:callbacks"),
}


@pytest.mark.parametrize("row", SCOPES)
def test_scope_asked_for_then_granted(shop: Shop, row: str) -> None:
    asked, granted = SCOPES[row]
    assert shop.post_token(grant_type="client_credentials", scope=asked).json()["scope"] == granted


BAD_SCOPES = {
    "unknown": "connect:everything",
    "of another grant": "account_linking",
    "one of two": "connect:fulfillment connect:everything",
    "in another case": "CONNECT:FULFILLMENT",
    "empty": "",
    "a comma": ",",
    "quotes": '"connect:fulfillment"',
    "line end": "connect:fulfillment\nhandcart:callbacks",
    "tab": "connect:fulfillment\thandcart:callbacks",
    "10 kB": "connect:fulfillment " * 500,
}


@pytest.mark.parametrize("row", BAD_SCOPES)
@on_sqlite
def test_scope_not_allowed_then_invalid_scope(shop: Shop, row: str) -> None:
    with nothing_written(shop.server):
        answer = shop.post_token(grant_type="client_credentials", scope=BAD_SCOPES[row])
    assert oauth_error(answer) == INVALID_SCOPE


@pytest.mark.parametrize("scope", scopes.UNSERVED)
def test_scope_leads_nowhere_then_refused_until_the_operator_allows_it(
    shop: Shop, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nothing_written(shop.server):
        for asked in (scope, f"connect:fulfillment,{scope}"):
            answer = shop.post_token(grant_type="client_credentials", scope=asked)
            assert oauth_error(answer) == INVALID_SCOPE
            assert answer.json()["error_description"].startswith(f"No endpoint of this server needs the scope {scope}:")
    issue_unserved(monkeypatch, shop.server)
    assert shop.post_token(grant_type="client_credentials", scope=scope).json()["scope"] == scope
    assert scope in shop.post_token(grant_type="client_credentials").json()["scope"].split()


def test_client_has_only_scopes_that_lead_nowhere_then_unauthorized(server: Any) -> None:
    shop = Shop(server, scopes=["connect:recommendations"])
    answer = shop.post_token(grant_type="client_credentials")
    assert oauth_error(answer) == (400, "unauthorized_client")


def test_scope_not_the_clients_then_invalid_scope(server: Any) -> None:
    shop = Shop(server, scopes=["connect:fulfillment"])
    with nothing_written(server):
        assert (
            oauth_error(shop.post_token(grant_type="client_credentials", scope="connect:post_checkout"))
            == INVALID_SCOPE
        )
    assert shop.post_token(grant_type="client_credentials").json()["scope"] == "connect:fulfillment"


def test_grant_without_any_scope_then_unauthorized_client(server: Any) -> None:
    shop = Shop(server, scopes=["connect:fulfillment"])
    with nothing_written(server):
        for grant in ("authorization_code", "fulfillment_user_assertion"):
            answer = shop.post_token(grant_type=grant, code="x", redirect_uri=REDIRECT_URI, assertion="x")
            assert oauth_error(answer) == (400, "unauthorized_client")


def test_scope_sent_with_a_code_then_the_codes_own_counts(shop: Shop) -> None:
    answer = shop.redeem(code_for(shop, shop.account()), scope="connect:fulfillment")
    assert answer.json()["scope"] == "account_linking"


# What answers look like


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_other_method_then_405(shop: Shop, method: str) -> None:
    with nothing_written(shop.server):
        answer = shop.http.request(method, "/v2/oauth/token", params={"grant_type": "client_credentials"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


QUERY_NAMES = ("client_id", "client_secret", "code", "token", "assertion", "grant_type")


@on_sqlite
@pytest.mark.parametrize("path", ["/v2/oauth/token", "/v2/oauth/token/revoke", "/v2/oauth/token/introspect"])
@pytest.mark.parametrize("name", QUERY_NAMES)
def test_credentials_in_the_query_then_403(shop: Shop, path: str, name: str) -> None:
    with nothing_written(shop.server):
        answer = shop.http.post(path, params={"a": "b", name: "x"}, json={**shop.credentials, "token": "x"})
    assert oauth_error(answer) == (403, "query_params_forbidden")
    assert answer.json()["error_description"].startswith("Providing OAuth credentials as query parameters")


@on_sqlite
@pytest.mark.parametrize("query", ["client%5Fsecret=x", "a=b&%63ode=x", "client_secret", "token=", "a=%FF&code=x"])
def test_credentials_in_an_encoded_query_then_403(shop: Shop, query: str) -> None:
    answer = shop.http.post(f"/v2/oauth/token?{query}", content=as_json(shop), headers={"Content-Type": JSON})
    assert oauth_error(answer) == (403, "query_params_forbidden")


def test_other_parameters_in_the_query_then_they_are_ignored(shop: Shop) -> None:
    answer = shop.http.post(
        "/v2/oauth/token", params={"barcode": "x"}, content=as_form(shop), headers={"Content-Type": FORM}
    )
    assert answer.status_code == 200


def test_types_and_clock_then_as_documented(shop: Shop, later: Any) -> None:
    with later(days=12):
        before = clock.now() // clock.SECOND
        body = shop.post_token(grant_type="client_credentials").json()
        after = clock.now() // clock.SECOND
    assert (type(body["expires_in"]), body["expires_in"]) == (int, DAY)
    assert type(body["created_at"]) is int
    assert before <= body["created_at"] <= after
    assert body["token_type"] == "Bearer"
    assert len(base64.urlsafe_b64decode(body["access_token"] + "=")) == 32


def test_headers_then_no_store_and_no_cors(shop: Shop) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    granted = post(shop, JSON, as_json(shop), **origin)
    refused = post(shop, JSON, as_json(shop, client_secret="wrong"), **origin)
    preflight = shop.http.options("/v2/oauth/token", headers={**origin, "Access-Control-Request-Method": "POST"})
    for answer in (granted, refused, preflight):
        assert answer.headers["cache-control"] == "no-store"
        assert answer is preflight or answer.headers["pragma"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_x_retailer_id_sent_then_tolerated(shop: Shop) -> None:
    assert post(shop, JSON, as_json(shop), **{"X-Retailer-Id": "another-slug"}).status_code == 200


def test_secrets_and_tokens_stored_then_as_hashes_alone(shop: Shop) -> None:
    account = shop.account()
    code = code_for(shop, account)
    secrets = [shop.client.client_secret, shop.token, code, token_for(shop, account)]
    held = str(contents(shop.server))
    assert not [secret for secret in secrets if secret in held]
