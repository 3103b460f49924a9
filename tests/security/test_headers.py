"""The headers of every HTML response, including refusals and failures (ASVS 5.0: 3.4, 13.4, 16.5)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from handcart.accounts import ops as accounts
from handcart.app import page_routes
from handcart.core.db import Unavailable
from tests.support.pages import INSIDE, is_error, is_page, nothing_written
from tests.support.server import LiveServer, live_server, on_sqlite
from tests.support.shop import REDIRECT_URI, Shop, Visitor, first_form

ORIGIN = {"Origin": "https://evil.example"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
CONFIDENTIAL = "a secret that nobody may see"


def account_visitor(shop: Shop) -> Visitor:
    """A browser of a customer who is linked at the shop."""
    account = shop.account()
    shop.link(shop.user(), shop.linking_token(account)).raise_for_status()
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    visitor.sign_in(account)
    return visitor


def authorization(shop: Shop) -> httpx.Response:
    return shop.visitor().authorize()


def consent(shop: Shop) -> httpx.Response:
    visitor = shop.visitor()
    visitor.authorize()
    return visitor.sign_in(shop.account())


def with_wrong_password(shop: Shop) -> httpx.Response:
    visitor = shop.visitor()
    visitor.authorize()
    return visitor.sign_in(shop.account(), "wrong password")


def on_account(path: str) -> Callable[[Shop], httpx.Response]:
    return lambda shop: account_visitor(shop).open(path.format(slug=shop.slug))


def broken(error: Exception) -> Callable[[Shop], httpx.Response]:
    def page(shop: Shop) -> httpx.Response:
        async def fail(*args: Any) -> None:
            raise error

        visitor = account_visitor(shop)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(accounts, "membership", fail)
            return visitor.open("/account")

    return page


def posted(path: str, **options: Any) -> Callable[[Shop], httpx.Response]:
    return lambda shop: shop.http.post(path, **options)


def asked(method: str, path: str) -> Callable[[Shop], httpx.Response]:
    return lambda shop: shop.http.request(method, path)


PAGES: dict[str, tuple[int, Callable[[Shop], httpx.Response]]] = {
    "log in to authorize": (200, authorization),
    "consent": (200, consent),
    "wrong password": (401, with_wrong_password),
    "log in": (200, asked("GET", "/account/sign-in")),
    "account": (200, on_account("/account")),
    "password": (200, on_account("/account/password")),
    "unlink": (200, on_account("/account/links/{slug}")),
    "unknown client": (400, asked("GET", "/oauth/authorize")),
    "no request": (400, asked("GET", "/oauth/authorize/nothing")),
    "query that is no text": (400, asked("GET", "/account/sign-in?a=%FF")),
    "no form token": (403, posted("/account/sign-in", data={"email": "a"})),
    "from another site": (403, posted("/account/sign-in", data={"email": "a"}, headers=ORIGIN)),
    "no such page": (404, asked("GET", "/nothing/here")),
    "no such link": (404, on_account("/account/links/nothing")),
    "no such file": (404, asked("GET", "/static/nothing.css")),
    "path that is no text": (404, asked("GET", "/static/%FF")),
    "path with NUL": (404, asked("GET", "/static/a%00.css")),
    "climbing path": (404, asked("GET", "/static/..%2fpages.py")),
    "method": (405, asked("DELETE", "/account")),
    "trace": (405, asked("TRACE", "/account")),
    "no method at all": (405, asked("OPTIONS", "/oauth/authorize")),
    "too large": (413, posted("/account/sign-in", data={"email": "a" * 70_000})),
    "no form": (415, posted("/account/sign-in", json={})),
    "failure": (500, broken(RuntimeError(CONFIDENTIAL))),
    "no database": (503, broken(Unavailable(CONFIDENTIAL))),
}


@pytest.mark.parametrize(("status", "page"), PAGES.values(), ids=PAGES)
@on_sqlite
def test_page_then_policy_no_store_no_frame_no_referrer_no_sniffing(
    shop: Shop, status: int, page: Callable[[Shop], httpx.Response]
) -> None:
    shown = is_page(page(shop), status)
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["x-frame-options"] == "DENY"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in shown.headers  # not before TLS is there: it would lock a laptop out
    assert "server" not in shown.headers
    assert CONFIDENTIAL not in shown.text
    assert "<style" not in shown.text
    assert " style=" not in shown.text
    assert "<script>" not in shown.text
    assert not any(f" on{event}=" in shown.text for event in ("load", "click", "submit", "error"))


def test_policy_then_forms_go_here_or_to_the_one_retailer(shop: Shop) -> None:
    def form_action(page: httpx.Response) -> str:
        return page.headers["content-security-policy"].partition("form-action ")[2]

    assert form_action(authorization(shop)) == "'self' https://shop.example"
    assert form_action(consent(shop)) == "'self' https://shop.example"
    assert form_action(with_wrong_password(shop)) == "'self' https://shop.example"
    assert form_action(shop.http.get("/account/sign-in")) == "'self'"
    assert form_action(shop.visitor().authorize(redirect_uri="https://evil.example/")) == "'self'"


@pytest.mark.parametrize("path", sorted({route.path for route in page_routes()}))
@on_sqlite
def test_other_origin_asks_then_no_cors_header(shop: Shop, path: str) -> None:
    known = {"retailer": shop.slug, "name": "handcart.css"}
    filled = re.sub(r"\{(\w+)\}", lambda parameter: known.get(parameter[1], "x"), path)
    with nothing_written(shop.server, "sessions"):
        for method, headers in (("GET", ORIGIN), ("OPTIONS", PREFLIGHT), ("POST", ORIGIN)):
            response = shop.http.request(method, filled, headers=headers)
            assert response.status_code < 500
            assert not [name for name in response.headers if name.startswith("access-control-")]


FILES = {
    "handcart.css": "text/css; charset=utf-8",
    "consent.css": "text/css; charset=utf-8",
    "once.js": "text/javascript; charset=utf-8",
    "handcart.svg": "image/svg+xml",
}


@pytest.mark.parametrize(("name", "kind"), FILES.items())
def test_static_file_then_its_type_alone_and_no_script_from_within(shop: Shop, name: str, kind: str) -> None:
    file = shop.http.get(f"/static/{name}")
    assert file.status_code == 200
    assert file.headers["content-type"] == kind
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-security-policy"].startswith("default-src 'none'")
    assert "immutable" in file.headers["cache-control"]
    assert file.headers["cross-origin-resource-policy"] == "same-origin"
    assert "set-cookie" not in file.headers


def test_redirects_then_no_store_and_no_referrer(shop: Shop) -> None:
    visitor = account_visitor(shop)
    visitor.authorize()
    form = first_form(visitor.page.text)
    back = visitor.http.post(form.action, data={**form.fields, "decision": "deny"})
    assert back.headers["location"].startswith(REDIRECT_URI)
    for redirect in (back, shop.http.get("/account"), shop.http.get("/")):
        assert redirect.status_code == 303
        assert redirect.headers["cache-control"] == "no-store"
        assert redirect.headers["referrer-policy"] == "no-referrer"
        assert redirect.text == ""


def test_failure_then_the_page_names_the_request_and_nothing_of_the_inside(shop: Shop) -> None:
    page = is_error(broken(KeyError(CONFIDENTIAL))(shop), 500, "internal_error")
    assert page.headers["x-request-id"] in page.text
    assert not INSIDE.search(page.text)


@pytest.fixture(scope="module")
def https_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data = tmp_path_factory.mktemp("https")
    with live_server(f"sqlite:///{data}/handcart.db", data, public_url="https://connect.example") as running:
        yield running


@pytest.mark.parametrize("path", ["/account/sign-in", "/account", "/nothing", "/static/handcart.css", "/v2/nothing"])
def test_public_address_is_https_then_strict_transport_security(https_server: LiveServer, path: str) -> None:
    answer = https_server.http().get(path)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
