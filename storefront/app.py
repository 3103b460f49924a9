"""The shop's routes and its ASGI application."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from handcart_client import AsyncClient
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from storefront import account, callbacks, checkout, linking, orders, slots, stores
from storefront.aftercare import Tokens
from storefront.nearby import Nearby
from storefront.news import News
from storefront.pages import SecurityHeaders, Shop, render
from storefront.sessions import Sessions, new_session
from storefront.settings import CALLBACK_PATH, LOOPBACK, Settings

PLATFORM_SECONDS = 5

ERROR_TEXTS = {
    400: "We did not understand that request.",
    403: "This page was out of date. Please go back, reload it and try again.",
    404: "This page does not exist.",
    405: "This page cannot be used that way.",
    413: "That was too much for this form.",
}


async def refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    return render(request, "error.html", status, error_text=ERROR_TEXTS.get(status, ERROR_TEXTS[400]))


async def failed(request: Request, error: Exception) -> Response:
    # This page uses nothing that may have failed, and does not change the browser's cookie.
    request.state.session, request.state.has_new_session = new_session(), False
    return render(request, "error.html", 500, error_text="Something went wrong on our side. Please try again.")


ROUTES = [
    Route("/", stores.front),
    Route("/stores", stores.find),
    Route("/stores", stores.choose, methods=["POST"]),
    Route("/cart", stores.cart_page),
    Route("/cart", stores.change_cart, methods=["POST"]),
    Route("/cart/add", stores.add, methods=["POST"]),
    Route("/address", slots.address, methods=["POST"]),
    Route("/slots", slots.slots),
    Route("/slots", slots.hold, methods=["POST"]),
    Route("/checkout", checkout.checkout),
    Route("/checkout", checkout.place, methods=["POST"]),
    Route("/orders", orders.orders),
    Route("/orders/{order_id}", orders.order),
    Route("/orders/{order_id}/now", orders.now),
    Route("/orders/{order_id}/news", orders.news),
    Route("/orders/{order_id}/change", orders.change_page),
    Route("/orders/{order_id}/change", orders.change, methods=["POST"]),
    Route("/orders/{order_id}/slots", orders.slots_page),
    Route("/orders/{order_id}/slots", orders.move, methods=["POST"]),
    Route("/orders/{order_id}/tip", orders.tip, methods=["POST"]),
    Route("/orders/{order_id}/cancel", orders.cancel, methods=["POST"]),
    Route("/orders/{order_id}/chat", orders.say, methods=["POST"]),
    Route("/orders/{order_id}/replacement", orders.answer, methods=["POST"]),
    Route("/orders/{order_id}/rating", orders.rate, methods=["POST"]),
    Route("/sign-in", account.sign_in_page),
    Route("/sign-in", account.sign_in, methods=["POST"]),
    Route("/sign-out", account.sign_out, methods=["POST"]),
    Route("/account", account.profile),
    Route("/account/link", linking.start, methods=["POST"]),
    Route(CALLBACK_PATH, linking.callback),
    Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
]


def create_app(
    settings: Settings, sessions: Sessions, news: News | None = None, addresses: Sequence[str] = ()
) -> ASGIApp:
    """The shop as an ASGI application; it opens its client of the platform at start-up and closes it at the end.

    news: open pages wait for it; it ends when the server stops, so that open pages do not delay the stop.
    addresses: IP addresses that the shop listens on. Requests must name one of them, this machine or the public URL's
    host in `Host`: any other name may be an attacker's that resolves to this machine (DNS rebinding).
    """
    news = news or News()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncClient(
            settings.api_url,
            settings.client_id,
            settings.client_secret,
            scope="connect:fulfillment",
            retailer_id=settings.retailer,
            timeout=PLATFORM_SECONDS,
            allow_plain_http=settings.allow_plain_http,
            max_retries=1,  # a customer waits for the page
        ) as platform:
            app.state.shop = Shop(settings, sessions, news, platform, Nearby(platform), Tokens(platform))
            yield

    routes = [*callbacks.routes(settings, sessions, news), *ROUTES]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: refused, Exception: failed})
    hosts = [_in_header(host) for host in (settings.public_host, *LOOPBACK, *addresses)]
    return SecurityHeaders(TrustedHostMiddleware(app, hosts, www_redirect=False), settings)


def _in_header(host: str) -> str:
    return f"[{host}]" if ":" in host else host
