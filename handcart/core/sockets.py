"""Listening sockets: bound before anything starts, so that every address is known and a taken port is one sentence."""

import errno
import os
import socket


class CannotListen(Exception):
    """An address or port that cannot be used; the text says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno is None or error.errno < 0 or error.errno == errno.EADDRNOTAVAIL:  # no such name or address
            raise CannotListen(f"this machine has no address {host!r}: choose another --host") from None
        raise CannotListen(
            f"cannot listen on {host} port {port} ({os.strerror(error.errno)}): choose another port, or 0 for a "
            "free one"
        ) from None


def url(bound: socket.socket, host: str) -> str:
    """Where a browser on this machine reaches the socket."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"
