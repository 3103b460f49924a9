"""uvicorn's HTTP protocol with the limits it lacks: size of the headers, and time to send a request."""

from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 32 * 1024
REQUEST_SECONDS = 15

_BODY_HEADERS = frozenset((b"content-length", b"transfer-encoding"))


class LimitedProtocol(HttpToolsProtocol):
    """Answers 400 to headers over 32 KiB, and closes on clients that keep it waiting for over 15 s.

    That is: up to the first byte of the body, for the rest of a body that nobody reads, or until they take their
    answers. How long a body may take that is read is for `core.http.read_body` to say. A request that arrives in one
    piece, as nearly all do, starts no timer.
    """

    _header_bytes = 0
    _held_bytes = 0
    _is_waiting = False
    _deadline: TimerHandle | None = None
    _reading_deadline: TimerHandle | None = None

    def connection_made(self, transport):  # type: ignore[no-untyped-def]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        self._held_bytes += len(data)
        super().data_received(data)
        # The parser hands on whole headers, and would gather one without end.
        if self._held_bytes > MOST_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("headers are too large")
        # uvicorn's timer for idle connections ends with any byte, be it no request at all.
        is_idle = self.cycle is None or self.cycle.response_complete
        if self._deadline is None and (self._is_waiting or is_idle):
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._is_waiting = True

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        # The parser takes what follows for another protocol, so that a body would be read as the next request.
        if self.parser.should_upgrade() and _BODY_HEADERS & {name for name, _ in self.headers}:
            raise ValueError("an upgrade with a body")  # uvicorn's 400, and the connection ends
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._held_bytes = 0
        if not self.cycle.response_complete:
            self._stop_deadline()
        super().on_body(body)

    def on_message_complete(self) -> None:
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

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

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
