"""The ASGI application: match, authenticate, parse, run the op in a transaction, COMMIT, answer.

One route table yields dispatch, the OpenAPI description (`core.web.openapi`) and the metrics. Why it is our own:
docs/decisions/0002-own-dispatcher.md.
"""

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any

from handcart.core import clock, errors, log
from handcart.core.db import Database, Unavailable
from handcart.core.db.connect import connect
from handcart.core.errors import ApiError
from handcart.core.metrics import Metrics
from handcart.core.ratelimit import Buckets, network
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.core.web import connections, origins, streams, wire
from handcart.core.web.body import json_reply, json_text, read_body, refusal_reply
from handcart.core.web.call import Answered, Background, Call, Caller, CallHook, Reply, Route
from handcart.core.web.router import Router

# Per address: requests refused before the client is authenticated. Each costs the parsing of a body.
REFUSALS_PER_SECOND = 10

_OVER_HTTPS = ((b"strict-transport-security", b"max-age=31536000"),)
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 (compared, not bound)


class App:
    """The ASGI application: a route table on a database."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        routes: Sequence[Route],
        authenticate: Callable[[Call], Awaitable[Caller]],
        error_page: Callable[[Call, ApiError], Reply],
        hook: CallHook | None = None,
        background: Sequence[Background] = (),
        answered: Answered | None = None,
        console: Sequence[Route] | None = None,
    ) -> None:
        """`console`: the routes of the console's own listener; None if the settings name none."""
        self.settings = settings
        self.keys = keys
        self.routes = routes
        self.connections = connections.create(settings)
        self.metrics = Metrics(self.connections)
        self.requests_of = Buckets(settings.rate_limit_per_second)
        self.refusals_from = Buckets(min(settings.rate_limit_per_second, REFUSALS_PER_SECOND))
        self.database: Database
        self._router = Router(routes)
        self._console = None if console is None else Router(console)
        self._console_listener = settings.console_listener
        self._authenticate = authenticate
        self.hook = hook
        self._background = background
        self._answered = answered
        self._error_page = error_page

    async def open(self) -> None:
        """Open the database, and the port for metrics if there is one."""
        settings = self.settings
        await self.begin(
            await connect(settings.database_url, self.keys, settings.pool_size, public_url=settings.issuer)
        )
        if self.settings.metrics_port:
            log.info("metrics", port=self.metrics.listen(self.settings.metrics_port))

    async def begin(self, database: Database) -> None:
        """Serve from an open database, and start the background work."""
        self.database = database
        if self.hook is not None:
            await self.hook.open(database)
        for one in self._background:
            await one.open(database)

    async def close(self) -> None:
        """Stop the background work, close the database, write the last lines of the log."""
        for one in self._background:
            await one.close()
        if self.hook is not None:
            await self.hook.close()
        await self.database.close()
        log.flush()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope.setdefault("state", {})["connections"] = self.connections  # `core.web.server_limits` counts them
            await self._lifespan(receive, send)
            return
        started = perf_counter()
        if self.hook is not None:
            clock.use(None)  # a connection's next request would inherit the clock of the last one
        call = Call(self, scope, receive)
        call.is_at_console = self._console is not None and self._is_console(*scope["server"])
        method, raw_path = scope["method"], scope["raw_path"].decode("latin-1")
        route, reply = await self._answer(call, method, raw_path)
        if self.hook is not None:
            await self.hook.before_reply(call, method, raw_path, reply)
        await self._send(send, reply, call)
        seconds = perf_counter() - started  # of a stream: to its beginning
        self.metrics.observe(method if route else "-", route, reply.status, seconds)
        if self._answered is not None:
            self._answered(call, method, raw_path, reply, seconds)
        if self.settings.access_log:
            _log_access(call, method, route, reply.status, seconds)
        if reply.stream is not None:
            await streams.run(self.connections, reply.stream, receive, send)

    async def _answer(self, call: Call, method: str, raw_path: str) -> tuple[str, Reply]:
        """The pattern of the route's path (for log and metrics), and the reply."""
        path = ""
        if (call.is_at_console or not self.settings.is_production) and not _is_own_host(call):
            return path, refusal_reply(errors.misdirected(call.url))
        router = self._console if self._console is not None and call.is_at_console else self._router
        try:
            route, call.path = router.match(method, raw_path)
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
        if call.route is not None and call.route.refuse is not None:
            return path, call.route.refuse(refusal)
        if raw_path.startswith(("/v2", "/.well-known")) or _prefers_json(call.header(b"accept")):
            return path, refusal_reply(refusal)
        return path, self._error_page(call, refusal)

    def _is_console(self, host: str, port: int) -> bool:
        """Whether the console's listener took a connection, by the address of this end of it."""
        listener = self._console_listener
        return listener is not None and port == listener[1] and listener[0] in (host, *_EVERY_ADDRESS)

    async def _run(self, route: Route, call: Call) -> Reply:
        if route.scope is not None:
            call.caller = await self._authenticate(call)
            if route.scope not in call.caller.scopes:
                raise errors.forbidden_scope(route.scope)
            self.limit(call.caller.client_id)
            if self.hook is not None:
                await self.hook.before_handler(call)
        if route.body is not None:
            call.raw = await read_body(call, route.most_body)
            call.body = wire.decode(json_text(call), route.body)
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

    def limit(self, client_id: str) -> None:
        """Count one request of a client; raises 429 over its limit of requests per second."""
        if not self.requests_of.take(client_id):
            raise errors.too_many_requests(1)

    async def _send(self, send: Any, reply: Reply, call: Call) -> None:
        headers = [
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", call.request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
            *(_OVER_HTTPS if call.is_https else ()),
            *reply.headers,
        ]
        if reply.status == 304 or reply.stream is not None:
            del headers[0]  # it would be the length of what is not sent (RFC 9110 section 8.6)
        if reply.is_private:
            headers.append((b"cache-control", b"no-store"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body, "more_body": reply.stream is not None})

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


def _is_own_host(call: Call) -> bool:
    return origins.is_ours(call.header(b"host") or "localhost", call.url)


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
