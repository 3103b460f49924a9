"""A clock that stands where a test needs it."""

from collections.abc import Callable, Iterator

import pytest

from handcart.core import clock
from tests.support.slots import moment


@pytest.fixture
def at(_ids: None) -> Iterator[Callable[[str], int]]:
    """`at("2027-06-10T10:07-05:00")` makes this the time of day; from there the clock goes on."""

    def move(text: str) -> int:
        clock.shift(0)
        clock.shift(moment(text) - clock.now())
        return moment(text)

    yield move
    clock.shift(0)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The one moment that everybody reads; a test moves it by hand."""
    now = [moment("2027-06-10T10:00-05:00")]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    return now
