"""`/reference` as the server serves it: small, compressed, kept by version, with a call for each operation."""

import gzip
import json
import shlex
from typing import Any

import httpx
import pytest

from handcart.core.web import reference
from tests.contract.operations import DOCUMENT, OPERATIONS
from tests.contract.test_openapi import validator
from tests.support.server import LiveServer, on_sqlite

FIRST_VIEW = 150_000
PLAIN = {"Accept-Encoding": "identity"}
PATHS = ("/reference", "/reference?q=hold", "/reference/create_order_delivery", "/openapi.json")


@pytest.fixture
def http(server: LiveServer) -> httpx.Client:
    return server.http()


@on_sqlite  # no database is asked
@pytest.mark.parametrize("path", PATHS)
def test_browser_takes_gzip_then_it_gets_the_same_page_packed(http: httpx.Client, path: str) -> None:
    plain, packed = http.get(path, headers=PLAIN), http.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert (plain.status_code, plain.headers.get("content-encoding")) == (200, None)
    assert packed.headers["content-encoding"] == "gzip"
    assert (packed.headers["vary"], packed.content) == ("Accept-Encoding", plain.content)
    assert int(packed.headers["content-length"]) * 3 < len(plain.content)
    assert http.get(path, headers={"Accept-Encoding": "gzip;q=0"}).headers.get("content-encoding") is None
    if path.startswith("/reference"):
        assert len(plain.content) < FIRST_VIEW


@on_sqlite  # no database is asked
@pytest.mark.parametrize("path", PATHS)
def test_browser_has_this_version_then_nothing_is_sent_again(http: httpx.Client, path: str) -> None:
    first = http.get(path)
    assert first.headers["cache-control"] == "public, no-cache"
    for known in (first.headers["etag"], f'"another", {first.headers["etag"]}', "*"):
        again = http.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert "content-length" not in again.headers
    assert http.get(path, headers={"If-None-Match": '"another"'}).status_code == 200


@on_sqlite
def test_operation_is_unknown_then_it_is_not_found(http: httpx.Client) -> None:
    assert http.get("/reference/create_nothing").status_code == 404


@on_sqlite
def test_words_are_searched_then_operations_are_found_without_javascript(http: httpx.Client) -> None:
    """By name, by a field, by the words of a refusal."""
    for words, operation in (
        ("reserve slot", "create_service_option_hold"),
        ("loyalty_number", "create_order_delivery"),
        ("already been taken", "create_user"),
    ):
        page = http.get("/reference", params={"q": words}).text
        assert f'href="/reference/{operation}"' in page, words
        assert 'href="/reference/get_server_metadata"' not in page, words
    assert "0 operations" in http.get("/reference", params={"q": "<b>" * 100}).text


def test_error_code_searched_then_its_operations_and_names_come_first() -> None:
    document: Any = json.loads(json.dumps(DOCUMENT, default=list))
    found = reference.entries(document)
    for code in ("1001", "5000"):
        assert reference.search(found, code), code
    assert "handcart_sandbox_set_faults" in [entry.id for entry in reference.search(found, "2003")]
    named = reference.search(found, "hold")
    assert [entry.id for entry in named][:2] == ["create_service_option_hold", "create_desired_window_hold"]
    is_deprecated = [bool(entry.operation.get("deprecated")) for entry in named]
    assert is_deprecated == sorted(is_deprecated)
    assert True in is_deprecated
    page = reference.operation(document, found, named[0], brand="Handcart", membership="Handcart+")
    assert "sandbox env" in page


def test_operation_is_shown_then_its_curl_line_sends_a_valid_example() -> None:
    document: Any = json.loads(json.dumps(DOCUMENT, default=list))
    found = {entry.id: entry for entry in reference.entries(document)}
    assert found.keys() == OPERATIONS.keys()
    for name, operation in OPERATIONS.items():
        said = shlex.split(found[name].curl.replace("\\\n", " "))
        assert said[0] == "curl"
        assert "{" not in next(part for part in said if part.startswith("https://")), name
        content = operation.described.get("requestBody", {}).get("content")
        if content:
            body = json.loads(said[said.index("--data-raw") + 1])
            assert validator(content["application/json"]["schema"]).is_valid(body), name
        answered = operation.described["responses"]["200"]["content"]["application/json"]
        assert answered["examples"], f"{name} shows no answer"


def test_page_is_packed_then_its_tag_changes_with_its_content() -> None:
    from handcart.core.web import packed

    one, other = packed.pack(b"a" * 100), packed.pack(b"b" * 100)
    assert one.tag != other.tag
    assert gzip.decompress(one.compressed) == one.plain
