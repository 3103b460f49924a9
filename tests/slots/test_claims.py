"""Orders that take holds: claims of expired holds and of holds made by earlier releases."""

from typing import Any

import pytest

from handcart.slots import ops
from handcart.slots.models import SCHEDULED
from handcart.slots.plans import Plan
from tests.slots.holding import FULL, caller, holds
from tests.slots.lists import NOW
from tests.support.shop import Shop, error
from tests.support.slots import counters, first, moment, reserve, stock


def test_hold_was_made_before_ids_had_tags_then_an_order_takes_it(shop: Shop, at: Any) -> None:
    """Such ids say nothing any more: the hold itself keeps the slot."""
    at(NOW)
    stock(shop)
    user, old = shop.user(), 5_512_209_123_456
    kept = reserve(shop, user, first(shop)).json()["service_option_hold"]["id"]
    shop.server.sql("UPDATE holds SET option_id = $1 WHERE retailer_id = $2", old, shop.retailer.id)
    slot = shop.server.read(ops.held_slot, caller(shop), user, kept)
    booking = shop.server.write(ops.claim, caller(shop), user, kept, slot)
    assert (booking.window.starts_at, booking.window.type) == (moment("2027-06-10T12:00-05:00"), SCHEDULED)
    assert counters(shop) == [(10, 0, 1)]
    assert error(reserve(shop, user, old)) == FULL


def test_expired_hold_is_still_counted_then_an_order_books_its_place(shop: Shop, at: Any) -> None:
    user, kept = _held_at_eleven(shop, at)
    at("2027-06-10T10:40:00-05:00")
    assert counters(shop) == [(1, 1, 0)]
    _claim(shop, user, kept)
    assert counters(shop) == [(1, 0, 1)]


def test_expired_hold_lost_its_place_then_an_order_is_refused(shop: Shop, at: Any) -> None:
    user, kept = _held_at_eleven(shop, at)
    at("2027-06-10T10:40:00-05:00")
    reserve(shop, shop.user(), first(shop)).raise_for_status()
    with pytest.raises(Exception, match="Service option is not available"):
        _claim(shop, user, kept)
    assert sorted(is_counted for _, is_counted in holds(shop)) == [False, True]
    assert counters(shop) == [(1, 1, 0)]


def test_expired_hold_lost_its_place_and_one_is_free_again_then_booked(shop: Shop, at: Any) -> None:
    user, kept = _held_at_eleven(shop, at)
    at("2027-06-10T10:40:00-05:00")
    _taken_and_released(shop)
    _claim(shop, user, kept)
    assert counters(shop) == [(1, 0, 1)]


def test_window_begins_before_the_hold_expires_then_an_order_takes_it(shop: Shop, at: Any) -> None:
    user, kept = _held_at_eleven(shop, at, "2027-06-10T10:51:00-05:00")
    at("2027-06-10T11:00:30-05:00")
    _claim(shop, user, kept)
    assert counters(shop) == [(1, 0, 1)]


def test_uncounted_hold_expired_and_its_window_begun_then_not_booked(shop: Shop, at: Any) -> None:
    user, kept = _held_at_eleven(shop, at)
    at("2027-06-10T10:40:00-05:00")
    _taken_and_released(shop)
    at("2027-06-10T11:00:59-05:00")
    with pytest.raises(Exception, match="Service option is expired"):
        _claim(shop, user, kept)
    assert holds(shop) == [(user, False)]
    assert counters(shop) == [(1, 0, 0)]


def test_counted_hold_expired_and_its_window_begun_then_not_booked(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(lead_minutes=0))
    user, option_id = shop.user(), first(shop)
    kept = reserve(shop, user, option_id).json()["service_option_hold"]["id"]
    at("2027-06-10T11:30:00-05:00")
    slot = shop.server.read(ops.held_slot, caller(shop), user, kept)
    with pytest.raises(Exception, match="Service option is expired"):
        shop.server.write(ops.claim, caller(shop), user, kept, slot)
    assert counters(shop) == [(10, 1, 0)]


def _held_at_eleven(shop: Shop, at: Any, now: str = NOW) -> tuple[str, int]:
    """A user, and the hold for the only place in the window that starts at 11:00."""
    at(now)
    stock(shop, Plan(capacity=1, lead_minutes=0))
    user = shop.user()
    return user, reserve(shop, user, first(shop)).json()["service_option_hold"]["id"]


def _taken_and_released(shop: Shop) -> None:
    """Another user books the place of the expired hold; then that order is canceled."""
    other = shop.user()
    _claim(shop, other, reserve(shop, other, first(shop)).json()["service_option_hold"]["id"])
    row = shop.server.sql("SELECT * FROM slot_ledger WHERE retailer_id = $1", shop.retailer.id)[0]
    shop.server.write(ops.release, shop.retailer.id, ops.Place(row["store_number"], row["kind"], row["starts_at"]))


def _claim(shop: Shop, user: str, hold_id: int) -> None:
    slot = shop.server.read(ops.held_slot, caller(shop), user, hold_id)
    shop.server.write(ops.claim, caller(shop), user, hold_id, slot)
