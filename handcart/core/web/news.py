"""News for open pages: server-sent events that say which version of what a page shows is the newest.

A page that has another version fetches itself again. So no news is lost: each stream begins with the newest version.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from msgspec import Struct

from handcart.core import errors, log
from handcart.core.db import Database, Tx
from handcart.core.web.call import Reply, Write

HEARTBEAT_SECONDS = 15
# Between two looks whether the readers of open pages may still follow them.
ALLOWED_SECONDS = 20
_RETRY_MILLISECONDS = 3000
# After a failure of the database.
_PAUSE_SECONDS = 2
_HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"x-accel-buffering", b"no"),  # nginx passes each piece on at once
)

Key = TypeVar("Key")
# Returns the newest version of what each of these keys names.
Versions = Callable[[Tx, Sequence[Key]], Awaitable[Mapping[Key, str]]]


class _Page(Struct, eq=False):
    """An open page. `news` is set when `version` changes, or when the stream `is_over`."""

    version: str
    news: asyncio.Event
    may: Callable[[], Awaitable[bool]] | None = None
    is_over: bool = False


class Watch(Generic[Key]):
    """The open pages of a process. As long as there are any, one task looks for new versions of what they show."""

    def __init__(self, event: str, versions: Versions[Key], *, seconds: float, most: int) -> None:
        """`event`: the name of the events. `seconds`: between two looks. `most`: open pages of the process."""
        self._event = event
        self._versions = versions
        self._seconds = seconds
        self._most = most
        self._pages: dict[Key, set[_Page]] = {}
        self._holders: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._asked_at = 0.0
        self._database: Database

    async def open(self, database: Database) -> None:
        """The server starts."""
        self._database = database

    async def close(self) -> None:
        """The server stops."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def follow(
        self, key: Key, limits: Mapping[str, int], may: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply:
        """The news of one page, which shows what `key` names; raises 429 if too many pages are open.

        `limits`: the maximum of open pages for each holder of this one, such as its person and its network address.
        `may`: whether its reader may still follow it; the stream ends within half a minute after that is no longer so.
        """
        if self._is_full(limits):
            raise errors.too_many_requests(_RETRY_MILLISECONDS // 1000)
        version = (await self._database.read(self._versions, [key]))[key]

        async def news(write: Write) -> None:
            if self._is_full(limits):  # many came at once: the stream ends, and the browser tries again
                return
            self._holders.update(limits.keys())
            page = _Page(version, asyncio.Event(), may)
            self._pages.setdefault(key, set()).add(page)
            self._look()
            try:
                await self._tell(page, write)
            finally:
                self._forget(key, page, limits)

        return Reply(200, b"", _HEADERS, stream=news)

    def _is_full(self, limits: Mapping[str, int]) -> bool:
        return sum(map(len, self._pages.values())) >= self._most or any(
            self._holders[holder] >= most for holder, most in limits.items()
        )

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        """Look for new versions as long as a page is open."""
        while self._pages:
            try:
                await self._end_forbidden()
                there = await self._database.read(self._versions, list(self._pages))
            except Exception as error:  # the pages stay open, and get the news when the database is back
                log.exception("news failed", error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for key, version in there.items():
                for page in self._pages.get(key, ()):
                    if page.version != version:
                        page.version = version
                        page.news.set()
            await asyncio.sleep(self._seconds)

    async def _end_forbidden(self) -> None:
        """End the streams whose readers may no longer follow them."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at < ALLOWED_SECONDS:
            return
        self._asked_at = now
        for page in [page for pages in self._pages.values() for page in pages]:
            if page.may is not None and not await page.may():
                page.is_over = True
                page.news.set()

    async def _tell(self, page: _Page, write: Write) -> None:
        """Write the page's version now and at each change, and a comment in each 15 silent seconds, for proxies."""
        await write(f"retry: {_RETRY_MILLISECONDS}\n".encode() + self._said(page.version))
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await page.news.wait()
            except TimeoutError:
                await write(b": still here\n\n")
                continue
            if page.is_over:
                return
            page.news.clear()
            await write(self._said(page.version))

    def _said(self, version: str) -> bytes:
        return f"event: {self._event}\nid: {version}\ndata: {version}\n\n".encode()

    def _forget(self, key: Key, page: _Page, limits: Mapping[str, int]) -> None:
        pages = self._pages[key]
        pages.discard(page)
        if not pages:
            del self._pages[key]
        self._holders.subtract(limits.keys())
        for holder in limits:
            if not self._holders[holder]:
                del self._holders[holder]
