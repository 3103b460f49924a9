"""`GET /.well-known/oauth-authorization-server` (RFC 8414): it describes what the server does."""

from typing import Any

import pytest

from handcart.oauth.codes import challenge_of
from tests.support.oauth import code_for, oauth_error
from tests.support.shop import Shop, answer, error

PATH = "/.well-known/oauth-authorization-server"
VERIFIER = "v" * 43


@pytest.fixture
def metadata(shop: Shop) -> dict[str, Any]:
    response = shop.http.get(PATH)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def test_issuer_then_the_public_url_byte_for_byte(shop: Shop, metadata: dict[str, Any]) -> None:
    assert metadata["issuer"] == shop.server.app.settings.issuer == shop.server.url


def test_endpoints_then_each_is_there(shop: Shop, metadata: dict[str, Any]) -> None:
    endpoints = {name: url for name, url in metadata.items() if name.endswith("_endpoint")}
    assert set(endpoints) == {
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
    }
    for name, url in endpoints.items():
        assert url.startswith(f"{metadata['issuer']}/"), name
        assert shop.http.request("PATCH", url).status_code == 405, name


def test_authentication_methods_then_each_works_at_each_endpoint(shop: Shop, metadata: dict[str, Any]) -> None:
    basic = (shop.client.client_id, shop.client.client_secret)
    for name in ("token", "revocation", "introspection"):
        assert metadata[f"{name}_endpoint_auth_methods_supported"] == ["client_secret_post", "client_secret_basic"]
        url, form = metadata[f"{name}_endpoint"], {"grant_type": "client_credentials", "token": "x"}
        assert shop.http.post(url, data={**form, **shop.credentials}).status_code == 200
        assert shop.http.post(url, data=form, auth=basic).status_code == 200


def test_grants_then_each_is_known_and_no_other(shop: Shop, metadata: dict[str, Any]) -> None:
    for grant_type in metadata["grant_types_supported"]:
        refusal = shop.post_token(grant_type=grant_type, scope="nonsense", code="x", redirect_uri="x", assertion="x")
        assert oauth_error(refusal)[1] in ("invalid_scope", "invalid_grant")
    for grant_type in ("refresh_token", "password", "implicit"):
        assert oauth_error(shop.post_token(grant_type=grant_type))[1] == "unsupported_grant_type"


def test_scopes_then_each_can_be_had(shop: Shop, metadata: dict[str, Any]) -> None:
    for scope in metadata["scopes_supported"]:
        statuses = {
            shop.post_token(grant_type="client_credentials", scope=scope).status_code,
            shop.post_token(grant_type="fulfillment_user_assertion", scope=scope, assertion="x").json()["error"],
        }
        assert statuses & {200, "invalid_grant"} or scope == "account_linking", scope
    assert "account_linking" in metadata["scopes_supported"]
    assert shop.redeem(code_for(shop, shop.account())).json()["scope"] == "account_linking"


def test_response_types_and_pkce_then_those_alone(shop: Shop, metadata: dict[str, Any]) -> None:
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["response_modes_supported"] == ["query"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    visitor = shop.visitor()
    assert answer(visitor.authorize(response_type="token"))["error"] == "unsupported_response_type"
    plain = visitor.authorize(code_challenge=VERIFIER, code_challenge_method="plain")
    assert answer(plain)["error"] == "invalid_request"
    s256 = visitor.authorize(code_challenge=challenge_of(VERIFIER), code_challenge_method="S256")
    assert s256.status_code == 200


def test_iss_then_in_every_authorization_answer(shop: Shop, metadata: dict[str, Any]) -> None:
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert answer(shop.visitor().authorize(response_type="x"))["iss"] == metadata["issuer"]


def test_locales_then_each_has_pages(shop: Shop, metadata: dict[str, Any]) -> None:
    assert metadata["ui_locales_supported"] == ["en-US", "en-CA", "fr-CA", "es-US"]
    for locale in metadata["ui_locales_supported"]:
        page = shop.visitor().authorize(ui_locales=locale)
        assert f'lang="{locale}"' in page.text


def test_other_method_or_path_then_refused_in_the_envelope(shop: Shop) -> None:
    assert error(shop.http.post(PATH))[0] == 405
    assert error(shop.http.get(f"{PATH}/other"))[0] == 404
