"""Clocks set to the time that a test needs."""

from collections.abc import Callable, Iterator

import pytest

from handcart.core import clock
from tests.support.slots import moment


@pytest.fixture
def at(_ids: None) -> Iterator[Callable[[str], int]]:
    """`at("2027-06-10T10:07-05:00")` sets the clock to this time, from which it runs on."""

    def move(text: str) -> int:
        clock.shift(0)
        clock.shift(moment(text) - clock.now())
        return moment(text)

    yield move
    clock.shift(0)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frozen time that all code reads; the test changes it."""
    now = [moment("2027-06-10T10:00-05:00")]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    return now
