"""Checks that apply to every page, and what a refusal must not change."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx

from handcart.core.web.pages import SECURITY_HEADERS, texts
from tests.support.server import LiveServer

GRANTS = ("authorization_codes", "tokens", "links", "link_history")
# What a page would show of the inside if it showed a trace.
INSIDE = re.compile(r"Traceback|File \"|\.py\b|sqlite|asyncpg|SELECT |INSERT |UPDATE |DELETE |handcart/")
POLICY = re.compile(
    r"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; base-uri 'none'; "
    r"frame-ancestors 'none'; form-action 'self'( https://[a-z.]+| http://127\.0\.0\.1:\d+)?"
    r"(; connect-src 'self'(; worker-src 'self')?)?"
)


def rows(server: LiveServer, *tables: str) -> dict[str, int]:
    """The number of rows of each table."""
    counts = " UNION ALL ".join(f"SELECT '{table}' AS name, COUNT(*) AS n FROM {table}" for table in tables)
    return {row["name"]: row["n"] for row in server.sql(counts)}


@contextmanager
def nothing_written(server: LiveServer, *tables: str) -> Iterator[None]:
    """No code, token or link comes or goes within the block, nor a row of further `tables`."""
    before = rows(server, *GRANTS, *tables)
    yield
    assert rows(server, *GRANTS, *tables) == before


def is_page(response: httpx.Response, status: int = 200) -> httpx.Response:
    """Check headers and content that every HTML response must and must not have; returns the response."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:300]}"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "location" not in response.headers
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.get_list(name) == [value], name
    assert POLICY.fullmatch(response.headers["content-security-policy"])
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert response.headers["x-request-id"]
    assert not INSIDE.search(response.text)
    for url in addresses(response.text):
        assert is_own(url), url
    return response


def is_error(response: httpx.Response, status: int, key: str) -> httpx.Response:
    """Check an error page with the texts of `key`."""
    is_page(response, status)
    assert f"<h1>{texts('en')[f'error.{key}.title']}</h1>" in response.text, response.text
    return response


def is_own(url: str) -> bool:
    """Whether a URL leads nowhere but to this site, or calls a phone number."""
    parts = urlsplit(url)
    if re.fullmatch(r"tel:\+?[0-9]+", url):
        return True
    return not parts.scheme and not parts.netloc and url.startswith(("/", "#")) and not url.startswith(("//", "/\\"))


def addresses(html: str) -> list[str]:
    """Every URL of a page: what it loads, links to and posts to."""
    parser = _Addresses()
    parser.feed(html)
    assert parser.found, "a page has at least its stylesheet"
    return parser.found


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = ("href", "src", "action", "formaction", "srcset", "data", "poster")
        self.found += [value or "" for name, value in attributes if name in names]
