"""Lists are bounded by rows and by bytes."""

from collections.abc import Sequence

import pytest

from handcart.core.db import MOST_LISTED_BYTES, within


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ([], 5, 0),
        ([1] * 4, 5, 4),
        ([1] * 50, 5, 5),
        ([1] * 200, 150, 150),
        ([2 * MOST_LISTED_BYTES, 1], 5, 1),
        ([MOST_LISTED_BYTES // 2] * 9, 5, 2),
        ([MOST_LISTED_BYTES // 2, MOST_LISTED_BYTES // 2 + 1], 5, 1),
        ([10] * 30 + [MOST_LISTED_BYTES // 4] * 9, 100, 33),
        ([MOST_LISTED_BYTES // 100] * 300, 300, 100),
    ],
)
async def test_rows_of_any_size_then_read_up_to_the_limits(sizes: list[int], most: int, expected: int) -> None:
    rows = list(enumerate(sizes))
    read = 0

    async def fetch(last: tuple[int, int] | None, few: int) -> Sequence[tuple[int, int]]:
        nonlocal read
        begin = 0 if last is None else last[0] + 1
        found = rows[begin : begin + few]
        read += sum(size for _, size in found)
        return found

    assert await within(most, fetch, lambda row: row[1]) == rows[:expected]
    # What is read at a time fits as well, but for the first rows.
    assert read <= 2 * MOST_LISTED_BYTES + 20 * max(sizes, default=0)
