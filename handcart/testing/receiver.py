"""A retailer's callback receiver for tests: records requests, and answers as the test says."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

CLIENT_ID, CLIENT_SECRET = "handcart-at-the-shop", "a secret of the shop's own"
_PATIENCE_SECONDS = 60

# A receiver's response to the nth callback: a status, or a status and headers.
Answer = int | tuple[int, Mapping[str, str]]


class Received:
    """One received callback: `event`, the decoded body; `at`, by the monotonic clock."""

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        self.at = time.monotonic()
        self.headers = headers
        self.body = body
        self.event: dict[str, Any] = json.loads(body)

    @property
    def name(self) -> str:
        """The bare name of the event, such as `picking`."""
        return str(self.event["event_name"]).removeprefix("fulfillment.")

    @property
    def token(self) -> str:
        """The bearer token of the request."""
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def order_id(self) -> str | None:
        """The id of the event's order."""
        order_id: str | None = self.event["event_metadata"].get("order_id")
        return order_id


class Receiver:
    """The retailer's side of callbacks: a token endpoint, a callback endpoint, and the requests received.

    `callbacks` are answered 200, unless `answer` says otherwise; 401 without a valid token. Tokens are issued for the
    right credentials, with `expires_in` unless that is None; `token` can replace the response.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.callbacks: list[Received] = []
        self.token_requests: list[dict[str, str]] = []
        self.tokens: set[str] = set()
        self.answer: Callable[[Received], Answer] = lambda received: 200
        self.token: Callable[[], Answer | tuple[int, Mapping[str, str], bytes]] | None = None
        self.expires_in: Any = 3600
        self.senders: list[str] = []  # senders that asked whether they may send callbacks; all may
        self.webhook: dict[str, Any] = {}  # as returned when it was created, with its signing secret
        self._changed = threading.Condition()

    @property
    def callback_url(self) -> str:
        """The URL for callbacks."""
        return f"{self.url}/callbacks"

    @property
    def auth_uri(self) -> str:
        """The URL of the token endpoint."""
        return f"{self.url}/token"

    def names(self, order_id: str | None = None) -> list[str]:
        """The names of the received events; with `order_id`, only of that order."""
        return [one.name for one in list(self.callbacks) if order_id is None or one.order_id == order_id]

    def wait(self, count: int, timeout: float = _PATIENCE_SECONDS) -> list[Received]:
        """Wait for at least `count` callbacks; returns all received. Raises `TimeoutError` after `timeout` seconds."""
        return self._wait(lambda: len(self.callbacks) >= count, f"{count} callbacks", timeout)

    def wait_for(self, name: str, order_id: str | None = None, timeout: float = _PATIENCE_SECONDS) -> Received:
        """Wait for the first callback with a bare name (and order, if given) and return it. Raises as `wait`."""

        def found() -> Received | None:
            fitting = (one for one in self.callbacks if one.name == name and order_id in (None, one.order_id))
            return next(fitting, None)

        self._wait(lambda: found() is not None, name + (f" of {order_id}" if order_id else ""), timeout)
        came = found()
        assert came is not None
        return came

    def wait_until(self, is_so: Callable[[], bool], timeout: float = _PATIENCE_SECONDS) -> list[Received]:
        """Wait until `is_so` returns true and return all received; checked at each callback and token request."""
        return self._wait(is_so, "what is waited for", timeout)

    def _wait(self, is_so: Callable[[], bool], what: str, timeout: float) -> list[Received]:
        with self._changed:
            if not self._changed.wait_for(is_so, timeout):
                came = ", ".join(f"{one.name} of {one.order_id}" for one in self.callbacks) or "nothing"
                raise TimeoutError(f"{what} did not come in {timeout:g} s; what came: {came}")
            return list(self.callbacks)

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the response to a request."""
        if path == "/token":
            return self._give_token(body)
        received = Received(headers, body)
        answer = self.answer(received)
        status, more = answer if isinstance(answer, tuple) else (answer, {})
        if received.token not in self.tokens:
            status = 401
        with self._changed:
            self.callbacks.append(received)
            self._changed.notify_all()
        return status, more, b"{}"

    def _give_token(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        asked = dict(parse_qsl(body.decode()))
        token = f"token-{len(self.token_requests)}"
        with self._changed:
            self.token_requests.append(asked)
            self._changed.notify_all()
        if self.token is not None:
            status, headers, *content = (
                (*answer, b"") if isinstance(answer := self.token(), tuple) else (answer, {}, b"")
            )
            return status, headers, content[0]
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {}, b'{"error": "invalid_client"}'
        self.tokens.add(token)
        given = {"access_token": token, "expires_in": self.expires_in}
        return 200, {}, json.dumps({name: value for name, value in given.items() if value is not None}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        status, headers, content = server.receiver.receive(
            self.path, {name.title(): value for name, value in self.headers.items()}, body
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_OPTIONS(self) -> None:
        """Agree to callbacks: CloudEvents, HTTP 1.1 Web Hooks for Event Delivery 1.0, section 4."""
        sender = self.headers.get("WebHook-Request-Origin", "")
        server: Any = self.server
        server.receiver.senders.append(sender)
        self.send_response(200)
        for name, value in (("Allow", "POST"), ("WebHook-Allowed-Origin", sender), ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    receiver: Receiver


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free loopback port until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.receiver
        finally:
            server.shutdown()
            thread.join()
