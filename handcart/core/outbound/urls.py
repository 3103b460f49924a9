"""Which URLs this server may send requests to: https, a host, an allowed port.

A literal address is checked here (`core.outbound.addresses`); `core.outbound.client` checks a name's addresses for
each connection.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from handcart.core.outbound.addresses import Address, Network, fault, networks

LONGEST_URL = 2048
_LONGEST_NAME = 253

# RFC 3986, appendix B; matches every text
_URL = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]{1,5})?)?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
# The URL standard's "ends in a number": some resolvers read such names as IPv4 addresses, also 127.1 and 0x7f000001.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")


class RequestRefused(Exception):
    """A URL, address or header that is not allowed; the text says why, for people."""

    def __init__(self, why: str) -> None:
        super().__init__(f"blocked: {why}")


class UrlRules(Struct, frozen=True):
    """What is allowed in addition to https on port 443 of public addresses.

    `allow_http`: http on port 80; `allow_ports`: further ports for both schemes; `allow_networks`: CIDRs that are
    allowed although not public ("0.0.0.0/0" and "::/0" allow all). Raises ValueError for an invalid CIDR.
    """

    allow_http: bool = False
    allow_ports: Sequence[int] = (443,)
    allow_networks: Sequence[str] = ()

    def __post_init__(self) -> None:
        _networks(tuple(self.allow_networks))


class Target(Struct, frozen=True):
    """The parts of a URL. `address` is set if the host is an IP address; `authority` is for the Host header."""

    is_tls: bool
    host: str
    port: int
    address: Address | None
    authority: str
    path: str

    @property
    def origin(self) -> tuple[bool, str, int]:
        return self.is_tls, self.host, self.port


def check_url(url: str, rules: UrlRules) -> None:
    """Check a URL without looking its name up.

    Raises `RequestRefused` if it is not allowed.
    """
    read(url, rules)


def read(url: str, rules: UrlRules) -> Target:
    """Parse a URL; raises `RequestRefused` if it is not allowed."""
    if len(url) > LONGEST_URL:
        raise RequestRefused(f"the URL is longer than {LONGEST_URL} characters")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise RequestRefused("a URL may have only visible ASCII characters (host names in xn-- form) and no backslash")
    scheme, authority, path, query, fragment = _URL.fullmatch(url).groups(default="")  # type: ignore[union-attr]
    is_tls = scheme.lower() == "https"
    if not is_tls and not (rules.allow_http and scheme.lower() == "http"):
        raise RequestRefused("the URL must begin with https://")
    if fragment:
        raise RequestRefused("a URL must not have a fragment (#)")
    usual = 443 if is_tls else 80
    host, port = _host_and_port(authority.lower(), usual)
    if port != usual and port not in rules.allow_ports:
        raise RequestRefused(f"port {port} is not allowed")
    address = _literal(host)
    if address and (why := fault(address, _networks(tuple(rules.allow_networks)))):
        raise RequestRefused(why)
    authority = host if port == usual else f"{host}:{port}"
    return Target(is_tls, host.strip("[]"), port, address, authority, (path or "/") + query)


def _host_and_port(authority: str, usual: int) -> tuple[str, int]:
    if "@" in authority:
        raise RequestRefused("a URL must not have a user name or password")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise RequestRefused("the URL must have a host, optionally followed by a port")
    return parts[1], int(parts[2] or usual)


def _literal(host: str) -> Address | None:
    """The IP address of a host that is one; None for a name. Raises `RequestRefused` for a name that looks like one."""
    if host.startswith("["):
        with suppress(ValueError):
            if "%" not in host:
                return IPv6Address(host[1:-1])
        raise RequestRefused(f"{host[:60]} is not an IPv6 address (zones are not allowed)")
    if _NUMBER.fullmatch(host):
        with suppress(ValueError):
            return IPv4Address(host)
        raise RequestRefused(f"{host[:60]} could be read as an IPv4 address: write it as four decimal numbers")
    if len(host) > _LONGEST_NAME or not _NAME.fullmatch(host):
        raise RequestRefused(f"{host[:60]} is not a host name")
    return None


@lru_cache(64)
def _networks(texts: tuple[str, ...]) -> Sequence[Network]:
    return networks(texts)
