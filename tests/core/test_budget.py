"""Budgets: places that one sharer may take, places left for others, and who is next."""

import asyncio
import errno
import os
from typing import Any

import pytest

from handcart.core.budget import Budget, is_exhausted


def test_one_sharer_takes_all_it_may_then_others_have_room() -> None:
    budget = Budget(each=16, total=24)
    while budget.room("greedy"):
        budget.take("greedy")
    assert budget.held("greedy") == 16
    assert budget.room("other") == 2
    for sharer in ("b", "c", "d", "e"):
        while budget.room(sharer):
            budget.take(sharer)
    # The last quarter went by twos, an eighth of 16.
    assert [budget.held(sharer) for sharer in "bcde"] == [2, 2, 2, 2]
    assert (budget.taken, budget.room("late")) == (24, 0)


def test_several_wait_then_the_one_with_the_fewest_places_is_next() -> None:
    async def check() -> None:
        budget = Budget(each=8, total=8)
        came: list[str] = []

        async def wait(sharer: str) -> None:
            await budget.wait(sharer)
            came.append(sharer)

        while budget.room("greedy"):
            budget.take("greedy")
        for sharer in ("second", "third"):
            budget.take(sharer)
        waiting = [asyncio.create_task(wait(sharer)) for sharer in ("greedy", "greedy", "second", "new")]
        await asyncio.sleep(0)
        assert came == []
        for sharer in ("greedy", "greedy", "second", "third"):
            budget.give(sharer)
            await asyncio.sleep(0)
        assert came[0] == "new"
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(check())


def test_waits_abandoned_then_no_place_is_lost() -> None:
    async def check() -> None:
        budget = Budget(each=1, total=4)
        await budget.wait("a")
        for is_handed_first in (True, False):
            waiting = [asyncio.create_task(budget.wait("a")) for _ in range(2)]
            await asyncio.sleep(0)
            if is_handed_first:
                budget.give("a")
            for one in waiting:
                one.cancel()
            if not is_handed_first:
                budget.give("a")
            await asyncio.gather(*waiting, return_exceptions=True)
            assert (budget.taken, budget.room("a"), budget.room("b")) == (0, 1, 1)
            budget.take("a")

    asyncio.run(check())


def test_descriptors_run_out_then_the_cause_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_exhausted()
    assert is_exhausted(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    assert not is_exhausted(ConnectionRefusedError(errno.ECONNREFUSED, ""))

    def refuse(*args: Any) -> int:
        raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))

    monkeypatch.setattr(os, "open", refuse)
    assert is_exhausted()
