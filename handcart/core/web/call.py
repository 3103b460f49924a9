"""One call and what answers it: the request, its reply, and the route between the two."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Database, Tx
from handcart.core.errors import ApiError
from handcart.core.ids import new_request_id
from handcart.core.metrics import Metrics
from handcart.core.secret import Keys
from handcart.core.settings import Settings

MOST_BODY_BYTES = 1 << 20

Header = tuple[bytes, bytes]


class Caller(Protocol):
    """The caller that a bearer token proves."""

    @property
    def client_id(self) -> str: ...
    @property
    def scopes(self) -> Sequence[str]: ...


class Server(Protocol):
    """What a call may use of the application that serves it (`core.web.app.App`)."""

    @property
    def settings(self) -> Settings: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def database(self) -> Database: ...
    @property
    def routes(self) -> "Sequence[Route]": ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def hook(self) -> "CallHook | None": ...

    def limit(self, client_id: str) -> None:
        """Count one request of a client; raises 429 over its limit of requests per second."""
        ...


class Call:
    """One request and its sender."""

    __slots__ = (
        "_single",
        "address",
        "app",
        "body",
        "caller",
        "headers",
        "hook_data",
        "is_at_console",
        "path",
        "query",
        "raw",
        "receive",
        "refusal",
        "request_id",
        "route",
    )

    def __init__(self, app: "Server", scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]]) -> None:
        self.app = app
        self.receive = receive
        self.headers: list[Header] = scope["headers"]
        self._single = dict(self.headers)
        self.query: bytes = scope["query_string"]
        self.address: str = scope["client"][0] if scope.get("client") else ""
        self.request_id = new_request_id()
        self.is_at_console = False  # the console's own listener took it
        self.path: dict[str, str] = {}
        self.raw = b""
        self.body: Any = None
        self.caller: Any = None
        self.route: Route | None = None
        self.refusal: ApiError | None = None
        self.hook_data: Any = None  # what the server's hook keeps about this call

    @property
    def url(self) -> str:
        """The URL for browsers of the listener that took the call: of the server, or of the console."""
        return self.app.settings.console_origin if self.is_at_console else self.app.settings.issuer

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the listener that took the call over https."""
        return self.url.startswith("https://")

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

    async def use_clock_of(self, tx: Tx, retailer_id: int) -> int:
        """Use the clock of the retailer that a call belongs to. Returns the time to compare its token's expiry with."""
        return clock.now() if self.app.hook is None else await self.app.hook.identify(tx, self, retailer_id)

    async def belongs_to(self, retailer_id: int | None) -> None:
        """Tell the server's hook which retailer a call without a bearer token belongs to.

        The hook may delay the call or raise an error.
        """
        if self.app.hook is not None and retailer_id is not None:
            await self.app.database.read(self.app.hook.identify, self, retailer_id)
            await self.app.hook.before_handler(self)

    async def belongs_to_found(self, find: Callable[..., Awaitable[int | None]], *arguments: Any) -> None:
        """As `belongs_to`, for the retailer that the operation `find` returns. Without a hook, `find` is not called."""
        if self.app.hook is not None:
            await self.belongs_to(await self.app.database.read(find, *arguments))


# Writes a piece of a response's body, and returns when the client can take the next one.
Write = Callable[[bytes], Awaitable[None]]


class Reply(Struct):
    """A response; `headers` are added to those of every response. A response that is not private may be cached.

    `stream` writes the body of a response that stays open. It is canceled if the client leaves or the server stops.
    """

    status: int
    body: bytes = b""
    headers: Sequence[Header] = ()
    is_private: bool = True
    stream: Callable[[Write], Awaitable[None]] | None = None


# What a handler returns: a struct (200, JSON), a whole reply, or an error whose writes are committed.
Answer = Struct | Reply | ApiError


Handler = Callable[..., Awaitable[Answer]]


class Route(Struct, frozen=True, kw_only=True):
    """One operation.

    `tx`: "read" or "write" runs `handler(tx, call)` in a transaction; None runs `handler(call)` without one.
    `scope`: the scope that the bearer token must have; None needs no token. `reads_body`: the handler itself parses the
    body and authenticates the caller. `most_body`: maximum length of the body, in bytes. `refuse` makes the reply for
    an error; without it, the reply is JSON under `/v2` and a page elsewhere. For OpenAPI: `refusals`, the documented
    errors; `form`, the body if the handler parses it; `parameters`, path parameters and headers with types.
    """

    method: str
    path: str
    handler: Handler
    tx: str | None = None
    scope: str | None = None
    body: type[Struct] | None = None
    reads_body: bool = False
    most_body: int = MOST_BODY_BYTES
    refuse: Callable[[ApiError], Reply] | None = None
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


def route(
    operation_id: str,
    path: str,
    handler: Handler,
    summary: str,
    source: str,
    *,
    docs: str,
    types: Mapping[str, Any],
    method: str = "POST",
    **fields: Any,
) -> Route:
    """An operation of the Connect API. `source`: the address of its documentation, after `docs`.

    Of `types` it has the headers, and the parameters that its path names. GET reads and other methods write, unless
    `tx` says otherwise.
    """
    has = {name: kind for name, kind in types.items() if name[0].isupper() or f"{{{name}}}" in path}
    given = {"tx": "read" if method == "GET" else "write", "parameters": has, **fields}
    return Route(
        operation_id=operation_id,
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        source=f"{docs}/{source}",
        **given,
    )


class CallHook(Protocol):
    """What a development server adds to every call: clock, faults, log. A production server has no hook."""

    async def open(self, database: Database) -> None:
        """The server starts."""
        ...

    async def close(self) -> None:
        """The server stops."""
        ...

    async def identify(self, tx: Tx, call: Call, retailer_id: int) -> int:
        """Called when the retailer of a call is known: set the retailer's clock for the call.

        Returns the time in microseconds at which the call's token must not have expired.
        """
        ...

    async def before_handler(self, call: Call) -> None:
        """Called before the handler: may wait, or raise an error instead."""
        ...

    async def before_reply(self, call: Call, method: str, raw_path: str, reply: Reply) -> None:
        """Called when the reply is ready, before it is sent."""
        ...


# Told of each call after its answer was sent: method, raw path, the answer, and the seconds that it took.
Answered = Callable[[Call, str, str, Reply, float], None]


class Background(Protocol):
    """A server's background work."""

    async def open(self, database: Database) -> None:
        """The server starts."""
        ...

    async def close(self) -> None:
        """The server stops."""
        ...
