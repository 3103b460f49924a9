"""Limits of one connection: it cannot be held idle, flood the parser, or hide a request inside another."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from handcart.core.web import server_limits
from tests.support.moments import HOUR
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop

pytestmark = on_sqlite  # no database is asked

HOST = b"Host: shop.example\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
HIDDEN = b"GET /live HTTP/1.1\r\n" + HOST + b"\r\n"
ENOUGH = 8 * server_limits.MOST_HEADER_BYTES


@pytest.fixture
def connection(server: LiveServer) -> Iterator[socket.socket]:
    """A bare connection whose reads fail after 30 s."""
    with connect(server) as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server waits for no client longer than a moment."""
    monkeypatch.setattr(server_limits, "REQUEST_SECONDS", 0.2)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server waits for ever: what it ends, it ends for another reason."""
    monkeypatch.setattr(server_limits, "REQUEST_SECONDS", HOUR)


def connect(server: LiveServer) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def flood(connection: socket.socket, request: bytes) -> None:
    """Ask and never listen, until the server has had enough of it."""
    for _ in range(1_000_000):
        connection.sendall(request)


def received(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    assert piece, "closed before the answer was there"
    return piece


def read_answer(connection: socket.socket) -> bytes:
    """One whole answer."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    declared = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < declared:
        body += received(connection)
    return head + b"\r\n\r\n" + body


def read_to_the_end(connection: socket.socket) -> bytes:
    """All that comes until the server closes, be it on what we were still sending."""
    answers = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            answers += piece
    return answers


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n", id="a line end"),
        pytest.param(b"GET /ready HTTP/1.1\r\nHost: shop", id="half a header"),
        pytest.param(b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n", id="no body"),
        pytest.param(
            b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0000", id="half a chunk"
        ),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_request_never_ends_then_connection_closed(server: LiveServer, head: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(head)
        assert read_to_the_end(connection) == b""


@pytest.mark.parametrize(
    "request_head",
    [
        pytest.param(b"GET /live HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n", id="answered"),
        pytest.param(b"POST /nowhere HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n", id="refused"),
        pytest.param(b"GET /live HTTP/1.1\r\n" + HOST + b"\r\n", id="no body announced"),
    ],
)
def test_answered_and_a_piece_more_then_connection_closed(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, request_head: bytes
) -> None:
    """A byte after the answer must not stop the timer for idle connections."""
    monkeypatch.setattr(server_limits, "REQUEST_SECONDS", 1)  # time enough for the answer
    with connect(server) as connection:
        connection.sendall(request_head)
        read_answer(connection)
        connection.sendall(b"\r\n")
        assert read_to_the_end(connection) == b""


@pytest.mark.usefixtures("impatient")
def test_answers_never_taken_then_connection_closed(server: LiveServer) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        host, _, port = server.url.removeprefix("http://").partition(":")
        connection.connect((host, int(port)))
        connection.settimeout(30)
        with pytest.raises(ConnectionError):
            flood(connection, b"GET /reference?" + b"a" * 16_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        pytest.param(b"GET /live HTTP/1.1\r\nX: ", b"a", id="header value"),
        pytest.param(b"GET /live HTTP/1.1\r\n", b"a", id="header name"),
        pytest.param(b"GET /live HTTP/1.1\r\nX:", b" ", id="blanks"),
        pytest.param(b"GET /", b"a", id="path"),
        pytest.param(b"", b"\r\n", id="line ends"),
        pytest.param(
            b"POST /nowhere HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1;a=", b"a", id="chunk extension"
        ),
        pytest.param(
            b"POST /nowhere HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a", id="trailer"
        ),
    ],
)
@pytest.mark.usefixtures("patient")
def test_header_without_end_then_connection_closed(server: LiveServer, head: bytes, piece: bytes) -> None:
    with connect(server) as connection:
        with suppress(ConnectionError):
            connection.sendall(head + piece * (ENOUGH // len(piece)))
        read_to_the_end(connection)


@pytest.mark.parametrize("announced", [b"Content-Length: %d\r\n" % len(HIDDEN), b"Transfer-Encoding: chunked\r\n"])
def test_upgrade_with_a_body_then_the_body_is_no_request(connection: socket.socket, announced: bytes) -> None:
    connection.sendall(b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + UPGRADE + announced + b"\r\n")
    connection.sendall(HIDDEN)
    connection.shutdown(socket.SHUT_WR)
    answers = read_to_the_end(connection)
    assert answers.startswith(b"HTTP/1.1 4")
    assert answers.count(b"HTTP/1.1") == 1
    assert b"live" not in answers


@pytest.mark.parametrize("is_split", [False, True], ids=["in one piece", "byte by byte"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_upgrade_with_a_body_then_ignored(connection: socket.socket, is_split: bool, is_chunked: bool) -> None:
    """Java's HTTP client offers HTTP/2 so, and reads what comes as HTTP/1.1."""
    body = b'{"grant_type": "nonsense"}'
    announced = b"Transfer-Encoding: chunked\r\n" if is_chunked else b"Content-Length: %d\r\n" % len(body)
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body
    kind = b"Content-Type: application/json\r\n"
    request = b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + UPGRADE + kind + announced + b"\r\n" + framed
    for _ in range(2):
        for piece in [request[place : place + 1] for place in range(len(request))] if is_split else [request]:
            connection.sendall(piece)
        assert b"unsupported_grant_type" in read_answer(connection)
    connection.sendall(HIDDEN)
    assert b'{"status":"live"}' in read_answer(connection)


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_upgrade_and_close_with_a_body_then_answered_at_once(connection: socket.socket, version: bytes) -> None:
    body = b'{"grant_type": "nonsense"}'
    head = b"POST /v2/oauth/token HTTP/" + version + b"\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)
    assert b"unsupported_grant_type" in read_to_the_end(connection)


def test_trailer_then_never_a_header(connection: socket.socket) -> None:
    """RFC 9110 section 6.5.1. Trailers with an address or a type would get around limits and checks."""
    head = b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = b'1a\r\n{"grant_type": "nonsense"}\r\n0\r\nContent-Type: application/json\r\n\r\n'
    connection.sendall(head + chunks)
    assert b"unsupported_grant_type" not in read_answer(connection)


def test_upgrade_and_the_next_request_in_one_piece_then_both_are_answered(connection: socket.socket) -> None:
    connection.sendall((b"GET /live HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n") * 2 + HIDDEN)
    answers = b""
    while answers.count(b'{"status":"live"}') < 3:
        answers += received(connection)


def test_upgrade_without_a_body_then_answered_as_ever(connection: socket.socket) -> None:
    for _ in range(2):
        connection.sendall(b"GET /live HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n")
        assert b'{"status":"live"}' in read_answer(connection)


@pytest.mark.parametrize(
    ("status", "framing"),
    [
        (400, b"Content-Length: 3\r\nContent-Length: 28\r\n"),
        (400, b"Content-Length: 28\r\nTransfer-Encoding: chunked\r\n"),
        (400, b"Content-Length: +28\r\n"),
        (400, b"Content-Length: 99999999999999999999999\r\n"),
        (400, b"Transfer-Encoding: chunked, identity\r\n"),
        (400, b"Transfer-Encoding: \x0bchunked\r\n"),
        (400, b"Transfer-Encoding : chunked\r\n"),
        (501, b"Transfer-Encoding: xchunked\r\n"),
        (501, b"Transfer-Encoding: gzip, chunked\r\n"),
        (501, b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
    ],
)
def test_length_of_the_body_is_in_doubt_then_refused_and_closed(
    connection: socket.socket, status: int, framing: bytes
) -> None:
    connection.sendall(b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + framing + b"\r\n" + HIDDEN)
    answers = read_to_the_end(connection)
    assert answers.startswith(b"HTTP/1.1 %d " % status)
    assert b"live" not in answers


@pytest.mark.parametrize(
    ("status", "head"),
    [
        (400, b"GET /live HTTP/1.1\r\n\r\n"),
        (400, b"GET /live HTTP/1.1\r\nHost:\r\n\r\n"),
        (400, b"GET /live HTTP/1.1\r\nHost: a b\r\n\r\n"),
        (400, b"GET /live HTTP/1.1\r\nHost: user@shop\r\n\r\n"),
        (400, b"GET /live HTTP/1.1\r\nHost: shop/path\r\n\r\n"),
        (400, b"GET /live HTTP/1.1\r\nHost: shop:port\r\n\r\n"),
        (400, b"GET /live HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
        (400, b"GET /live HTTP/1.0\r\n" + HOST + HOST + b"\r\n"),
        (400, b"POST /live HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (505, b"GET /live\r\n\r\n"),
        (505, b"GET /live HTTP/2.0\r\n" + HOST + b"\r\n"),
        (200, b"GET /live HTTP/1.0\r\n\r\n"),
        (200, b"GET /live HTTP/1.1\r\nHOST: [::1]:8080\r\nConnection: close\r\n\r\n"),
    ],
)
def test_host_and_version_then_refused_as_rfc_9112_says(connection: socket.socket, status: int, head: bytes) -> None:
    connection.sendall(head)
    assert read_to_the_end(connection).startswith(b"HTTP/1.1 %d " % status)


def test_length_with_thousands_of_zeros_then_read_as_the_number_it_is(connection: socket.socket, shop: Shop) -> None:
    body = json.dumps({**shop.credentials, "grant_type": "client_credentials"}).encode()
    for length in (len(body), (1 << 20) + 1):
        connection.sendall(
            b"POST /v2/oauth/token HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
            b"Content-Length: " + b"0" * 5000 + b"%d\r\n\r\n" % length + body
        )
        status = b"200" if length == len(body) else b"413"
        assert read_answer(connection).startswith(b"HTTP/1.1 " + status)
