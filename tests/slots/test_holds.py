"""Holding a place, over HTTP, on both databases."""

import json
from base64 import b64encode
from datetime import datetime
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.db import Tx
from handcart.retailers import ops as retailers
from handcart.slots import ops, plans
from handcart.slots.plans import Plan
from handcart.stores.models import PICKUP
from tests.slots.holding import EXPIRED, FULL, caller, holds, refer, reserve_cart
from tests.slots.lists import NOW
from tests.support.oauth import Organization
from tests.support.shop import Shop, error
from tests.support.slots import BASE, counters, first, listed, moment, reserve, slot_id, stock, taken_places


def test_slot_reserved_then_the_hold_lasts_ten_minutes_and_shows_the_slot(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop)
    slot = listed(shop, "delivery", user := shop.user())[0]
    begun = clock.now()
    answered = reserve(shop, user, slot["id"])
    assert answered.status_code == 200
    hold = answered.json()["service_option_hold"]
    assert set(answered.json()) == {"service_option_hold"}
    assert set(hold) == {"id", "expires_at", "service_option"}
    assert 0 < hold["id"] < 2**53
    del slot["flags"]
    assert hold["service_option"] == slot
    assert hold["expires_at"].endswith("Z")
    assert len(hold["expires_at"]) == len("2026-06-11T15:42:10.000Z")
    expires_at = datetime.fromisoformat(hold["expires_at"]).timestamp() * clock.SECOND
    assert begun - 1000 <= expires_at - 10 * clock.MINUTE <= clock.now()
    assert counters(shop) == [(10, 1, 0)]


def test_body_is_anything_then_it_is_not_read(shop: Shop) -> None:
    stock(shop)
    user, option_id = shop.user(), first(shop)
    path = f"{BASE}/users/{user}/service_options/{option_id}/reserve"
    for content in (None, b"", b'""', b"{}", b"null", b"not JSON", b'{"service_option_id": 5}'):
        headers = {**shop.headers, **({} if content is None else {"Content-Type": "application/json"})}
        assert shop.http.post(path, content=content, headers=headers).status_code == 200
    assert counters(shop) == [(10, 1, 0)]


def test_last_mile_path_is_used_then_it_holds_the_same(shop: Shop) -> None:
    stock(shop)
    user, option_id = shop.user(), first(shop, "preview lastmile")
    path = f"{BASE}/lastmile/users/{user}/service_options/{option_id}/reserve"
    assert shop.post(path).json()["service_option_hold"]["service_option"]["id"] == option_id
    assert taken_places(shop) == 1


def test_user_reserves_again_then_the_old_place_is_free_first(shop: Shop) -> None:
    stock(shop, Plan(capacity=1))
    one, two = (slot["id"] for slot in listed(shop, "preview pickup")[3:5])
    user, other = shop.user(), shop.user()
    ids = [reserve(shop, user, option_id).json()["service_option_hold"]["id"] for option_id in (one, one, two)]
    assert len(set(ids)) == 3
    assert counters(shop) == [(1, 0, 0), (1, 1, 0)]
    assert reserve(shop, other, one).status_code == 200
    assert holds(shop) == sorted([(user, True), (other, True)])


@pytest.mark.parametrize("refusal", ["full", "closed", "past"])
def test_new_place_refused_then_the_old_one_is_free_all_the_same(shop: Shop, at: Any, refusal: str) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    one, two = (slot["id"] for slot in listed(shop, "preview pickup")[3:5])
    user = shop.user()
    assert reserve(shop, user, one).status_code == 200
    if refusal == "full":
        assert reserve(shop, shop.user(), two).status_code == 200
    if refusal == "closed":
        shop.server.write(plans.set_exception, shop.retailer.id, "s", PICKUP, "2027-06-10", [16], 0)
    if refusal == "past":
        begin = moment("2027-06-10T09:00-05:00")
        two = slot_id(shop.retailer.id, PICKUP, begin)
    assert error(reserve(shop, user, two)) == (EXPIRED if refusal == "past" else FULL)
    assert user not in [holder for holder, _ in holds(shop)]
    assert counters(shop)[0] == (1, 0, 0)
    assert reserve(shop, shop.user(), one).status_code == 200


def test_slot_is_unknown_then_the_old_hold_stays(shop: Shop) -> None:
    stock(shop)
    user = shop.user()
    assert reserve(shop, user, first(shop)).status_code == 200
    assert error(reserve(shop, user, 12345)) == FULL
    assert holds(shop) == [(user, True)]


def test_hold_expired_then_another_user_may_take_its_place(shop: Shop, at: Any, later: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=2))
    option_id = first(shop)
    users = [shop.user() for _ in range(4)]
    assert [reserve(shop, user, option_id).status_code for user in users[:2]] == [200, 200]
    at("2027-06-10T10:17:28-05:00")
    assert error(reserve(shop, users[2], option_id)) == FULL
    at("2027-06-10T10:17:40-05:00")
    # Nobody sweeps: both still count, until the third one comes.
    assert counters(shop) == [(2, 2, 0)]
    assert reserve(shop, users[2], option_id).status_code == 200
    assert counters(shop) == [(2, 1, 0)]
    assert sorted(is_counted for _, is_counted in holds(shop)) == [False, False, True]
    # whose place was taken may have it again while there is room
    assert reserve(shop, users[0], option_id).status_code == 200
    assert error(reserve(shop, users[1], option_id)) == FULL
    assert error(reserve(shop, users[3], option_id)) == FULL
    assert counters(shop) == [(2, 2, 0)]


def test_ten_minutes_are_over_to_the_microsecond_then_list_and_hold_agree(shop: Shop, frozen: list[int]) -> None:
    stock(shop, Plan(capacity=1))
    option_id = listed(shop, "preview pickup")[3]["id"]
    begun = frozen[0]
    assert reserve(shop, shop.user(), option_id).status_code == 200
    for microseconds, is_free in ((-1, False), (0, True)):
        frozen[0] = begun + 10 * clock.MINUTE + microseconds
        (slot,) = (one for one in listed(shop, "preview pickup") if one["id"] == option_id)
        assert slot["availability"]["available"] is is_free
        assert (reserve(shop, shop.user(), option_id).status_code == 200) is is_free


def test_clock_set_back_after_the_expiry_then_the_hold_is_live_again(shop: Shop, frozen: list[int]) -> None:
    stock(shop, Plan(capacity=1))
    option_id = listed(shop, "preview pickup")[3]["id"]
    begun = frozen[0]
    reserve(shop, shop.user(), option_id).raise_for_status()
    for minutes, is_free in ((11, True), (5, False)):
        frozen[0] = begun + minutes * clock.MINUTE
        (slot,) = (one for one in listed(shop, "preview pickup") if one["id"] == option_id)
        assert slot["availability"]["available"] is is_free
    assert error(reserve(shop, shop.user(), option_id)) == FULL


def test_hold_expired_and_user_reserves_again_then_no_place_is_freed_twice(shop: Shop, at: Any) -> None:
    at(NOW)
    stock(shop, Plan(capacity=1))
    one, two = (slot["id"] for slot in listed(shop, "preview pickup")[3:5])
    user, other = shop.user(), shop.user()
    assert reserve(shop, user, one).status_code == 200
    at("2027-06-10T10:18:00-05:00")
    assert reserve(shop, other, one).status_code == 200
    assert reserve(shop, user, two).status_code == 200
    assert counters(shop) == [(1, 1, 0), (1, 1, 0)]
    assert error(reserve(shop, shop.user(), one)) == FULL


def test_user_unknown_then_nothing_is_held(shop: Shop) -> None:
    stock(shop)
    option_id = first(shop)
    assert error(reserve(shop, "nobody", option_id)) == (400, "User Not Found", 1001, "user_id")
    shop.server.sql("UPDATE retailers SET allows_user_deletion = $1 WHERE slug = $2", True, shop.slug)
    gone = shop.user()
    assert reserve(shop, gone, option_id).status_code == 200
    shop.post(f"{BASE}/users/{gone}/privacy_request").raise_for_status()
    assert (counters(shop), holds(shop)) == ([(10, 0, 0)], [])
    reference = b64encode(json.dumps({"id": option_id}).encode()).decode()
    for answered in (reserve(shop, gone, option_id), refer(shop, gone, reference), reserve_cart(shop, gone, option_id)):
        assert error(answered) == (403, "User Not Active", None, None)
    assert taken_places(shop) == 0


def test_banners_share_users_then_a_hold_at_one_is_dropped_for_the_other(shop: Shop) -> None:
    group = Organization(shop.server, shares_users=True)
    north, south = (group.at(banner) for banner in group.banners)
    for banner in (north, south):
        banner.retailer = shop.server.read(retailers.retailer_by_slug, banner.banner)
        stock(banner, Plan(capacity=1))
    user = north.user()
    assert reserve(north, user, first(north)).status_code == 200
    assert reserve(south, user, first(south)).status_code == 200
    assert (counters(north), counters(south)) == ([(1, 0, 0)], [(1, 1, 0)])
    assert error(reserve(north, user, first(south))) == FULL
    assert reserve(north, user, first(north)).status_code == 200
    assert (counters(north), counters(south)) == ([(1, 1, 0)], [(1, 0, 0)])


class Locks:
    """A transaction that writes down which ledger rows it holds, in the order in which it first does."""

    def __init__(self, tx: Tx) -> None:
        self.tx, self.keys = tx, tx.keys
        self.held: list[tuple[Any, ...]] = []

    def _note(self, sql: str, args: tuple[Any, ...], found: object) -> None:
        if "slot_ledger" in sql and found and args[:4] not in self.held:
            self.held.append(args[:4])

    async def one(self, sql: str, *args: Any) -> Any:
        row = await self.tx.one(sql, *args)
        self._note(sql, args, row)
        return row

    async def all(self, sql: str, *args: Any) -> Any:
        return await self.tx.all(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        changed = await self.tx.run(sql, *args)
        self._note(sql, args, changed)
        return changed


def test_hold_moves_then_ledger_rows_are_locked_in_the_order_of_keys(shop: Shop) -> None:
    """Also of rows that are not there yet, and of two banners: or else two users who swap could wait for each other."""
    group = Organization(shop.server, shares_users=True)
    ids = {}
    callers = {}
    for banner in group.banners:
        one = group.at(banner)
        one.retailer = shop.server.read(retailers.retailer_by_slug, banner)
        stock(one, Plan(capacity=1))
        for slot in listed(one, "preview pickup")[:3]:
            ids.setdefault(banner, []).append(slot["id"])
        callers[banner] = caller(one)

    async def moved(tx: Tx, banner: str, user: str, option_id: int) -> list[tuple[Any, ...]]:
        locks = Locks(tx)
        await ops.hold(locks, callers[banner], user, option_id)
        return locks.held

    north, south = group.banners
    user = group.at(north).user()
    route = [(north, 2), (north, 0), (south, 1), (north, 1), (south, 0), (south, 2), (north, 2), (north, 0)]
    for banner, place in route:
        held = shop.server.write(moved, banner, user, ids[banner][place])
        assert held == sorted(held), (banner, place)
