"""The streams of the console's open pages."""

from collections.abc import Mapping, Sequence

from handcart.console import news, order
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core.ratelimit import network
from handcart.core.web.call import Reply, Route
from handcart.core.web.news import Watch as WatchOf
from handcart.staff import roles

# Open pages: of one person, of one network address, of one process.
MOST_OF_PERSON = 16
MOST_OF_ADDRESS = 64
MOST_OF_PROCESS = 1000
LOOK_SECONDS = 0.5


class Watch(WatchOf[news.Key]):
    """The open pages of the console of a process."""

    def __init__(self) -> None:
        super().__init__("version", news.versions, seconds=LOOK_SECONDS, most=MOST_OF_PROCESS)

    async def of_orders(self, browser: PersonBrowser) -> Reply:
        """The news of a page that shows many orders: of those that the person may see."""
        actor = browser.actor
        roles.require(actor, "see_orders", actor.retailer_id, actor.store_number)
        return await self.follow((actor.retailer_id or 0, 0), _limits(browser), browser.is_still)

    async def of_order(self, browser: PersonBrowser) -> Reply:
        """The news of an order's page."""
        row = await order.row_of(browser)
        return await self.follow((row.retailer_id, row.number), _limits(browser), browser.is_still)


def _limits(browser: PersonBrowser) -> Mapping[str, int]:
    return {
        f"person {browser.actor.id}": MOST_OF_PERSON,
        f"address {network(browser.call.address)}": MOST_OF_ADDRESS,
    }


def routes(watch: Watch) -> Sequence[Route]:
    """The routes of the streams."""
    return (
        Route(method="GET", path=news.PATH, handler=signed_in(watch.of_orders)),
        Route(method="GET", path=order.PATH + news.OF_ORDER, handler=signed_in(watch.of_order)),
    )
