"""uvicorn's HTTP protocol with the limits it lacks: size of the headers, and time to send them."""

from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 32 * 1024
HEADER_SECONDS = 15


class LimitedProtocol(HttpToolsProtocol):
    """Answers 400 to headers over 32 KiB and closes on clients that take over 15 s to send them."""

    _header_bytes = 0
    _in_headers = False
    _deadline: TimerHandle | None = None

    def connection_made(self, transport):  # type: ignore[no-untyped-def]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_headers and self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._in_headers = True

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._stop_deadline()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def _count(self, length: int) -> None:
        self._header_bytes += length
        if self._header_bytes > MOST_HEADER_BYTES:
            raise ValueError("headers are too large")  # the parser turns this into uvicorn's 400

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
