"""HTTP: one route table; every request goes match -> authenticate -> parse -> op -> COMMIT -> answer.

Plain ASGI in place of a framework; reasons and figures: docs/decisions/0002-own-dispatcher.md. `core.openapi` makes
the OpenAPI description from the same table.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Protocol
from urllib.parse import unquote

from msgspec import Struct

from handcart.core import clock, connections, errors, log, origins, wire
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.errors import ApiError
from handcart.core.ids import new_request_id
from handcart.core.metrics import Metrics
from handcart.core.ratelimit import Buckets, network
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.core.stores import connect

MOST_BODY_BYTES = 1 << 20
BODY_SECONDS = 15
# Per address: requests refused before the client is authenticated. Each costs the parsing of a body.
REFUSALS_PER_SECOND = 10

Header = tuple[bytes, bytes]
_JSON = (b"content-type", b"application/json")


class Caller(Protocol):
    """The caller that a bearer token proves."""

    @property
    def client_id(self) -> str: ...
    @property
    def scopes(self) -> Sequence[str]: ...


class Call:
    """One request and its sender."""

    __slots__ = (
        "_single",
        "address",
        "app",
        "body",
        "caller",
        "headers",
        "path",
        "query",
        "raw",
        "receive",
        "refusal",
        "rehearsal",
        "request_id",
        "route",
    )

    def __init__(self, app: "App", scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]]) -> None:
        self.app = app
        self.receive = receive
        self.headers: list[Header] = scope["headers"]
        self._single = dict(self.headers)
        self.query: bytes = scope["query_string"]
        self.address: str = scope["client"][0] if scope.get("client") else ""
        self.request_id = new_request_id()
        self.path: dict[str, str] = {}
        self.raw = b""
        self.body: Any = None
        self.caller: Any = None
        self.route: Route | None = None
        self.refusal: ApiError | None = None
        self.rehearsal: Any = None  # data of the sandbox about this call

    def header(self, name: bytes) -> str | None:
        """The value of a header; None if it is absent or repeated. `name` in lower case."""
        if len(self._single) != len(self.headers) and len(self.header_values(name)) != 1:
            return None
        value = self._single.get(name)
        return None if value is None else value.decode("latin-1")

    def header_values(self, name: bytes) -> list[str]:
        """All values of a header. `name` in lower case."""
        if name not in self._single:
            return []
        return [value.decode("latin-1") for key, value in self.headers if key == name]


class Reply(Struct):
    """A response; `headers` are added to those of every response. A response that is not private may be cached."""

    status: int
    body: bytes = b""
    headers: Sequence[Header] = ()
    is_private: bool = True


# What a handler returns: a struct (200, JSON), a whole reply, or an error whose writes are committed.
Answer = Struct | Reply | ApiError
Handler = Callable[..., Awaitable[Answer]]


class Route(Struct, frozen=True, kw_only=True):
    """One operation.

    `tx`: "read" or "write" runs `handler(tx, call)` in a transaction; None runs `handler(call)` without one.
    `scope`: the scope that the bearer token must have; None needs no token. `reads_body`: the handler itself parses the
    body and authenticates the caller. `most_body`: maximum length of the body, in bytes. For OpenAPI: `refusals`, the
    documented errors; `form`, the body if the handler parses it; `parameters`, path parameters and headers with types.
    """

    method: str
    path: str
    handler: Handler
    tx: str | None = None
    scope: str | None = None
    body: type[Struct] | None = None
    reads_body: bool = False
    most_body: int = MOST_BODY_BYTES
    response: type[Struct] | None = None
    refusals: Sequence[ApiError] = ()
    summary: str = ""
    description: str = ""
    source: str = ""
    tag: str = ""
    deprecated: bool = False
    form: Any = None
    operation_id: str = ""
    parameters: Mapping[str, Any] = {}


class Rehearsal(Protocol):
    """A sandbox's additions to calls: clock, faults, log. A production server has none."""

    async def open(self, database: Database) -> None:
        """The server begins to serve."""
        ...

    async def close(self) -> None:
        """The server serves no more."""
        ...

    async def know(self, tx: Tx, call: Call, retailer_id: int) -> int:
        """Called when the retailer of a call is known: set the retailer's clock for the call.

        Returns the time in microseconds at which the call's token must not have expired.
        """
        ...

    async def enter(self, call: Call) -> None:
        """Called before the handler: may wait, or raise an error instead."""
        ...

    async def leave(self, call: Call, method: str, raw_path: str, reply: Reply) -> None:
        """Called when the reply is ready, before it is sent."""
        ...


class Background(Protocol):
    """A server's background work."""

    async def open(self, database: Database) -> None:
        """The server begins to serve."""
        ...

    async def close(self) -> None:
        """The server serves no more."""
        ...


class _Node:
    """One path segment of the route table."""

    __slots__ = ("children", "parameter", "routes")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: tuple[str, _Node] | None = None
        self.routes: dict[str, Route] = {}


class Router:
    """Finds a route by the raw path, so that an encoded slash stays within its segment."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)
        self._fixed = {(route.method, route.path): route for route in routes if "{" not in route.path}

    def match(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """The route and its path parameters; raises 404 or 405."""
        fixed = self._fixed.get((method, raw_path))
        if fixed is not None:
            return fixed, {}
        node: _Node | None = self._root
        values: dict[str, str] = {}
        for segment in _segments(raw_path):
            child = node.children.get(segment)  # type: ignore[union-attr]
            if child is None and node.parameter is not None and segment:  # type: ignore[union-attr]
                name, child = node.parameter  # type: ignore[union-attr]
                values[name] = _decoded(segment)
            if child is None:
                raise errors.not_found()
            node = child
        assert node is not None
        route = node.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise errors.method_not_allowed(list(node.routes)) if node.routes else errors.not_found()
        return route, values

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in _segments(route.path):
            if segment.startswith("{"):
                if node.parameter is None:
                    node.parameter = (segment[1:-1], _Node())
                node = node.parameter[1]
            else:
                node = node.children.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.path}")
        node.routes[route.method] = route


class App:
    """The ASGI application: a route table on a database."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        routes: Sequence[Route],
        authenticate: Callable[[Call], Awaitable[Caller]],
        error_page: Callable[[Call, ApiError], Reply],
        rehearsal: Rehearsal | None = None,
        background: Sequence[Background] = (),
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.routes = routes
        self.connections = connections.of(settings)
        self.metrics = Metrics(self.connections)
        self.requests_of = Buckets(settings.rate_limit_per_second)
        self.refusals_from = Buckets(min(settings.rate_limit_per_second, REFUSALS_PER_SECOND))
        self.database: Database
        self._router = Router(routes)
        self._always: Sequence[Header] = [(b"x-content-type-options", b"nosniff")]
        if settings.is_https:
            self._always = [*self._always, (b"strict-transport-security", b"max-age=31536000")]
        self._authenticate = authenticate
        self.rehearsal = rehearsal
        self._background = background
        self._error_page = error_page

    async def open(self) -> None:
        """Open the database, and the port for metrics if there is one."""
        await self.begin(await connect(self.settings.database_url, self.keys, self.settings.pool_size))
        if self.settings.metrics_port:
            log.info("metrics", port=self.metrics.listen(self.settings.metrics_port))

    async def begin(self, database: Database) -> None:
        """Serve from an open database, and start the background work."""
        self.database = database
        if self.rehearsal is not None:
            await self.rehearsal.open(database)
        for one in self._background:
            await one.open(database)

    async def close(self) -> None:
        """Stop the background work, close the database, write the last lines of the log."""
        for one in self._background:
            await one.close()
        if self.rehearsal is not None:
            await self.rehearsal.close()
        await self.database.close()
        log.flush()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope.setdefault("state", {})["connections"] = self.connections  # `core.protocol` counts them
            await self._lifespan(receive, send)
            return
        started = perf_counter()
        if self.rehearsal is not None:
            clock.use(None)  # a connection's next request would inherit the clock of the last one
        call = Call(self, scope, receive)
        method, raw_path = scope["method"], scope["raw_path"].decode("latin-1")
        route, reply = await self._answer(call, method, raw_path)
        if self.rehearsal is not None:
            await self.rehearsal.leave(call, method, raw_path, reply)
        await self._send(send, reply, call.request_id)
        seconds = perf_counter() - started
        self.metrics.observe(method if route else "-", route, reply.status, seconds)
        if self.settings.access_log:
            _log_access(call, method, route, reply.status, seconds)

    async def _answer(self, call: Call, method: str, raw_path: str) -> tuple[str, Reply]:
        """The pattern of the route's path (for log and metrics), and the reply."""
        path = ""
        if self.settings.is_sandbox and not origins.is_ours(call.header(b"host") or "localhost", self.settings.issuer):
            return path, refusal_reply(errors.misdirected(self.settings.issuer))
        try:
            route, call.path = self._router.match(method, raw_path)
            path = route.path
            call.route = route
            return path, await self._run(route, call)
        except ApiError as error:
            refusal = error
            if call.route is not None and call.route.reads_body and call.caller is None:
                self.refusals_from.take(network(call.address))
        except Unavailable as error:
            log.warning("database unavailable", request_id=call.request_id, route=path, cause=str(error))
            refusal = errors.unavailable()
        except Exception as error:
            log.exception("request failed", error, request_id=call.request_id, route=path)
            refusal = errors.internal()
        call.refusal = refusal
        if raw_path.startswith(("/v2", "/.well-known")) or _prefers_json(call.header(b"accept")):
            return path, refusal_reply(refusal)
        return path, self._error_page(call, refusal)

    async def _run(self, route: Route, call: Call) -> Reply:
        if route.scope is not None:
            call.caller = await self._authenticate(call)
            if route.scope not in call.caller.scopes:
                raise errors.forbidden_scope(route.scope)
            self.limit(call.caller.client_id)
            if self.rehearsal is not None:
                await self.rehearsal.enter(call)
        if route.body is not None:
            call.raw = await read_body(call, route.most_body)
            call.body = wire.decode(_json_text(call), route.body)
        elif route.reads_body:
            if not self.refusals_from.has_room(network(call.address)):
                raise errors.too_many_requests(1)
            call.raw = await read_body(call, route.most_body)
        if route.tx == "read":
            answer = await self.database.read(route.handler, call)
        elif route.tx == "write":
            answer = await self.database.write(route.handler, call)
        else:
            answer = await route.handler(call)
        if isinstance(answer, ApiError):
            raise answer
        return answer if isinstance(answer, Reply) else json_reply(answer)

    async def rehearse(self, call: Call, retailer_id: int | None) -> None:
        """In a sandbox, apply a retailer's clock and faults to a call without a bearer token."""
        if self.rehearsal is not None and retailer_id is not None:
            await self.database.read(self.rehearsal.know, call, retailer_id)
            await self.rehearsal.enter(call)

    def limit(self, client_id: str) -> None:
        """Count one request of a client; raises 429 over its limit of requests per second."""
        if not self.requests_of.take(client_id):
            raise errors.too_many_requests(1)

    async def _send(self, send: Any, reply: Reply, request_id: str) -> None:
        headers = [
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", request_id.encode()),
            *self._always,
            *reply.headers,
        ]
        if reply.status == 304:
            del headers[0]  # it would be the length of what is not sent (RFC 9110 section 8.6)
        if reply.is_private:
            headers.append((b"cache-control", b"no-store"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            await self.open()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})


async def read_body(call: Call, most: int = MOST_BODY_BYTES) -> bytes:
    """The whole body; raises 413 over `most` bytes, 415 if compressed, 408 if slow, 400 if incomplete."""
    if any(coding.lower() not in ("", "identity") for coding in call.header_values(b"content-encoding")):
        raise errors.encoded()
    declared = call.header(b"content-length") or "0"
    if declared.isdecimal() and int(declared[-20:]) > most:  # the parser accepts 64 bits, and leading zeros
        raise errors.too_large(most)
    body, is_whole = _piece(await call.receive(), most, most)
    if is_whole:  # nearly always, so few requests need a timer
        return body
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while not is_whole:
                piece, is_whole = _piece(await call.receive(), most - len(body), most)
                body += piece
    except TimeoutError:
        raise errors.timed_out() from None
    return body


def _piece(message: Mapping[str, Any], room: int, most: int) -> tuple[bytes, bool]:
    """The next piece of the body, and whether it is the last; raises 413 if it is longer than `room`."""
    if message["type"] == "http.disconnect":
        raise ApiError(400, "Request body ended early", None)
    body: bytes = message.get("body", b"")
    if len(body) > room:
        raise errors.too_large(most)
    return body, not message.get("more_body")


def _prefers_json(accept: str | None) -> bool:
    """Whether an `Accept` header prefers JSON: names it, and HTML not at all or lower (RFC 9110 section 12.5.1)."""
    weights = {"json": 0.0, "html": 0.0}
    for one in (accept or "").lower().split(","):
        kind, _, parameters = one.partition(";")
        subtype = kind.strip().rpartition("/")[2].rpartition("+")[2]
        name = "html" if kind.strip() == "application/xhtml+xml" else subtype
        if name in weights:
            weights[name] = max(weights[name], _weight(parameters))
    return weights["json"] > weights["html"]


def _weight(parameters: str) -> float:
    for one in parameters.split(";"):
        name, _, value = one.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def media_type(call: Call) -> tuple[str, str]:
    """The body's media type and charset, both in lower case; empty if not given."""
    value = (call.header(b"content-type") or "").lower()
    kind, _, rest = value.partition(";")
    charset = ""
    for parameter in rest.split(";"):
        name, _, text = parameter.partition("=")
        if name.strip() == "charset":
            charset = text.strip().strip('"')
    return kind.strip(), charset


def json_reply(answer: Any, status: int = 200, headers: Sequence[Header] = ()) -> Reply:
    """A reply with a JSON body."""
    return Reply(status, wire.encode(answer), (_JSON, *headers))


def refusal_reply(error: ApiError) -> Reply:
    """The JSON reply for an error."""
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return json_reply(error.body(), error.status, headers)


def _json_text(call: Call) -> bytes:
    kind, charset = media_type(call)
    # A body without a Content-Type is read as JSON; one with another type is refused.
    if (kind and kind != "application/json" and not kind.endswith("+json")) or charset not in ("", "utf-8", "utf8"):
        raise errors.not_json()
    return call.raw or b"{}"


def _segments(raw_path: str) -> list[str]:
    # One slash at the end is ignored.
    path = raw_path[1:-1] if len(raw_path) > 1 and raw_path.endswith("/") else raw_path[1:]
    return path.split("/") if path else []


def _decoded(segment: str) -> str:
    if "%" not in segment:
        return segment
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise errors.not_found() from None
    if "\0" in text:
        raise errors.not_found()
    return text


def _log_access(call: Call, method: str, route: str, status: int, seconds: float) -> None:
    # The route's pattern, not the path: user ids are personal data.
    log.access(
        request_id=call.request_id,
        method=method[:16],
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        client_id=call.caller.client_id if call.caller else None,
        address=call.address,
    )
