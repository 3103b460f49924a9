"""The browser of a customer who has the link of an order. The link is the proof, so there is no session."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Concatenate

from handcart.core import errors, ratelimit
from handcart.core.db import P, T, Tx
from handcart.core.ratelimit import Limit
from handcart.core.secret import matches
from handcart.core.web import pages
from handcart.core.web.browser import Browser, PageRefused, form_expired
from handcart.core.web.call import Call, Handler, Reply
from handcart.orders import links
from handcart.orders import ops as orders
from handcart.orders.models import Order
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer

_LOCALE = "order_locale"
_KEPT_SECONDS = 30 * 86_400
# Posts of one link. A person needs far fewer.
_MOST_WRITES = Limit(300, 86_400)


class OrderBrowser(Browser):
    """A browser with the link of `order`, an order of `retailer`. Made by `of_link`."""

    locales = pages.LOCALES_WITH_SPANISH
    # The page fetches itself and its news, and has a service worker for push messages.
    policy = "; connect-src 'self'; worker-src 'self'"

    def __init__(self, call: Call, retailer: Retailer, order: Order) -> None:
        super().__init__(call)
        self.retailer = retailer
        self.order = order
        self.token = call.path["token"]
        self.path = links.PATH + self.token
        self.locale = self._chosen_locale()

    def form_token(self, *subject: str) -> str:
        """The token for a form about `subject` on this order's page."""
        return self.call.app.keys.form_token("order page", self.token, *subject)

    async def posted(self, *subject: str) -> dict[str, str]:
        """The fields of a posted form; refuses a form that does not come from this order's page."""
        form = await self.form()
        self.check_form(form, *subject)
        return form

    def check_form(self, form: Mapping[str, str], *subject: str) -> None:
        """Refuse a form that was not made for this order's page and this subject."""
        if not matches(form.get("form_token", ""), self.form_token(*subject)):
            raise form_expired()

    async def write(
        self, op: Callable[Concatenate[Tx, int, Order, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an op on the locked order in one transaction, if the link still works then."""

        async def locked(tx: Tx) -> T:
            wait = await ratelimit.count(tx, f"order page:{self.retailer.id}:{self.order.number}", _MOST_WRITES)
            if wait:
                raise errors.too_many_requests(wait)
            order = await orders.lock(tx, self.retailer.id, self.order.order_id)
            if await links.find(tx, self.token) is None:
                raise not_found()
            return await op(tx, self.retailer.id, order, *args, **kwargs)

        return await self.call.app.database.write(locked)

    def done(self, what: str, section: str = "") -> Reply:
        """Lead back to the page after a form did its work; the page says what was done, and shows the section."""
        return self.see_other(f"{self.path}?done={what}{f'#{section}' if section else ''}")

    def page(self, template: str, status: int = 200, form_action: str | None = None, **context: Any) -> Reply:
        """An HTML response that search engines do not keep."""
        shared = {
            "retailer": self.retailer.name,
            "colour": (self.retailer.rules.page_colour or "").removeprefix("#"),
            "site_url": self.retailer.rules.site_url,
            "path": self.path,
            "locale_links": [
                (tag, name, f"{self.path}?locale={tag}", tag == self.locale) for tag, name in self.locales.items()
            ],
        }
        reply = super().page(template, status, form_action, **{**shared, **context})
        reply.headers = [*reply.headers, (b"x-robots-tag", b"noindex, nofollow")]
        return reply

    def _chosen_locale(self) -> str:
        """The language that this browser chose, else the order's, else the browser's."""
        asked = dict(self.query).get("locale", "")
        if asked in self.locales:
            self.set_cookie(_LOCALE, asked, links.PATH, _KEPT_SECONDS)
        wanted = asked or self.cookie(_LOCALE, links.PATH) or self.order.details.locale
        return pages.choose_locale(self.call.header(b"accept-language"), wanted, self.locales)


async def of_link(call: Call) -> OrderBrowser:
    """The browser of a call whose path has an order's link. From now on the clock is the retailer's.

    Raises 404 for a link that names no order or has ended, and if the retailer's orders have no page.
    """
    retailer, order = await call.app.database.read(_find, call)
    call.hook_data = None  # not a call of the retailer's client, so its faults and its log do not concern it
    return OrderBrowser(call, retailer, order)


async def _find(tx: Tx, call: Call) -> tuple[Retailer, Order]:
    token = call.path["token"]
    owner = await links.owner(tx, token)
    if owner is None:
        raise not_found()
    await call.use_clock_of(tx, owner[0])
    found = await links.find(tx, token)
    retailer = await retailers.retailer(tx, owner[0])
    if found is None or not retailer.rules.order_page:
        raise not_found()
    return retailer, found[1]


def of_order(handler: Callable[[OrderBrowser], Awaitable[Reply]]) -> Handler:
    """A route's handler that calls `handler` with the browser of the order that the link names."""

    async def handle(call: Call) -> Reply:
        return await handler(await of_link(call))

    return handle


def not_found() -> PageRefused:
    """The link names no order, or it has ended."""
    return PageRefused(404, "order_link")
