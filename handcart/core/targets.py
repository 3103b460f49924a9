"""Which URLs this server may be told to ask: https, a host, an allowed port, no trick.

A literal address is judged here (`core.addresses`), a name's addresses by `core.egress` for each connection.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from handcart.core.addresses import Address, Network, fault, networks

LONGEST_URL = 2048
_LONGEST_NAME = 253

# RFC 3986, appendix B: every text matches
_URL = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]{1,5})?)?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
# The URL standard's "ends in a number": some resolvers take such names for IPv4 addresses, 127.1 and 0x7f000001 too.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")


class Refused(Exception):
    """A URL, address or header that may not be asked or sent; the text says why, for people."""

    def __init__(self, why: str) -> None:
        super().__init__(f"blocked: {why}")


class Rules(Struct, frozen=True):
    """What may be asked besides https on port 443 of public addresses.

    `allow_http` lets http pass, to port 80; `allow_ports` are further ports of either scheme; `allow_networks` are
    CIDRs allowed although they are not public ("0.0.0.0/0" and "::/0" allow all). Raises ValueError for what is none.
    """

    allow_http: bool = False
    allow_ports: Sequence[int] = (443,)
    allow_networks: Sequence[str] = ()

    def __post_init__(self) -> None:
        _networks(tuple(self.allow_networks))


class Target(Struct, frozen=True):
    """Where a URL leads. `address` is set if the host is one, `authority` is what the Host header says."""

    is_tls: bool
    host: str
    port: int
    address: Address | None
    authority: str
    path: str

    @property
    def origin(self) -> tuple[bool, str, int]:
        return self.is_tls, self.host, self.port


def check_url(url: str, rules: Rules) -> None:
    """Refuse a URL that may not be asked, whatever its name resolves to: no name is looked up here.

    Raises `Refused`.
    """
    read(url, rules)


def read(url: str, rules: Rules) -> Target:
    """The parts of a URL that may be asked; raises `Refused`."""
    if len(url) > LONGEST_URL:
        raise Refused(f"the URL is longer than {LONGEST_URL} characters")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Refused("a URL holds visible ASCII characters alone (a name in its xn-- form) and no backslash")
    scheme, authority, path, query, fragment = _URL.fullmatch(url).groups(default="")  # type: ignore[union-attr]
    is_tls = scheme.lower() == "https"
    if not is_tls and not (rules.allow_http and scheme.lower() == "http"):
        raise Refused("the URL must begin with https://")
    if fragment:
        raise Refused("a URL must not hold a fragment (#)")
    usual = 443 if is_tls else 80
    host, port = _host_and_port(authority.lower(), usual)
    if port != usual and port not in rules.allow_ports:
        raise Refused(f"port {port} is not allowed")
    address = _literal(host)
    if address and (why := fault(address, _networks(tuple(rules.allow_networks)))):
        raise Refused(why)
    authority = host if port == usual else f"{host}:{port}"
    return Target(is_tls, host.strip("[]"), port, address, authority, (path or "/") + query)


def _host_and_port(authority: str, usual: int) -> tuple[str, int]:
    if "@" in authority:
        raise Refused("a URL must not hold a user name or password")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise Refused("the URL needs a host, and at most a port behind it")
    return parts[1], int(parts[2] or usual)


def _literal(host: str) -> Address | None:
    """The address that the host is, if it is one and no name. Raises `Refused` for what may be taken for one."""
    if host.startswith("["):
        with suppress(ValueError):
            if "%" not in host:
                return IPv6Address(host[1:-1])
        raise Refused(f"{host[:60]} is no IPv6 address (one with a zone is not allowed)")
    if _NUMBER.fullmatch(host):
        with suppress(ValueError):
            return IPv4Address(host)
        raise Refused(f"{host[:60]} may be taken for an address: write one as four decimal numbers")
    if len(host) > _LONGEST_NAME or not _NAME.fullmatch(host):
        raise Refused(f"{host[:60]} is no host name")
    return None


@lru_cache(64)
def _networks(texts: tuple[str, ...]) -> Sequence[Network]:
    return networks(texts)
