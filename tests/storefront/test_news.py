"""Listeners are woken once for all news of the order, and do not delay the end."""

import asyncio

from storefront import news
from storefront.news import News


async def test_news_while_busy_then_the_next_version_is_the_latest():
    bulletin, version = News(), [0]
    versions = bulletin.versions("SM-1", lambda: version[0])
    assert await anext(versions) == 0
    for _ in range(3):
        version[0] += 1
        bulletin.tell("SM-1")
    assert await anext(versions) == 3
    waits = asyncio.ensure_future(anext(versions, "over"))
    bulletin.tell("SM-2")
    await asyncio.sleep(0)
    assert not waits.done()
    bulletin.end()
    assert await waits == "over"
    assert [each async for each in bulletin.versions("SM-1", lambda: 9)] == []


async def test_no_news_then_the_same_version_is_said_again(monkeypatch):
    monkeypatch.setattr(news, "REPEAT_SECONDS", 0)
    versions = News().versions("SM-1", lambda: 7)
    assert [await anext(versions) for _ in range(3)] == [7, 7, 7]


async def test_most_listeners_then_full_until_one_leaves(monkeypatch):
    monkeypatch.setattr(news, "MOST_LISTENERS", 2)
    bulletin = News()
    listeners = [bulletin.versions("SM-1", lambda: 0) for _ in range(2)]
    for listener in listeners:
        assert not bulletin.is_full
        await anext(listener)
    assert bulletin.is_full
    await listeners[0].aclose()
    assert not bulletin.is_full


async def test_two_ask_for_one_order_then_one_waits():
    bulletin = News()
    async with bulletin.asking("SM-1"):
        assert bulletin.asking("SM-1").locked()
        assert not bulletin.asking("SM-2").locked()
    assert not bulletin.asking("SM-1").locked()
