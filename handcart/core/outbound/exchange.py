"""One request and its response: the bytes to send, the limits of what is read, and the limits of time."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import httptools
from msgspec import Struct

from handcart import __version__
from handcart.core.budget import Crowded
from handcart.core.outbound.urls import RequestRefused, Target

MOST_HEAD = 64 * 1024
_MOST_HEADERS = 200
_MOST_PIECES = 1000  # of a response: chunks, interim responses, trailers; each costs time, however small
_SLICE = 4096  # bytes that are parsed before the limits are checked again
_FRAMING = 8  # raw bytes allowed per byte of body
# Python 3.13 and later refuse certificates that lack these extensions (RFC 5280 4.2.1.1, 4.2.1.2, 4.2.1.3).
_STRICTER = dict.fromkeys(
    (
        "Missing Authority Key Identifier",
        "Missing Subject Key Identifier",
        "CA cert does not include key usage extension",
    ),
    ", which Python 3.13 and later require: the receiver's authority must issue a certificate with this extension",
)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e]*")

T = TypeVar("T")


class Failed(Exception):
    """No complete response head arrived; the text says why in a few words, such as "connection refused".

    `may_have_arrived`: the request was sent, at least in part, so the receiver may have acted on it.
    """

    may_have_arrived = False


class Stale(Failed):
    """The connection was closed before the first byte of a response, as can happen after idle time."""


class Answer(Struct, frozen=True):
    """A response. Names in `headers` are in lower case; `is_cut`: the body is incomplete, because it was too long,
    too slow or broken, or the connection was closed early."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_cut: bool
    seconds: float


class Reading:
    """A response that is being read; the parser calls the `on_` methods."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most_body: int) -> None:
        self.head: asyncio.Future[None] = loop.create_future()
        self.end: asyncio.Future[bool] = loop.create_future()  # whether the body is cut
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.may_stay = False
        self._most_body = most_body
        self._taken = 0
        self._pieces = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Parse bytes of the response, slice by slice, until it ends or exceeds a limit."""
        for start in range(0, len(data), _SLICE):
            if self.end.done():
                self.may_stay = False  # more bytes came than were read
                return
            self._feed(data[start : start + _SLICE])

    def _feed(self, data: bytes) -> None:
        head, rest = data, b""
        if not self.head.done():
            room = MOST_HEAD - self._taken
            head, rest = data[:room], data[room:]
        self._taken += len(data)
        try:
            self._parser.feed_data(head)
            if rest and self.head.done():
                self._parser.feed_data(rest)
        except httptools.HttpParserUpgrade:
            self.may_stay = False
        except httptools.HttpParserError as error:
            self.fail(Failed(f"no HTTP answer: {error}"))
        if len(self.headers) > _MOST_HEADERS:
            self.fail(Failed(f"more than {_MOST_HEADERS} headers"))
        elif rest and not self.head.done():
            self.fail(Failed(f"headers over {MOST_HEAD // 1024} KiB"))
        elif self._pieces > _MOST_PIECES:
            self.fail(Failed(f"an answer in more than {_MOST_PIECES} pieces"))
        elif self._taken > MOST_HEAD + _FRAMING * self._most_body:
            self._finish(is_cut=True)

    def fail(self, error: Failed) -> None:
        """End the response; a failure if the head is incomplete."""
        self.may_stay = False
        if not self.head.done():
            self.head.set_exception(error)
        self._finish(is_cut=True)

    def lost(self, error: Exception | None) -> None:
        """The connection is closed, which ends a body without a length."""
        if self.head.done() and not error:
            self._finish(is_cut=any(name in ("content-length", "transfer-encoding") for name, _ in self.headers))
        elif self._taken == 0:
            self.fail(Stale(cause_of(error) if error else "connection closed before an answer"))
        else:
            self.fail(Failed(cause_of(error) if error else "connection closed within the answer's head"))

    def _finish(self, *, is_cut: bool) -> None:
        if not self.end.done():
            self.end.set_result(is_cut)

    def on_message_begin(self) -> None:
        self._pieces += 1
        self.may_stay = False  # also if this is an unexpected second response

    def on_header(self, name: bytes, value: bytes) -> None:
        self._pieces += self.head.done()  # a trailer
        if not self.head.done() and len(self.headers) <= _MOST_HEADERS:
            self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self.head.done():
            return
        self.status = self._parser.get_status_code()
        if self._is_interim():
            self.headers.clear()
        elif len(self.headers) <= _MOST_HEADERS:
            self.head.set_result(None)

    def on_body(self, piece: bytes) -> None:
        self._pieces += 1
        if self.end.done():
            return
        room = self._most_body - len(self.body)
        self.body += piece[:room]
        if len(piece) > room:
            self._finish(is_cut=True)

    def on_message_complete(self) -> None:
        if not self._is_interim() and not self.end.done():
            self.may_stay = self._parser.should_keep_alive()
            self._finish(is_cut=False)

    def _is_interim(self) -> bool:
        return 100 <= self.status < 200 and self.status != 101


class Time:
    """The time limits of one request: the receiver's time, and the time to wait for places on this server."""

    def __init__(self, seconds: float, wait_seconds: float) -> None:
        self._seconds = seconds
        self._left = seconds
        self._wait_left = wait_seconds

    @property
    def spent(self) -> float:
        return self._seconds - self._left

    @property
    def left(self) -> float:
        return max(0.0, self._left)

    @asynccontextmanager
    async def running(self, most: float | None = None, cause: str = "") -> AsyncIterator[None]:
        """Count the block as the receiver's time; raises `Failed` when it is used up, or with `cause` after `most`."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        is_shorter = most is not None and most < self.left
        try:
            async with asyncio.timeout(most if is_shorter else self.left):
                yield
        except TimeoutError:
            raise Failed(cause if is_shorter else f"timeout: no answer within {self._seconds:g} s") from None
        finally:
            self._left -= loop.time() - started

    async def wait(self, turn: Awaitable[T], what: str) -> T:
        """Wait for a place on this server, described by `what`; raises `Crowded` when the waiting time is used up."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(max(0.0, self._wait_left)):
                return await turn
        except TimeoutError:
            raise Crowded(f"{what} came free in time") from None
        finally:
            self._wait_left -= loop.time() - started


def encode(method: str, target: Target, content: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers]
    for line in lines:
        if not _HEADER.fullmatch(line):  # such as a token that a receiver returned
            raise RequestRefused(
                f"the header {line.partition(':')[0][:60]!r} has characters that are not allowed in headers"
            )
    head = (
        f"{method} {target.path} HTTP/1.1",
        f"host: {target.authority}",
        f"user-agent: handcart/{__version__}",
        "accept-encoding: identity",
        f"content-length: {len(content)}",
        *lines,
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def cause_of(error: Exception) -> str:
    """The cause of an error below HTTP, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message}{_STRICTER.get(error.verify_message, '')}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, socket.gaierror):
        return "no address for host"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    if isinstance(error, ConnectionError):  # event loops raise it without an error number
        return "connection closed within the TLS handshake"
    return str(error) or type(error).__name__
