"""Slot ids: what goes in comes out, and nothing of it means anything at another retailer."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handcart.core import clock
from handcart.slots import option_ids
from handcart.slots.models import ETA, IMMEDIATE, PRIORITY_ETA, SCHEDULED
from handcart.slots.option_ids import Option
from handcart.stores.models import KINDS, MOST_STORES

EPOCH = 1_767_225_600 * clock.SECOND  # 2026-01-01
MOST_MINUTES = (1 << 26) - 1
LAST = EPOCH + MOST_MINUTES * clock.MINUTE
STEP = {SCHEDULED: clock.HOUR, IMMEDIATE: 5 * clock.MINUTE, ETA: 5 * clock.MINUTE, PRIORITY_ETA: 5 * clock.MINUTE}


@st.composite
def options(draw: st.DrawFn) -> Option:
    type_ = draw(st.sampled_from(list(STEP)))
    starts_at = EPOCH + draw(st.integers(0, MOST_MINUTES)) * clock.MINUTE
    ends_at = starts_at + draw(st.integers(1, 63)) * STEP[type_]
    return Option(draw(st.integers(0, MOST_STORES - 1)), draw(st.sampled_from(KINDS)), type_, starts_at, ends_at)


RETAILERS = st.integers(1, 2**53 - 1)


@given(RETAILERS, options())
@example(1, Option(0, "delivery", SCHEDULED, EPOCH, EPOCH + clock.HOUR))
@example(1, Option(MOST_STORES - 1, "last_mile", SCHEDULED, LAST, LAST + 63 * clock.HOUR))
def test_when_an_option_is_encoded_then_the_id_says_the_same_and_is_safe_in_javascript(
    retailer_id: int, option: Option
) -> None:
    option_id = option_ids.encode(retailer_id, option)
    assert 0 <= option_id < 2**53
    assert option_ids.decode(retailer_id, option_id) == option


@given(RETAILERS, st.integers(0, 2**53 - 1))
def test_when_any_number_says_an_option_then_no_other_number_says_the_same(retailer_id: int, number: int) -> None:
    option = option_ids.decode(retailer_id, number)
    assert option is None or option_ids.encode(retailer_id, option) == number


@given(RETAILERS, options())
def test_when_ids_are_made_by_the_hour_then_they_are_the_same(retailer_id: int, option: Option) -> None:
    hours = (option.ends_at - option.starts_at) // STEP[option.type]
    scheduled = Option(
        option.store_number, option.kind, SCHEDULED, option.starts_at, option.starts_at + hours * clock.HOUR
    )
    starts = [option.starts_at, option.starts_at + clock.HOUR]
    found = option_ids.hourly(retailer_id, option.store_number, option.kind, hours, starts)
    assert found[0] == option_ids.encode(retailer_id, scheduled)
    assert len(set(found)) == 2


@pytest.mark.parametrize("number", [-1, -(2**53), 2**53, 2**63 - 1, 2**63, 2**64, 10**100])
def test_when_a_number_has_more_than_53_bits_then_it_says_nothing(number: int) -> None:
    assert option_ids.decode(1, number) is None


def test_when_ids_come_from_another_retailer_then_they_say_nothing_usable() -> None:
    """Usable: one of a hundred stores, and a window that a list of this week could hold."""
    random = Random(5)
    now = EPOCH + 400 * clock.DAY
    usable = 0
    for _ in range(20_000):
        ours, theirs = random.randrange(2**53), random.randrange(2**53)
        begin = now + random.randrange(7 * 24) * clock.HOUR
        option = Option(random.randrange(1, 101), random.choice(KINDS), SCHEDULED, begin, begin + 2 * clock.HOUR)
        read = option_ids.decode(ours, option_ids.encode(theirs, option))
        usable += read is not None and 1 <= read.store_number <= 100 and now <= read.starts_at < now + 7 * clock.DAY
    assert usable == 0


def test_when_ids_of_neighbours_are_drawn_then_they_look_like_nothing_in_common() -> None:
    """No counting on from one id to the next one: neither the store's, nor the hour's, nor the retailer's."""
    base = Option(7, "delivery", SCHEDULED, EPOCH, EPOCH + 2 * clock.HOUR)
    later = [EPOCH + hours * clock.HOUR for hours in range(500)]
    ids = [option_ids.encode(1, Option(7, "delivery", SCHEDULED, at, at + 2 * clock.HOUR)) for at in later]
    ids += [option_ids.encode(1, Option(store, base.kind, base.type, EPOCH, base.ends_at)) for store in range(500)]
    ids += [option_ids.encode(retailer_id, base) for retailer_id in range(2, 502)]
    assert len(set(ids)) == len(ids) - 1  # store 7 is there twice
    near = sum(abs(one - other) < 2**40 for one, other in pairwise(ids))
    assert near < 20
