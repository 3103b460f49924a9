"""The bearer token of every protected endpoint (RFC 6750), and `X-Retailer-Id`."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from handcart import app
from handcart.retailers import clients
from tests.support.contents import nothing_written
from tests.support.oauth import Organization, issue_unserved, token_for
from tests.support.server import LiveServer, live_server, on_sqlite
from tests.support.shop import Shop, error

NOT_LINKED = (400, "User Not Linked", 1001, "user_id")
NOT_FOUND = (400, "User Not Found", 1001, "user_id")
NO_BANNER = (400, "can't be blank", 1001, "X-Retailer-Id")
BAD_BANNER = (400, "is invalid", 1001, "X-Retailer-Id")
PROTECTED = [route for route in app.api_routes() if route.scope]


def get_link(shop: Shop, user_id: str, headers: list[tuple[str, str]]) -> httpx.Response:
    return shop.http.get(f"/v2/fulfillment/users/{user_id}/link", headers=headers)


def at_every_endpoint(shop: Shop, headers: dict[str, str] | None = None) -> dict[str, tuple[Any, ...]]:
    """The refusals of each endpoint, and its challenge."""
    found: dict[str, tuple[Any, ...]] = {}
    with nothing_written(shop.server):
        for route in PROTECTED:
            path = route.path.replace("{user_id}", "user-1")
            answer = shop.http.request(route.method, path, json={}, headers=headers)
            found[f"{route.method} {route.path}"] = (*error(answer), answer.headers["www-authenticate"])
    return found


# The header


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_scheme_in_any_case_then_it_works(shop: Shop, scheme: str) -> None:
    assert error(get_link(shop, shop.user(), [("Authorization", f"{scheme} {shop.token}")])) == NOT_LINKED


@on_sqlite
def test_no_header_then_401_at_every_endpoint(shop: Shop) -> None:
    refusal = (401, "The access token is invalid", None, None, 'Bearer realm="handcart"')
    assert at_every_endpoint(shop) == {f"{route.method} {route.path}": refusal for route in PROTECTED}


BAD_HEADERS = {
    "Basic": "Basic {basic}",
    "no scheme": "{token}",
    "scheme alone": "Bearer",
    "another scheme": "Token {token}",
    "quoted": 'Bearer "{token}"',
    "with more behind": "Bearer {token} x",
    "two in one": "Bearer {token}, Bearer {token}",
    "a tab for a space": "Bearer\t{token}",
    "one character less": "Bearer {short}",
    "padded": "Bearer {token}=",
    "unknown": "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "20 kB": "Bearer {long}",
    "SQL": "Bearer ' OR '1'='1",
    "percent": "Bearer %00{token}",
    "secret": "Bearer {secret}",
}


@pytest.mark.parametrize("row", BAD_HEADERS)
@on_sqlite
def test_malformed_or_unknown_then_401(shop: Shop, row: str) -> None:
    user_id, token = shop.user(), shop.token
    basic = base64.b64encode(f"{shop.client.client_id}:{shop.client.client_secret}".encode()).decode()
    header = BAD_HEADERS[row].format(
        token=token, short=token[:-1], basic=basic, long="x" * 20_000, secret=shop.client.client_secret
    )
    with nothing_written(shop.server):
        answer = get_link(shop, user_id, [("Authorization", header)])
    assert error(answer) == (401, "The access token is invalid", None, None)
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="handcart", error="invalid_token", error_description="The access token is invalid"'
    )


def test_not_ascii_then_401(shop: Shop) -> None:
    headers: Any = {"Authorization": f"Bearer é{shop.token}".encode("latin-1")}
    assert shop.http.get("/v2/fulfillment/users/u/link", headers=headers).status_code == 401


def test_two_headers_then_401(shop: Shop) -> None:
    header = ("Authorization", f"Bearer {shop.token}")
    assert get_link(shop, shop.user(), [header, header]).status_code == 401


def test_100_kb_then_refused_before_the_application(shop: Shop) -> None:
    answer = get_link(shop, "user-1", [("Authorization", "Bearer " + "x" * 100_000)])
    assert answer.status_code == 400  # headers over 32 KiB: core/web/server_limits.py


def test_token_in_the_query_or_the_body_then_401(shop: Shop) -> None:
    user_id, token = shop.user(), shop.token
    path = f"/v2/fulfillment/users/{user_id}/link"
    assert shop.http.get(path, params={"access_token": token}).status_code == 401
    assert shop.http.post(path, data={"access_token": token}).status_code == 401
    assert shop.http.post(path, json={"access_token": token, "linking_token": token}).status_code == 401
    assert shop.http.get(path, headers={"Cookie": f"access_token={token}"}).status_code == 401


# The token


def test_tokens_revoked_in_production_then_dead_within_a_second(
    server: LiveServer, stopped: Any, tmp_path: Path
) -> None:
    """Production on PostgreSQL keeps a look-up for one second."""
    settings = server.app.settings
    with live_server(settings.database_url, tmp_path, environment="production") as production:
        shop = Shop(production)
        path, headers = "/v2/fulfillment/users/nobody/link", shop.headers
        assert shop.http.get(path, headers=headers).status_code == 400
        production.write(clients.revoke_tokens, shop.client.client_id)
        stopped(seconds=1)
        assert shop.http.get(path, headers=headers).status_code == 401


def test_expired_then_401_that_says_so(shop: Shop, later: Any) -> None:
    user_id = shop.user()
    with later(hours=23, minutes=59):
        assert error(shop.get_link(user_id)) == NOT_LINKED
    with later(days=1, seconds=1):
        answer = shop.get_link(user_id)
        assert error(answer) == (401, "The access token expired", None, None)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_revoked_then_dead_within_a_second(shop: Shop, later: Any) -> None:
    user_id = shop.user()
    assert error(shop.get_link(user_id)) == NOT_LINKED
    shop.http.post("/v2/oauth/token/revoke", json={**shop.credentials, "token": shop.token})
    with later(seconds=1):
        assert error(shop.get_link(user_id)) == (401, "The access token was revoked", None, None)


def test_linking_token_as_bearer_then_401(shop: Shop) -> None:
    shop._token = token_for(shop, shop.account())
    with nothing_written(shop.server):
        assert error(shop.get_link("user-1")) == (401, "The access token is invalid", None, None)


def test_token_of_another_scope_then_403_at_every_endpoint(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    issue_unserved(monkeypatch, shop.server)
    shop._token = shop.post_token(grant_type="client_credentials", scope="connect:compliance").json()["access_token"]
    refused = at_every_endpoint(shop, shop.headers)
    for route in PROTECTED:
        status, text, code, key, asked = refused[f"{route.method} {route.path}"]
        said = (403, f'Access to this resource requires scope "{route.scope}".', None, None)
        assert (status, text, code, key) == said, route.path
        assert 'error="insufficient_scope"' in asked, route.path
        assert f'scope="{route.scope}"' in asked, route.path


def test_a_users_own_token_then_403_at_the_retailers_endpoints(shop: Shop) -> None:
    user_id = shop.user()
    assertion = base64.b64encode(f'{{"user_id": "{user_id}"}}'.encode()).decode()
    issued = shop.post_token(grant_type="fulfillment_user_assertion", assertion=assertion).json()
    shop._token = issued["access_token"]
    assert error(shop.get_link(user_id))[0] == 403


def test_another_retailers_token_then_it_sees_its_own_users_alone(shop: Shop) -> None:
    other = Shop(shop.server)
    user_id = shop.user()
    assert error(other.get_link(user_id)) == NOT_FOUND
    assert error(shop.get_link(user_id)) == NOT_LINKED


# X-Retailer-Id


@pytest.mark.parametrize("shares_users", [False, True])
def test_the_right_banner_then_its_users(server: LiveServer, shares_users: bool) -> None:
    group = Organization(server, shares_users=shares_users)
    north, south = (group.at(banner) for banner in group.banners)
    user_id = north.user()
    assert error(north.get_link(user_id)) == NOT_LINKED
    assert error(south.get_link(user_id)) == (NOT_LINKED if shares_users else NOT_FOUND)
    assert error(north.get_link(user_id)) == NOT_LINKED


BANNERS = {
    "missing": (None, NO_BANNER),
    "empty": ("", NO_BANNER),
    "unknown": ("nobody", BAD_BANNER),
    "not a slug": ("../north", BAD_BANNER),
    "a number": ("1", BAD_BANNER),
    "the organization": ("{organization}", BAD_BANNER),
    "in another case": ("{upper}", BAD_BANNER),
    "another organization's": ("{foreign}", BAD_BANNER),
    "two at once": ("{north}, {south}", BAD_BANNER),
    "1 kB": ("x" * 1000, BAD_BANNER),
    "SQL": ("' OR '1'='1", BAD_BANNER),
}


@pytest.mark.parametrize("row", BANNERS)
def test_another_banner_then_refused_at_every_endpoint(server: LiveServer, row: str) -> None:
    group, foreign = Organization(server), Shop(server)
    header, refusal = BANNERS[row]
    north, south = group.banners
    banner = header and header.format(
        organization=group.slug, upper=north.upper(), foreign=foreign.slug, north=north, south=south
    )
    caller = group.at(banner)
    assert caller.token
    with nothing_written(server):
        for route in PROTECTED:
            path = route.path.replace("{user_id}", "user-1")
            body = {"user_id": "user-1", "first_name": "Sample", "linking_token": "x"}
            answer = caller.http.request(route.method, path, json=body, headers=caller.headers)
            assert error(answer) == refusal, route.path


def test_header_sent_twice_then_refused(server: LiveServer) -> None:
    group = Organization(server)
    headers = [("Authorization", f"Bearer {group.token}")] + [("X-Retailer-Id", slug) for slug in group.banners]
    assert error(get_link(group, "user-1", headers)) == NO_BANNER


def test_client_of_one_retailer_then_the_header_is_ignored(server: LiveServer) -> None:
    group = Organization(server)
    north, south = group.banners
    owner = Shop(server)
    owner.client = server.write(clients.create, retailer=north, scopes=["connect:fulfillment"])
    user_id = owner.user()
    foreign_user = group.at(south).user()
    for banner in (south, "nobody", "", Shop(server).slug):
        headers = [*owner.headers.items(), ("X-Retailer-Id", banner)]
        assert error(get_link(owner, user_id, headers)) == NOT_LINKED
        assert error(get_link(owner, foreign_user, headers)) == NOT_FOUND
