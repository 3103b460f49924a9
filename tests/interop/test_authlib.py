"""Authlib drives the server: its sessions on httpx and on requests, and its Starlette integration."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.integrations.starlette_client import OAuth
from authlib.oauth2 import rfc8414, rfc9207
from authlib.oauth2.rfc6749.errors import MissingCodeException
from authlib.oauth2.rfc6749.parameters import parse_authorization_code_response
from starlette.requests import Request

from tests.interop.customer import answer_to, links, parameters
from tests.support.moments import DAY
from tests.support.server import LiveServer
from tests.support.shop import REDIRECT_URI, Shop

SESSIONS = list(itertools.product([OAuth2Client, OAuth2Session], ["client_secret_post", "client_secret_basic"]))


@pytest.fixture(params=SESSIONS, ids=lambda pair: f"{pair[0].__name__} {pair[1]}")
def session(request: pytest.FixtureRequest, shop: Shop) -> Iterator[Any]:
    kind, method = request.param
    with kind(
        **shop.credentials,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope="account_linking",
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
    ) as made:
        yield made


def endpoint(shop: Shop, name: str) -> str:
    return str(shop.http.get("/.well-known/oauth-authorization-server").json()[f"{name}_endpoint"])


def authorize(session: Any, shop: Shop, decision: str) -> tuple[str, str, str]:
    """The redirect URI, the state and the verifier."""
    verifier = generate_token(48)
    url, state = session.create_authorization_url(endpoint(shop, "authorization"), code_verifier=verifier)
    return answer_to(shop, url, decision), state, verifier


def exchange(session: Any, shop: Shop, location: str, state: str, verifier: str) -> dict[str, Any]:
    return dict(
        session.fetch_token(
            endpoint(shop, "token"), authorization_response=location, state=state, code_verifier=verifier
        )
    )


def test_customer_allows_then_the_token_links(session: Any, shop: Shop) -> None:
    token = exchange(session, shop, *authorize(session, shop, "allow"))
    assert (token["token_type"], token["scope"], token["expires_in"]) == ("Bearer", "account_linking", DAY)
    assert links(shop, token["access_token"])


def test_customer_denies_then_there_is_no_code(session: Any, shop: Shop) -> None:
    location, state, _ = authorize(session, shop, "deny")
    with pytest.raises(MissingCodeException):
        parse_authorization_code_response(location, state)
    assert parameters(location)["error"] == "access_denied"


def test_code_has_expired_then_invalid_grant(session: Any, shop: Shop, later: Any) -> None:
    redirected = authorize(session, shop, "allow")
    with later(minutes=1, seconds=1), pytest.raises(OAuthError) as raised:
        exchange(session, shop, *redirected)
    assert raised.value.error == "invalid_grant"


def test_verifier_is_another_then_invalid_grant(session: Any, shop: Shop) -> None:
    location, state, _ = authorize(session, shop, "allow")
    with pytest.raises(OAuthError) as raised:
        exchange(session, shop, location, state, generate_token(48))
    assert raised.value.error == "invalid_grant"


def test_token_is_revoked_then_introspection_says_so(session: Any, shop: Shop) -> None:
    token = session.fetch_token(endpoint(shop, "token"), grant_type="client_credentials", scope="connect:fulfillment")[
        "access_token"
    ]
    alive = session.introspect_token(endpoint(shop, "introspection"), token=token).json()
    assert (alive["active"], alive["scope"], alive["client_id"]) == (True, "connect:fulfillment", session.client_id)
    assert session.revoke_token(endpoint(shop, "revocation"), token=token).status_code == 200
    assert session.introspect_token(endpoint(shop, "introspection"), token=token).json() == {"active": False}


# The integration that a Starlette or FastAPI site uses: it reads the metadata, and keeps the state in the session.


@pytest.fixture
def site(shop: Shop) -> Any:
    return OAuth().register(
        "handcart",
        **shop.credentials,
        server_metadata_url=f"{shop.server.url}/.well-known/oauth-authorization-server",
        client_kwargs={"scope": "account_linking", "code_challenge_method": "S256"},
    )


def browser_request(session: dict[str, Any], url: str = "") -> Request:
    query = url.partition("?")[2].encode()
    return Request({"type": "http", "method": "GET", "headers": [], "query_string": query, "session": session})


async def come_back(site: Any, shop: Shop, decision: str, forged_state: str = "") -> Request:
    kept: dict[str, Any] = {}
    redirect = await site.authorize_redirect(browser_request(kept), REDIRECT_URI)
    location = answer_to(shop, redirect.headers["location"], decision)
    return browser_request(kept, location.replace("state=", f"state={forged_state}"))


async def test_site_gets_an_allow_then_the_token_links(site: Any, shop: Shop) -> None:
    token = await site.authorize_access_token(await come_back(site, shop, "allow"))
    assert links(shop, token["access_token"])


async def test_site_gets_a_deny_then_it_hears_access_denied(site: Any, shop: Shop) -> None:
    with pytest.raises(OAuthError) as raised:
        await site.authorize_access_token(await come_back(site, shop, "deny"))
    assert raised.value.error == "access_denied"


async def test_site_is_too_late_then_invalid_grant(site: Any, shop: Shop, later: Any) -> None:
    request = await come_back(site, shop, "allow")
    with later(minutes=1, seconds=1), pytest.raises(OAuthError) as raised:
        await site.authorize_access_token(request)
    assert raised.value.error == "invalid_grant"


async def test_site_gets_another_state_then_it_refuses(site: Any, shop: Shop) -> None:
    forged = await come_back(site, shop, "allow", forged_state="x")
    with pytest.raises(OAuthError) as raised:
        await site.authorize_access_token(forged)
    assert raised.value.error == "mismatching_state"


# The metadata and the issuer, as Authlib reads RFC 8414 and RFC 9207.


def test_metadata_is_validated_then_it_is_sound(server: LiveServer) -> None:
    document = server.http().get("/.well-known/oauth-authorization-server").json()
    metadata = rfc8414.AuthorizationServerMetadata(document)
    metadata.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert document.keys() <= {*metadata.REGISTRY_KEYS, *rfc9207.AuthorizationServerMetadata.REGISTRY_KEYS}


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_customer_comes_back_then_with_state_and_issuer(shop: Shop, decision: str) -> None:
    with OAuth2Client(**shop.credentials, scope="account_linking", redirect_uri=REDIRECT_URI) as session:
        url, state = session.create_authorization_url(endpoint(shop, "authorization"))
    came = parameters(answer_to(shop, url, decision))
    assert (came["state"], came["iss"]) == (state, shop.server.url)
