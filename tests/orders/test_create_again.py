"""Creating an order again: repeats are harmless, and an id belongs to one retailer."""

import asyncio

import pytest

from tests.orders.creations import HOLD, INVALID
from tests.support.orders import (
    HELD,
    KINDS,
    LASTMILE,
    USERS,
    Market,
    creation_path,
)
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import error
from tests.support.volley import Connection


def test_two_retailers_use_one_order_id_then_each_has_its_own(server: LiveServer) -> None:
    north, south = Market(server), Market(server)
    for place, tip in ((north, 100), (south, 200)):
        place.order("delivery", place.customer("customer"), order_id="ORDER-1", initial_tip_cents=tip)
    assert [place.row("ORDER-1")["tip_cents"] for place in (north, south)] == [100, 200]
    north.post(north.path("customer", "ORDER-1", "/cancel")).raise_for_status()
    assert south.read("customer", "ORDER-1").json()["status"] == "brand_new"
    assert (north.taken, south.taken) == ((0, 0), (0, 1))


def test_order_ids_are_strange_then_each_finds_its_own_order(market: Market) -> None:
    user_id = market.customer()
    strange = [
        "a/b",
        "//",
        "a b",
        " a",
        "%2F",
        "a%00",
        "🛒",
        "\u00e9",
        "\u00c9",
        "e\u0301",
        "x" * 255,
        "?a=1#b",
        "a;b",
        "...",
        "null",
    ]
    strange += ["Order", "order", "ORDER", "order/last_mile", "-1", "0", "{order_id}", "a\\b", "' OR 1=1 --"]
    for order_id in strange:
        assert market.order("delivery", user_id, order_id=order_id)["id"] == order_id
        assert market.order("dispatch", order_id=f"{order_id[:250]}/d")["id"] == f"{order_id[:250]}/d"
    for order_id in strange:
        assert market.read(user_id, order_id).json()["id"] == order_id
        canceled = market.post(market.path(user_id, order_id, "/cancel")).json()
        assert (canceled["id"], canceled["status"]) == (order_id, "canceled")
    assert len(market.get(f"{USERS}/{user_id}/orders").json()["orders"]) == len(strange)


@pytest.mark.parametrize("order_id", ["delivery", "pickup", "last_mile", ".", ".."])
@pytest.mark.parametrize("kind", KINDS)
@on_sqlite
def test_order_id_could_not_be_found_by_its_path_then_it_is_refused(market: Market, kind: str, order_id: str) -> None:
    assert error(market.create(kind, order_id=order_id)) == (400, INVALID, 1001, "order_id")


@pytest.mark.parametrize("kind", HELD)
def test_hold_of_another_user_or_kind_then_invalid(server: LiveServer, kind: str) -> None:
    market, elsewhere = Market(server), Market(server)
    user_id, neighbour = market.customer("user-a"), market.customer("user-b")
    wrong_kind = HELD[HELD.index(kind) - 1]
    used = market.hold(user_id, kind)
    market.order(kind, user_id, service_option_hold_id=used)
    stale = market.hold(user_id, kind)
    mine = market.hold(user_id, kind, hour=14)
    refused = {
        "used": used,
        "dropped": stale,
        "a neighbour's": market.hold(neighbour, kind),
        "another retailer's": elsewhere.hold(elsewhere.customer("user-a"), kind),
        "an option": market.option(kind, hour=14),
        "nobody's": 0,
    }
    for hold_id in refused.values():
        for form in (hold_id, str(hold_id)):
            assert error(market.create(kind, user_id, service_option_hold_id=form)) == (400, INVALID, 1001, HOLD)
    away = market.create(kind, user_id, service_option_hold_id=mine, location_code="dry")
    assert error(away) == (400, INVALID, 1001, "location_code")
    assert market.taken == (2, 1)
    assert market.create(kind, user_id, service_option_hold_id=str(mine)).status_code == 200
    other_kind = market.hold(user_id, wrong_kind)
    assert error(market.create(kind, user_id, service_option_hold_id=other_kind)) == (400, INVALID, 1001, HOLD)
    assert market.taken == (2, 2)


async def test_identical_creations_come_at_once_then_all_answer_the_one_order(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    user_id = market.customer()
    bodies = {
        creation_path("delivery", user_id): market.body("delivery", service_option_hold_id=market.hold(user_id)),
        LASTMILE: market.body("dispatch"),
    }
    connections = [await Connection.open(server.url) for _ in range(12)]
    for path, body in bodies.items():
        answers = await asyncio.gather(*[one.post(path, body, market.token) for one in connections])
        assert [status for status, _ in answers] == [200] * 12, answers
        assert all(answer == answers[0][1] for _, answer in answers)
    for one in connections:
        await one.close()
    assert market.orders == 2
    assert market.taken == (0, 2)
