"""`POST /v2/oauth/token` with an authorization code.

One code twenty times at once, and the process killed between claim and answer, are in `tests/races`.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from handcart.oauth.codes import challenge_of
from handcart.retailers import clients
from tests.support.contents import nothing_written
from tests.support.oauth import (
    INVALID_GRANT,
    INVALID_REQUEST,
    code_for,
    oauth_error,
)
from tests.support.shop import REDIRECT_URI, Shop, error

VERIFIER = "a-verifier-of-the-43-characters-at-the-least"


# The code


BAD_CODES: dict[str, Callable[[str], Any]] = {
    "unknown": lambda code: "A" * 43,
    "empty": lambda code: "",
    "10 kB": lambda code: "A" * 10_000,
    "space before": lambda code: f" {code}",
    "line end after": lambda code: f"{code}\n",
    "padded": lambda code: f"{code}=",
    "in another case": lambda code: code.swapcase(),
    "hash": lambda code: "0" * 64,
    "SQL": lambda code: "' OR used_at IS NULL --",
}


@pytest.mark.parametrize("row", BAD_CODES)
def test_bad_code_then_invalid_grant_and_the_code_still_works(shop: Shop, row: str) -> None:
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        answer = shop.redeem(BAD_CODES[row](code))
    assert oauth_error(answer) == INVALID_GRANT
    assert answer.json()["error_description"] == (
        "Assertion is not provided or invalid assertion provided for the grant_type."
    )
    assert shop.redeem(code).status_code == 200


@pytest.mark.parametrize("value", [None, 5, ["x"], {"x": 1}, True])
def test_code_absent_or_no_text_then_invalid_request(shop: Shop, value: Any) -> None:
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(value)) == INVALID_REQUEST


def test_code_of_another_client_then_invalid_grant_and_still_unspent(shop: Shop) -> None:
    other = Shop(shop.server)
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        assert oauth_error(other.redeem(code)) == INVALID_GRANT
    token = shop.redeem(code).json()["access_token"]
    with nothing_written(shop.server):
        assert oauth_error(other.redeem(code)) == INVALID_GRANT
    assert is_active(shop, token)


def test_code_expired_then_invalid_grant(shop: Shop, stopped: Any) -> None:
    account = shop.account()
    early, late = code_for(shop, account), code_for(shop, account)
    stopped(seconds=59)
    assert shop.redeem(early).status_code == 200
    stopped(seconds=2)
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(late)) == INVALID_GRANT


def test_code_used_twice_then_invalid_grant_and_the_first_token_is_dead(shop: Shop) -> None:
    user_id, code = shop.user(), code_for(shop, shop.account())
    token = shop.redeem(code).json()["access_token"]
    assert is_active(shop, token)
    assert oauth_error(shop.redeem(code)) == INVALID_GRANT
    assert not is_active(shop, token)
    assert error(shop.link(user_id, token)) == (400, "Linking token is invalid", 1001, "linking_token")


def test_code_reused_after_its_lifetime_then_the_first_token_is_dead_too(shop: Shop, later: Any) -> None:
    code = code_for(shop, shop.account())
    token = shop.redeem(code).json()["access_token"]
    with later(minutes=10):
        assert oauth_error(shop.redeem(code)) == INVALID_GRANT
        assert not is_active(shop, token)


@pytest.mark.parametrize(
    "proof", [{"redirect_uri": "https://shop.example/other"}, {"code_verifier": VERIFIER}, {"code_verifier": "short"}]
)
def test_reuse_without_valid_proof_then_the_first_token_lives(shop: Shop, proof: dict[str, str]) -> None:
    code = code_for(shop, shop.account())
    token = shop.redeem(code).json()["access_token"]
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code, **proof)) == INVALID_GRANT
    assert is_active(shop, token)


BAD_REDIRECT_URIS = {
    "missing": None,
    "empty": "",
    "of another page": "https://shop.example/other",
    "without its query": REDIRECT_URI.partition("?")[0],
    "in another case": REDIRECT_URI.upper(),
    "with a slash": f"{REDIRECT_URI}/",
    "encoded": quote(REDIRECT_URI),
    "with a space": f"{REDIRECT_URI} ",
}


@pytest.mark.parametrize("row", BAD_REDIRECT_URIS)
def test_redirect_uri_differs_then_invalid_grant_and_the_code_still_works(shop: Shop, row: str) -> None:
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code, redirect_uri=BAD_REDIRECT_URIS[row])) == INVALID_GRANT
    assert shop.redeem(code).status_code == 200


def test_redirect_uri_removed_after_allow_then_its_code_is_dead(shop: Shop) -> None:
    code = code_for(shop, shop.account())
    shop.server.write(clients.remove_redirect_uri, shop.client.client_id, REDIRECT_URI)
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code)) == INVALID_GRANT


def test_another_registered_redirect_uri_then_invalid_grant(shop: Shop) -> None:
    second = "https://shop.example/second"
    shop.server.write(clients.register_redirect_uris, shop.client.client_id, [second])
    code = code_for(shop, shop.account())
    assert oauth_error(shop.redeem(code, redirect_uri=second)) == INVALID_GRANT


BAD_VERIFIERS = {
    "missing": None,
    "wrong": VERIFIER[::-1],
    "the challenge itself": challenge_of(VERIFIER),
    "too short": VERIFIER[:42],
    "too long": VERIFIER * 3,
    "with a space": f"{VERIFIER} ",
    "empty": "",
}


@pytest.mark.parametrize("row", BAD_VERIFIERS)
def test_verifier_does_not_fit_then_invalid_grant_and_the_code_still_works(shop: Shop, row: str) -> None:
    code = code_for(shop, shop.account(), code_challenge=challenge_of(VERIFIER))
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code, code_verifier=BAD_VERIFIERS[row])) == INVALID_GRANT
    assert shop.redeem(code, code_verifier=VERIFIER).status_code == 200


def test_verifier_without_challenge_then_invalid_grant(shop: Shop) -> None:
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code, code_verifier=VERIFIER)) == INVALID_GRANT


def is_active(shop: Shop, token: str) -> bool:
    answer = shop.http.post("/v2/oauth/token/introspect", json={**shop.credentials, "token": token})
    active: bool = answer.json()["active"]
    return active
