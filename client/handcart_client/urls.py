"""Which URLs requests may use, and how ids are put into a path."""

import ipaddress
from urllib.parse import quote

import httpx


def require_secure(url: str, name: str, *, allow_plain_http: bool = False) -> httpx.URL:
    """The parsed URL. ValueError unless it is https, plain http to this machine, or plain http is allowed."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError(f"{name} is not a URL") from None
    if parsed.scheme not in ("https", "http") or not parsed.host:
        raise ValueError(f"{name} must be an https:// URL")
    if parsed.userinfo:
        raise ValueError(f"{name} must not hold a user name or password")
    if parsed.scheme == "http" and not allow_plain_http and not is_loopback(parsed.host):
        raise ValueError(
            f"{name} must use https://: plain http to {parsed.host} shows secrets on the way "
            "(allow_plain_http=True is for test servers)"
        )
    return parsed


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: localhost, *.localhost (RFC 6761), 127.0.0.0/8 or ::1."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def user_path(user_id: str, tail: str, under: str = "/v2/fulfillment/users") -> str:
    """The path of one user. ValueError for ids that a path cannot contain: empty, "." and ".."."""
    return f"{under}/{segment(user_id, 'user id')}/{tail}"


def segment(value: str, name: str) -> str:
    """An id as one segment of a path. ValueError for ids that a path cannot contain: empty, "." and ".."."""
    if value in ("", ".", ".."):
        raise ValueError(
            f"{'an' if name[0] in 'aeio' else 'a'} {name} must not be {value!r}: it cannot be put into a path"
        )
    return quote(value, safe="")
