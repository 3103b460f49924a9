"""The demo's listening sockets and URLs."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from handcart.core.settings import is_origin
from handcart.core.web.sockets import browser_url, own_url
from handcart.demo.errors import DemoFailed


@dataclass(frozen=True)
class Sockets:
    """The demo's listening sockets. Bound before anything starts, so that every URL is known."""

    api: socket.socket
    storefront: socket.socket


@dataclass(frozen=True)
class Urls:
    """URLs of API and storefront for browsers and clients, and for the demo's own processes (`own_*`)."""

    api: str
    storefront: str
    own_api: str
    own_storefront: str


def urls_of(sockets: Sockets, host: str, public_url: str | None, storefront_public_url: str | None) -> Urls:
    """The demo's URLs. A storefront without a public URL of its own is at the public URL's host, on its own port.

    Raises `DemoFailed` for what is no such URL, and for an https URL alone: its proxy serves no second port.
    """
    for option, url in (("--public-url", public_url), ("--storefront-public-url", storefront_public_url)):
        if url and not is_origin(url):
            raise DemoFailed(f"{option} {url!r} must be http://host, http://host:port, or the same with https")
    api = (public_url or browser_url(sockets.api, host)).rstrip("/")
    storefront = storefront_public_url or browser_url(sockets.storefront, host)
    if public_url and not storefront_public_url:
        parts = urlsplit(api)
        if parts.scheme != "http":
            raise DemoFailed("--public-url is https: give the storefront's own URL too, with --storefront-public-url")
        host_part = parts.netloc.removesuffix(f":{parts.port}")
        storefront = f"http://{host_part}:{sockets.storefront.getsockname()[1]}"
    return Urls(api, storefront.rstrip("/"), own_url(sockets.api), own_url(sockets.storefront))
