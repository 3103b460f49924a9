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


def test_expired_hold_claimed_then_booked_while_there_is_room(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1, lead_minutes=0))
    option_id = first(shop)  # at 11:00
    users = [shop.user() for _ in range(2)]

    def held(user: str) -> int:
        return int(reserve(shop, user, option_id).json()["service_option_hold"]["id"])

    def claim(user: str, hold_id: int) -> None:
        slot = shop.server.read(ops.held_slot, caller(shop), user, hold_id)
        shop.server.write(ops.claim, caller(shop), user, hold_id, slot)

    kept = held(users[0])
    at("2027-06-10T10:40:00-05:00")
    claim(users[0], kept)
    assert counters(shop) == [(1, 0, 1)]
    shop.server.write(ops.release, shop.retailer.id, _place(shop))
    kept = held(users[0])
    at("2027-06-10T10:51:00-05:00")
    taken = held(users[1])
    with pytest.raises(Exception, match="Service option is not available"):
        claim(users[0], kept)
    assert len(holds(shop)) == 2
    at("2027-06-10T11:00:30-05:00")  # in time, though the window has begun
    claim(users[1], taken)
    shop.server.write(ops.release, shop.retailer.id, _place(shop))
    at("2027-06-10T11:00:59-05:00")
    with pytest.raises(Exception, match="Service option is expired"):
        claim(users[0], kept)
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


def _place(shop: Shop) -> Any:
    row = shop.server.sql("SELECT * FROM slot_ledger WHERE retailer_id = $1", shop.retailer.id)[0]
    return ops.Place(row["store_number"], row["kind"], row["starts_at"])
