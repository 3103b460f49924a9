"""Limits of connections: the server answers while a client holds as many connections as it can get."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.security.test_connections import HOST, read_answer, read_to_the_end, received
from tests.support.server import LiveServer, live_server


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server for three connections, two from one address."""
    data = tmp_path_factory.mktemp("narrow")
    limits = {"connections": 3, "connections_per_address": 2, "trusted_proxies": "10.9.9.9"}
    with live_server(f"sqlite:///{data}/handcart.db", data, **limits) as running:
        yield running


def test_more_connections_than_there_may_be_then_an_answer_still(narrow: LiveServer) -> None:
    host, _, port = narrow.url.removeprefix("http://").partition(":")
    with ExitStack() as stack:

        def connect_from(address: str) -> socket.socket:
            opened = socket.create_connection((host, int(port)), timeout=30, source_address=(address, 0))
            return stack.enter_context(opened)

        def ask(opened: socket.socket) -> bytes:
            opened.sendall(b"GET /live HTTP/1.1\r\n" + HOST + b"\r\n")
            return read_answer(opened)

        first, second = connect_from("127.0.0.1"), connect_from("127.0.0.1")
        assert ask(first).startswith(b"HTTP/1.1 200 ")
        assert read_to_the_end(connect_from("127.0.0.1")) == b""  # over its share
        third, fourth = connect_from("127.0.0.2"), connect_from("127.0.0.2")
        assert ask(fourth).startswith(b"HTTP/1.1 200 ")
        assert read_to_the_end(second) == b""  # it has never asked, and so it has made room
        for busy in (first, third, fourth):
            busy.sendall(
                b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
            )
            assert received(busy).startswith(b"HTTP/1.1 100 ")
        assert ask(connect_from("127.0.0.3")).startswith(b"HTTP/1.1 503 ")
    assert narrow.app.connections.ended == {"address": 1, "room": 1, "all": 1}
