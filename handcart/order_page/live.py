"""News for open pages of orders: which version of its order is the newest."""

from handcart.chat import queries as chat
from handcart.core.db import Tx
from handcart.core.ratelimit import network
from handcart.core.web import news
from handcart.core.web.call import Reply
from handcart.order_page.browser import OrderBrowser

# Open pages: of one link, of one network address (many phones share one), of one process.
MOST_OF_LINK = 8
MOST_OF_ADDRESS = 64
MOST_OF_PROCESS = 2000
LOOK_SECONDS = 0.25

# Of an order: the retailer's id and the order's number.
Key = tuple[int, int]


class Watch(news.Watch[Key]):
    """The open pages of orders of a process."""

    def __init__(self) -> None:
        super().__init__("order", chat.versions, seconds=LOOK_SECONDS, most=MOST_OF_PROCESS)

    async def stream(self, browser: OrderBrowser) -> Reply:
        """The news of one page; raises 429 if too many pages are open."""
        limits = {
            f"link {browser.token}": MOST_OF_LINK,
            f"address {network(browser.call.address)}": MOST_OF_ADDRESS,
        }
        return await self.follow((browser.retailer.id, browser.order.number), limits)


async def version_of(tx: Tx, retailer_id: int, number: int) -> str:
    """The newest version of an order."""
    return (await chat.versions(tx, [(retailer_id, number)]))[retailer_id, number]
