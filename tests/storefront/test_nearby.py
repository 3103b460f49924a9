"""Stores near a postal code are cached."""

import pytest
from handcart_client import BadRequest, FoundStores, ServerError

from storefront import nearby
from storefront.nearby import KEPT_SECONDS, Nearby


class Platform:
    """Finds stores, or raises `error`; `asked` are the calls."""

    def __init__(self):
        self.stores, self.asked, self.error = self, [], None

    async def find_delivery(self, *, postal_code):
        return self._find("delivery", postal_code)

    async def find_pickup(self, *, postal_code):
        return self._find("pickup", postal_code)

    def _find(self, *call):
        self.asked.append(call)
        if self.error:
            raise self.error
        return FoundStores()


async def test_asked_often_then_one_request_in_five_minutes_for_each_code():
    platform, clock = Platform(), [0.0]
    near = Nearby(platform, now=lambda: clock[0])
    calls = [("delivery", "60610"), ("pickup", "60610"), ("delivery", "M5V 2T6")]
    for seconds in (0, KEPT_SECONDS - 1):
        clock[0] = seconds
        for call in calls:
            assert await near.find(*call) == FoundStores()
        assert platform.asked == calls
    clock[0] = KEPT_SECONDS
    await near.find(*calls[0])
    assert platform.asked == [*calls, calls[0]]


async def test_code_impossible_then_not_asked_for_and_an_unknown_one_only_once():
    platform = Platform()
    near = Nearby(platform)
    for code in ("", "6061", "606100", "<b>", "M5V2T", "\N{ARABIC-INDIC DIGIT SIX}0610", "60610\n"):
        assert await near.find("delivery", code) is None
    assert platform.asked == []
    platform.error = BadRequest("is invalid", status=400)
    for _ in range(2):
        assert await near.find("delivery", "00000") is None
    assert len(platform.asked) == 1


async def test_failure_then_not_remembered_and_the_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(nearby, "MOST_KEPT", 2)
    platform = Platform()
    near = Nearby(platform)
    platform.error = ServerError("down", status=503)
    with pytest.raises(ServerError):
        await near.find("delivery", "60610")
    platform.error = None
    for code in ("60610", "60611", "60612", "60610", "60612"):
        await near.find("delivery", code)
    assert [code for _, code in platform.asked[1:]] == ["60610", "60611", "60612", "60610"]
