"""Ids made by Handcart: safe in JavaScript, rising, without a sequence."""

import re
import threading
from typing import Any

import pytest

from handcart.core import clock, ids


@pytest.fixture(autouse=True)
def _no_id_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last", 0)


def test_ids_then_below_2_to_the_53_rising_and_different() -> None:
    made = [ids.new_id() for _ in range(100_000)]
    assert made == sorted(set(made))
    assert 0 < made[0] < made[-1] < 2**53


def test_far_in_the_future_then_still_safe_in_javascript(later: Any) -> None:
    with later(days=68 * 365):
        assert ids.new_id() < 2**53


def test_clock_set_back_then_they_rise_all_the_same(later: Any) -> None:
    first = ids.new_id()
    with later(hours=-1):
        assert ids.new_id() == first + 1


def test_threads_at_once_then_all_different() -> None:
    made: list[int] = []

    def make() -> None:
        made.extend([ids.new_id() for _ in range(5000)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == len(made) == 40_000


def test_later_then_greater(later: Any) -> None:
    first = ids.new_id()
    with later(seconds=1):
        assert ids.new_id() - first > clock.SECOND // 1000 * ids._LOW // 2


def test_request_ids_then_16_hexadecimal_characters_each_its_own() -> None:
    made = {ids.new_request_id() for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(re.fullmatch("[0-9a-f]{16}", request_id) for request_id in made)


def test_a_text_is_read_as_an_id_then_only_up_to_16_ascii_digits_are_one() -> None:
    assert [ids.parse(text) for text in ("0", "7", "0012", "9" * 16)] == [0, 7, 12, 10**16 - 1]
    for wrong in ("", "-1", "+1", "1.0", " 1", "1_0", "0x1", "٣", "²", "9" * 17):
        assert ids.parse(wrong) is None, wrong
