"""The pictures on an order's page. Everybody with the link may see them."""

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.web.call import Reply
from handcart.order_page.browser import OrderBrowser
from handcart.orders import proof as proofs
from handcart.pictures import queries
from handcart.pictures.models import Picture


async def proof(browser: OrderBrowser) -> Reply:
    """The photo of the delivery; 404 if there is none, or nobody may learn about the shopper."""
    if browser.retailer.rules.shopper_information_removal:
        raise errors.not_found()
    return await browser.call.app.database.read(_proof, browser)


async def _proof(tx: Tx, browser: OrderBrowser) -> Reply:
    picture = await proofs.photo(tx, browser.order)
    if picture is None:
        raise errors.not_found()
    return await reply(tx, picture)


async def reply(tx: Tx, picture: Picture) -> Reply:
    """A picture, for the browser that asked for it and for nobody else."""
    headers = (
        (b"content-type", b"image/jpeg"),
        (b"content-disposition", b"inline"),
        (b"content-security-policy", b"default-src 'none'"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-robots-tag", b"noindex, nofollow"),
    )
    return Reply(200, await queries.jpeg(tx, picture), headers)
