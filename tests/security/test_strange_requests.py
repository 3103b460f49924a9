"""Requests that no honest client sends are refused, and never cause an internal error."""

import pytest

from handcart.core import errors
from tests.support.pages import is_error, is_page
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error, first_form


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "//", "://", "http://user@[x]:port"])
def test_origin_that_is_no_url_then_the_form_is_refused(shop: Shop, origin: str) -> None:
    answered = shop.http.post("/account/sign-in", data={"email": "x"}, headers={"Origin": origin})
    is_error(answered, 403, "form_expired")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "handcart:443", "HANDCART"])
def test_origin_of_the_public_url_then_the_form_is_taken_for_any_host(shop: Shop, host: str) -> None:
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    form = first_form(visitor.page.text)
    url = shop.server.url
    named = {"Host": host.format(port=url.rpartition(":")[2]), "Origin": url.upper()}
    fields = {**form.fields, "email": "nobody@example.com", "password": "wrong"}
    is_page(visitor.http.post(form.action, data=fields, headers=named), 401)
    is_error(visitor.http.post(form.action, data=fields, headers={**named, "Origin": f"{url}9"}), 403, "form_expired")


@pytest.mark.parametrize("path", ["/v2/oauth/token", "/account/sign-in", "/nothing", "/ready"])
def test_host_of_a_stranger_then_the_sandbox_names_its_own(shop: Shop, path: str) -> None:
    """A page of evil.com whose name leads here (DNS rebinding) reads nothing."""
    answer = shop.http.get(path, headers={"Host": "evil.com:8080"})
    assert error(answer)[:2] == (421, errors.misdirected(shop.server.url).message)
    assert shop.http.get("/ready", headers={"Host": "handcart:8080"}).status_code == 200


@pytest.mark.parametrize("path", ["/v2/fulfillment/users", "/v2/oauth/token", "/account/sign-in"])
@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
@on_sqlite
def test_body_under_a_content_coding_then_415_that_names_none(shop: Shop, path: str, coding: str) -> None:
    kind = "application/x-www-form-urlencoded" if path.startswith("/account") else "application/json"
    headers = {**shop.headers, "Content-Type": kind, "Content-Encoding": coding}
    answer = shop.http.post(path, content=b"\x1f\x8b", headers=headers)
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")


def test_body_under_no_coding_said_aloud_then_read(shop: Shop) -> None:
    body = {"user_id": "u-identity", "first_name": "Sample"}
    headers = {**shop.headers, "Content-Encoding": "identity"}
    assert shop.http.post("/v2/fulfillment/users", json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("application/json", True),
        ("application/problem+json, */*;q=0.1", True),
        ("text/html;q=0.5, application/json", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("text/html, application/json", False),
        ("*/*", False),
        ("application/json;q=0", False),
        ("application/json;q=x, ;;,", False),
    ],
)
def test_no_such_path_then_json_for_who_asks_for_json(shop: Shop, accept: str, is_json: bool) -> None:
    answer = shop.http.get("/fulfillment/users", headers={"Accept": accept})
    if is_json:
        assert error(answer)[:2] == (404, "Not found")
    else:
        is_error(answer, 404, "not_found")


@pytest.mark.parametrize(
    "name",
    ["a" * 300 + ".css", "a" * 20_000 + ".css", "%F0%9F%98%80.css", "..%2Fpages.css", "%2E%2E.css", ".css"],
)
def test_static_file_that_is_not_there_then_not_found(shop: Shop, name: str) -> None:
    is_error(shop.http.get(f"/static/{name}"), 404, "not_found")
