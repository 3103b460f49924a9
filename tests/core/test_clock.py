"""One source of time, in whole microseconds."""

import time
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.errors import ApiError


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


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2023-03-12T07:59:59Z", 1_678_607_999_000_000),
        ("2023-03-12T01:59:59.5-06:00", 1_678_607_999_000_000),
        (" 2023-03-12 01:59:59-0600 ", 1_678_607_999_000_000),
    ],
)
def test_time_from_the_wire_then_its_offset_counts(text: str, at: int) -> None:
    assert clock.from_wire(text, "at") == at


@pytest.mark.parametrize("text", ["2023-03-12T07:59:59", "2023-03-12", "2023-03-12T08:00", "soon", "", "1678607999"])
def test_time_without_an_offset_or_none_at_all_then_the_field_is_named(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        clock.from_wire(text, "at")
    assert (refused.value.message, refused.value.key) == ("is invalid", "at")


def test_shifted_then_now_moves_and_moves_back(later: Any) -> None:
    with later(hours=1):
        assert abs(clock.now() - (time.time_ns() // 1000 + clock.HOUR)) < clock.MINUTE
    assert abs(clock.now() - time.time_ns() // 1000) < clock.MINUTE


def test_units_then_microseconds() -> None:
    assert (clock.SECOND, clock.MINUTE, clock.HOUR, clock.DAY) == (
        1_000_000,
        60_000_000,
        3_600_000_000,
        86_400_000_000,
    )
