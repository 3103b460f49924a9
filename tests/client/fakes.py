"""A Connect server in memory, one on a loopback socket, and one way to drive the sync and the async client."""

import asyncio
import inspect
import json
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self

import httpx
from handcart_client import AsyncClient, Client

from tests.support.moments import DAY

BASE_URL = "https://connect.example.com"
CLIENT_SECRET = "client-secret-value"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def error_body(message: str, key: str = "user_id", code: int | None = 1001) -> dict[str, Any]:
    return {"error": {"message": message, "code": code}, "meta": {"key": key}}


def token_body(value: str, expires_in: int = DAY, **more: Any) -> dict[str, Any]:
    return {"access_token": value, "token_type": "Bearer", "expires_in": expires_in, "created_at": 1, **more}


class FakeServer:
    """Plays `answers` in order, the last one for ever; issues token-1, token-2, ... or plays `token_answers`."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[Answer] = []
        self.token_answers: list[Answer] = []
        self.token_requests: list[httpx.Request] = []
        self.lifetime = DAY

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if b'"grant_type":"client_credentials"' in request.content:
            self.token_requests.append(request)
            if self.token_answers:
                return self.play(self.token_answers, request)
            return httpx.Response(200, json=token_body(f"token-{len(self.token_requests)}", self.lifetime))
        self.requests.append(request)
        return self.play(self.answers, request)

    def play(self, answers: list[Answer], request: httpx.Request) -> httpx.Response:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def answer(self, status: int = 200, body: Any = None, **headers: str) -> None:
        self.answers.append(httpx.Response(status, json=body, headers=headers))

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]

    @property
    def sent(self) -> dict[str, Any]:
        """The JSON body of the last request."""
        body: dict[str, Any] = json.loads(self.last.content)
        return body


class Caller:
    """Drives either client: `caller(lambda client: client.links.get("u"))` gives the result of both kinds."""

    def __init__(self, kind: str, base_url: str, **options: Any) -> None:
        self.runner = asyncio.Runner() if kind == "async" else None
        options = {"client_id": "client-1", "client_secret": CLIENT_SECRET, **options}
        self.client: Any = (AsyncClient if self.runner else Client)(base_url, **options)
        self.now = 0.0
        self.naps: list[float] = []
        connection: Any = self.client._connection
        connection._clock = lambda: self.now
        connection._sleep = self.nap_async if self.runner else self.nap

    def nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    async def nap_async(self, seconds: float) -> None:
        self.naps.append(seconds)

    def __call__(self, use: Callable[[Any], Any]) -> Any:
        if not self.runner:
            return use(self.client)
        return self.runner.run(self.awaited(use))

    async def awaited(self, use: Callable[[Any], Any]) -> Any:
        value = use(self.client)
        return await value if inspect.isawaitable(value) else value

    def together(self, use: Callable[[Any], Any], times: int) -> list[Any]:
        """The results of calls made at once, errors included."""
        if self.runner:
            return self.runner.run(self.gathered(use, times))
        with ThreadPoolExecutor(times) as pool:
            calls = [pool.submit(use, self.client) for _ in range(times)]
            return [call.exception() or call.result() for call in calls]

    async def gathered(self, use: Callable[[Any], Any], times: int) -> list[Any]:
        return await asyncio.gather(*(use(self.client) for _ in range(times)), return_exceptions=True)

    def close(self) -> None:
        if self.runner:
            self.runner.run(self.client.aclose())
            self.runner.close()
        else:
            self.client.close()


class Crowd:
    """Threads that meet: they wait until `size` threads have arrived."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.lock = threading.Lock()
        self.complete = threading.Event()

    def arrive(self) -> None:
        with self.lock:
            self.size -= 1
            if self.size == 0:
                self.complete.set()

    def wait(self) -> None:
        assert self.complete.wait(20), f"{self.size} never came"


class CrowdedLock:
    """A lock that tells a crowd who came to it."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        self.crowd.arrive()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


class SlowTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Lets other calls run between request and answer: tasks always, threads as long as `hold` blocks."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.hold: Callable[[httpx.Request], None] = lambda request: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.hold(request)
        return self.server(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.02)
        return self.server(request)


class LoopbackServer:
    """Real HTTP on 127.0.0.1: sends `answer` to every request, byte for byte, then closes. None: never answers."""

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)

    def serve(self) -> None:
        with suppress(OSError):  # the socket closes under accept
            while True:
                connection, _ = self.socket.accept()
                with connection, suppress(OSError):
                    self.exchange(connection)

    def exchange(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if b"content-length" in line]
        while lengths and len(body) < lengths[0]:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        if self.answer is None:
            self.stopped.wait(5)
        elif b"client_credentials" in body:
            connection.sendall(http_answer(200, json.dumps(token_body("token-1")).encode()))
        else:
            connection.sendall(self.answer)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)


def http_answer(status: int, body: bytes, **headers: str) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body
