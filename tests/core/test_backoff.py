"""What a receiver's `Retry-After` means, and how it changes a planned wait."""

import random
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handcart.core.backoff import retry_after, wait
from handcart.core.clock import DAY, HOUR, SECOND, from_wire

NOW = from_wire("2026-03-04T17:20:03Z", "") + SECOND // 2
WAITS = (5 * SECOND, HOUR, DAY)


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
        read = retry_after(status, [("Retry-After", value)], NOW)
        assert read is not None if asked is ... else read == asked
    others = (200, 301, 400, 401, 410, 500, 502, 504)
    assert {retry_after(status, [("Retry-After", value)], NOW) for status in others} == {None}
    assert retry_after(429, [], NOW) is None
    assert retry_after(429, [("retry-after", value)] * 2, NOW) is None


@given(st.text("0123456789:+-,; GMTFriMarUTC\0\xff", max_size=40) | st.text(max_size=20))
def test_retry_after_fuzzed_then_never_negative_and_never_an_error(value: str) -> None:
    asked = retry_after(503, [("retry-after", value)], NOW)
    assert asked is None or asked >= 0
    drawn = wait(WAITS, random.randint(1, 3), asked)
    assert drawn is not None
    assert 0 < drawn <= 2 * DAY
