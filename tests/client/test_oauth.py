import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from handcart_client import Introspection, OAuthError, RateLimited, ServerError, Token, Unauthorized, UnexpectedResponse

from tests.client.fakes import BASE_URL, CLIENT_SECRET, Caller, FakeServer, token_body
from tests.support.moments import DAY

CREDENTIALS = {"client_id": "client-1", "client_secret": CLIENT_SECRET}
CALLBACK = "https://shop.example.com/account/callback"


def test_code_exchanged_then_the_documented_fields_are_sent(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=token_body("linking-token", scope="account_linking"))
    token = caller(lambda client: client.oauth.exchange_code("code-1", redirect_uri=CALLBACK, code_verifier="v" * 43))
    assert token == Token(
        access_token="linking-token", token_type="Bearer", expires_in=DAY, created_at=1, scope="account_linking"
    )
    assert fake.last.url.path == "/v2/oauth/token"
    assert fake.sent == {
        **CREDENTIALS,
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": CALLBACK,
        "code_verifier": "v" * 43,
    }


def test_oauth_call_then_credentials_and_no_bearer(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=token_body("linking-token"))
    caller(lambda client: client.oauth.exchange_code("code-1", redirect_uri=CALLBACK))
    assert "code_verifier" not in fake.sent
    assert "Authorization" not in fake.last.headers
    assert not fake.token_requests


def test_user_token_then_the_user_is_asserted_in_base64_json(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=token_body("user-token"))
    caller(lambda client: client.oauth.user_token("shopper-20417"))
    assert fake.sent == {
        **CREDENTIALS,
        "grant_type": "fulfillment_user_assertion",
        "assertion": "eyJ1c2VyX2lkIjoic2hvcHBlci0yMDQxNyJ9",
        "scope": "connect:post_checkout",
    }


def test_quotes_in_the_user_id_then_they_stay_inside_the_json_string(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=token_body("user-token"))
    caller(lambda client: client.oauth.user_token('a"é', scope="connect:recommendations"))
    assert base64.b64decode(fake.sent["assertion"]).decode() == '{"user_id":"a\\"é"}'
    assert fake.sent["scope"] == "connect:recommendations"


@pytest.mark.parametrize(("scope", "scopes"), [("a,b", ("a", "b")), ("a b", ("a", "b")), ("", ()), (None, ())])
def test_token_scope_then_split_on_comma_or_space(scope: str | None, scopes: tuple[str, ...]) -> None:
    assert Token(access_token="t", token_type="Bearer", expires_in=1, scope=scope).scopes == scopes


@pytest.mark.parametrize("body", [{}, None])
def test_revoke_then_an_empty_answer_is_taken(caller: Caller, fake: FakeServer, body: Any) -> None:
    fake.answer(body=body)
    assert caller(lambda client: client.oauth.revoke("token-9")) is None
    assert fake.last.url.path == "/v2/oauth/token/revoke"
    assert fake.sent == {**CREDENTIALS, "token": "token-9"}


def test_introspect_then_what_the_server_tells_is_read(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"active": True, "scope": "account_linking", "exp": 2, "aud": ["not", "modelled"]})
    answer = caller(lambda client: client.oauth.introspect("token-9"))
    assert answer == Introspection(active=True, scope="account_linking", exp=2)
    assert fake.last.url.path == "/v2/oauth/token/introspect"


def test_metadata_then_the_well_known_document_without_credentials(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"issuer": BASE_URL, "token_endpoint": BASE_URL + "/t", "grant_types_supported": ["new_grant"]})
    metadata = caller(lambda client: client.oauth.metadata())
    assert metadata.grant_types_supported == ("new_grant",)
    assert metadata.authorization_endpoint is None
    assert (fake.last.method, fake.last.url.path) == ("GET", "/.well-known/oauth-authorization-server")
    assert "Authorization" not in fake.last.headers
    assert CLIENT_SECRET.encode() not in fake.last.content


def test_metadata_of_another_issuer_then_refused(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body={"issuer": "https://evil.example.com"})
    with pytest.raises(UnexpectedResponse, match="another issuer"):
        caller(lambda client: client.oauth.metadata())


def test_oauth_refusal_then_slug_and_description(caller: Caller, fake: FakeServer) -> None:
    body = {"error": "invalid_grant", "error_description": "Assertion is not provided or invalid assertion provided."}
    fake.answer(400, body, **{"X-Request-Id": "request-7"})
    with pytest.raises(OAuthError) as caught:
        caller(lambda client: client.oauth.exchange_code("spent", redirect_uri=CALLBACK))
    error = caught.value
    assert (error.error, error.message) == ("invalid_grant", body["error_description"])
    assert (error.status, error.code, error.request_id) == (400, None, "request-7")


def test_wrong_credentials_then_any_call_says_so(caller: Caller, fake: FakeServer) -> None:
    fake.token_answers = [httpx.Response(401, json={"error": "invalid_client", "error_description": "Client auth..."})]
    with pytest.raises(OAuthError) as caught:
        caller(lambda client: client.links.get("member-1"))
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)
    assert len(fake.token_requests) == 1
    assert not fake.requests


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, {"error": "slow_down"}, RateLimited),
        (503, {"error": "temporarily_unavailable"}, ServerError),
        (401, None, Unauthorized),
    ],
)
def test_oauth_answer_of_another_kind_then_the_error_of_any_other_call(
    caller: Caller, fake: FakeServer, status: int, body: Any, error: type[Exception]
) -> None:
    fake.answer(status, body)
    with pytest.raises(error):
        caller(lambda client: client.oauth.exchange_code("code-1", redirect_uri=CALLBACK))
    assert len(fake.requests) == 1


def test_authorization_url_then_the_documented_parameters(caller: Caller) -> None:
    url = caller(
        lambda client: client.oauth.authorization_url(
            f"{BASE_URL}/oauth/authorize", redirect_uri=CALLBACK, state="s&1", code_challenge="challenge"
        )
    )
    assert url.startswith(f"{BASE_URL}/oauth/authorize?")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "client_id": "client-1",
        "scope": "account_linking",
        "state": "s&1",
        "redirect_uri": CALLBACK,
        "code_challenge": "challenge",
        "code_challenge_method": "S256",
    }


def test_authorization_url_without_challenge_then_no_method(caller: Caller) -> None:
    url = caller(lambda client: client.oauth.authorization_url(BASE_URL, redirect_uri=CALLBACK, state="s"))
    assert "code_challenge" not in url


def test_authorization_url_without_state_then_refused(caller: Caller) -> None:
    with pytest.raises(ValueError, match="state"):
        caller(lambda client: client.oauth.authorization_url(BASE_URL, redirect_uri=CALLBACK, state=""))
