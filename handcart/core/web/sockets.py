"""Listening sockets, bound before anything else starts: addresses are known, and a taken port gives one clear error.

A socket has three addresses: the one it listens on, the one for this machine itself (`own_url`), and the one for
browsers (`browser_url`, or the public URL if that is set).
"""

import errno
import os
import socket
from ipaddress import ip_address

from handcart.core.errors import Refused

# The host that a browser on this machine uses for an address to listen on. `localhost` replaces IPv6 addresses, because
# content security policies, which must name redirect URIs, do not allow IPv6 addresses.
_FOR_BROWSERS = {"0.0.0.0": "127.0.0.1", "::": "localhost", "::1": "localhost"}  # noqa: S104 (compared, not bound)
_FOR_ITSELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (as above)


class CannotListen(Refused):
    """An address or port that cannot be used; the text says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free port, host `::` accepts IPv4 as well. Raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=both)
    except OSError as error:
        if error.errno is None or error.errno < 0 or error.errno == errno.EADDRNOTAVAIL:  # no such name or address
            raise CannotListen(f"this machine has no address {host!r}: choose another --host") from None
        raise CannotListen(
            f"cannot listen on {host} port {port} ({os.strerror(error.errno)}): choose another port, or 0 for a "
            "free one"
        ) from None


def address_of(bound: socket.socket) -> str:
    """The address of a listening socket as `host:port`."""
    host, port = bound.getsockname()[:2]
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def own_url(bound: socket.socket) -> str:
    """The URL by which this machine reaches the socket; an address, so that no name has to be looked up."""
    address, port = bound.getsockname()[:2]
    return _url(_FOR_ITSELF.get(address, address), port)


def browser_url(bound: socket.socket, host: str) -> str:
    """The URL by which a browser on this machine reaches the socket that listens on `host`."""
    return _url(_FOR_BROWSERS.get(host, host), bound.getsockname()[1])


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: 127.0.0.0/8, ::1, localhost or a name under it (RFC 6761 section 6.3)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine: by loopback, or an IP address of one of its interfaces."""
    if is_loopback(host):
        return True
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))  # the system only binds its own addresses; nothing is sent
    except (ValueError, OSError):
        return False
    return True


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
