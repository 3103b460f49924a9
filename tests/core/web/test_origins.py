"""Which `Origin` and which `Host` are this server's own."""

import pytest

from handcart.core.web.origins import is_ours, is_same, read

PUBLIC = "https://connect.example.org"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Connect.Example.org", ("https", "connect.example.org", 443)),
        ("https://connect.example.org:443/path", ("https", "connect.example.org", 443)),
        ("http://[::1]:8080", ("http", "::1", 8080)),
        *(
            (url, None)
            for url in ("", "null", "//host", "ftp://host", "http://", "http://[", "http://h:port", "http://a@b")
        ),
    ],
)
def test_url_then_its_origin(url: str, origin: tuple[str, str, int] | None) -> None:
    assert read(url) == origin


@pytest.mark.parametrize(
    ("origin", "host", "is_own"),
    [
        (PUBLIC, "connect.example.org", True),
        (PUBLIC, "connect.example.org:443", True),
        (PUBLIC, "127.0.0.1:8080", True),  # a proxy that does not pass Host
        (PUBLIC, None, True),
        ("https://connect.example.org:443", "connect.example.org", True),
        ("https://CONNECT.example.org", "connect.example.ORG", True),
        ("http://localhost:8080", "localhost:8080", True),
        ("http://localhost:80", "localhost", True),
        ("http://connect.example.org", "other", False),
        ("https://connect.example.org:8443", "connect.example.org", False),
        ("https://evil.example", "connect.example.org", False),
        ("https://connect.example.org.evil.example", "connect.example.org", False),
        ("", "connect.example.org", False),
        ("https://[", "[", False),
    ],
)
def test_origin_header_then_own_by_scheme_host_and_port(origin: str, host: str | None, is_own: bool) -> None:
    assert is_same(origin, PUBLIC, host) is is_own


@pytest.mark.parametrize(
    "host",
    [
        *(
            "connect.example.org",
            "Connect.Example.Org:443",
            "connect.example.org.",
            "127.0.0.1:8080",
            "[::1]",
            "localhost",
        ),
        *("handcart:8080", "host.docker.internal:8080", "laptop.local", "shop.test", "192.168.1.5"),
    ],
)
def test_host_of_the_public_url_or_of_no_public_dns_then_ours(host: str) -> None:
    assert is_ours(host, PUBLIC)


@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:8080", "evil.com.", "127.0.0.1.evil.com", "localhost.evil.com", "["]
)
def test_host_that_a_stranger_can_own_then_not_ours(host: str) -> None:
    assert not is_ours(host, PUBLIC)
