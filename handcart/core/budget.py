"""A limited number of places shared fairly: no sharer may take all, and the one with the fewest is next."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S", bound=Hashable)

_EXHAUSTED = (EMFILE, ENFILE, ENOBUFS, ENOMEM)


class Crowded(Exception):
    """This server had no place, thread or file descriptor left for a request. The receiver is not at fault."""


def is_exhausted(error: OSError | None = None) -> bool:
    """Whether the system has no descriptor or memory left: according to `error`, or by opening a file if it is None."""
    if error is None:
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as failed:
            error = failed
        else:
            return False
    return error.errno in _EXHAUSTED


def in_turns(waiting: Iterable[T], sharer_of: Callable[[T], S], held: Callable[[S], int]) -> list[T]:
    """One of each sharer, then the second of each, and so on. Sharers that hold fewer places come first."""
    of_sharers: dict[S, list[T]] = {}
    for one in waiting:
        of_sharers.setdefault(sharer_of(one), []).append(one)
    turns = [of_sharers[sharer] for sharer in sorted(of_sharers, key=held)]
    return [one for turn in zip_longest(*turns) for one in turn if one is not None]


class Budget:
    """At most `total` places in all, and at most `each` for one sharer. For one event loop.

    The last quarter of the places is reserved for sharers that hold at most an eighth of `each`, so that busy sharers
    leave room for the others.
    """

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._few = max(1, each // 8)
        self._total = total
        self._open = total - total // 4
        self._held: Counter[Hashable] = Counter()
        self._taken = 0
        self._waiting: list[tuple[Hashable, asyncio.Future[None]]] = []

    @property
    def taken(self) -> int:
        """The number of places in use."""
        return self._taken

    def held(self, sharer: Hashable) -> int:
        """The number of places that a sharer uses."""
        return self._held[sharer]

    def room(self, sharer: Hashable) -> int:
        """The number of further places that a sharer may take now."""
        held = self._held[sharer]
        usual = min(self._each - held, self._open - self._taken)
        reserved = min(self._few - held, self._total - self._taken)
        return max(0, usual, reserved)

    def take(self, sharer: Hashable) -> None:
        """Take a place; `room` must be above 0."""
        self._held[sharer] += 1
        self._taken += 1

    def give(self, sharer: Hashable) -> None:
        """Return a place. It goes to the waiting sharer with the fewest places, if that one may take more."""
        self._taken -= 1
        self._held[sharer] -= 1
        if not self._held[sharer]:
            del self._held[sharer]
        able = [one for one in self._waiting if not one[1].done() and self.room(one[0])]
        if able:
            chosen = min(able, key=lambda one: self._held[one[0]])
            self._waiting.remove(chosen)
            self.take(chosen[0])
            chosen[1].set_result(None)

    async def wait(self, sharer: Hashable) -> None:
        """Wait for a free place and take it."""
        if self.room(sharer):
            self.take(sharer)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((sharer, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(sharer)
            else:
                self._waiting.remove((sharer, turn))
            raise
