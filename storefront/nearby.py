"""Stores near a postal code, cached for a while: anybody may search for them, and the platform limits calls."""

import re
import time
from collections.abc import Callable

from handcart_client import AsyncClient, BadRequest, FoundStores

from storefront.carts import PICKUP

POSTAL_CODE = re.compile(r"[0-9]{5}(-[0-9]{4})?|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]")  # of the US, of Canada
KEPT_SECONDS = 5 * 60
MOST_KEPT = 1000


class Nearby:
    """Asks the platform for stores. `now`: a monotonic clock in seconds."""

    def __init__(self, platform: AsyncClient, now: Callable[[], float] = time.monotonic) -> None:
        self._stores = platform.stores
        self._now = now
        self._kept: dict[tuple[str, str], tuple[float, FoundStores | None]] = {}  # the oldest first

    async def find(self, kind: str, postal_code: str) -> FoundStores | None:
        """The stores for delivery or pickup, at most `KEPT_SECONDS` old; None for a postal code that does not exist.

        Raises ConnectError if the platform does not answer.
        """
        if not POSTAL_CODE.fullmatch(postal_code):
            return None
        key = (kind, postal_code)
        if key in self._kept and self._now() - self._kept[key][0] < KEPT_SECONDS:
            return self._kept[key][1]
        found = await self._ask(kind, postal_code)
        self._kept.pop(key, None)
        self._kept[key] = (self._now(), found)
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return found

    async def _ask(self, kind: str, postal_code: str) -> FoundStores | None:
        """https://docs.instacart.com/connect/api/fulfillment/delivery/find_stores, .../pickup/find_stores"""
        find = self._stores.find_pickup if kind == PICKUP else self._stores.find_delivery
        try:
            return await find(postal_code=postal_code)
        except BadRequest:
            return None
