"""The table of waits, and how `Retry-After` changes it."""

import random
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handcart.callbacks import schedule
from handcart.core.clock import DAY, HOUR, MINUTE, SECOND, from_wire

NOW = from_wire("2026-03-04T17:20:03Z", "") + SECOND // 2
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


def http_date(moment: int) -> str:
    return format_datetime(datetime.fromtimestamp(moment // SECOND, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("0", 0),
        (" 120 ", 120 * SECOND),
        ("1000000000", 10**9 * SECOND),
        ("9" * 60_000, 999_999_999_999 * SECOND),
        (http_date(NOW + HOUR), HOUR),
        (http_date(NOW - HOUR), 0),
        ("Wed, 04 Mar 2026 18:20:03 +0100", 0),
        ("Wed, 04 Mar 2026 17:20:33 -0000", 30 * SECOND),
        ("Fri, 31 Dec 9999 23:59:59 -2359", ...),
        *((garbage, None) for garbage in ("", "-1", "+5", "1.5", "1e9", "5 s", "soon", "\u00b2", "\u0665", "0x10")),
        *((garbage, None) for garbage in ("Wed, 99 Mar 2026 17:20:03 GMT", "Wed, 04 Mar 2026 99:99:99 GMT", "\xff")),
        *((garbage * 60_000, None) for garbage in ("(", ",", "x ", ": ", "-")),
    ],
)
def test_retry_after_has_any_form_then_it_is_a_number_a_date_or_nothing(value: str, asked: object) -> None:
    for status in (429, 503):
        read = schedule.retry_after(status, value, NOW)
        assert read is not None if asked is ... else read == asked
    assert {schedule.retry_after(status, value, NOW) for status in (200, 301, 400, 401, 410, 500, 502, 504)} == {None}
    assert schedule.retry_after(429, None, NOW) is None


@given(st.text("0123456789:+-,; GMTFriMarUTC\0\xff", max_size=40) | st.text(max_size=20))
def test_retry_after_fuzzed_then_never_negative_and_never_an_error(value: str) -> None:
    asked = schedule.retry_after(503, value, NOW)
    assert asked is None or asked >= 0
    wait = schedule.wait(random.randint(1, 9), asked)
    assert wait is not None
    assert 0 < wait <= 2 * DAY
