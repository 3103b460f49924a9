"""The page of the shopper's app, its files and its service worker."""

import base64
import hashlib
import json
import re

import httpx
import pytest

from handcart.core.web.pages import SECURITY_HEADERS
from handcart.shopper_app import pages
from tests.support.server import on_sqlite
from tests.support.shop import Shop

MOST_BYTES = 120 * 1024


def listed(shop: Shop) -> dict[str, str]:
    """The files that the service worker keeps, with their hashes."""
    found = re.search(r"const FILES = (\{.*?\});", shop.http.get("/shopper/sw.js").text, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def is_gzip(response: httpx.Response) -> bool:
    return response.headers.get("content-encoding") == "gzip"


@on_sqlite
def test_page_is_opened_then_its_policy_lets_it_scan_and_go_nowhere_else(shop: Shop) -> None:
    page = shop.http.get("/shopper")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self'"
    )
    assert page.headers["permissions-policy"] == "camera=(self), geolocation=(self), microphone=()"
    for name, value in SECURITY_HEADERS.items():
        assert page.headers.get_list(name) == [value], name
    assert "set-cookie" not in page.headers
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) > 20
    for url in loaded:
        assert shop.http.get(url).status_code == 200, url


@on_sqlite
def test_other_page_is_opened_then_it_runs_no_webassembly(shop: Shop) -> None:
    assert "wasm" not in shop.http.get("/account/sign-in").headers["content-security-policy"]


@on_sqlite
def test_page_is_opened_again_then_not_sent_again(shop: Shop) -> None:
    for path in ("/shopper", "/shopper/sw.js", "/shopper/manifest.webmanifest", "/shopper/app/app.js"):
        first = shop.http.get(path)
        again = shop.http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, is_gzip(first), again.status_code, again.content) == (200, True, 304, b""), path
        assert first.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app/app.js", "text/javascript; charset=utf-8"),
        ("app/screens/today.js", "text/javascript; charset=utf-8"),
        ("app/app.css", "text/css; charset=utf-8"),
        ("app/texts/fr-CA.json", "application/json"),
        ("app/icon-192.png", "image/png"),
        ("vendor/zxing_reader.wasm", "application/wasm"),
    ],
)
@on_sqlite
def test_file_is_asked_for_then_its_type_alone(shop: Shop, name: str, kind: str) -> None:
    file = shop.http.get(f"/shopper/{name}")
    assert (file.status_code, file.headers["content-type"]) == (200, kind)
    assert file.headers["content-security-policy"] == "default-src 'none'"
    assert file.headers["cross-origin-resource-policy"] == "same-origin"
    assert file.content == pages.files()[name].plain


@pytest.mark.parametrize(
    "path",
    [
        "app/nothing.js",
        "app/types.d.ts",  # for the compiler
        "app/service_worker.js",  # it is served with its list of files
        "app/..%2fpages.py",
        "app/a%00.js",
        "vendor/vendored.toml",
        "vendor/LICENSE-htm",
        "pages.py",
    ],
)
@on_sqlite
def test_file_is_none_of_the_app_then_404(shop: Shop, path: str) -> None:
    assert shop.http.get(f"/shopper/{path}").status_code == 404


@on_sqlite
def test_service_worker_is_read_then_it_lists_every_file_with_its_hash(shop: Shop) -> None:
    worker = shop.http.get("/shopper/sw.js")
    assert worker.headers["service-worker-allowed"] == "/shopper"
    assert worker.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    files = listed(shop)
    assert files.keys() == {"/shopper", *(f"/shopper/{path}" for path in pages.files())} - {
        "/shopper/app/service_worker.js"
    }
    for path, integrity in files.items():
        digest = hashlib.sha256(shop.http.get(path).content).digest()
        assert integrity == "sha256-" + base64.b64encode(digest).decode(), path


@on_sqlite
def test_app_is_loaded_first_then_at_most_120_kb(shop: Shop) -> None:
    page = shop.http.get("/shopper")
    needed = [*re.findall(r'(?:src|href)="([^"]+)"', page.text), "/shopper/app/texts/fr-CA.json", "/shopper/sw.js"]
    sizes = {}
    for path in ("/shopper", *needed):
        with shop.http.stream("GET", path) as response:
            sizes[path] = sum(len(piece) for piece in response.iter_raw())
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    # Nothing is loaded that the page does not announce: modules would be fetched one after the other.
    assert {f"/shopper/{path}" for path in pages.first_load()} <= sizes.keys()


@on_sqlite
def test_manifest_is_read_then_a_phone_can_install_the_app(shop: Shop) -> None:
    answer = shop.http.get("/shopper/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/shopper", "/shopper", "standalone")
    for icon in manifest["icons"]:
        assert shop.http.get(icon["src"]).headers["content-type"] == icon["type"]
