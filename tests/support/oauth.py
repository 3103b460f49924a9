"""Codes without a browser, refusals in OAuth's form, and an organization of several banners."""

import base64
import copy
import json
import secrets
from dataclasses import replace
from typing import Any

import httpx
import pytest

from handcart.core.db import Tx
from handcart.oauth import authorization
from handcart.oauth.checks import Request
from handcart.oauth.scopes import ACCOUNT_LINKING, ALL
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.sign_in import sessions
from handcart.sign_in.models import CUSTOMER
from tests.support.server import LiveServer
from tests.support.shop import REDIRECT_URI, SampleAccount, Shop, new_address

INVALID_REQUEST = (400, "invalid_request")
INVALID_GRANT = (400, "invalid_grant")
INVALID_SCOPE = (400, "invalid_scope")
INVALID_CLIENT = (401, "invalid_client")


async def make_code(
    tx: Tx, client_id: str, account_id: int, redirect_uri: str = REDIRECT_URI, code_challenge: str | None = None
) -> str:
    """An authorization code by the ops behind the pages: sign in, start, allow."""
    client = await clients.find(tx, client_id)
    assert client is not None
    cookie = await sessions.start(tx, CUSTOMER, account_id, "")
    request = Request([], client=client, redirect_uri=redirect_uri, scope=ACCOUNT_LINKING)
    request.code_challenge = code_challenge
    return await authorization.allow(tx, await authorization.start(tx, request, cookie), cookie)


def code_for(shop: Shop, account: SampleAccount, **options: Any) -> str:
    """A fresh authorization code of the shop's client."""
    code: str = shop.server.write(make_code, shop.client.client_id, account.id, **options)
    return code


def token_for(shop: Shop, account: SampleAccount) -> str:
    """A fresh linking token of the shop's client."""
    token: str = shop.redeem(code_for(shop, account)).json()["access_token"]
    return token


def assertion_of(user_id: str) -> str:
    """The assertion of a user, for the grant `fulfillment_user_assertion`."""
    return base64.b64encode(json.dumps({"user_id": user_id}).encode()).decode()


def oauth_error(response: httpx.Response) -> tuple[int, str]:
    """Status and slug of a refusal in OAuth's form."""
    body = response.json()
    assert set(body) == {"error", "error_description"}, body
    assert response.headers["cache-control"] == "no-store"
    assert "x-request-id" in response.headers
    assert "Traceback" not in response.text
    return response.status_code, body["error"]


def issue_unserved(monkeypatch: pytest.MonkeyPatch, server: LiveServer) -> None:
    """Let the server issue tokens for the scopes that no endpoint needs, until the test ends."""
    monkeypatch.setattr(server.app, "settings", replace(server.app.settings, unserved_scopes=True))


class Organization(Shop):
    """Several banners behind one client, which names one of them in each request."""

    def __init__(self, server: LiveServer, *, shares_users: bool = False) -> None:
        self.server = server
        self.slug = f"group-{secrets.token_hex(6)}"
        self.banners = [f"{self.slug}-{name}" for name in ("north", "south")]
        for slug in self.banners:
            server.write(
                retailers.create_retailer,
                slug=slug,
                name="Sample Banner",
                organization=self.slug,
                shares_users=shares_users,
            )
        self.client = server.write(clients.create, organization=self.slug, scopes=ALL, redirect_uris=[REDIRECT_URI])
        self.http = server.http(address=new_address())
        self.banner: str | None = None
        self._token = None

    def at(self, banner: str | None) -> "Organization":
        """The same client, naming this banner (or none)."""
        other = copy.copy(self)
        other.banner = banner
        return other

    @property
    def headers(self) -> dict[str, str]:
        return {**super().headers, **({} if self.banner is None else {"X-Retailer-Id": self.banner})}
