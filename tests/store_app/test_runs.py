"""Bring pickup orders out: from "I'm here" to handed over; nobody comes, the car is not found, the customer inside."""

from collections.abc import Iterator
from typing import Any

import pytest

from handcart.assignment import timeouts
from handcart.batches import ops as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.pages import texts
from handcart.orders import ops as orders
from handcart.orders import pickup
from tests.store_app.checks import refused
from tests.support.contents import nothing_written
from tests.support.orders import GROWN_UP, Market
from tests.support.pages import is_page
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.tablets import Counter, add_worker

TEXTS = texts("en")


@pytest.fixture
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server)


def staged(market: Market, **fields: Any) -> str:
    """A pickup order in the staging area."""
    shopping = Shopping(market)
    order_id: str = market.order("pickup", **fields)["id"]
    shopping.reach(shopping.batch(order_id), "staged")
    return order_id


def come(market: Market, order_id: str) -> None:
    """The customer says where they are: "I'm here"."""

    async def here(tx: Tx) -> None:
        order = await orders.lock(tx, market.retailer.id, order_id)
        await pickup.set_vehicle(
            tx, market.retailer.id, order, model="Sample GT", vehicle_type="suv", license_plate="SAMPLE 1", color="red"
        )
        await batches.arrive(tx, market.retailer.id, order)

    market.server.write(here)


def waiting(market: Market, **fields: Any) -> str:
    order_id = staged(market, **fields)
    come(market, order_id)
    return order_id


def codes(market: Market, order_id: str) -> str:
    details = market.row(order_id)["details"]
    return "\n".join(bag["code"] for bag in details.get("bags", []))


def test_customer_is_here_then_brought_out_step_by_step_with_its_events(market: Market) -> None:
    counter, order_id = Counter(market), waiting(market)
    shopping = Shopping(market)
    assert market.row(order_id)["status"] == "runner_awaiting"
    assert order_id in is_page(counter.open("/store/runs")).text
    page = is_page(counter.order(order_id, "run")).text
    assert all(word in page for word in ("Sample GT", "SAMPLE 1", "Red", "SUV"))
    is_page(counter.do(order_id, "run", "take"))
    assert market.row(order_id)["status"] == "runner_awaiting"
    is_page(counter.submit(f"/store/orders/{order_id}/run/walk"))
    assert market.row(order_id)["status"] == "user_at_store"
    is_page(counter.submit(f"/store/orders/{order_id}/run/verify", codes=codes(market, order_id)))
    assert market.row(order_id)["status"] == "bags_verified"
    assert is_page(counter.submit(f"/store/orders/{order_id}/run/give")).url.path == "/store/runs"
    assert market.row(order_id)["status"] == "completed"
    sent = shopping.events(order_id)
    begun = sent.index("pickup_geofence_reached")
    assert [name for name in sent[begun:] if name != "rating_reminder"] == [
        *("pickup_geofence_reached", "customer_acknowledged", "pickup_runner_started", "delivered"),
    ]
    assert counter.audit(order_id) == [("bring_out", counter.person.name)] * 4
    assert market.faults() == []


def test_somebody_took_it_then_others_are_told_and_cannot(market: Market) -> None:
    counter, order_id = Counter(market), waiting(market)
    other = Counter(market, person=add_worker(market.server, market.retailer.id, counter.store_number, "Bo Sample"))
    other.order(order_id, "run")
    stale = other.form(f"/store/orders/{order_id}/run/take")
    is_page(counter.do(order_id, "run", "take"))
    with nothing_written(market.server):
        page = is_page(other.http.post(stale.action, data=stale), 409)
    assert refused(page.text) == "changed"
    assert f"{counter.person.name}</bdi> brings it out" in page.text
    assert f"{counter.person.name}</bdi> brings it out" in other.open("/store/runs").text
    assert TEXTS["store_app.runs.mine"] in counter.open("/store/runs").text
    counter.order(order_id, "run")
    walk = counter.form(f"/store/orders/{order_id}/run/walk")
    counter.unlock(person=other.person)
    assert counter.http.post(walk.action, data=walk).status_code == 403


def test_bags_are_missing_or_foreign_then_the_order_stays(market: Market) -> None:
    counter, order_id, other = Counter(market), waiting(market), market.order("dispatch")["id"]
    counter.stage(other)
    foreign = counter.labels(other)[0]
    counter.do(order_id, "run", "take")
    counter.submit(f"/store/orders/{order_id}/run/walk")
    page = counter.submit(f"/store/orders/{order_id}/run/verify", codes=foreign)
    assert (page.status_code, refused(page.text)) == (400, "bag_of_order")
    assert market.row(order_id)["status"] == "user_at_store"


def test_nobody_takes_it_then_an_alarm_and_then_come_inside(market: Market, later: Any) -> None:
    counter, order_id = Counter(market), waiting(market)
    assert "data-alarm" not in counter.open("/store").text
    with later(minutes=3, seconds=1):
        market.server.write(_use, counter.tablet.id)
        page = counter.open("/store").text
        assert 'data-alarm="1"' in page
        assert TEXTS["store_app.alarm.one"] in page
    now = clock.of_process()
    settle = market.server.write
    assert settle(timeouts.settle, market.retailer.id, order_id, now + 5 * clock.MINUTE) == ["stuck"]
    done = settle(timeouts.settle, market.retailer.id, order_id, now + 6 * clock.MINUTE + clock.SECOND)
    assert done == [timeouts.INSIDE]
    assert market.row(order_id)["status"] == "staged"
    assert Shopping(market).events(order_id)[-1] == "runner_not_found"
    market.server.write(_use, counter.tablet.id)
    assert TEXTS["store_app.runs.inside"] in counter.open("/store/runs").text
    page = is_page(counter.do(order_id, "run", "inside", codes=codes(market, order_id)))
    assert page.url.path == "/store/runs"
    assert market.row(order_id)["status"] == "completed"
    assert market.faults() == []


async def _use(tx: Tx, tablet_id: int) -> None:
    await tx.run("UPDATE store_tablets SET used_at = $2 WHERE id = $1", tablet_id, clock.of_process())


def test_car_is_not_found_then_told_and_back_in_the_staging_area(market: Market) -> None:
    counter, order_id = Counter(market), waiting(market)
    counter.do(order_id, "run", "take")
    counter.submit(f"/store/orders/{order_id}/run/walk")
    counter.submit(f"/store/orders/{order_id}/run/verify", codes=codes(market, order_id))
    assert "tel:+13125550188" in counter.page.text
    is_page(counter.submit(f"/store/orders/{order_id}/run/missing"))
    assert TEXTS["store_app.runs.told_missing"] in counter.page.text
    is_page(counter.submit(f"/store/orders/{order_id}/run/back"))
    assert market.row(order_id)["status"] == "staged"
    assert Shopping(market).events(order_id)[-2:] == ["unable_to_find_customer", "runner_not_found"]
    come(market, order_id)
    assert market.row(order_id)["status"] == "runner_awaiting"
    assert market.faults() == []


def test_retailer_has_codes_at_the_door_then_a_pickup_order_needs_none(server: LiveServer) -> None:
    with server.clients():
        market = Market(server, delivery_pin=True)
        counter, order_id = Counter(market), waiting(market, user={"sms_opt_in": True})
        counter.do(order_id, "run", "take")
        counter.submit(f"/store/orders/{order_id}/run/walk")
        page = counter.submit(f"/store/orders/{order_id}/run/verify", codes=codes(market, order_id)).text
        assert 'name="pin"' not in page
        counter.submit(f"/store/orders/{order_id}/run/give")
        assert market.row(order_id)["status"] == "completed"


def test_order_has_alcohol_then_the_age_is_checked_first(market: Market) -> None:
    items = [{"line_num": "1", "count": 1, "item": {"rrc": "wine"}}]
    order_id = waiting(market, items=items, user={"birthday": GROWN_UP})
    counter = Counter(market)
    counter.do(order_id, "run", "take")
    counter.submit(f"/store/orders/{order_id}/run/walk")
    counter.submit(f"/store/orders/{order_id}/run/verify", codes=codes(market, order_id))
    page = counter.submit(f"/store/orders/{order_id}/run/give")
    assert refused(page.text) in ("age_needed", "alcohol_hours")
    assert market.row(order_id)["status"] == "bags_verified"
