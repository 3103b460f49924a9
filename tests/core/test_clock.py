"""One source of time, in whole microseconds."""

import time
from typing import Any

import pytest

from handcart.core import clock


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (999_999, "1970-01-01T00:00:00Z"),
        (1_678_607_999_000_000, "2023-03-12T07:59:59Z"),
        (1_678_607_999_999_999, "2023-03-12T07:59:59Z"),
        (4_102_444_800_000_000, "2100-01-01T00:00:00Z"),
    ],
)
def test_time_on_the_wire_then_utc_whole_seconds_and_z(at: int, text: str) -> None:
    assert clock.to_wire(at) == text


def test_shifted_then_now_moves_and_moves_back(later: Any) -> None:
    with later(seconds=3600):
        assert abs(clock.now() - (time.time_ns() // 1000 + clock.HOUR)) < clock.MINUTE
    assert abs(clock.now() - time.time_ns() // 1000) < clock.MINUTE


def test_units_then_microseconds() -> None:
    assert (clock.SECOND, clock.MINUTE, clock.HOUR, clock.DAY) == (
        1_000_000,
        60_000_000,
        3_600_000_000,
        86_400_000_000,
    )
