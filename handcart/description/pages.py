"""The routes of the OpenAPI document and of the pages that show it.

What they answer is made at the first request, and what that needs is loaded then: start-up time.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from handcart.core import errors
from handcart.core.settings import Settings
from handcart.core.web import packed, wire
from handcart.core.web.browser import html_headers
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.packed import Packed

# The OpenAPI document of a server with these settings.
Describe = Callable[[Settings], dict[str, object]]

_MOST_QUERY = 100


def routes(describe: Describe) -> Sequence[Route]:
    """The routes; `describe` makes the document, once for the same settings."""

    async def openapi(call: Call) -> Reply:
        document = await asyncio.to_thread(_document, describe, call.app.settings)
        return packed.reply(call, document, ((b"content-type", b"application/json"),))

    async def overview(call: Call) -> Reply:
        query = dict(parse_qsl(call.query.decode("latin-1"), errors="replace")).get("q", "").strip()[:_MOST_QUERY]
        page = await asyncio.to_thread(_overview, describe, call.app.settings, query)
        return packed.reply(call, page, html_headers())

    async def operation(call: Call) -> Reply:
        page = await asyncio.to_thread(_operation, describe, call.app.settings, call.path["operation_id"])
        if page is None:
            raise errors.not_found()
        return packed.reply(call, page, html_headers())

    return (
        Route(method="GET", path="/openapi.json", handler=openapi),
        Route(method="GET", path="/reference", handler=overview),
        Route(method="GET", path="/reference/{operation_id}", handler=operation),
    )


@cache
def _document(describe: Describe, settings: Settings) -> Packed:
    return packed.pack(wire.encode(describe(settings)))


@cache
def _entries(describe: Describe, settings: Settings) -> tuple[dict[str, Any], Sequence[Any]]:
    """The document as plain JSON values, and its operations."""
    from handcart.core.web import reference

    document = msgspec.json.decode(_document(describe, settings).plain)
    return document, reference.entries(document)


@lru_cache(64)
def _overview(describe: Describe, settings: Settings, query: str) -> Packed:
    from handcart.core.web import reference

    document, entries = _entries(describe, settings)
    names = {"brand": settings.brand, "membership": settings.membership}
    return packed.pack(reference.overview(document, entries, query, **names).encode())


@lru_cache(256)
def _operation(describe: Describe, settings: Settings, operation_id: str) -> Packed | None:
    from handcart.core.web import reference

    document, entries = _entries(describe, settings)
    entry = next((one for one in entries if one.id == operation_id), None)
    if entry is None:
        return None
    names = {"brand": settings.brand, "membership": settings.membership}
    return packed.pack(reference.operation(document, entries, entry, **names).encode())
