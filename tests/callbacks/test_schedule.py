"""The table of waits, and how a time that the receiver names changes it."""

import pytest

from handcart.callbacks import schedule
from handcart.core.clock import DAY, HOUR, MINUTE, SECOND

# After each failed try, as docs/callbacks.md says.
WAITS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, DAY)


def test_tries_fail_then_waits_follow_the_table_and_the_tenth_is_the_last() -> None:
    for tries, planned in enumerate(WAITS, 1):
        drawn = [schedule.wait(tries) for _ in range(200)]
        waits = [one for one in drawn if one is not None]
        assert len(waits) == 200
        assert 0.8 * planned <= min(waits) < 0.9 * planned < 1.1 * planned < max(waits) <= 1.2 * planned
    assert [schedule.wait(tries) for tries in (10, 11, 1000)] == [None] * 3
    assert schedule.wait(10, 5 * SECOND) is None


@pytest.mark.parametrize("tries", [1, 2, 9])
@pytest.mark.parametrize("asked", [0, 1, 4 * SECOND, 6 * SECOND, 290 * SECOND, 8 * MINUTE, 3 * DAY, 10**15])
def test_receiver_names_a_time_then_wait_at_least_as_planned_at_most_twice(tries: int, asked: int) -> None:
    planned = WAITS[tries - 1]
    for _ in range(50):
        wait = schedule.wait(tries, asked)
        assert wait is not None
        assert max(planned, min(asked, 2 * planned)) <= wait <= 2 * planned
