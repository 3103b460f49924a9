"""The one way out: POST requests to addresses that others have chosen, such as a retailer's callback URL.

Nobody may use this server to reach what only it can reach. So a name is resolved once for each connection, refused
if any of its addresses may not be asked (`core.addresses`), and the connection goes to the very address that was
checked, while Host, SNI and the certificate's name stay those of the URL. Redirects are not followed, proxy variables
are not read, and what a receiver may cost in time and memory is bounded. Why this is no HTTP library:
docs/decisions/0008-outbound-client.md.
"""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, cast

import httptools
from msgspec import Struct

from handcart import __version__
from handcart.core.addresses import Address, fault, networks
from handcart.core.lookup import Lookup
from handcart.core.targets import Refused, Rules, Target, check_url, read

__all__ = ["Answer", "Client", "Failed", "Refused", "Resolve", "Rules", "check_url"]

MOST_HEAD = 64 * 1024
_MOST_HEADERS = 200
_MOST_CONNECTIONS = 16  # to one origin, for one sharer
_MOST_ADDRESSES = 4  # tried for one connection
_FRAMING = 8  # bytes that may come for each byte of body, before it counts as endless
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

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Failed(Exception):
    """No complete answer head came; the text says why in a few words, such as "connection refused"."""


class _Stale(Failed):
    """The connection was closed without a byte of answer: to be expected of one that has been idle."""


class Answer(Struct, frozen=True):
    """What came back. `headers` have their names in lower case; `is_cut` says that the body is not all of it:
    it was too long, too slow, broken, or the connection was closed early."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_cut: bool
    seconds: float


class _Reading:
    """One answer on its way in; the parser calls the `on_` methods."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most_body: int) -> None:
        self.head: asyncio.Future[None] = loop.create_future()
        self.end: asyncio.Future[bool] = loop.create_future()  # whether the body is cut
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.may_stay = False
        self._most_body = most_body
        self._taken = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
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
        elif self._taken > MOST_HEAD + _FRAMING * self._most_body:
            self._finish(is_cut=True)

    def fail(self, error: Failed) -> None:
        """No more will come: that is a failure as long as the head is not there."""
        self.may_stay = False
        if not self.head.done():
            self.head.set_exception(error)
        self._finish(is_cut=True)

    def lost(self, error: Exception | None) -> None:
        """The connection is closed: a body without a length ends so."""
        if self.head.done() and not error:
            self._finish(is_cut=any(name in ("content-length", "transfer-encoding") for name, _ in self.headers))
        elif self._taken == 0:
            self.fail(_Stale(_cause(error) if error else "connection closed before an answer"))
        else:
            self.fail(Failed(_cause(error) if error else "connection closed within the answer's head"))

    def _finish(self, *, is_cut: bool) -> None:
        if not self.end.done():
            self.end.set_result(is_cut)

    def on_message_begin(self) -> None:
        self.may_stay = False  # also if this is a second answer that nobody asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        # After the head these are trailers.
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


class _Origin:
    """The connections to one scheme, host and port."""

    def __init__(self) -> None:
        self.idle: list[_Connection] = []
        self.users = 0
        # An idle connection is taken before a new one is opened, so this bounds those that are open.
        self.slots = asyncio.Semaphore(_MOST_CONNECTIONS)


class _Connection(asyncio.Protocol):
    """A connection to one checked address; it carries one request at a time."""

    _transport: asyncio.Transport

    def __init__(self, origin: _Origin) -> None:
        self._origin = origin
        self._reading: _Reading | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def ask(self, request: bytes, most_body: int) -> _Reading:
        """Send a request and wait for the head of its answer; the one who waits sets the time. Raises `Failed`."""
        if self._expiry:
            self._expiry.cancel()
        self._reading = reading = _Reading(asyncio.get_running_loop(), most_body)
        self._transport.write(request)
        try:
            await reading.head
        except BaseException:
            self.abort()
            raise
        return reading

    async def finish(self, reading: _Reading, body_seconds: float, idle_seconds: float) -> bool:
        """Wait for the rest of the answer, then keep the connection or close it. Whether the body is cut."""
        try:
            if not reading.end.done():
                await asyncio.wait([reading.end], timeout=body_seconds)
        finally:
            if reading.may_stay and not self._transport.is_closing():
                self._reading = None
                self._expiry = asyncio.get_running_loop().call_later(idle_seconds, self.abort)
                self._origin.idle.append(self)
            else:
                self.abort()
        return not reading.end.done() or reading.end.result()

    def abort(self) -> None:
        """Close at once: without a farewell that the other side could draw out."""
        self._reading = None
        self._leave()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._reading is None:
            self.abort()  # nothing was asked
        else:
            self._reading.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()
        if self._reading is not None:
            self._reading.lost(error)

    def _leave(self) -> None:
        if self._expiry:
            self._expiry.cancel()
        with suppress(ValueError):
            self._origin.idle.remove(self)


class Client:
    """Sends POST requests; for one event loop. Keeps connections for `idle_seconds`, at most 16 to one origin
    for one sharer.

    `resolve` gives the addresses of a host name, or raises OSError. `ca_file` names the authorities to trust instead
    of the system's. Certificates are always checked.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        resolve: Resolve | None = None,
        ca_file: str | None = None,
        connect_seconds: float = 5.0,
        body_seconds: float = 2.0,
        idle_seconds: float = 30.0,
    ) -> None:
        self._rules = rules
        self._allowed = networks(rules.allow_networks)
        self._resolve = resolve or Lookup()
        self._ca_file = ca_file
        self._connect_seconds = connect_seconds
        self._body_seconds = body_seconds
        self._idle_seconds = idle_seconds
        self._origins: dict[tuple[Hashable, tuple[bool, str, int]], _Origin] = {}
        self._tls: ssl.SSLContext | None = None

    async def post(
        self,
        url: str,
        content: bytes,
        headers: Sequence[tuple[str, str]],
        *,
        seconds: float = 15.0,
        most_body: int = 64 * 1024,
        sharer: Hashable = None,
    ) -> Answer:
        """POST `content`; Host, Content-Length, Accept-Encoding and User-Agent are set here.

        An answer of any status counts as an answer, redirects too. Its head must be there within `seconds`; its body
        is read for the rest of them, but no longer than `body_seconds`, and up to `most_body` bytes. A connection
        that was kept and turns out to be closed is replaced once, so a receiver may get the request twice.
        Connections, and their bound, are shared by requests of one `sharer` alone: no other's hanging ones are in
        their way.
        Raises `Refused`, `Failed`.
        """
        target = read(url, self._rules)
        request = _request(target, content, headers)
        origin = self._origin(sharer, target)
        loop = asyncio.get_running_loop()
        started = loop.time()
        origin.users += 1
        try:
            async with asyncio.timeout(seconds) as limit, origin.slots:
                connection, reading = await self._ask(origin, target, request, most_body)
                limit.reschedule(None)
                body_seconds = min(self._body_seconds, started + seconds - loop.time())
                is_cut = await connection.finish(reading, body_seconds, self._idle_seconds)
        except TimeoutError:
            raise Failed(f"timeout: no answer within {seconds:g} s") from None
        finally:
            origin.users -= 1
        return Answer(reading.status, reading.headers, bytes(reading.body), is_cut, loop.time() - started)

    async def close(self) -> None:
        """Close the idle connections; those in use close when their request ends."""
        self._idle_seconds = 0.0
        for origin in self._origins.values():
            for connection in [*origin.idle]:
                connection.abort()

    def _origin(self, sharer: Hashable, target: Target) -> _Origin:
        wanted = (sharer, target.origin)
        origin = self._origins.get(wanted)
        if origin is None:
            self._origins = {key: kept for key, kept in self._origins.items() if kept.users or kept.idle}
            origin = self._origins[wanted] = _Origin()
        return origin

    async def _ask(
        self, origin: _Origin, target: Target, request: bytes, most_body: int
    ) -> tuple[_Connection, _Reading]:
        if origin.idle:
            connection = origin.idle.pop()
            with suppress(_Stale):
                return connection, await connection.ask(request, most_body)
        connection = await self._open(origin, target)
        return connection, await connection.ask(request, most_body)

    async def _open(self, origin: _Origin, target: Target) -> _Connection:
        try:
            async with asyncio.timeout(self._connect_seconds):
                return await self._connect(origin, target, await self._addresses(target))
        except TimeoutError:
            raise Failed(f"timeout: no connection within {self._connect_seconds:g} s") from None
        except OSError as error:
            raise Failed(_cause(error)) from None

    async def _addresses(self, target: Target) -> Sequence[Address]:
        """The addresses to connect to, all of them checked; raises `Refused` if one may not be asked."""
        if target.address:
            return [target.address]
        found = await self._resolve(target.host, target.port)
        if any("%" in text for text in found):
            raise Refused(f"{target.host} has an address of one network interface")
        addresses = [ip_address(text) for text in dict.fromkeys(found)]
        for address in addresses:
            if why := fault(address, self._allowed):
                raise Refused(why)
        if not addresses:
            raise Failed("no address for host")
        return addresses[:_MOST_ADDRESSES]

    async def _connect(self, origin: _Origin, target: Target, addresses: Sequence[Address]) -> _Connection:
        loop = asyncio.get_running_loop()
        more: dict[str, Any] = {}
        if target.is_tls:
            more = {"ssl": self._context(), "server_hostname": target.host.removesuffix(".")}
        until = loop.time() + self._connect_seconds
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                # A share of the time for each, so that one that is silent does not hide the next.
                async with asyncio.timeout((until - loop.time()) / left):
                    host = str(address)
                    _, connection = await loop.create_connection(lambda: _Connection(origin), host, target.port, **more)
                    return connection
            except ssl.SSLError:
                raise
            except OSError:  # TimeoutError is one
                if left == 1:
                    raise
        raise AssertionError("no address")  # pragma: no cover

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca_file)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _request(target: Target, content: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers]
    for line in lines:
        if not _HEADER.fullmatch(line):  # such as a token that a receiver has made up
            raise Refused(f"the header {line.partition(':')[0][:60]!r} holds what no header may hold")
    head = (
        f"POST {target.path} HTTP/1.1",
        f"host: {target.authority}",
        f"user-agent: handcart/{__version__}",
        "accept-encoding: identity",
        f"content-length: {len(content)}",
        *lines,
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def _cause(error: Exception) -> str:
    """What went wrong below HTTP, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message}{_STRICTER.get(error.verify_message, '')}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, socket.gaierror):
        return "no address for host"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    if isinstance(error, ConnectionError):  # the event loops say so without a number
        return "connection closed within the TLS handshake"
    return str(error) or type(error).__name__
