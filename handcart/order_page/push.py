"""Push messages to the browser of the page: its subscription, and the service worker that shows them."""

from collections.abc import Mapping

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.body import json_reply
from handcart.core.web.call import Reply
from handcart.messages import push
from handcart.messages.errors import SubscriptionRefused
from handcart.messages.models import of_order
from handcart.order_page.browser import OrderBrowser, not_found
from handcart.orders import links
from handcart.orders.models import Order

_MOST_URL, _MOST_KEY = 2000, 200


class KeyAnswer(Struct):
    """The installation's public key, to which browsers subscribe."""

    key: str


async def key(browser: OrderBrowser) -> Reply:
    """The installation's public key. The first call makes it."""
    return json_reply(KeyAnswer(await browser.call.app.database.write(push.public_key)))


async def subscribe(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Store the subscription of a posted form; returns why not, or None."""
    if len(form.get("endpoint", "")) > _MOST_URL:
        return "push"
    try:
        await browser.write(_subscribe, form)
    except SubscriptionRefused:
        return "push"
    return None


async def shown(browser: OrderBrowser) -> Reply:
    """Note that a browser has shown a message. The service worker reports it, with the secret of the message."""
    reported = dict(browser.query).get("shown", "")[:_MOST_KEY]
    if not await browser.write(_confirm, reported):
        raise not_found()
    return Reply(204)


async def worker(browser: OrderBrowser) -> Reply:
    """The service worker. It lies under the order's link, so it can do nothing for other pages."""
    headers = (
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"content-security-policy", b"default-src 'none'; connect-src 'self'"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    return Reply(200, pages.static_files()["order_worker.js"].read_bytes(), headers)


async def _subscribe(tx: Tx, retailer_id: int, order: Order, form: Mapping[str, str]) -> None:
    recipient = of_order(retailer_id, order.order_id)
    keys = (form.get("p256dh", "")[:_MOST_KEY], form.get("auth", "")[:_MOST_KEY])
    await push.subscribe(tx, recipient, form.get("endpoint", ""), *keys, clock.of_process() + links.KEPT)


async def _confirm(tx: Tx, retailer_id: int, order: Order, reported: str) -> bool:
    return await push.confirm(tx, of_order(retailer_id, order.order_id), reported)
