"""uvicorn's HTTP protocol with limits for connections, headers and time, and with strict checks.

`Upgrade` headers are ignored (RFC 9110 section 7.8): Java's HTTP client sends one, for HTTP/2, with the first request
of each connection.
"""

import re
from asyncio import TimerHandle
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from handcart.core.web.connections import Connections, unmapped

MOST_HEADER_BYTES = 32 * 1024
REQUEST_SECONDS = 15

_BODY_HEADERS = frozenset((b"content-length", b"transfer-encoding"))
# RFC 9110 section 7.2: uri-host [ ":" port ], with RFC 3986's characters of a host.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]*)?")
_ONE_HOST = "Send one Host header with the name of this server"
_UNLIMITED = Connections(most=0)


@lru_cache(maxsize=64)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


class LimitedProtocol(HttpToolsProtocol):
    """Refuses what RFC 9112 says to refuse, answers 400 to headers over 32 KiB, and closes the connection of clients
    that keep it waiting for over 15 s.

    The 15 s apply until the first byte of the body, to the rest of a body that is not read, and to the client's reading
    of the response. For a body that is read, `core.web.body.read_body` sets the limit. A request that arrives in one
    piece, as nearly all do, starts no timer.

    The application sets the limits of connections: its lifespan puts `connections` into the state.
    """

    _header_bytes = 0
    _has_headers = False
    _held_bytes = 0
    _is_waiting = False
    _deadline: TimerHandle | None = None
    _reading_deadline: TimerHandle | None = None
    _refusal: tuple[int, str] | None = None
    _connections: Connections = _UNLIMITED
    # For a request with `Upgrade`: its headers about the body, and whether that body is being read.
    _announced: bytes = b""
    _is_resumed = False

    def connection_made(self, transport):  # type: ignore[no-untyped-def]
        super().connection_made(transport)
        if self.client:
            self.client = (unmapped(self.client[0]), self.client[1])
        self._connections = self.app_state.get("connections", _UNLIMITED)
        if self._connections.admit(self, self.client[0] if self.client else ""):
            self._deadline = self.loop.call_later(REQUEST_SECONDS, transport.close)
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._held_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)
        # The parser passes on complete headers only, and would buffer an endless one.
        if self._held_bytes > MOST_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("headers are too large")
        # uvicorn's timer for idle connections ends at any byte, even if no request follows.
        is_idle = self.cycle is None or self.cycle.response_complete
        if self._deadline is None and (self._is_waiting or is_idle):
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _feed(self, data: bytes) -> None:
        """Feed the parser, also after the headers of a request with `Upgrade`, where it stops.

        The parser would take the body for the other protocol, so it gets a request with the same body and without
        `Upgrade`.
        """
        while data:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as offer:
                data = data[offer.args[0] :]
            self._is_resumed = bool(self._announced)
            if self._is_resumed:
                self.parser = HttpRequestParser(self)  # one that has met `Connection: close` reads nothing more
                data = b"POST / HTTP/1.1\r\n" + self._announced + b"\r\n" + data

    def on_message_begin(self) -> None:
        if self._is_resumed:
            return
        super().on_message_begin()
        self._header_bytes = 0
        self._has_headers = False
        self._is_waiting = True

    def on_url(self, url: bytes) -> None:
        if self._is_resumed:
            return
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_resumed:
            return
        self._count(len(name) + len(value))
        if not self._has_headers:  # later ones are trailers, which must not become headers (RFC 9110 section 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_resumed:
            return
        self._has_headers = True
        self._announced = b""
        if self.parser.should_upgrade():
            about_body = [name + b": " + value + b"\r\n" for name, value in self.headers if name in _BODY_HEADERS]
            self._announced = b"".join(about_body)
        self._refusal = self._fault()
        if self._refusal:
            raise ValueError(self._refusal[1])
        self._connections.begin(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._held_bytes = 0
        if not self.cycle.response_complete:
            self._stop_deadline()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._announced and not self._is_resumed:
            return  # the body is still to come
        self._announced, self._is_resumed = b"", False
        self._held_bytes = 0
        self._stop_deadline()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading_deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading_deadline is not None:
            self._reading_deadline.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # otherwise another request is waiting
            self._connections.wait(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse the request and end the connection; `_fault` may have chosen another status than 400."""
        status, text = self._refusal or (400, msg)
        head = (
            STATUS_LINE[status],
            *(b"%b: %b\r\n" % header for header in self.server_state.default_headers),
            b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n",
            b"content-length: %d\r\n\r\n" % len(text),
        )
        self.transport.write(b"".join(head) + text.encode("ascii"))
        self.transport.close()

    def shutdown(self) -> None:
        super().shutdown()
        self._connections.end_streams()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self)
        self._stop_deadline()
        super().connection_lost(exc)

    def _fault(self) -> tuple[int, str] | None:
        """Why the request must be refused (RFC 9112 sections 2.3, 3.2, 6.1): status and sentence."""
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            return 505, "Write HTTP/1.1 or HTTP/1.0 after the path"
        host = coding = None
        for name, value in self.headers:
            if name == b"host":
                if host is not None or not _is_host(value):
                    return 400, _ONE_HOST
                host = value
            elif name == b"transfer-encoding":
                if coding is not None or value.strip().lower() != b"chunked":
                    return 501, "The only Transfer-Encoding is chunked"
                coding = value
        if host is None and version == "1.1":
            return 400, _ONE_HOST
        if coding and version == "1.0":
            return 400, "Transfer-Encoding needs HTTP/1.1"
        return None

    def _count(self, length: int) -> None:
        self._held_bytes = 0
        self._header_bytes += length
        if self._header_bytes > MOST_HEADER_BYTES:
            raise ValueError("headers are too large")  # the parser turns this into uvicorn's 400

    def _stop_deadline(self) -> None:
        self._is_waiting = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
