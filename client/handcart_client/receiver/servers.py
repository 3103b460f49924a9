"""The endpoints as ASGI and WSGI applications: a single endpoint for any path, or several by path."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

from .wire import Answer, Endpoint, only_post, refused

BODY_SECONDS = 30

Endpoints = Endpoint | Mapping[str, Endpoint]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Asgi:
    """An ASGI application. Not a function, since routers treat functions differently."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = await self._answer(scope, receive)
        if answer is not None:
            headers = [(name.lower().encode(), value.encode()) for name, value in _headers(answer)]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            _add(headers, name.decode("latin-1"), value.decode("latin-1"))
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        endpoint = _admitted(self._endpoints, path, scope["method"], headers)
        if isinstance(endpoint, Answer):
            return endpoint
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive, endpoint.body_limit)
        except TimeoutError:
            return refused(408, "the body took too long")
        except ConnectionError:
            return None
        return await endpoint.answer_async(headers, body) if len(body) <= endpoint.body_limit else _too_large()


def asgi(endpoints: Endpoints) -> Asgi:
    """`asgi(receiver)`, or `asgi({"/callbacks/token": issuer, "/callbacks": receiver})`."""
    return Asgi(endpoints)


def wsgi(endpoints: Endpoints) -> Wsgi:
    """`wsgi(receiver)`, or `wsgi({"/callbacks/token": issuer, "/callbacks": receiver})`.

    Raises TypeError for a handler that is a coroutine function. Apache passes the token only with
    `WSGIPassAuthorization On`.
    """
    served = endpoints.values() if isinstance(endpoints, Mapping) else [endpoints]
    if any(endpoint.is_async for endpoint in served):
        raise TypeError("wsgi() needs a handler that is a plain function")

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = _wsgi_answer(endpoints, environ)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(_headers(answer)))
        return [answer.body]

    return application


def _wsgi_answer(endpoints: Endpoints, environ: dict[str, Any]) -> Answer:
    headers: dict[str, str] = {}
    for name, value in environ.items():
        if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value):
            _add(headers, name.removeprefix("HTTP_").replace("_", "-"), value)
    endpoint = _admitted(endpoints, environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"], headers)
    if isinstance(endpoint, Answer):
        return endpoint
    if "content-length" not in headers and not environ.get("wsgi.input_terminated"):
        return refused(411, "the length of the body is missing")
    body = environ["wsgi.input"].read(int(headers.get("content-length", endpoint.body_limit + 1)))
    return endpoint.answer(headers, body) if len(body) <= endpoint.body_limit else _too_large()


def _admitted(endpoints: Endpoints, path: str, method: str, headers: Mapping[str, str]) -> Endpoint | Answer:
    """The endpoint that needs the body, or the response if the body is not needed."""
    endpoint = endpoints.get(path) if isinstance(endpoints, Mapping) else endpoints
    if endpoint is None:
        return refused(404, "there is nothing here")
    if method == "OPTIONS":
        return endpoint.agreement(headers)
    if method != "POST":
        return only_post()
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        return refused(400, "the length of the body is no number")
    if len(length) > 18 or int(length) > endpoint.body_limit:
        return _too_large()
    return endpoint.refusal(headers) or endpoint


async def _body(receive: Receive, limit: int) -> bytes:
    """The body, cut after `limit` if it is too large. Raises ConnectionError if the sender disconnects."""
    body = bytearray()
    while len(body) <= limit:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


def _add(headers: dict[str, str], name: str, value: str) -> None:
    name = name.lower()
    headers[name] = f"{headers[name]}, {value}" if name in headers else value


def _headers(answer: Answer) -> list[tuple[str, str]]:
    return [*answer.headers, ("Content-Length", str(len(answer.body)))]


def _too_large() -> Answer:
    return refused(413, "the body is too large")
