"""Tells open pages that something has happened to an order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from weakref import WeakValueDictionary

MOST_LISTENERS = 500
REPEAT_SECONDS = 15


class News:
    """Wakes the requests that wait for news of an order, within one process and one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Event, str] = {}
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._is_over = False

    @property
    def is_full(self) -> bool:
        return len(self._listeners) >= MOST_LISTENERS

    def tell(self, order_id: str) -> None:
        for listener, listens_for in self._listeners.items():
            if listens_for == order_id:
                listener.set()

    def end(self) -> None:
        """End all listeners."""
        self._is_over = True
        for listener in self._listeners:
            listener.set()

    async def versions(self, order_id: str, version: Callable[[], int]) -> AsyncIterator[int]:
        """The version of an order now, after each news, and at intervals, to notice browsers that have gone."""
        happened = asyncio.Event()
        self._listeners[happened] = order_id
        try:
            while not self._is_over:
                happened.clear()
                yield version()
                try:
                    async with asyncio.timeout(REPEAT_SECONDS):
                        await happened.wait()
                except TimeoutError:
                    continue
        finally:
            del self._listeners[happened]

    def asking(self, order_id: str) -> asyncio.Lock:
        """The lock of the request that asks the platform for an order; it exists while a request uses it."""
        return self._asking.setdefault(order_id, asyncio.Lock())
