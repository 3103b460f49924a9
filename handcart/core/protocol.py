"""uvicorn's HTTP protocol with the limits it lacks: size of the headers, and time to send a request."""

from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 32 * 1024
REQUEST_SECONDS = 15


class LimitedProtocol(HttpToolsProtocol):
    """Answers 400 to headers over 32 KiB, and closes on clients that take over 15 s up to the first byte of the body.

    How long the rest of a body may take is for `core.http.read_body` to say. A request that arrives in one piece, as
    nearly all do, starts no timer.
    """

    _header_bytes = 0
    _is_waiting = False
    _deadline: TimerHandle | None = None

    def connection_made(self, transport):  # type: ignore[no-untyped-def]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_waiting and self._deadline is None:
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

    def on_body(self, body: bytes) -> None:
        self._stop_deadline()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_deadline()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def _count(self, length: int) -> None:
        self._header_bytes += length
        if self._header_bytes > MOST_HEADER_BYTES:
            raise ValueError("headers are too large")  # the parser turns this into uvicorn's 400

    def _stop_deadline(self) -> None:
        self._is_waiting = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
