"""The routes of the shopper's app. Operations under `/shopper/api` answer errors as JSON."""

from collections.abc import Sequence

from msgspec.structs import replace

from handcart.core.web.call import Route
from handcart.shopper_app import account, acts, catalog, chat, errors, join, pages, passkeys, pictures, positions, run

_API: Sequence[Route] = (
    *account.ROUTES,
    *passkeys.ROUTES,
    *run.ROUTES,
    *catalog.ROUTES,
    *acts.ROUTES,
    *pictures.ROUTES,
    *chat.ROUTES,
    *positions.ROUTES,
)

ROUTES: Sequence[Route] = (*(replace(route, refuse=errors.refuse) for route in _API), *join.ROUTES, *pages.ROUTES)
