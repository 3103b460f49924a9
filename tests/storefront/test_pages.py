"""Headers, form tokens and refusals of all pages."""

import re
from dataclasses import replace

import httpx
import pytest

from storefront.app import create_app

POSTS = ["/sign-in", "/sign-out", "/account/link", "/stores", "/cart", "/cart/add", "/address", "/slots", "/checkout"]


@pytest.mark.parametrize("path", POSTS)
def test_post_without_form_token_then_refused(browser, platform, path):
    response = browser.http.post(path, data={"customer": "two"})
    assert response.status_code == 403
    assert "Customer one" in browser.get("/account").text, "still signed in as before"


@pytest.mark.parametrize("path", POSTS)
def test_post_with_the_token_of_another_browser_then_refused(browser, new_browser, path):
    other = new_browser()
    other.sign_in("two")
    assert browser.http.post(path, data={"form_token": other.form_token, "customer": "two"}).status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_post_with_the_token_of_before_sign_in_then_refused(new_browser, path):
    browser = new_browser()
    browser.get("/sign-in")
    old = browser.form_token
    browser.post("/sign-in", customer="one")
    assert browser.http.post(path, data={"form_token": old, "customer": "two"}).status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_post_without_session_then_refused(new_browser, path):
    assert new_browser().http.post(path, data={"form_token": "", "customer": "one"}).status_code == 403


@pytest.mark.parametrize("body", [b"form_token=\xff\x00", b"form_token=%C3%28", b"&&&=", b'{"form_token": 1}'])
def test_post_of_garbage_then_refused(browser, body):
    assert browser.http.post("/account/link", content=body).status_code == 403


def test_post_of_a_large_body_then_refused(browser):
    assert browser.http.post("/account/link", content=b"a" * 100_000).status_code == 413


@pytest.mark.parametrize("path", ["/sign-out", "/account/link", "/cart/add", "/address"])
def test_action_asked_for_with_get_then_refused(browser, path):
    assert browser.get(path).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/", "/sign-in", "/account", "/checkout", "/account/link/callback", "/nothing", "/sign-out", "/static/shop.css"],
)
def test_any_answer_then_it_has_the_protective_headers(browser, platform, path):
    headers = browser.get(path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self';"
        f" form-action 'self' {platform.url}; frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing.css", "/static/../app.py", "/static/%2e%2e/app.py"])
def test_unknown_path_then_a_page_of_the_shop(browser, path):
    response = browser.get(path)
    assert response.status_code == 404
    assert "This page does not exist." in response.text


def test_unforeseen_failure_then_a_page_without_details(browser, shop_sessions, monkeypatch):
    monkeypatch.delattr(shop_sessions, "_db")
    response = browser.get("/account")
    assert response.status_code == 500
    assert "Traceback" not in response.text
    assert "_db" not in response.text
    assert response.headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in response.headers, "the browser keeps its session"


ANYBODYS = ["/", "/cart", "/sign-in", "/stores?postal_code=60610", "/slots", "/checkout", "/account", "/orders", "/no"]


def test_pages_only_read_then_no_writes_and_the_first_post_keeps_a_session(new_browser, shop_sessions):
    """Nor does coming from the platform without having started a link. Two open pages have the same form token."""

    def writes():
        return shop_sessions._db.total_changes

    browser, before = new_browser(), writes()
    for path in [*ANYBODYS, "/account/link/callback?code=c&state=s"]:
        browser.open(path)
        new_browser().open(path)
    assert writes() == before
    browser.get("/")
    assert browser.post("/cart/add", item="milk").status_code == 303
    assert writes() > before
    assert browser.post("/cart/add", item="bread").status_code == 303
    assert browser.get("/").text.count("1 in cart") == 2


@pytest.mark.parametrize("path", ["/", "/sign-in", "/account", "/checkout", "/cart", "/orders", "/slots"])
def test_pages_read_then_no_inline_script_and_nothing_foreign(browser, path):
    page = browser.get(path).text
    assert set(re.findall("<script.*", page)) == {'<script src="/static/shop.js" defer></script>'}
    assert "style=" not in page
    assert "://" not in re.sub('<a href="[^"]*"', "", page), "a link may lead elsewhere; nothing is loaded from there"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 200) for host in ("shop.example", "SHOP.example:443", "127.0.0.1:8081", "localhost", "[::1]:8081")),
        *((host, 200) for host in ("192.168.1.5", "[fd00::5]:8081")),
        *(
            (host, 400)
            for host in ("evil.com", "evil.com:8081", "shop.example.evil.com", "www.shop.example", "192.0.2.7")
        ),
    ],
)
async def test_host_of_the_request_then_only_the_shop_s_own_is_answered(settings, sessions, host, status):
    """A page of a site whose name resolves to this machine could read the shop (DNS rebinding)."""
    shop = create_app(replace(settings, public_url="https://shop.example"), sessions, None, ["192.168.1.5", "fd00::5"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop), base_url="http://shop.example") as browser:
        answer = await browser.get("/static/shop.css", headers={"Host": host})
    assert answer.status_code == status
    assert answer.headers["x-frame-options"] == "DENY"


def test_shop_behind_https_then_the_cookie_is_bound_to_it(https_shop_url):
    headers = httpx.get(https_shop_url + "/sign-in").headers
    assert headers["set-cookie"].startswith("__Host-sample-market=")
    assert "; Secure" in headers["set-cookie"]
    assert headers["strict-transport-security"] == "max-age=31536000"
