"""Origins (RFC 6454) and hosts (RFC 9110 section 7.2): the host of a request, and the site whose page sent it."""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

Origin = tuple[str, str, int]

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Suffixes that the public DNS never has: RFC 2606, 6761, 6762, 8375; ICANN reserves `internal` for private use.
_NEVER_PUBLIC = (".example", ".home.arpa", ".internal", ".local", ".localhost", ".test")


def read(url: str) -> Origin | None:
    """Scheme, host and port of a URL, in lower case, with the scheme's default port; None if it is not an http URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.username is not None:
        return None
    return parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme]


def is_same(origin: str, public_url: str, host: str | None) -> bool:
    """Whether an `Origin` header is this server's: that of the public URL, or of the request's `Host`."""
    sent = read(origin)
    return sent is not None and sent in (read(public_url), read(f"{sent[0]}://{host}"))


@lru_cache(maxsize=256)
def is_ours(host: str, public_url: str) -> bool:
    """Whether a `Host` can be this server's: the public URL's, an IP address, or a name outside the public DNS.

    Any other name may be an attacker's that resolves to this machine, so that a page of the attacker's site could read
    this server's data (DNS rebinding).
    """
    asked, public = read(f"http://{host}"), read(public_url)
    if asked is None:
        return False
    name = asked[1].rstrip(".")
    if "." not in name or name.endswith(_NEVER_PUBLIC) or (public is not None and name == public[1]):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
