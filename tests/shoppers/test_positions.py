"""Where shoppers are: what the server keeps, for how long, and to which orders it is shown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handcart import worker
from handcart.batches import queries as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.ratelimit import Limit
from handcart.orders import later as later_events
from handcart.sandbox import state
from handcart.shopper_app import positions as app
from handcart.shoppers import ops, positions
from handcart.shoppers.models import Position
from handcart.staff.models import SYSTEM
from handcart.stores import distance
from tests.support import clocks
from tests.support.acting import Acting, moment
from tests.support.contents import nothing_written
from tests.support.orders import STORES, Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import PIN, Phone, refusal
from tests.support.working import Working

PLACE = STORES[0].point


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def working(server: LiveServer, market: Market) -> Working:
    """A shopper with a delivery order."""
    found = Working(server)
    found.batch(market, market.order()["id"])
    return found


def point(north: float = 0.0, at: int | None = None, **fields: Any) -> dict[str, Any]:
    """A position some degrees north of the store."""
    there = {"at": moment(at), "latitude": PLACE.latitude + north, "longitude": PLACE.longitude, "accuracy": 12.5}
    return {**there, **fields}


def send(phone: Phone, *points: dict[str, Any]) -> int:
    answer = phone.post("positions", {"points": points}).raise_for_status()
    return int(answer.json()["taken"])


def test_phone_reports_positions_then_the_newest_says_where_it_is(server: LiveServer, working: Working) -> None:
    now = clock.of_process()
    assert server.read(positions.latest, working.id) is None
    taken = send(working.phone, point(0.01, now - clock.MINUTE), point(0.02, now), point(0.015, now - clock.SECOND))
    assert taken == 3
    found = server.read(positions.latest, working.id)
    assert (round(found.latitude - PLACE.latitude, 6), found.longitude, found.accuracy) == (0.02, PLACE.longitude, 12.5)


def test_same_positions_come_again_then_kept_once(server: LiveServer, working: Working) -> None:
    one = point()
    assert (send(working.phone, one, one), send(working.phone, one)) == (2, 1)
    rows = server.sql("SELECT at FROM shopper_positions WHERE person_id = $1", working.id)
    assert len(rows) == 1


def test_position_grows_old_then_nobody_knows_where_the_shopper_is(server: LiveServer, working: Working) -> None:
    now = clock.of_process()
    assert send(working.phone, point(at=now - positions.FRESH - clock.SECOND)) == 1
    assert server.read(positions.latest, working.id) is None


def test_phone_is_a_minute_fast_then_the_position_is_of_now(server: LiveServer, working: Working) -> None:
    assert send(working.phone, point(at=clock.of_process() + clock.MINUTE)) == 1
    assert server.read(positions.latest, working.id).at <= clock.of_process()


def test_position_cannot_be_true_then_left_out(server: LiveServer, working: Working) -> None:
    now = clock.of_process()
    wrong = {
        "of the future": point(at=now + 3 * clock.MINUTE),
        "too old": point(at=now - positions.OLDEST - clock.SECOND),
        "far away": point(3.0),
        "at the pole": point(latitude=90.0, longitude=0.0),
        "inexact": point(accuracy=5001.0),
    }
    assert {name: send(working.phone, one) for name, one in wrong.items()} == dict.fromkeys(wrong, 0)
    assert send(working.phone, *wrong.values(), point()) == 1


@on_sqlite
@pytest.mark.parametrize(
    "wrong",
    [
        {"latitude": 91.0},
        {"longitude": -180.5},
        {"latitude": "41.8"},
        {"latitude": None},
        {"accuracy": -1.0},
        {"at": "yesterday"},
        {"at": 1796400000},
        {"at": "2026-11-30T10:00:00"},
    ],
)
def test_position_has_another_form_then_refused(server: LiveServer, working: Working, wrong: dict[str, Any]) -> None:
    with nothing_written(server):
        answer = working.phone.post("positions", {"points": [{**point(), **wrong}]})
    assert refusal(answer) == (400, "invalid")


@on_sqlite
@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-1e999", b"1e400"])
def test_position_is_no_number_then_refused(server: LiveServer, working: Working, number: bytes) -> None:
    body = b'{"points": [{"at": "2026-11-30T10:00:00Z", "latitude": %b, "longitude": 0}]}' % number
    headers = {"Content-Type": "application/json"}
    with nothing_written(server):
        answer = working.phone.http.post("/shopper/api/positions", content=body, headers=headers)
    assert refusal(answer) == (400, "invalid")


def test_too_many_positions_at_once_then_refused(server: LiveServer, working: Working) -> None:
    many = [point(at=clock.of_process() - n) for n in range(app.MOST_POINTS + 1)]
    with nothing_written(server):
        assert refusal(working.phone.post("positions", {"points": many})) == (413, "too_many_positions")
    assert refusal(working.phone.post("positions", {"points": many * 10}))[0] == 413
    assert send(working.phone, *many[1:]) == app.MOST_POINTS


@on_sqlite
def test_too_many_positions_in_an_hour_then_wait(working: Working, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [clock.of_process()]
    monkeypatch.setattr(clock, "of_process", lambda: now[0])
    monkeypatch.setattr(app, "MOST_OF_PERSON", Limit(3, 3_600))
    assert send(working.phone, point(), point()) == 2
    answer = working.phone.post("positions", {"points": [point(), point()]})
    assert (refusal(answer), "retry-after" in answer.headers) == ((429, "wait"), True)
    now[0] += clock.HOUR
    working.phone.post("unlock", {"pin": PIN}).raise_for_status()  # the phone has locked itself
    assert send(working.phone, point()) == 1


def test_shopper_has_no_work_then_no_position_is_kept(server: LiveServer, market: Market) -> None:
    phone = Phone(server)
    with nothing_written(server):
        assert refusal(phone.post("positions", {"points": [point()]})) == (409, "no_work")
    working = Working(server)
    order_id = market.order()["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    assert send(working.phone, point()) == 1
    acting.did("accept")
    acting.did("drop_out", reason="the car broke down")
    with nothing_written(server):
        assert refusal(working.phone.post("positions", {"points": [point()]})) == (409, "no_work")


@on_sqlite
def test_device_is_locked_or_signed_out_then_no_position_is_kept(server: LiveServer, working: Working) -> None:
    other = server.http()
    assert refusal(other.post("/shopper/api/positions", json={"points": [point()]})) == (401, "signed_out")
    working.phone.post("lock").raise_for_status()
    assert refusal(working.phone.post("positions", {"points": [point()]})) == (423, "locked")


def test_seven_days_have_passed_then_positions_are_gone(server: LiveServer, working: Working, later: Any) -> None:
    send(working.phone, point())

    def count() -> int:
        return len(server.sql("SELECT at FROM shopper_positions WHERE person_id = $1", working.id))

    assert positions.purge in worker.PURGES
    with later(days=6, hours=23):
        server.write(positions.purge, 10_000)
        assert count() == 1
    with later(days=7, seconds=1):
        server.write(positions.purge, 10_000)
        assert count() == 0


def test_shopper_is_closed_then_positions_are_gone(server: LiveServer, working: Working) -> None:
    send(working.phone, point())
    server.write(ops.close, SYSTEM, working.id)
    assert server.sql("SELECT at FROM shopper_positions WHERE person_id = $1", working.id) == []
    late = Position(clock.of_process(), PLACE.latitude, PLACE.longitude)
    assert server.write(positions.report, working.id, [late]) == 0


def test_order_is_given_to_a_shopper_then_its_courier_is_known(server: LiveServer, market: Market) -> None:
    order_id = market.order()["id"]
    retailer_id = market.retailer.id
    assert server.read(batches.courier, retailer_id, order_id) is None
    working = Working(server, "Noor van Dam")
    working.batch(market, order_id)
    send(working.phone, point(0.01))
    found = server.read(batches.courier, retailer_id, order_id)
    assert (found.first_name, found.is_person, round(found.point.latitude - PLACE.latitude, 6)) == ("Noor", True, 0.01)
    assert server.read(batches.shopper_of_order, retailer_id, order_id).id == working.id
    nobodys = market.order()["id"]
    Shopping(market).batch(nobodys)
    found = server.read(batches.courier, retailer_id, nobodys)
    assert (found.first_name, found.is_person, found.point) == (None, False, None)
    assert server.read(batches.shopper_of_order, retailer_id, nobodys) is None


def told(market: Market, order_id: str, name: str) -> list[dict[str, Any]]:
    """The metadata of an order's events of a name, without its id."""
    rows = market.server.sql(
        "SELECT body FROM events WHERE retailer_id = $1 AND subject = $2 AND name = $3 ORDER BY event_id",
        *(market.retailer.id, order_id, name),
    )
    found = [json.loads(row["body"])["event_metadata"] for row in rows]
    return [{key: said for key, said in one.items() if key != "order_id"} for one in found]


def test_order_is_on_its_way_then_events_have_the_shoppers_own_place(server: LiveServer) -> None:
    market = Market(server)
    order_id = market.order()["id"]
    working = Working(server)
    batch = working.batch(market, order_id)
    shopping = Shopping(market)
    shopping.reach(batch, "receipt_sanity_check")
    send(working.phone, point(0.01))
    shopping.reach(batch, "delivering")
    send(working.phone, point(0.02))
    clocks.advance(market, minutes=2, seconds=1)
    server.write(_later, market.retailer.id)
    south = [round(one["latitude"] - PLACE.latitude, 6) for one in told(market, order_id, "order_location")]
    assert south == [0.01, 0.02]


def test_nobody_knows_where_the_shopper_is_then_no_location_is_sent(server: LiveServer) -> None:
    market = Market(server)
    order_id = market.order()["id"]
    working = Working(server)
    batch = working.batch(market, order_id)
    Shopping(market).reach(batch, "delivering")
    clocks.advance(market, minutes=2, seconds=1)
    server.write(_later, market.retailer.id)
    assert told(market, order_id, "order_location") == []
    steps = server.sql("SELECT events FROM order_history WHERE retailer_id = $1", market.retailer.id)
    assert [row["events"] for row in steps][-1] == "delivering"
    send(working.phone, point(0.02))
    clocks.advance(market, minutes=2)
    server.write(_later, market.retailer.id)
    assert len(told(market, order_id, "order_location")) == 1


def test_order_is_not_on_its_way_then_nobody_learns_the_place(server: LiveServer) -> None:
    market = Market(server)
    order_id = market.order()["id"]
    working = Working(server)
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    shopping = Shopping(market)

    def place() -> Any:
        send(working.phone, point(0.01))
        answer = market.get(f"/v2/post_checkout/orders/{order_id}/location").raise_for_status()
        return answer.json().get("coordinates")

    assert place() is None
    shopping.reach(acting.batch_id, "receipt_sanity_check")
    assert place() is None
    shopping.reach(acting.batch_id, "delivering")
    there = place()
    assert (round(there["latitude"] - PLACE.latitude, 6), there["longitude"]) == (0.01, PLACE.longitude)
    acting.did("bring_back", order=order_id, reason="nobody_there")
    before = len(told(market, order_id, "order_location"))
    assert place() is None
    clocks.advance(market, minutes=2, seconds=1)
    server.write(_later, market.retailer.id)
    assert len(told(market, order_id, "order_location")) == before == 1
    acting.did("returned", order=order_id)
    answer = market.get(f"/v2/post_checkout/orders/{order_id}/location")
    assert answer.json() == {}


def test_shopper_drives_to_the_store_then_the_estimate_is_by_distance(server: LiveServer) -> None:
    market = Market(server)
    order_id = market.order("last_mile")["id"]
    working = Working(server)
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    away = 20 * distance.KILOMETRES_PER_MINUTE / distance.ROAD_FACTOR / distance.KILOMETRES_PER_DEGREE
    send(working.phone, point(away / 2))
    acting.did("accept")
    send(working.phone, point(0.0))
    server.write(_later, market.retailer.id, 2 * clock.MINUTE + clock.SECOND)
    (row, *_) = server.sql("SELECT min(created_at) AS at FROM events WHERE subject = $1", order_id)
    first, last = (clock.from_wire(one["eta"], "") for one in told(market, order_id, "at_store_eta"))
    assert 9 * clock.MINUTE <= first - row["at"] <= 11 * clock.MINUTE
    assert last - row["at"] <= 3 * clock.MINUTE


async def _later(tx: Tx, retailer_id: int, ahead: int = 0) -> None:
    virtual = (await state.load(tx, retailer_id)).clock
    now = clock.of_process() if virtual is None else virtual.now()
    await later_events.perform(tx, retailer_id, now + ahead, batches.courier)
