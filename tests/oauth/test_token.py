"""`POST /v2/oauth/token`, row by row: T1 to T4, T6 to T11, T14 to T17.

T5 (one code, twenty at once) and T12 (the process killed between claim and answer) are in `tests/races`.
T13 (refresh reuse) does not apply: no refresh grant is documented, so there is no refresh token; that is tested here.
Source: https://docs.instacart.com/connect/api/access_tokens
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from handcart.core import clock
from handcart.oauth.tokens import challenge_of
from handcart.retailers import ops as retailers
from tests.support.contents import contents, nothing_written
from tests.support.oauth import (
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_REQUEST,
    INVALID_SCOPE,
    Organization,
    code_for,
    oauth_error,
    token_for,
)
from tests.support.shop import REDIRECT_URI, Shop, error, new_address

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
VERIFIER = "a-verifier-of-the-43-characters-at-the-least"
ALL_BY_CREDENTIALS = (
    "connect:fulfillment Connect::Orders::RatingService connect:recommendations connect:compliance"
    " connect:data_ingestion connect:ian"
)


def post(shop: Shop, content_type: str | None, body: bytes, **headers: str) -> httpx.Response:
    given = {**({} if content_type is None else {"Content-Type": content_type}), **headers}
    return shop.http.post("/v2/oauth/token", content=body, headers=given)


def as_json(shop: Shop, **parameters: Any) -> bytes:
    return json.dumps({"grant_type": "client_credentials", **shop.credentials, **parameters}).encode()


def as_form(shop: Shop, **parameters: str) -> bytes:
    return urlencode({"grant_type": "client_credentials", **shop.credentials, **parameters}).encode()


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()


def assertion_of(user_id: str) -> str:
    return base64.b64encode(json.dumps({"user_id": user_id}).encode()).decode()


# T1: bodies


@pytest.mark.parametrize(
    "content_type", [JSON, f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"', "Application/JSON"]
)
def test_t1_json_then_a_token(shop: Shop, content_type: str) -> None:
    assert post(shop, content_type, as_json(shop)).status_code == 200


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=UTF-8"])
def test_t1_form_then_a_token(shop: Shop, content_type: str) -> None:
    assert post(shop, content_type, as_form(shop, unknown="ignored")).status_code == 200


Body = tuple[str | None, Callable[[Shop], bytes]]
UNREADABLE: dict[str, Body] = {
    "T1 no content type": (None, as_json),
    "T1 text": ("text/plain", as_json),
    "T1 multipart": ("multipart/form-data; boundary=x", as_form),
    "T1 a form that says it is JSON": (JSON, as_form),
    "T1 JSON that says it is a form": (FORM, as_json),
    "T1 charset latin-1": (f"{JSON}; charset=iso-8859-1", as_json),
    "T1 form in latin-1": (FORM, lambda shop: as_form(shop) + b"&scope=\xe9"),
    "T1 UTF-16": (JSON, lambda shop: as_json(shop).decode().encode("utf-16")),
    "T1 byte order mark": (JSON, lambda shop: b"\xef\xbb\xbf" + as_json(shop)),
    "T1 not UTF-8": (JSON, lambda shop: as_json(shop).replace(b'"client_credentials"', b'"\xff"')),
    "T1 empty JSON": (JSON, lambda shop: b""),
    "T1 empty form": (FORM, lambda shop: b""),
    "T1 array": (JSON, lambda shop: b"[" + as_json(shop) + b"]"),
    "T1 null": (JSON, lambda shop: b"null"),
    "T1 string": (JSON, lambda shop: b'"grant_type"'),
    "T1 truncated": (JSON, lambda shop: as_json(shop)[:-1]),
    "T1 two objects": (JSON, lambda shop: as_json(shop) * 2),
    "T8 grant type missing": (JSON, lambda shop: json.dumps(shop.credentials).encode()),
    "T8 grant type null": (JSON, lambda shop: as_json(shop, grant_type=None)),
    "T8 grant type empty": (JSON, lambda shop: as_json(shop, grant_type="")),
    "T8 grant type a number": (JSON, lambda shop: as_json(shop, grant_type=1)),
    "T8 grant type a list": (JSON, lambda shop: as_json(shop, grant_type=["client_credentials"])),
    "T2 secret a number": (JSON, lambda shop: as_json(shop, client_secret=5)),
    "T14 repeated name": (JSON, lambda shop: as_json(shop)[:-1] + b', "client_id": "x"}'),
    "T14 repeated name, nested": (JSON, lambda shop: as_json(shop)[:-1] + b', "x": {"a": 1, "a": 2}}'),
    "T14 repeated field of a form": (FORM, lambda shop: as_form(shop) + b"&client_id=x"),
    "T14 51 fields of a form": (FORM, lambda shop: as_form(shop) + b"&a=1" * 51),
    "T14 NaN": (JSON, lambda shop: as_json(shop, x=float("nan"))),
    "T14 Infinity": (JSON, lambda shop: as_json(shop, x=float("inf"))),
    "T14 depth 10,000": (JSON, lambda shop: as_json(shop)[:-1] + b', "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "T14 depth 10,000 without end": (JSON, lambda shop: b'{"a":' * 10_000),
    "T14 number of 10,000 digits": (JSON, lambda shop: as_json(shop)[:-1] + b', "x": ' + b"1" * 10_000 + b"}"),
    "T14 NUL": (JSON, lambda shop: as_json(shop, scope="connect:fulfillment\0")),
    "T14 NUL in a form": (FORM, lambda shop: as_form(shop, scope="connect:fulfillment\0")),
    "T14 raw NUL": (JSON, lambda shop: as_json(shop).replace(b"client_credentials", b"client\0credentials")),
    "T14 lone surrogate": (JSON, lambda shop: as_json(shop, scope="\ud800")),
}


@pytest.mark.parametrize("row", UNREADABLE)
def test_unreadable_then_invalid_request(shop: Shop, row: str) -> None:
    content_type, body = UNREADABLE[row]
    with nothing_written(shop.server):
        assert oauth_error(post(shop, content_type, body(shop))) == INVALID_REQUEST


def test_t1_two_content_types_then_invalid_request(shop: Shop) -> None:
    headers = [("Content-Type", JSON), ("Content-Type", FORM)]
    answer = shop.http.post("/v2/oauth/token", content=as_json(shop), headers=headers)
    assert oauth_error(answer) == INVALID_REQUEST


def test_t1_nulls_and_unknown_fields_then_they_are_ignored(shop: Shop) -> None:
    answer = post(shop, JSON, as_json(shop, scope=None, code=None, x=[{"y": None}], expires_in=1, created_at=1))
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 86400


def test_t1_body_over_1_mib_then_413_in_the_envelope(shop: Shop) -> None:
    with nothing_written(shop.server):
        assert error(post(shop, JSON, b" " * (1 << 20) + as_json(shop)))[0] == 413


# T2, T15, T16: who asks


def test_t2_basic_then_a_token(shop: Shop) -> None:
    authorization = basic(shop.client.client_id, shop.client.client_secret)
    assert post(shop, FORM, b"grant_type=client_credentials", Authorization=authorization).status_code == 200
    named = urlencode({"grant_type": "client_credentials", "client_id": shop.client.client_id}).encode()
    assert post(shop, FORM, named, Authorization=authorization.replace("Basic", "bASIC")).status_code == 200


UNPROVEN: dict[str, Callable[[Shop, Shop], dict[str, Any]]] = {
    "T2 wrong secret": lambda shop, other: {"client_secret": "wrong"},
    "T2 secret of another client": lambda shop, other: {"client_secret": other.client.client_secret},
    "T2 unknown client": lambda shop, other: {"client_id": "nobody"},
    "T2 client id in another case": lambda shop, other: {"client_id": shop.client.client_id.swapcase()},
    "T2 no client": lambda shop, other: {"client_id": None},
    "T2 no secret": lambda shop, other: {"client_secret": None},
    "T2 empty secret": lambda shop, other: {"client_secret": ""},
    "T2 secret with a space": lambda shop, other: {"client_secret": shop.client.client_secret + " "},
    "T2 secret of 1 MB": lambda shop, other: {"client_secret": "s" * 1_000_000},
    "T2 client id of 1 MB": lambda shop, other: {"client_id": "c" * 1_000_000},
    "T2 SQL": lambda shop, other: {"client_id": "' OR 1=1 --", "client_secret": "' OR '1'='1"},
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
def test_t2_malformed_basic_then_invalid_client(shop: Shop, row: str) -> None:
    headers = {"Content-Type": FORM, "Authorization": f"Basic {BAD_BASIC[row]}".strip().encode("latin-1")}
    with nothing_written(shop.server):
        answer = shop.http.post("/v2/oauth/token", content=b"grant_type=client_credentials", headers=headers)
    assert oauth_error(answer) == INVALID_CLIENT


def test_t2_another_scheme_then_invalid_client(shop: Shop) -> None:
    answer = post(shop, FORM, b"grant_type=client_credentials", Authorization=f"Bearer {shop.token}")
    assert oauth_error(answer) == INVALID_CLIENT


def test_t2_a_bearer_token_beside_the_secret_then_the_secret_counts(shop: Shop) -> None:
    assert post(shop, JSON, as_json(shop), Authorization=f"Bearer {shop.token}").status_code == 200


def test_t2_two_ways_at_once_then_invalid_request(shop: Shop) -> None:
    authorization = basic(shop.client.client_id, shop.client.client_secret)
    with nothing_written(shop.server):
        assert oauth_error(post(shop, JSON, as_json(shop), Authorization=authorization)) == INVALID_REQUEST
        named = urlencode({"grant_type": "client_credentials", "client_id": "another"}).encode()
        assert oauth_error(post(shop, FORM, named, Authorization=authorization)) == INVALID_REQUEST
        twice = [("Content-Type", FORM), ("Authorization", authorization), ("Authorization", authorization)]
        answer = shop.http.post("/v2/oauth/token", content=b"grant_type=client_credentials", headers=twice)
        assert oauth_error(answer) == INVALID_REQUEST


def test_t2_client_disabled_then_invalid_client_but_its_tokens_live(shop: Shop) -> None:
    user_id = shop.user()
    shop.server.write(retailers.disable_client, shop.client.client_id)
    assert oauth_error(shop.post_token(grant_type="client_credentials")) == INVALID_CLIENT
    assert error(shop.get_link(user_id))[1] == "User Not Linked"
    shop.server.write(retailers.disable_client, shop.client.client_id, disabled=False)
    assert shop.post_token(grant_type="client_credentials").status_code == 200


def test_t2_secret_rotated_then_the_old_one_works_as_long_as_it_was_kept(shop: Shop, later: Any) -> None:
    newer = shop.server.write(retailers.rotate_secret, shop.client.client_id, keep_old=clock.HOUR)
    assert shop.post_token(grant_type="client_credentials").status_code == 200
    assert shop.post_token(grant_type="client_credentials", client_secret=newer.client_secret).status_code == 200
    with later(seconds=3601):
        assert oauth_error(shop.post_token(grant_type="client_credentials")) == INVALID_CLIENT
        assert shop.post_token(grant_type="client_credentials", client_secret=newer.client_secret).status_code == 200


def start_a_minute(later: Any) -> Any:
    """Windows are minutes of the clock: begin one now, so that a test does not straddle two."""
    return later(seconds=60 - time.time() % 60)


def test_t15_a_thousand_wrong_secrets_then_429_for_that_client_and_address_alone(shop: Shop, later: Any) -> None:
    other = Shop(shop.server)
    elsewhere = shop.server.http(address=new_address())
    wrong = {"grant_type": "client_credentials", **shop.credentials, "client_secret": "wrong"}
    with start_a_minute(later), nothing_written(shop.server):
        statuses = [shop.http.post("/v2/oauth/token", json=wrong).status_code for _ in range(1000)]
        assert statuses == [401] * 60 + [429] * 940
        limited = shop.http.post("/v2/oauth/token", json=wrong)
        assert error(limited) == (429, "Too many requests", None, None)
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert elsewhere.post("/v2/oauth/token", json=wrong).status_code == 401
        stranger = {**wrong, "client_id": other.client.client_id}
        assert shop.http.post("/v2/oauth/token", json=stranger).status_code == 401
    with start_a_minute(later):
        assert shop.post_token(grant_type="client_credentials").status_code == 200
        assert shop.http.post("/v2/oauth/token", json={**wrong, **other.credentials}).status_code == 200


def test_t15_window_over_then_401_again(shop: Shop, later: Any) -> None:
    wrong = {"grant_type": "client_credentials", "client_secret": "wrong"}
    start = 60 - time.time() % 60
    with later(seconds=start):
        assert [shop.post_token(**wrong).status_code for _ in range(61)] == [401] * 60 + [429]
    with later(seconds=start + 61):
        assert shop.post_token(**wrong).status_code == 401


@pytest.mark.parametrize("secret", ["a:b", "a+b", "a%b", "a%2Bb", "a b", "ä:+%€"])
def test_t16_secret_with_reserved_characters_then_decoded_as_rfc_6749_says(shop: Shop, secret: str) -> None:
    insert = "INSERT INTO client_secrets (client_id, secret_hash, created_at) VALUES ($1, $2, $3)"
    shop.server.sql(insert, shop.client.client_id, shop.server.app.keys.hash(secret), clock.now())
    authorization = basic(shop.client.client_id, secret)
    assert post(shop, FORM, b"grant_type=client_credentials", Authorization=authorization).status_code == 200
    assert post(shop, FORM, as_form(shop, client_secret=secret)).status_code == 200
    assert post(shop, JSON, as_json(shop, client_secret=secret)).status_code == 200


# T3, T4, T6, T7: the code


BAD_CODES: dict[str, Callable[[str], Any]] = {
    "T3 unknown": lambda code: "A" * 43,
    "T3 empty": lambda code: "",
    "T3 1 MB": lambda code: "A" * 1_000_000,
    "T3 space before": lambda code: f" {code}",
    "T3 line end after": lambda code: f"{code}\n",
    "T3 padded": lambda code: f"{code}=",
    "T3 in another case": lambda code: code.swapcase(),
    "T3 hash": lambda code: "0" * 64,
    "T3 SQL": lambda code: "' OR used_at IS NULL --",
}


@pytest.mark.parametrize("row", BAD_CODES)
def test_t3_bad_code_then_invalid_grant_and_the_code_still_works(shop: Shop, row: str) -> None:
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        answer = shop.redeem(BAD_CODES[row](code))
    assert oauth_error(answer) == INVALID_GRANT
    assert answer.json()["error_description"] == (
        "Assertion is not provided or invalid assertion provided for the grant_type."
    )
    assert shop.redeem(code).status_code == 200


@pytest.mark.parametrize("value", [None, 5, ["x"], {"x": 1}, True])
def test_t3_code_absent_or_no_text_then_invalid_request(shop: Shop, value: Any) -> None:
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(value)) == INVALID_REQUEST


def test_t3_code_of_another_client_then_invalid_grant_and_the_owner_is_not_hurt(shop: Shop) -> None:
    other = Shop(shop.server)
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        assert oauth_error(other.redeem(code)) == INVALID_GRANT
    token = shop.redeem(code).json()["access_token"]
    with nothing_written(shop.server):
        assert oauth_error(other.redeem(code)) == INVALID_GRANT
    assert is_active(shop, token)


def test_t3_code_expired_then_invalid_grant(shop: Shop, later: Any) -> None:
    account = shop.account()
    early, late = code_for(shop, account), code_for(shop, account)
    with later(seconds=55):
        assert shop.redeem(early).status_code == 200
    with later(seconds=61), nothing_written(shop.server):
        assert oauth_error(shop.redeem(late)) == INVALID_GRANT


def test_t4_code_used_twice_then_invalid_grant_and_the_first_token_is_dead(shop: Shop) -> None:
    user_id, code = shop.user(), code_for(shop, shop.account())
    token = shop.redeem(code).json()["access_token"]
    assert is_active(shop, token)
    assert oauth_error(shop.redeem(code)) == INVALID_GRANT
    assert not is_active(shop, token)
    assert error(shop.link(user_id, token)) == (400, "Linking token is invalid", 1001, "linking_token")


def test_t4_reuse_after_its_lifetime_then_the_first_token_is_dead_all_the_same(shop: Shop, later: Any) -> None:
    code = code_for(shop, shop.account())
    token = shop.redeem(code).json()["access_token"]
    with later(seconds=600):
        assert oauth_error(shop.redeem(code)) == INVALID_GRANT
        assert not is_active(shop, token)


@pytest.mark.parametrize(
    "proof", [{"redirect_uri": "https://shop.example/other"}, {"code_verifier": VERIFIER}, {"code_verifier": "short"}]
)
def test_t4_reuse_without_valid_proof_then_the_first_token_lives(shop: Shop, proof: dict[str, str]) -> None:
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
def test_t6_redirect_uri_differs_then_invalid_grant_and_the_code_still_works(shop: Shop, row: str) -> None:
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code, redirect_uri=BAD_REDIRECT_URIS[row])) == INVALID_GRANT
    assert shop.redeem(code).status_code == 200


def test_t6_another_registered_redirect_uri_then_invalid_grant(shop: Shop) -> None:
    second = "https://shop.example/second"
    shop.server.write(retailers.register_redirect_uris, shop.client.client_id, [second])
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
def test_t7_verifier_does_not_fit_then_invalid_grant_and_the_code_still_works(shop: Shop, row: str) -> None:
    code = code_for(shop, shop.account(), code_challenge=challenge_of(VERIFIER))
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code, code_verifier=BAD_VERIFIERS[row])) == INVALID_GRANT
    assert shop.redeem(code, code_verifier=VERIFIER).status_code == 200


def test_t7_verifier_without_challenge_then_invalid_grant(shop: Shop) -> None:
    code = code_for(shop, shop.account())
    with nothing_written(shop.server):
        assert oauth_error(shop.redeem(code, code_verifier=VERIFIER)) == INVALID_GRANT


# T8, T9, T13: grants and scopes


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
        "x" * 100_000,
    ],
    ids=lambda grant_type: grant_type[:30],
)
def test_t8_grant_type_not_ours_then_unsupported(shop: Shop, grant_type: str) -> None:
    with nothing_written(shop.server):
        answer = shop.post_token(grant_type=grant_type, username="a", password="b", refresh_token="c")
    assert oauth_error(answer) == (400, "unsupported_grant_type")


def test_t13_no_grant_gives_a_refresh_token(shop: Shop) -> None:
    keys = {"access_token", "token_type", "expires_in", "scope", "created_at"}
    assert set(shop.post_token(grant_type="client_credentials").json()) == keys
    assert set(shop.redeem(code_for(shop, shop.account())).json()) == keys


SCOPES = {
    "absent": (None, ALL_BY_CREDENTIALS),
    "one": ("connect:fulfillment", "connect:fulfillment"),
    "comma": ("connect:fulfillment,connect:ian", "connect:fulfillment connect:ian"),
    "space": ("connect:ian connect:fulfillment", "connect:fulfillment connect:ian"),
    "both": ("connect:ian, connect:fulfillment", "connect:fulfillment connect:ian"),
    "twice": ("connect:ian connect:ian", "connect:ian"),
}


@pytest.mark.parametrize("row", SCOPES)
def test_scope_asked_for_then_granted(shop: Shop, row: str) -> None:
    asked, granted = SCOPES[row]
    assert shop.post_token(grant_type="client_credentials", scope=asked).json()["scope"] == granted


BAD_SCOPES = {
    "T9 unknown": "connect:everything",
    "T9 of another grant": "account_linking",
    "T9 one of two": "connect:fulfillment connect:everything",
    "T9 in another case": "CONNECT:FULFILLMENT",
    "T9 empty": "",
    "T9 a comma": ",",
    "T9 quotes": '"connect:fulfillment"',
    "T9 line end": "connect:fulfillment\nconnect:ian",
    "T9 tab": "connect:fulfillment\tconnect:ian",
    "T9 100 kB": "connect:fulfillment " * 5000,
}


@pytest.mark.parametrize("row", BAD_SCOPES)
def test_t9_scope_not_allowed_then_invalid_scope(shop: Shop, row: str) -> None:
    with nothing_written(shop.server):
        answer = shop.post_token(grant_type="client_credentials", scope=BAD_SCOPES[row])
    assert oauth_error(answer) == INVALID_SCOPE


def test_t9_scope_not_the_clients_then_invalid_scope(server: Any) -> None:
    shop = Shop(server, scopes=["connect:fulfillment"])
    with nothing_written(server):
        assert oauth_error(shop.post_token(grant_type="client_credentials", scope="connect:ian")) == INVALID_SCOPE
    assert shop.post_token(grant_type="client_credentials").json()["scope"] == "connect:fulfillment"


def test_t9_grant_without_any_scope_then_unauthorized_client(server: Any) -> None:
    shop = Shop(server, scopes=["connect:fulfillment"])
    with nothing_written(server):
        for grant in ("authorization_code", "fulfillment_user_assertion"):
            answer = shop.post_token(grant_type=grant, code="x", redirect_uri=REDIRECT_URI, assertion="x")
            assert oauth_error(answer) == (400, "unauthorized_client")


def test_scope_sent_with_a_code_then_the_codes_own_counts(shop: Shop) -> None:
    answer = shop.redeem(code_for(shop, shop.account()), scope="connect:fulfillment")
    assert answer.json()["scope"] == "account_linking"


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
    "depth 100,000": encoded('{"user_id": ' + "[" * 100_000),
    "700 kB": assertion_of("u" * 500_000),
    "700 kB of spaces, without end": encoded('{"user_id": a' + " " * 500_000),
    "SQL": assertion_of("' OR '1'='1"),
}


@pytest.mark.parametrize("row", BAD_ASSERTIONS)
def test_assertion_names_no_user_then_invalid_grant(shop: Shop, row: str) -> None:
    with nothing_written(shop.server):
        answer = shop.post_token(grant_type="fulfillment_user_assertion", assertion=BAD_ASSERTIONS[row])
    assert oauth_error(answer) == INVALID_GRANT


def test_assertion_of_another_retailers_or_a_deleted_user_then_invalid_grant(shop: Shop) -> None:
    foreign, deleted = Shop(shop.server).user(), shop.user()
    assert shop.post(f"/v2/fulfillment/users/{deleted}/privacy_request").json() == {"success": True}
    for user_id in (foreign, deleted):
        answer = shop.post_token(grant_type="fulfillment_user_assertion", assertion=assertion_of(user_id))
        assert oauth_error(answer) == INVALID_GRANT


def test_assertion_by_a_client_of_several_banners_then_the_banner_must_be_named(server: Any) -> None:
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


# T10, T11, T17: what answers look like


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_t10_other_method_then_405(shop: Shop, method: str) -> None:
    with nothing_written(shop.server):
        answer = shop.http.request(method, "/v2/oauth/token", params={"grant_type": "client_credentials"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


QUERY_NAMES = ("client_id", "client_secret", "code", "token", "assertion", "grant_type")


@pytest.mark.parametrize("path", ["/v2/oauth/token", "/v2/oauth/token/revoke", "/v2/oauth/token/introspect"])
@pytest.mark.parametrize("name", QUERY_NAMES)
def test_credentials_in_the_query_then_403(shop: Shop, path: str, name: str) -> None:
    with nothing_written(shop.server):
        answer = shop.http.post(path, params={"a": "b", name: "x"}, json={**shop.credentials, "token": "x"})
    assert oauth_error(answer) == (403, "query_params_forbidden")
    assert answer.json()["error_description"].startswith("Providing OAuth credentials as query parameters")


def test_other_parameters_in_the_query_then_they_are_ignored(shop: Shop) -> None:
    answer = shop.http.post(
        "/v2/oauth/token", params={"barcode": "x"}, content=as_form(shop), headers={"Content-Type": FORM}
    )
    assert answer.status_code == 200


def test_t11_types_and_clock_then_as_documented(shop: Shop, later: Any) -> None:
    with later(seconds=1_000_000):
        before = clock.now() // clock.SECOND
        body = shop.post_token(grant_type="client_credentials").json()
        after = clock.now() // clock.SECOND
    assert (type(body["expires_in"]), body["expires_in"]) == (int, 86400)
    assert type(body["created_at"]) is int
    assert before <= body["created_at"] <= after
    assert body["token_type"] == "Bearer"
    assert len(base64.urlsafe_b64decode(body["access_token"] + "=")) == 32


def test_t17_headers_then_no_store_and_no_cors(shop: Shop) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    granted = post(shop, JSON, as_json(shop), **origin)
    refused = post(shop, JSON, as_json(shop, client_secret="wrong"), **origin)
    preflight = shop.http.options("/v2/oauth/token", headers={**origin, "Access-Control-Request-Method": "POST"})
    for answer in (granted, refused, preflight):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_x_retailer_id_is_tolerated(shop: Shop) -> None:
    assert post(shop, JSON, as_json(shop), **{"X-Retailer-Id": "another-slug"}).status_code == 200


def test_secrets_and_tokens_are_stored_as_hashes_alone(shop: Shop) -> None:
    account = shop.account()
    code = code_for(shop, account)
    secrets = [shop.client.client_secret, shop.token, code, token_for(shop, account)]
    held = str(contents(shop.server))
    assert not [secret for secret in secrets if secret in held]


def is_active(shop: Shop, token: str) -> bool:
    answer = shop.http.post("/v2/oauth/token/introspect", json={**shop.credentials, "token": token})
    active: bool = answer.json()["active"]
    return active
