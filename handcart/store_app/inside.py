"""Who is in the store now: shoppers with their orders."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.web.call import Reply, Route
from handcart.store_app import board
from handcart.store_app.browser import HOME, StoreBrowser, of_person
from handcart.store_app.orders import around, shown


async def _list(browser: StoreBrowser) -> Reply:
    all_open, frame = await around(browser)
    return browser.page(
        "store_app/inside.html",
        **frame,
        people=[
            {
                **shown(browser, one.seen.order),
                "person": one.person,
                "ago": (clock.now() - one.since) // clock.MINUTE,
            }
            for one in await browser.read(board.inside, all_open)
        ],
    )


ROUTES: Sequence[Route] = (Route(method="GET", path=f"{HOME}/inside", handler=of_person(_list)),)
