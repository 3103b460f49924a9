"""News for open pages of the store's app: which version of a store's work is the newest (`core.web.news`)."""

from collections.abc import Mapping, Sequence

from handcart.core.db import Tx
from handcart.core.web.call import Reply, Route
from handcart.core.web.news import Watch as WatchOf
from handcart.orders import queries as orders
from handcart.store_app.browser import HOME, StoreBrowser, of_person
from handcart.store_app.work import At

# Open pages: of one tablet, of one process.
MOST_OF_TABLET = 4
MOST_OF_PROCESS = 1000
LOOK_SECONDS = 0.5

# Of a store: the retailer's id and the store's number.
Key = tuple[int, int]


class Watch(WatchOf[Key]):
    """The open pages of the store's app of a process."""

    def __init__(self) -> None:
        super().__init__("store", versions, seconds=LOOK_SECONDS, most=MOST_OF_PROCESS)

    async def of_store(self, browser: StoreBrowser) -> Reply:
        """The news of a page of a tablet."""
        key = browser.at.retailer_id, browser.at.store_number
        return await self.follow(key, {f"tablet {browser.tablet.id}": MOST_OF_TABLET})


async def versions(tx: Tx, keys: Sequence[Key]) -> Mapping[Key, str]:
    """For each store, a text that changes whenever one of its open orders does."""
    return {key: await orders.version_of_store(tx, *key) for key in keys}


async def version_of(tx: Tx, at: At) -> str:
    """The newest version of a store's work."""
    return await orders.version_of_store(tx, at.retailer_id, at.store_number)


def routes(watch: Watch) -> Sequence[Route]:
    """The route of the stream."""
    return (Route(method="GET", path=f"{HOME}/news", handler=of_person(watch.of_store, touches=False)),)
