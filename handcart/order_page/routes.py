"""The routes of orders' pages."""

from collections.abc import Sequence

from handcart.core.web.call import Reply, Route
from handcart.order_page import brand, chat, pickup, push, rating, replacements, signature, tip
from handcart.order_page.browser import OrderBrowser, of_order
from handcart.order_page.forms import form, read, say
from handcart.order_page.live import Watch
from handcart.order_page.page import show
from handcart.order_page.pictures import proof
from handcart.orders import links

_PAGE = links.PATH + "{token}"
_PICKUP = _PAGE + links.PICKUP


async def _show(browser: OrderBrowser) -> Reply:
    return await show(browser)


async def _to_pickup(browser: OrderBrowser) -> Reply:
    return browser.see_other(f"{browser.path}#pickup")


def routes(watch: Watch) -> Sequence[Route]:
    """The routes. `watch`: what open pages get their news from."""
    return (
        Route(method="GET", path=_PAGE, handler=of_order(_show)),
        Route(method="GET", path=_PICKUP, handler=of_order(_to_pickup)),
        Route(method="GET", path=brand.COLOURS + "{name}", handler=brand.stylesheet),
        Route(method="GET", path=_PAGE + "/logo", handler=of_order(brand.logo)),
        Route(method="GET", path=_PAGE + "/news", handler=of_order(watch.stream)),
        Route(method="GET", path=_PAGE + links.PHOTO, handler=of_order(proof)),
        Route(method="GET", path=_PAGE + "/items/{line_num}", handler=of_order(replacements.alternatives)),
        Route(method="POST", path=_PAGE + "/items/{line_num}", handler=form("items", replacements.post, "items")),
        Route(method="POST", path=_PAGE + "/chat", handler=say),
        Route(method="POST", path=_PAGE + "/chat/read", handler=read),
        Route(method="GET", path=_PAGE + "/pictures/{message_id}", handler=of_order(chat.picture_of)),
        Route(method="POST", path=_PICKUP + "/vehicle", handler=form("vehicle", pickup.set_vehicle, "pickup")),
        Route(method="POST", path=_PICKUP + "/delegate", handler=form("delegate", pickup.set_delegate, "pickup")),
        Route(method="POST", path=_PICKUP + "/coming", handler=form("coming", pickup.come, "pickup")),
        Route(method="POST", path=_PICKUP + "/here", handler=form("here", pickup.arrive, "")),
        Route(method="POST", path=_PAGE + "/signature", handler=form("signature", signature.post, "signature")),
        Route(method="POST", path=_PAGE + "/rating", handler=form("rating", rating.post, "rating")),
        Route(method="GET", path=_PAGE + "/worker.js", handler=of_order(push.worker)),
        Route(method="GET", path=_PAGE + "/push/key", handler=of_order(push.key)),
        Route(method="POST", path=_PAGE + "/push/shown", handler=of_order(push.shown)),
        Route(method="POST", path=_PAGE + "/push", handler=form("push", push.subscribe, "")),
        Route(method="POST", path=_PAGE + "/tip", handler=form("tip", tip.post, "tip")),
    )
