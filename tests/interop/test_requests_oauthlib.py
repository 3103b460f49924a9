"""requests-oauthlib drives the server."""

from collections.abc import Iterator
from typing import Any

import pytest
from oauthlib.oauth2 import AccessDeniedError, BackendApplicationClient, InvalidGrantError, MismatchingStateError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.interop.customer import answer_to, links
from tests.support.moments import DAY
from tests.support.shop import REDIRECT_URI, Shop


@pytest.fixture
def session(shop: Shop) -> Iterator[OAuth2Session]:
    with OAuth2Session(shop.client.client_id, redirect_uri=REDIRECT_URI, scope="account_linking", pkce="S256") as made:
        yield made


@pytest.fixture(params=["client_secret_post", "client_secret_basic"])
def authentication(request: pytest.FixtureRequest, shop: Shop) -> dict[str, Any]:
    """Arguments that make `fetch_token` authenticate."""
    if request.param == "client_secret_post":
        return {"client_secret": shop.client.client_secret, "include_client_id": True}
    return {"auth": HTTPBasicAuth(shop.client.client_id, shop.client.client_secret)}


def authorize(session: OAuth2Session, shop: Shop, decision: str) -> str:
    url, _ = session.authorization_url(f"{shop.server.url}/oauth/authorize")
    return answer_to(shop, url, decision)


def exchange(session: OAuth2Session, shop: Shop, location: str, authentication: dict[str, Any]) -> dict[str, Any]:
    token_url = f"{shop.server.url}/v2/oauth/token"
    return dict(session.fetch_token(token_url, authorization_response=location, **authentication))


def test_customer_allows_then_the_token_links(
    session: OAuth2Session, shop: Shop, authentication: dict[str, Any]
) -> None:
    token = exchange(session, shop, authorize(session, shop, "allow"), authentication)
    assert (token["token_type"], token["scope"], token["expires_in"]) == ("Bearer", ["account_linking"], DAY)
    assert links(shop, token["access_token"])


def test_customer_denies_then_access_denied(session: OAuth2Session, shop: Shop, authentication: dict[str, Any]) -> None:
    with pytest.raises(AccessDeniedError):
        exchange(session, shop, authorize(session, shop, "deny"), authentication)


def test_code_has_expired_then_invalid_grant(
    session: OAuth2Session, shop: Shop, authentication: dict[str, Any], later: Any
) -> None:
    location = authorize(session, shop, "allow")
    with later(minutes=1, seconds=1), pytest.raises(InvalidGrantError):
        exchange(session, shop, location, authentication)


def test_state_is_another_then_the_client_refuses(
    session: OAuth2Session, shop: Shop, authentication: dict[str, Any]
) -> None:
    location = authorize(session, shop, "allow").replace("state=", "state=x")
    with pytest.raises(MismatchingStateError):
        exchange(session, shop, location, authentication)


def test_token_is_revoked_then_introspection_says_so(shop: Shop, authentication: dict[str, Any]) -> None:
    backend = BackendApplicationClient(shop.client.client_id, scope="connect:fulfillment")
    with OAuth2Session(client=backend) as session:
        token = session.fetch_token(f"{shop.server.url}/v2/oauth/token", **authentication)["access_token"]
        revocation_url = f"{shop.server.url}/v2/oauth/token/revoke"
        request = backend.prepare_token_revocation_request(revocation_url, token, **shop.credentials)

        def is_active() -> bool:
            reference = {**shop.credentials, "token": token}
            return bool(shop.http.post("/v2/oauth/token/introspect", data=reference).json()["active"])

        assert is_active()
        url, headers, body = request
        assert session.post(url, data=body, headers=headers, withhold_token=True).json() == {}
        assert not is_active()
