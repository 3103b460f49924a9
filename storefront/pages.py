"""What all pages and forms share: templates, headers, cookie, form tokens."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import parse_qsl

from handcart_client import AsyncClient
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storefront.aftercare import Tokens
from storefront.carts import Cart
from storefront.nearby import Nearby
from storefront.news import News
from storefront.notices import account_page, notice_for
from storefront.samples import CUSTOMERS, Customer
from storefront.sessions import Session, Sessions, new_session
from storefront.settings import Settings

FORM_BYTES = 8 * 1024
SHOP_NAME = "Sample Market"


@dataclass(frozen=True)
class Shop:
    """Everything a page needs."""

    settings: Settings
    sessions: Sessions
    news: News
    platform: AsyncClient
    nearby: Nearby
    tokens: Tokens


def shop_of(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def session_of(request: Request) -> Session:
    """This browser's session, read once per request. A new browser gets a cookie, but nothing is stored for it yet."""
    if not hasattr(request.state, "session"):
        cookie = request.cookies.get(cookie_name(shop_of(request).settings), "")
        found = shop_of(request).sessions.find(cookie)
        request.state.session = found or new_session()
        request.state.has_new_session = found is None
    session: Session = request.state.session
    return session


def renew_session(request: Request, customer: str | None) -> Session:
    """A session with a new id, for sign-in and sign-out. The old session is deleted; at sign-in, its cart is kept."""
    sessions = shop_of(request).sessions
    old = session_of(request)
    session = sessions.start(customer)
    if customer and not old.customer:
        sessions.keep_cart(session, sessions.cart(old))  # filled before signing in
    sessions.end(old)
    request.state.session = session
    request.state.has_new_session = True
    return session


def customer_of(request: Request) -> Customer | None:
    """The signed-in customer."""
    session = session_of(request)
    return CUSTOMERS.get(session.customer) if session.customer else None


def cart_of(request: Request) -> Cart:
    """This browser's cart. `keep_cart` stores changes."""
    return shop_of(request).sessions.cart(session_of(request))


def keep_cart(request: Request, cart: Cart) -> None:
    """Store this browser's cart. The browser must have posted a form, now or before."""
    shop_of(request).sessions.keep_cart(session_of(request), cart)


def leave_notice(request: Request, notice: str) -> None:
    """Show a notice, given by its key, on the next page of a browser that has posted a form."""
    shop_of(request).sessions.leave_notice(session_of(request), notice)


def render(request: Request, template: str, status: int = 200, notice: str | None = None, **values: object) -> Response:
    """A page. `notice`: the key of its message. Default: the message that `leave_notice` left, if any."""
    shop, session = shop_of(request), session_of(request)
    html = TEMPLATES.get_template(template).render(
        **_of_every_page(request),
        customer=customer_of(request),
        cart=shop.sessions.cart(session),
        notice=notice_for(notice or shop.sessions.take_notice(session), shop.settings),
        **values,
    )
    return _with_cookie(request, HTMLResponse(html, status))


def render_part(request: Request, template: str, **values: object) -> Response:
    """A part of an open page. Notices are left for the next whole page."""
    return HTMLResponse(TEMPLATES.get_template(template).render(**_of_every_page(request), **values))


def _of_every_page(request: Request) -> dict[str, object]:
    settings = shop_of(request).settings
    return {
        "shop_name": SHOP_NAME,
        "brand": settings.brand,
        "account_page": account_page(settings),
        "membership_name": settings.membership,
        "form_token": session_of(request).form_token,
    }


def redirect(request: Request, url: str) -> Response:
    """See Other: the browser gets `url` with GET, also after a POST."""
    return _with_cookie(request, RedirectResponse(url, status_code=303))


async def checked_form(request: Request) -> dict[str, str]:
    """The posted fields, once the form token proves that this browser's own page sent them. Raises 403 or 413.

    The session is kept from now on.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise HTTPException(413)
    form = dict(parse_qsl(body.decode("utf-8", "replace")))
    session = session_of(request)
    if not secrets.compare_digest(form.get("form_token", "").encode(), session.form_token.encode()):
        raise HTTPException(403)
    if not session.is_kept:
        request.state.session = shop_of(request).sessions.keep(session)
    return form


def cookie_name(settings: Settings) -> str:
    return "__Host-sample-market" if settings.is_https else "sample-market"


def _with_cookie(request: Request, response: Response) -> Response:
    session, settings = session_of(request), shop_of(request).settings
    if request.state.has_new_session:
        # Lax, not Strict: the redirect back from the platform must send the cookie.
        response.set_cookie(
            cookie_name(settings), session.id, httponly=True, samesite="lax", secure=settings.is_https, path="/"
        )
    return response


class SecurityHeaders:
    """The outermost layer: sets the same security headers on every response, including errors."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        # Browsers apply form-action to the redirect after a post, so the platform's origin is allowed.
        self.headers = {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            " connect-src 'self';"
            f" form-action 'self' {settings.authorize_origin}; frame-ancestors 'none'; base-uri 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if settings.is_https:
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _dollars(cents: int) -> str:
    return f"${cents // 100}.{cents % 100:02}"


def _long_date(moment: datetime | date) -> str:
    return f"{moment:%B} {moment.day}, {moment.year}"


def _day(moment: datetime | date) -> str:
    return f"{moment:%A}, {moment:%B} {moment.day}"


def _clock(moment: datetime) -> str:
    """5 pm, or 5:30 pm, without a line break."""
    minutes = f":{moment:%M}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes}\N{NO-BREAK SPACE}{'am' if moment.hour < 12 else 'pm'}"


def _moment(moment: datetime) -> str:
    """Mar 4, 5:20 pm."""
    return f"{moment:%b} {moment.day}, {_clock(moment)}"


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters.update(dollars=_dollars, long_date=_long_date, day=_day, clock=_clock, moment=_moment)
