"""A separate retailer for each test, and a customer's browser at the level of HTTP."""

import itertools
import secrets
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from argon2 import PasswordHasher

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.oauth.scopes import ALL
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from tests.support.server import LiveServer

PASSWORD = "a password that nobody guesses"
REDIRECT_URI = "https://shop.example/account/link?from=profile"
# A hash as dear as ours takes longer than most tests.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD_HASH = QUICK_HASHER.hash(PASSWORD)

_addresses = itertools.count(1)


def new_address() -> str:
    """A client address that no other test uses, so that their limits stay apart."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def new_email() -> str:
    """An e-mail address that no other test uses, because addresses without an account have limits, too."""
    return f"{secrets.token_hex(6)}@example.com"


@dataclass
class SampleAccount:
    id: int
    email: str
    password: str = PASSWORD


class Shop:
    """A retailer with a client, on one server. Nothing of it is shared with other tests."""

    def __init__(self, server: LiveServer, **client_options: Any) -> None:
        self.server = server
        self.slug = f"shop-{secrets.token_hex(6)}"
        self.retailer = server.write(retailers.create_retailer, slug=self.slug, name="Sample Market")
        options = {"scopes": ALL, "redirect_uris": [REDIRECT_URI], **client_options}
        self.client = server.write(clients.create, retailer=self.slug, **options)
        self.http = server.http(address=new_address())
        self._token: str | None = None

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.client.client_id, "client_secret": self.client.client_secret}

    @property
    def token(self) -> str:
        """A bearer token with all scopes of the client, fetched once."""
        if self._token is None:
            self._token = self.post_token(grant_type="client_credentials").json()["access_token"]
        return self._token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def post_token(self, **parameters: Any) -> httpx.Response:
        return self.http.post("/v2/oauth/token", json={**self.credentials, **parameters})

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.http.post(path, json=body, headers=self.headers, **options)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(path, headers=self.headers)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, headers=self.headers, **options)

    def user(self, user_id: str | None = None) -> str:
        """Create a user; returns the id."""
        user_id = user_id or f"user-{secrets.token_hex(6)}"
        self.post("/v2/fulfillment/users", {"user_id": user_id, "first_name": "Sample"}).raise_for_status()
        return user_id

    def account(self, *, member_for: int | None = None) -> SampleAccount:
        """Make an account of the platform, with a membership of `member_for` microseconds."""
        email = new_email()
        made = self.server.write(accounts.create, email, PASSWORD_HASH)
        if member_for:
            self.server.write(accounts.grant_membership, made.id, clock.now() + member_for)
        return SampleAccount(made.id, email)

    def visitor(self) -> "Visitor":
        return Visitor(self)

    def code(self, account: SampleAccount, **parameters: str) -> str:
        """An authorization code, by way of the pages."""
        visitor = self.visitor()
        visitor.authorize(**parameters)
        visitor.sign_in(account)
        return answer(visitor.decide("allow"))["code"]

    def redeem(self, code: str, **parameters: Any) -> httpx.Response:
        return self.post_token(
            **{"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, **parameters}
        )

    def linking_token(self, account: SampleAccount) -> str:
        token: str = self.redeem(self.code(account)).json()["access_token"]
        return token

    def link(self, user_id: str, linking_token: Any) -> httpx.Response:
        return self.post(f"/v2/fulfillment/users/{user_id}/link", {"linking_token": linking_token})

    def get_link(self, user_id: str) -> httpx.Response:
        return self.get(f"/v2/fulfillment/users/{user_id}/link")


class Visitor:
    """A browser without JavaScript: cookies, pages, forms."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.http = shop.server.http(address=new_address())
        self.page: httpx.Response

    def authorize(self, **parameters: str) -> httpx.Response:
        """Open the authorization URL; a parameter of None is left out."""
        query = {
            "response_type": "code",
            "client_id": self.shop.client.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "account_linking",
            "state": "state-1",
            **parameters,
        }
        return self.open("/oauth/authorize", **{name: value for name, value in query.items() if value is not None})

    def open(self, path: str, **query: str) -> httpx.Response:
        self.page = self.http.get(path, params=query or None)
        return self.page

    def submit(self, **fields: Any) -> httpx.Response:
        """Post the page's first form with its hidden fields; a field of None is left out. Follows to our own pages."""
        form = first_form(self.page.text)
        values = {**form.fields, **fields}
        self.page = self.http.post(
            form.action, data={name: value for name, value in values.items() if value is not None}
        )
        if self.page.is_redirect and self.page.headers["location"].startswith("/"):
            self.page = self.http.get(self.page.headers["location"])
        return self.page

    def sign_in(self, account: SampleAccount, password: str | None = None) -> httpx.Response:
        return self.submit(email=account.email, password=account.password if password is None else password)

    def decide(self, decision: str) -> httpx.Response:
        return self.submit(decision=decision)


class first_form(HTMLParser):
    """Action and hidden fields of the first form of a page that holds a form token."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(html)
        assert self.action, "the page has no form"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form" and not self.action:
            self.action = values["action"]
        if tag == "input" and values.get("type") == "hidden":
            self.fields.setdefault(values["name"], values["value"])


def answer(response: httpx.Response) -> dict[str, str]:
    """The parameters that a redirect carries back to the retailer."""
    assert response.status_code == 303, f"{response.status_code}: {response.text[:300]}"
    location = response.headers["location"]
    assert location.startswith(REDIRECT_URI.partition("?")[0])
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query, keep_blank_values=True).items()}


def error(response: httpx.Response) -> tuple[int, str, int | None, str | None]:
    """Status, message, code and key of a refusal in the single form."""
    body = response.json()
    assert set(body) == {"error", "meta"}, body
    assert set(body["error"]) == {"message", "code"}, body
    return response.status_code, body["error"]["message"], body["error"]["code"], body["meta"].get("key")
