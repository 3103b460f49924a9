"""The whole server: every domain's routes on one database. Here, domains get the functions they cannot import."""

import asyncio
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from handcart import __version__, sender
from handcart.accounts import pages as account_pages
from handcart.callbacks import routes as callbacks_routes
from handcart.core import errors
from handcart.core.db import Tx, migrate
from handcart.core.db.connect import is_postgres
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.core.web import packed, wire
from handcart.core.web.app import App
from handcart.core.web.browser import Browser, error_page, html_headers, static_file
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.packed import Packed
from handcart.linking import api as linking_api
from handcart.linking import ops as linking
from handcart.linking import pages as linking_pages
from handcart.oauth import api as oauth_api
from handcart.oauth import bearer
from handcart.oauth import pages as oauth_pages
from handcart.orders import ops as orders
from handcart.orders import routes as orders_routes
from handcart.sandbox import routes as sandbox_routes
from handcart.sandbox import state as sandbox
from handcart.sandbox.control import routes as control_routes
from handcart.sandbox.control.callback_faults import CallbackFaults
from handcart.sandbox.control.hook import SandboxHook
from handcart.sandbox.documented import routes as documented_routes
from handcart.sandbox.robot import api as robot_api
from handcart.slots import ops as slots
from handcart.slots import routes as slots_routes
from handcart.stores import api as stores_api
from handcart.users import api as users_api
from handcart.users import ops as users

_ABOUT = """
The wire contract of the Connect Fulfillment API: a Connect client works with this server once its base URL is changed.

Unknown fields of a request are ignored, and an explicit null counts as absent. Answers may gain fields in later
releases. Every answer carries `X-Request-Id`.

A refusal names one error, or several under code 9999; `meta.key` is the dotted path into the request. The OAuth
endpoints have their own form, `error` and `error_description`.
""".strip()
_TAGS = {
    "OAuth": "Tokens for a retailer's calls, and linking tokens for customers who agreed.",
    "Users": "The retailer's customers, under the retailer's own ids.",
    "Stores": "Find the stores that serve a place, and validate items.",
    "Time slots": "List the slots for an order, and hold one for ten minutes.",
    "Orders": "Delivery, pickup, last mile and dispatch orders, from creation until a shopper takes them.",
    "Account linking": "Link a user to the customer's account on this platform, and read the account's membership.",
    callbacks_routes.TAG: callbacks_routes.ABOUT,
}
_MOST_QUERY = 100
_SANDBOX_TAGS = {
    "Sandbox": "Shoppers, batches and their states: moves orders on a development server. Not on production servers.",
    sandbox_routes.TAG: sandbox_routes.ABOUT,
}


def create(settings: Settings, keys: Keys) -> App:
    """The ASGI application."""
    # Not in a sandbox, whose clock must apply at once.
    caches = is_postgres(settings.database_url) and not settings.is_sandbox
    authenticate = bearer.Bearers(caches=caches).authenticate
    hook = SandboxHook(authenticate) if settings.is_sandbox else None
    for_sandbox = (sandbox.clocks, CallbackFaults()) if settings.is_sandbox else ()
    background = [sender.create(settings, *for_sandbox)] if settings.deliver_callbacks else []
    return App(settings, keys, routes(settings), authenticate, error_page, hook, background)


def routes(settings: Settings) -> Sequence[Route]:
    """The route table for these settings."""
    table = [*api_routes(), *page_routes(), *_health_routes()]
    if settings.is_sandbox:
        table += sandbox_table()
    if settings.is_sandbox or settings.reference:
        table += _reference_routes()
    if settings.metrics_public:
        table.append(Route(method="GET", path="/metrics", handler=_metrics))
    return table


def api_routes() -> Sequence[Route]:
    """The routes of the Connect API, and Handcart's own."""
    return (
        *oauth_api.routes(users.lock),
        *users_api.routes([orders.forget_user, slots.forget_user, linking.forget_user]),
        *linking_api.ROUTES,
        *stores_api.ROUTES,
        *slots_routes.ROUTES,
        *orders_routes.ROUTES,
        *callbacks_routes.ROUTES,
    )


def sandbox_table() -> Sequence[Route]:
    """The routes that only a sandbox has."""
    return (*documented_routes.ROUTES, *control_routes.ROUTES, *robot_api.ROUTES, *control_routes.ORDER_ROUTES)


def page_routes() -> Sequence[Route]:
    """The routes of HTML pages."""
    return (
        *oauth_pages.routes(linking.is_linked),
        *account_pages.ROUTES,
        *linking_pages.ROUTES,
        Route(method="GET", path="/", handler=_home),
        Route(method="GET", path="/static/{name}", handler=static_file),
    )


def description(settings: Settings) -> dict[str, object]:
    """The OpenAPI document; in a sandbox, including its own operations."""
    from handcart import meanings  # loaded when it is asked for: start-up time
    from handcart.core.web import openapi

    own = sandbox_table() if settings.is_sandbox else ()
    return openapi.describe(
        [*api_routes(), *own],
        info={"title": "Handcart: Connect Fulfillment API", "version": __version__, "description": _ABOUT},
        server=settings.issuer,
        tags={**_TAGS, **(_SANDBOX_TAGS if settings.is_sandbox else {})},
        security_schemes=oauth_api.security_schemes(settings.issuer),
        bearer_refusals=bearer.refusals(),
        meanings=meanings.FIELDS,
    )


def _health_routes() -> Sequence[Route]:
    return (
        Route(method="GET", path="/live", handler=_live),
        Route(method="GET", path="/ready", handler=_ready),
    )


def _reference_routes() -> Sequence[Route]:
    return (
        Route(method="GET", path="/openapi.json", handler=_openapi),
        Route(method="GET", path="/reference", handler=_reference),
        Route(method="GET", path="/reference/{operation_id}", handler=_reference_of_one),
    )


async def _live(call: Call) -> Reply:
    """Answer that the process runs."""
    return Reply(200, b'{"status":"live"}', ((b"content-type", b"application/json"),))


async def _ready(call: Call) -> Reply:
    """Answer whether the database responds, with this release's schema and this installation's key."""
    try:
        await call.app.database.read(_check)
    except Exception as error:
        body = wire.encode({"status": "not ready", "cause": type(error).__name__})
        return Reply(503, body, ((b"content-type", b"application/json"), (b"retry-after", b"1")))
    return Reply(200, b'{"status":"ready"}', ((b"content-type", b"application/json"),))


async def _check(tx: Tx) -> None:
    await migrate.check_schema(tx)


async def _metrics(call: Call) -> Reply:
    return Reply(200, call.app.metrics.text(), ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),))


async def _home(call: Call) -> Reply:
    return Browser(call).see_other("/account")


async def _openapi(call: Call) -> Reply:
    described = await asyncio.to_thread(_openapi_document, call.app.settings)
    return packed.reply(call, described, ((b"content-type", b"application/json"),))


async def _reference(call: Call) -> Reply:
    query = dict(parse_qsl(call.query.decode("latin-1"), errors="replace")).get("q", "").strip()[:_MOST_QUERY]
    page = await asyncio.to_thread(_overview, call.app.settings, query)
    return packed.reply(call, page, html_headers())


async def _reference_of_one(call: Call) -> Reply:
    page = await asyncio.to_thread(_operation, call.app.settings, call.path["operation_id"])
    if page is None:
        raise errors.not_found()
    return packed.reply(call, page, html_headers())


@cache
def _described(settings: Settings) -> tuple[dict[str, Any], Sequence[Any]]:
    """The document as plain JSON values, and its operations."""
    from handcart.core.web import reference  # loaded when it is asked for: start-up time

    document = msgspec.json.decode(_openapi_document(settings).plain)
    return document, reference.entries(document)


@cache
def _openapi_document(settings: Settings) -> Packed:
    return packed.pack(wire.encode(description(settings)))


@lru_cache(64)
def _overview(settings: Settings, query: str) -> Packed:
    from handcart.core.web import reference

    document, entries = _described(settings)
    names = {"brand": settings.brand, "membership": settings.membership}
    return packed.pack(reference.overview(document, entries, query, **names).encode())


@lru_cache(256)
def _operation(settings: Settings, operation_id: str) -> Packed | None:
    from handcart.core.web import reference

    document, entries = _described(settings)
    entry = next((one for one in entries if one.id == operation_id), None)
    if entry is None:
        return None
    names = {"brand": settings.brand, "membership": settings.membership}
    return packed.pack(reference.operation(document, entries, entry, **names).encode())
