"""Requests as bytes on a socket, for requests that no client library would send."""

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class RawAnswer:
    """A response, header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def connect(url: str) -> socket.socket:
    """A connection to the server."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def read_answer(connection: socket.socket, method: str = "GET") -> RawAnswer:
    """One answer from a connection."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    body = response.read()
    return RawAnswer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def exchange(url: str, sent: bytes, method: str = "GET") -> RawAnswer:
    """Send these bytes, and read one answer."""
    with connect(url) as connection:
        connection.sendall(sent)
        return read_answer(connection, method)


def request(url: str, method: str, target: str | bytes, *headers: str, body: bytes = b"") -> RawAnswer:
    """One request with its target as it is given."""
    raw_target = target.encode() if isinstance(target, str) else target
    lines = [f"Host: {urlsplit(url).netloc}", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    head = method.encode() + b" " + raw_target + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode("latin-1")
    return exchange(url, head + b"\r\n\r\n" + body, method)
