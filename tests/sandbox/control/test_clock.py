"""A clock for each retailer: what uses it, how it moves, and which servers have none."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from handcart import worker
from handcart.core import clock, ids
from handcart.core.clock import VirtualClock
from handcart.core.secret import Keys
from handcart.sandbox.control import routes
from handcart.sandbox.control.clock import DUE
from tests.support.clocks import CLOCK, NOON, advance, freeze, run_to, turn
from tests.support.contents import nothing_written
from tests.support.moments import DAY
from tests.support.oauth import Organization
from tests.support.orders import Market
from tests.support.server import SECRET_KEY, LiveServer, live_server, on_sqlite
from tests.support.shop import Shop, error


@pytest.fixture
def market(server: LiveServer) -> Market:
    """A shop that sells."""
    return Market(server)


# What obeys it


def test_hold_ended_by_the_clock_then_anybody_may_take_its_place(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    freeze(market)
    first, second = market.customer(), market.customer()
    held = market.reserve(first).json()["service_option_hold"]
    assert held["expires_at"] == "2030-06-12T17:10:00.000Z"
    advance(market, minutes=9, seconds=59)
    assert error(market.reserve(second))[1:] == ("Service option is not available", 1001, "service_option_id")
    advance(market, seconds=1)
    assert market.reserve(second).status_code == 200


def test_orders_are_made_then_they_bear_its_times(market: Market) -> None:
    freeze(market)
    order = market.order("delivery")
    assert market.row(order["id"])["created_at"] == clock.from_wire(NOON, "")
    advance(market, minutes=1)
    assert market.order("delivery")["created_at"] == "2030-06-12T17:01:00Z"


def test_day_changes_then_lists_begin_there(market: Market) -> None:
    def first() -> str:
        body = {"location_code": "here"}
        listed = market.post("/v2/fulfillment/service_options/pickup", body).json()["service_options"]
        return str(listed[0]["window"]["start_at"])

    freeze(market)
    assert first() == "2030-06-12T13:00:00.000-05:00"
    advance(market, days=1)
    market._token = None
    assert first() == "2030-06-13T13:00:00.000-05:00"


def test_day_passes_then_tokens_are_over_and_the_clock_is_still_obeyed(server: LiveServer) -> None:
    shop = Shop(server)
    freeze(shop, None)
    user_id, before = shop.user(), shop.headers
    assert advance(shop, days=1)["state"] == "frozen"
    assert error(shop.get_link(user_id))[:2] == (401, "The access token expired")
    assert advance(shop, days=1)["state"] == "frozen"  # by the same token
    shop._token = None
    issued = shop.post_token(grant_type="client_credentials").json()
    assert clock.to_wire(issued["created_at"] * clock.SECOND) == shop.get(CLOCK).json()["now"]
    assert shop.get_link(user_id).status_code == 400
    assert shop.http.delete(CLOCK, headers=before).json()["state"] == "real"
    for headers in (before, shop.headers):
        assert shop.http.get(f"/v2/fulfillment/users/{user_id}/link", headers=headers).status_code == 400


def test_clock_is_set_then_the_clients_tokens_come_along(server: LiveServer) -> None:
    shop = Shop(server)
    user_id = shop.user()
    for at in ("2040-01-01T00:00:00Z", "2026-02-01T00:00:00Z", NOON):
        freeze(shop, at)
        assert shop.get_link(user_id).status_code == 400
        token = {**shop.credentials, "token": shop.token}
        said = shop.http.post("/v2/oauth/token/introspect", json=token).json()
        assert DAY - 400 < said["exp"] - clock.from_wire(at, "") // clock.SECOND <= DAY
    advance(shop, days=1)
    assert shop.get_link(user_id).status_code == 401
    freeze(shop, NOON)
    assert shop.get_link(user_id).status_code == 400  # it was over, and is not any more


def test_minute_passes_then_codes_are_over(server: LiveServer) -> None:
    shop = Shop(server)
    freeze(shop)
    account = shop.account()
    early, late = shop.code(account), shop.code(account)
    advance(shop, seconds=59)
    assert shop.redeem(early).status_code == 200
    advance(shop, seconds=1)
    assert shop.redeem(late).json()["error"] == "invalid_grant"


def test_half_an_hour_passes_then_a_page_is_over(server: LiveServer) -> None:
    shop = Shop(server)
    freeze(shop)
    visitor, account = shop.visitor(), shop.account()
    visitor.authorize()
    assert visitor.sign_in(account).status_code == 200
    advance(shop, minutes=30)
    assert visitor.decide("allow").status_code == 400


def test_membership_ends_by_the_clock_then_the_link_says_so(server: LiveServer) -> None:
    shop = Shop(server)
    user_id, account = shop.user(), shop.account(member_for=30 * clock.DAY)
    shop.link(user_id, shop.linking_token(account))
    assert shop.get_link(user_id).json()["instacartplus_member"] is True
    ran = run_to(shop, "membership_end")
    assert ran["due"]["what"] == "membership_end"
    assert ran["now"] == ran["due"]["at"]
    shop._token = None
    assert shop.get_link(user_id).json() == {"express_member": False, "instacartplus_member": False}


def test_day_passes_then_an_idempotency_key_is_free(market: Market) -> None:
    freeze(market)
    user_id, key = market.customer(), {"Idempotency-Key": "k"}
    bodies = [market.body("dispatch", user_id=user_id) for _ in range(2)]
    assert market.send("dispatch", "", bodies[0], headers=key).status_code == 200
    assert market.send("dispatch", "", bodies[1], headers=key).status_code == 422
    run_to(market, "idempotency_key_expiry")
    market._token = None
    assert market.send("dispatch", "", bodies[1], headers=key).status_code != 422


def test_clock_set_back_then_the_worker_keeps_what_has_not_expired_by_it(server: LiveServer) -> None:
    shop = Shop(server)
    freeze(shop, "2026-01-03T00:00:00Z")
    assert shop.token
    asyncio.run(worker.run(server.app.settings, Keys(SECRET_KEY.encode()), once=True))
    assert shop.get_link(shop.user()).status_code == 400


@on_sqlite
def test_server_has_several_processes_then_all_go_by_the_clock(server: LiveServer, tmp_path: Path) -> None:
    shop = Shop(server)
    with live_server(server.app.settings.database, tmp_path) as another:
        freeze(shop)
        there = another.http().get(CLOCK, headers=shop.headers).json()
    assert there == {"now": NOON, "state": "frozen"}


# Where it goes


def test_clock_run_to_the_next_event_then_each_happens_in_turn(market: Market) -> None:
    freeze(market)
    user_id = market.customer()
    order = market.order("pickup", user_id)
    market.reserve(user_id)
    seen = []
    while (due := run_to(market)["due"]) is not None:
        seen.append(due["what"])
    assert seen == ["hold_expiry", "token_expiry", "window_start", "window_end"], order
    assert run_to(market, *DUE)["due"] is None


def test_clock_set_back_then_stored_times_stay_and_ids_rise(market: Market) -> None:
    freeze(market)
    first = market.row(market.order("dispatch")["id"])
    freeze(market, "2029-01-01T00:00:00Z")
    second = market.row(market.order("dispatch")["id"])
    assert second["created_at"] == clock.from_wire("2029-01-01T00:00:00Z", "")
    assert first["created_at"] == clock.from_wire(NOON, "")
    assert second["number"] > first["number"]


def test_clock_moved_and_running_then_it_differs_from_the_real_time(server: LiveServer) -> None:
    shop = Shop(server)
    assert shop.get(CLOCK).json()["state"] == "real"
    assert advance(shop, hours=1)["state"] == "moved"
    assert abs(_now(shop) - clock.now() - clock.HOUR) < clock.MINUTE
    assert freeze(shop, NOON, frozen=False)["state"] == "moved"
    assert 0 <= _now(shop) - clock.from_wire(NOON, "") < clock.MINUTE
    assert freeze(shop, None)["state"] == "frozen"
    assert turn(shop, "DELETE")["state"] == "real"


def _now(shop: Shop) -> int:
    return clock.from_wire(shop.get(CLOCK).json()["now"], "")


def test_one_retailers_clock_moves_then_no_others_does(server: LiveServer) -> None:
    shop, other = Shop(server), Shop(server)
    freeze(shop)
    user_id = other.user()
    assert other.get(CLOCK).json()["state"] == "real"
    (row,) = server.sql("SELECT created_at FROM users WHERE user_id = $1", user_id)
    assert abs(row["created_at"] - clock.now()) < clock.HOUR


def test_client_with_several_banners_then_each_has_its_clock(
    server: LiveServer,
) -> None:
    group = Organization(server)
    north, south = (group.at(banner) for banner in group.banners)
    freeze(north)
    north._token = south._token = None
    created = {banner.user(): banner for banner in (north, south)}
    ages = {
        created[row["user_id"]]: row["created_at"]
        for row in server.sql("SELECT user_id, created_at FROM users")
        if row["user_id"] in created
    }
    assert ages[north] == clock.from_wire(NOON, "")
    assert abs(ages[south] - clock.now()) < clock.HOUR
    advance(north, days=2)
    assert north.get_link("nobody").status_code == south.get_link("nobody").status_code == 400


# Bad input

BAD = {
    "negative": ("POST", "/advance", {"seconds": -1}, "seconds"),
    "nothing": ("POST", "/advance", {"seconds": 0}, "seconds"),
    "a fraction": ("POST", "/advance", {"seconds": 1.5}, "seconds"),
    "more than ten years": ("POST", "/advance", {"seconds": 315_360_001}, "seconds"),
    "no time": ("PUT", "", {"at": "tomorrow"}, "at"),
    "before slots had ids": ("PUT", "", {"at": "2025-12-31T23:59:59Z"}, "at"),
    "past the end": ("PUT", "", {"at": "2099-01-02T00:00:00Z"}, "at"),
    "far past the end": ("PUT", "", {"at": "9999-12-31T23:59:59Z"}, "at"),
    "no switch": ("PUT", "", {"frozen": "yes"}, "frozen"),
    "unknown thing": ("POST", "/next", {"what": ["doomsday"]}, "what[0]"),
}


@on_sqlite
@pytest.mark.parametrize("row", BAD)
def test_input_is_bad_then_it_is_refused_and_the_clock_stays(server: LiveServer, row: str) -> None:
    shop = Shop(server)
    freeze(shop)
    method, verb, body, key = BAD[row]
    assert shop.token
    with nothing_written(server):
        answer = shop.http.request(method, CLOCK + verb, json=body, headers=shop.headers)
    assert error(answer) == (400, "is unknown" if key == "what[0]" else "is invalid", 1001, key)


def test_ten_years_pass_again_and_again_then_the_end_is_not_passed(server: LiveServer) -> None:
    shop = Shop(server)
    freeze(shop, "2090-01-01T00:00:00Z")
    answer = shop.post(f"{CLOCK}/advance", {"seconds": 315_360_000})
    assert error(answer) == (400, "is invalid", 1001, "seconds")
    assert shop.get(CLOCK).json()["now"] == "2090-01-01T00:00:00Z"


# Below the wire


def test_op_writes_then_it_goes_by_its_callers_clock_and_no_others(server: LiveServer) -> None:
    async def read(tx: Any) -> int:
        return clock.now()

    async def both() -> list[int]:
        async def at(moment: int | None) -> int:
            clock.use(None if moment is None else VirtualClock(frozen_at=moment))
            return await server.app.database.write(read)

        return list(await asyncio.gather(*(at(moment) for moment in (1, None, 2))))

    first, real, second = server.wait_for(both())
    assert (first, second) == (1, 2)
    assert abs(real - clock.now()) < clock.HOUR


def test_clock_of_a_retailer_set_then_ids_and_process_keep_the_real_time() -> None:
    before = ids.new_id()
    with clock.using(VirtualClock(frozen_at=0)):
        assert clock.now() == 0
        assert clock.of_process() > clock.DAY
        assert ids.new_id() > before
    with clock.using(VirtualClock(offset=-clock.DAY)):
        assert clock.now() < clock.of_process() - clock.HOUR
    assert abs(clock.now() - clock.of_process()) < clock.MINUTE


def test_server_for_production_then_no_such_endpoint(tmp_path: Any) -> None:
    with live_server(f"sqlite:///{tmp_path}/handcart.db", tmp_path, environment="production") as production:
        shop = Shop(production)
        assert production.app.hook is None
        for route in routes.ROUTES:
            answer = shop.http.request(route.method, route.path.format(user_id="u"), json={}, headers=shop.headers)
            assert error(answer) == (404, "Not found", None, None), route.path
