"""`POST /v2/oauth/token` with the assertion of a user."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.contents import nothing_written
from tests.support.oauth import (
    INVALID_GRANT,
    INVALID_REQUEST,
    Organization,
    assertion_of,
    oauth_error,
)
from tests.support.shop import Shop

# The user assertion


GOOD_ASSERTIONS: dict[str, Callable[[str], str]] = {
    "Base64": assertion_of,
    "without padding": lambda user_id: assertion_of(user_id).rstrip("="),
    "URL-safe": lambda user_id: assertion_of(user_id).replace("+", "-").replace("/", "_"),
    "unquoted, as the documentation's sample": lambda user_id: base64.b64encode(
        f'{{ "user_id": {user_id}}}'.encode()
    ).decode(),
    "further members": lambda user_id: base64.b64encode(json.dumps({"a": 1, "user_id": user_id}).encode()).decode(),
}


@pytest.mark.parametrize("row", GOOD_ASSERTIONS)
def test_assertion_names_a_user_then_a_token_for_that_user(shop: Shop, row: str) -> None:
    user_id = shop.user("kamalsingh1234")
    answer = shop.post_token(
        grant_type="fulfillment_user_assertion",
        assertion=GOOD_ASSERTIONS[row](user_id),
        scope="connect:post_checkout",
    )
    assert answer.json()["scope"] == "connect:post_checkout"
    body = {**shop.credentials, "token": answer.json()["access_token"]}
    assert shop.http.post("/v2/oauth/token/introspect", json=body).json()["sub"] == user_id


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


BAD_ASSERTIONS: dict[str, Any] = {
    "missing": None,
    "empty": "",
    "not Base64": "%%%",
    "not ASCII": "é",
    "not UTF-8": encoded(b"\xff\xfe"),
    "plain user id": "user-1",
    "not JSON": encoded("user-1"),
    "a list": encoded('["user-1"]'),
    "null": encoded('{"user_id": null}'),
    "a number": encoded('{"user_id": 5}'),
    "empty user id": encoded('{"user_id": ""}'),
    "unknown user": assertion_of("nobody"),
    "NUL": assertion_of("user\0"),
    "lone surrogate": encoded('{"user_id": "\\ud800"}'),
    "depth 10,000": encoded('{"user_id": ' + "[" * 10_000),
    "14 kB": assertion_of("u" * 10_000),
    "14 kB of spaces, without end": encoded('{"user_id": a' + " " * 10_000),
    "SQL": assertion_of("' OR '1'='1"),
}


@pytest.mark.parametrize("row", BAD_ASSERTIONS)
def test_assertion_names_no_user_then_invalid_grant(shop: Shop, row: str) -> None:
    with nothing_written(shop.server):
        answer = shop.post_token(grant_type="fulfillment_user_assertion", assertion=BAD_ASSERTIONS[row])
    assert oauth_error(answer) == INVALID_GRANT


def test_assertion_of_a_foreign_or_deleted_user_then_invalid_grant(shop: Shop) -> None:
    foreign, deleted = Shop(shop.server).user(), shop.user()
    assert shop.post(f"/v2/fulfillment/users/{deleted}/privacy_request").json() == {"success": True}
    for user_id in (foreign, deleted):
        answer = shop.post_token(grant_type="fulfillment_user_assertion", assertion=assertion_of(user_id))
        assert oauth_error(answer) == INVALID_GRANT


def test_assertion_by_a_client_of_several_banners_then_it_names_the_banner(server: Any) -> None:
    group = Organization(server)
    user_id = group.at(group.banners[0]).user()
    body = {
        **group.credentials,
        "grant_type": "fulfillment_user_assertion",
        "assertion": assertion_of(user_id),
        "scope": "connect:post_checkout",
    }

    def ask(banner: str | None) -> httpx.Response:
        headers = {} if banner is None else {"X-Retailer-Id": banner}
        return group.http.post("/v2/oauth/token", json=body, headers=headers)

    assert ask(group.banners[0]).status_code == 200
    foreign = Shop(server).slug
    with nothing_written(server):
        assert oauth_error(ask(group.banners[1])) == INVALID_GRANT
        for unknown in (None, "", "nobody", foreign):
            assert oauth_error(ask(unknown)) == INVALID_REQUEST
