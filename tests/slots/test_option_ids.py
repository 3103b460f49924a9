"""Slot ids: decoding returns what was encoded, and other numbers are rejected."""

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handcart.core import clock
from handcart.core.secret import Keys
from handcart.slots import option_ids
from handcart.slots.models import IMMEDIATE, SCHEDULED, WINDOW
from handcart.slots.option_ids import Offer, Option
from handcart.stores.models import DELIVERY, MOST_STORES, PICKUP

KEY = b"k" * 32
NOW = clock.from_wire("2027-06-11T00:50:00Z", "")
SCHEDULED_OFFER = Offer(DELIVERY, SCHEDULED, WINDOW)
OFFERS = option_ids._OFFERS
GOLDEN = 6_790_811_064_608_158


@st.composite
def options(draw: st.DrawFn) -> Option:
    """Options whose time lies where ids are looked for: a quarter of 2**13 steps before now, the rest after."""
    offer = draw(st.sampled_from(OFFERS))
    starts_at = (NOW // offer.step + draw(st.integers(-(2**11), 2**13 - 2**11 - 1))) * offer.step
    return Option(draw(st.integers(0, MOST_STORES - 1)), offer, starts_at)


RETAILERS = st.integers(1, 2**53 - 1)


@given(RETAILERS, options())
@example(1, Option(0, OFFERS[0], NOW // clock.HOUR * clock.HOUR))
@example(1, Option(MOST_STORES - 1, OFFERS[-1], NOW // clock.HOUR * clock.HOUR))
def test_option_encoded_then_the_id_decodes_and_is_safe_in_javascript(retailer_id: int, option: Option) -> None:
    option_id = option_ids.encode(KEY, retailer_id, option)
    assert 0 <= option_id < 2**53
    assert option_ids.decode(KEY, retailer_id, option_id, NOW) == option
    assert option_ids.series(KEY, retailer_id, option.store_number, option.offer, (option.starts_at,)) == (option_id,)


def test_secret_key_the_same_then_the_same_ids_in_every_release() -> None:
    """A change here means that every id that is out is refused: say so in the changelog."""
    key = Keys(b"a secret key of 32 or more letters").slot_key
    option = Option(7, SCHEDULED_OFFER, NOW)
    assert option_ids.encode(key, 1, option) == GOLDEN
    assert option_ids.decode(key, 1, GOLDEN, NOW) == Option(7, SCHEDULED_OFFER, NOW // clock.HOUR * clock.HOUR)


@pytest.mark.parametrize("hours", [[], [0], range(200), [*range(40), *range(90, 92)], range(2**13 - 5, 2**13 + 5)])
def test_ids_are_made_in_a_series_then_they_are_the_same_one_by_one(hours: list[int]) -> None:
    starts = tuple(NOW // clock.HOUR // 2**13 * 2**13 * clock.HOUR + hour * clock.HOUR for hour in hours)
    found = option_ids.series(KEY, 1, 7, SCHEDULED_OFFER, starts)
    assert found == tuple(option_ids.encode(KEY, 1, Option(7, SCHEDULED_OFFER, at)) for at in starts)
    assert len(set(found)) == len(starts)


@pytest.mark.parametrize("number", [-1, -(2**53), 2**53, 2**63 - 1, 2**63, 2**64, 10**100])
def test_number_of_more_than_53_bits_then_it_decodes_to_none(number: int) -> None:
    assert option_ids.decode(KEY, 1, number, NOW) is None


def test_numbers_made_up_then_almost_none_decodes_and_none_to_a_real_slot() -> None:
    """There: at one of a hundred stores, within the next week. Each number has a tag of 16 bits to guess.

    Made up: at random, from a listed id by changing some of its bits, and from listed ids by what they have in common.
    """
    random = Random(5)
    listed = option_ids.series(KEY, 1, 7, SCHEDULED_OFFER, tuple(NOW + hour * clock.HOUR for hour in range(168)))
    made_up = [random.randrange(2**53) for _ in range(30_000)]
    made_up += [random.choice(listed) ^ random.randrange(1, 2**53) >> random.randrange(53) for _ in range(30_000)]
    made_up += [random.choice(listed) ^ random.choice(listed) ^ random.choice(listed) for _ in range(30_000)]
    made_up += [option_id + distance for option_id in listed for distance in range(-90, 90)]
    known = set(listed)
    read = [option_ids.decode(KEY, 1, number, NOW) for number in made_up if number not in known]
    told = [option for option in read if option is not None]
    assert len(read) > 110_000
    assert len(told) <= 12  # 2 are to be expected; more than 12 come once in ten million keys
    assert not [one for one in told if one.store_number <= 100 and 0 <= one.starts_at - NOW < 7 * clock.DAY]


def test_tag_is_tried_for_one_slot_then_one_of_all_is_right() -> None:
    option_id = option_ids.encode(KEY, 1, Option(7, SCHEDULED_OFFER, NOW))
    tried = [option_id & ~0xFFFF | tag for tag in range(0, 1 << 16, 7)]
    assert sum(option_ids.decode(KEY, 1, number, NOW) is not None for number in tried) <= 1
    assert option_ids.decode(KEY, 1, option_id, NOW) is not None


@pytest.mark.parametrize("years", [1, 5, 50])
def test_id_is_years_old_then_it_does_not_stand_for_a_new_time(years: int) -> None:
    """Its time comes again after 2**13 hours; the tag tells both apart."""
    rounds = years * 365 * 24 // 2**13 + 1
    old = [option_ids.encode(KEY, 1, Option(7, SCHEDULED_OFFER, NOW + hour * clock.HOUR)) for hour in range(100)]
    now = NOW + rounds * 2**13 * clock.HOUR
    assert [option_ids.decode(KEY, 1, option_id, now) for option_id in old] == [None] * 100
    assert option_ids.decode(KEY, 1, old[0], NOW + 80 * clock.DAY) is not None


def test_ids_of_another_retailer_or_installation_then_they_decode_to_none() -> None:
    random = Random(6)
    for _ in range(2000):
        ours, theirs = random.randrange(2**53), random.randrange(2**53)
        option = Option(random.randrange(1, 101), random.choice(OFFERS), NOW)
        option_id = option_ids.encode(KEY, theirs, option)
        assert option_ids.decode(KEY, ours, option_id, NOW) is None
        assert option_ids.decode(Keys(b"another secret key of 32 letters").slot_key, theirs, option_id, NOW) is None


def test_offer_encoded_otherwise_then_earlier_ids_decode_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade may give another offer the number of an old one."""
    ids = [option_ids.encode(KEY, 1, Option(7, offer, NOW)) for offer in OFFERS]
    monkeypatch.setattr(option_ids, "_OFFERS", OFFERS[::-1])
    monkeypatch.setattr(option_ids, "_WORDS", option_ids._WORDS[::-1])
    option_ids._tags.cache_clear()
    found = [option_ids.decode(KEY, 1, option_id, NOW) for option_id in ids]
    option_ids._tags.cache_clear()
    assert found == [None] * len(ids)


def test_cart_has_alcohol_or_a_lead_is_ignored_then_the_id_says_so() -> None:
    for offer in (
        Offer(PICKUP, SCHEDULED, WINDOW, has_alcohol=True),
        Offer(PICKUP, SCHEDULED, WINDOW, ignores_lead=True),
        Offer(PICKUP, IMMEDIATE, WINDOW, has_alcohol=True),
    ):
        option = option_ids.decode(KEY, 1, option_ids.encode(KEY, 1, Option(7, offer, NOW)), NOW)
        assert option is not None
        assert option.offer == offer
