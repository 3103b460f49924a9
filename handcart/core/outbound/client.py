"""The HTTP client for URLs that others have chosen, such as a retailer's callback URL.

It prevents requests to internal addresses (SSRF). A name is resolved once for each connection and refused if any of its
addresses is not allowed (`core.outbound.addresses`); the connection goes to the address that was checked, while Host,
SNI and the certificate's name stay those of the URL. Redirects are not followed, proxy variables are not read. Limits
per receiver: time, bytes and pieces; per payer (a retailer): connections and look-ups. Why this is not an HTTP library:
docs/decisions/0008-outbound-client.md.
"""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv6Address, ip_address
from typing import Any, TypeVar, cast

import httptools
from msgspec import Struct

from handcart import __version__
from handcart.core.budget import Budget, Crowded, is_exhausted
from handcart.core.outbound.addresses import Address, fault, networks
from handcart.core.outbound.dns import Found, Lookup
from handcart.core.outbound.urls import Refused, Rules, Target, check_url, read

__all__ = ["Answer", "Client", "Crowded", "Failed", "Refused", "Resolve", "Rules", "check_url"]

MOST_HEAD = 64 * 1024
_MOST_HEADERS = 200
_MOST_PIECES = 1000  # of a response: chunks, interim responses, trailers; each costs time, however small
_SLICE = 4096  # bytes that are parsed before the limits are checked again
_MOST_CONNECTIONS = 16  # per origin and sharer
# Maximum connections in use, per payer and in total; the same per address; and idle ones.
CONNECTIONS_EACH, CONNECTIONS = 96, 256
TO_ADDRESS_EACH, TO_ADDRESS = 64, 128
IDLE_EACH, IDLE = 32, 128
WAIT_SECONDS = 5.0  # per request, for a free place; not counted as the receiver's time
_MOST_ADDRESSES = 4  # tried for one connection
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
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Failed(Exception):
    """No complete response head arrived; the text says why in a few words, such as "connection refused"."""


class _Stale(Failed):
    """The connection was closed before the first byte of a response, as can happen after idle time."""


class Answer(Struct, frozen=True):
    """A response. Names in `headers` are in lower case; `is_cut`: the body is incomplete, because it was too long,
    too slow or broken, or the connection was closed early."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_cut: bool
    seconds: float


class _Reading:
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
            self.fail(_Stale(_cause(error) if error else "connection closed before an answer"))
        else:
            self.fail(Failed(_cause(error) if error else "connection closed within the answer's head"))

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


class _Origin:
    """The connections of one sharer to one scheme, host and port."""

    def __init__(self, all_idle: "dict[_Connection, Hashable]", payer: Hashable) -> None:
        self.payer = payer
        self.idle: list[_Connection] = []
        self.all_idle = all_idle
        self.users = 0
        # Idle connections are used before new ones are opened, so this limits the open ones.
        self.slots = asyncio.Semaphore(_MOST_CONNECTIONS)


class _Connection(asyncio.Protocol):
    """A connection to one checked address; it carries one request at a time."""

    _transport: asyncio.Transport

    def __init__(self, origin: _Origin, address: Address) -> None:
        self.address = address
        self._origin = origin
        self._reading: _Reading | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def ask(self, request: bytes, most_body: int) -> _Reading:
        """Send a request and wait for the head of its response; the caller limits the time. Raises `Failed`."""
        if self._transport.is_closing():
            raise _Stale("connection closed before an answer")
        self._reading = reading = _Reading(asyncio.get_running_loop(), most_body)
        self._transport.write(request)
        try:
            await reading.head
        except BaseException:
            self.abort()
            raise
        return reading

    async def finish(self, reading: _Reading, body_seconds: float, idle_seconds: float) -> bool:
        """Read the rest of the response, then keep or close the connection. Returns whether the body is cut."""
        try:
            if not reading.end.done():
                await asyncio.wait([reading.end], timeout=body_seconds)
        finally:
            if reading.may_stay and not self._transport.is_closing():
                self._reading = None
                self._expiry = asyncio.get_running_loop().call_later(idle_seconds, self.abort)
                self._origin.idle.append(self)
                self._origin.all_idle[self] = self._origin.payer
            else:
                self.abort()
        return not reading.end.done() or reading.end.result()

    def abort(self) -> None:
        """Close at once, without a TLS shutdown that the receiver could delay."""
        self._reading = None
        self.leave()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._reading is None:
            self.abort()  # no request was sent
        else:
            self._reading.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.leave()
        if self._reading is not None:
            self._reading.lost(error)

    def leave(self) -> None:
        """Leave the idle connections."""
        if self._expiry:
            self._expiry.cancel()
        self._origin.all_idle.pop(self, None)
        with suppress(ValueError):
            self._origin.idle.remove(self)


_Ask = Callable[[_Connection], Awaitable[Answer]]


class _Time:
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


@asynccontextmanager
async def _slot(origin: _Origin, time: _Time) -> AsyncIterator[None]:
    await time.wait(origin.slots.acquire(), f"none of {_MOST_CONNECTIONS} connections to this host")
    try:
        yield
    finally:
        origin.slots.release()


@asynccontextmanager
async def _place(budget: Budget, payer: Hashable, time: _Time, what: str) -> AsyncIterator[None]:
    await time.wait(budget.wait(payer), what)
    try:
        yield
    finally:
        budget.give(payer)


class Client:
    """Sends requests; for one event loop. Keeps idle connections for `idle_seconds`.

    `resolve` returns the addresses of a host name, or raises OSError. `ca_file`: the certificate authorities to trust
    instead of the system's. Certificates are always checked.
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
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._rules = rules
        self._allowed = networks(rules.allow_networks)
        self._resolve = resolve
        self._lookup = Lookup()
        self._ca_file = ca_file
        self._connect_seconds = connect_seconds
        self._body_seconds = body_seconds
        self._idle_seconds = idle_seconds
        self._wait_seconds = wait_seconds
        self._origins: dict[tuple[Hashable, tuple[bool, str, int]], _Origin] = {}
        self._idle: dict[_Connection, Hashable] = {}
        self._connections = Budget(CONNECTIONS_EACH, CONNECTIONS)
        self._to_addresses: dict[Address, Budget] = {}
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
        payer: Hashable = None,
    ) -> Answer:
        """POST `content`; Host, Content-Length, Accept-Encoding and User-Agent are set here.

        Returns the response whatever its status, redirects too. Its head must arrive within `seconds`; its body is
        read for the rest of that time, but at most `body_seconds`, and up to `most_body` bytes. If a kept connection
        turns out to be closed, the request is sent again once, so a receiver may get it twice.

        Connections are shared only between requests of one `sharer`, at most 16 to one origin. Look-ups and connections
        are limited per `payer`, per address and in total. A request waits for its turn for at most `wait_seconds`,
        which do not count as `seconds`.
        Raises `Refused`, `Failed`, and `Crowded` if its turn did not come.
        """
        return await self._exchange("POST", url, content, headers, seconds, most_body, sharer, payer)

    async def options(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        *,
        seconds: float = 15.0,
        most_body: int = 2 * 1024,
        sharer: Hashable = None,
        payer: Hashable = None,
    ) -> Answer:
        """Send OPTIONS, as `post`."""
        return await self._exchange("OPTIONS", url, b"", headers, seconds, most_body, sharer, payer)

    async def close(self) -> None:
        """Close the idle connections; those in use close when their request ends."""
        self._idle_seconds = 0.0
        for connection in [*self._idle]:
            connection.abort()

    async def _exchange(
        self,
        method: str,
        url: str,
        content: bytes,
        headers: Sequence[tuple[str, str]],
        seconds: float,
        most_body: int,
        sharer: Hashable,
        payer: Hashable,
    ) -> Answer:
        target = read(url, self._rules)
        request = _request(method, target, content, headers)
        origin = self._origin(sharer, target, payer)
        time = _Time(seconds, self._wait_seconds)

        async def ask(connection: _Connection) -> Answer:
            async with time.running():
                reading = await connection.ask(request, most_body)
            is_cut = await connection.finish(reading, min(self._body_seconds, time.left), self._idle_seconds)
            self._close_superfluous(payer)
            return Answer(reading.status, reading.headers, bytes(reading.body), is_cut, time.spent)

        origin.users += 1
        try:
            async with _slot(origin, time), _place(self._connections, payer, time, "no connection"):
                if origin.idle:
                    connection = origin.idle[-1]
                    connection.leave()
                    with suppress(_Stale):
                        return await self._ask_kept(connection, payer, time, ask)
                addresses = await self._addresses(target, payer, time)
                return await self._ask_anew(origin, target, addresses, time, ask)
        except OSError as error:
            if is_exhausted(error):
                raise Crowded(_cause(error)) from None
            raise Failed(_cause(error)) from None
        finally:
            origin.users -= 1

    def _origin(self, sharer: Hashable, target: Target, payer: Hashable) -> _Origin:
        wanted = (sharer, target.origin)
        origin = self._origins.get(wanted)
        if origin is None:
            self._origins = {key: kept for key, kept in self._origins.items() if kept.users or kept.idle}
            origin = self._origins[wanted] = _Origin(self._idle, payer)
        return origin

    @asynccontextmanager
    async def _place_at(self, address: Address, payer: Hashable, time: _Time) -> AsyncIterator[None]:
        """A place among the connections to one address, shared by all sharers."""
        plain = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
        places = self._to_addresses.setdefault(plain, Budget(TO_ADDRESS_EACH, TO_ADDRESS))
        try:
            async with _place(places, payer, time, f"no connection to {plain}"):
                yield
        finally:
            if not places.taken:
                self._to_addresses.pop(plain, None)

    def _close_superfluous(self, payer: Hashable) -> None:
        """Close the oldest idle connections over the limits per payer and in total."""
        own = [connection for connection, of in self._idle.items() if of == payer]
        for connection in own[:-IDLE_EACH]:
            connection.abort()
        for connection in [*self._idle][:-IDLE]:
            connection.abort()

    async def _ask_kept(self, connection: _Connection, payer: Hashable, time: _Time, ask: _Ask) -> Answer:
        try:
            async with self._place_at(connection.address, payer, time):
                return await ask(connection)
        except BaseException:
            connection.abort()
            raise

    async def _ask_anew(
        self, origin: _Origin, target: Target, addresses: Sequence[Address], time: _Time, ask: _Ask
    ) -> Answer:
        """Send on a new connection, to the first address that answers."""
        more: dict[str, Any] = {}
        if target.is_tls:
            more = {"ssl": self._context(), "server_hostname": target.host.removesuffix(".")}
        before = time.spent
        too_late = f"timeout: no connection within {self._connect_seconds:g} s"
        for tries_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # Each address gets a share of the time, so that a silent one does not use all of it.
            share = (self._connect_seconds - (time.spent - before)) / tries_left
            async with self._place_at(address, origin.payer, time):
                try:
                    async with time.running(share, too_late):
                        connection = await self._connect(origin, address, target.port, more)
                except ssl.SSLError:
                    raise
                except (OSError, Failed) as error:
                    if tries_left == 1 or (isinstance(error, OSError) and is_exhausted(error)):
                        raise
                    continue
                return await ask(connection)
        raise AssertionError("no address")  # pragma: no cover

    async def _connect(self, origin: _Origin, address: Address, port: int, more: dict[str, Any]) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(origin, address), str(address), port, **more)
        return connection

    async def _addresses(self, target: Target, payer: Hashable, time: _Time) -> Sequence[Address]:
        """The addresses to connect to, all checked; raises `Refused` if one is not allowed."""
        if target.address:
            return [target.address]
        looking: Awaitable[Found]
        if self._resolve is None:
            begun = self._lookup.begin(target.host, target.port, payer)
            looking = await time.wait(begun, f"no thread to look up {target.host}")
        else:
            looking = self._resolve(target.host, target.port)
        async with time.running(self._connect_seconds, f"timeout: no connection within {self._connect_seconds:g} s"):
            found = await asyncio.shield(looking)
        if isinstance(found, Exception):
            raise found
        if any("%" in text for text in found):
            raise Refused(f"{target.host} has an address that is valid only on one network interface")
        addresses = [ip_address(text) for text in dict.fromkeys(found)]
        for address in addresses:
            if why := fault(address, self._allowed):
                raise Refused(why)
        if not addresses:
            raise Failed("no address for host")
        return addresses[:_MOST_ADDRESSES]

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            if is_exhausted():  # the certificate authorities could not be read, so every receiver would fail
                raise Crowded("no descriptor to read the certificates of authorities")
            self._tls = ssl.create_default_context(cafile=self._ca_file)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _request(method: str, target: Target, content: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers]
    for line in lines:
        if not _HEADER.fullmatch(line):  # such as a token that a receiver returned
            raise Refused(f"the header {line.partition(':')[0][:60]!r} has characters that are not allowed in headers")
    head = (
        f"{method} {target.path} HTTP/1.1",
        f"host: {target.authority}",
        f"user-agent: handcart/{__version__}",
        "accept-encoding: identity",
        f"content-length: {len(content)}",
        *lines,
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def _cause(error: Exception) -> str:
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
