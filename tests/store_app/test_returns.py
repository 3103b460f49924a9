"""Goods that come back: canceled at the door, alcohol refused; counted once, and in the order's story."""

from collections.abc import Iterator
from typing import Any

import pytest

from handcart.acts.bodies import BringBack
from handcart.acts.verbs import VERBS, Work
from handcart.batches import ops as batches
from handcart.core.db import Tx
from handcart.core.web.pages import texts
from tests.store_app.checks import refused
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import GROWN_UP, Market
from tests.support.pages import is_page
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.tablets import Counter

TEXTS = texts("en")


@pytest.fixture
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server)


def at_the_door(market: Market, kind: str = "dispatch", **fields: Any) -> str:
    """An order that a shopper carries to its customer."""
    shopping = Shopping(market)
    order_id: str = market.order(kind, **fields)["id"]
    shopping.reach(shopping.batch(order_id), "delivering")
    return order_id


def bring_back(market: Market, order_id: str, reason: Any) -> None:
    async def back(tx: Tx) -> None:
        batch = await batches.lock_of_order(tx, market.retailer.id, order_id)
        assert batch is not None
        await VERBS["bring_back"].do(tx, Work(market.retailer.id, batch), BringBack(order_id, reason))

    market.server.write(back)


def test_order_comes_back_then_confirmed_canceled_and_in_its_story(market: Market) -> None:
    counter, order_id = Counter(market), at_the_door(market)
    assert TEXTS["store_app.returns.none"] in is_page(counter.open("/store/returns")).text
    bring_back(market, order_id, "nobody_there")
    page = counter.open("/store/returns").text
    assert [order_id in page, TEXTS["store_app.reason.nobody_there"] in page] == [True, True]
    for given in ("", "-1", "many", "61"):
        with nothing_written(market.server):
            page = is_page(counter.do(order_id, "return", bags=given), 400)
        assert refused(page.text) == "count"
    is_page(counter.do(order_id, "return", bags="3"))
    row = market.row(order_id)
    assert row["status"] == "canceled"
    assert row["details"]["came_back"]["bag_count"] == 3
    assert row["details"]["came_back"]["by"] == counter.person.name
    assert ("dispatch", "canceled") not in market.history(order_id)
    assert [what for _, what in market.history(order_id)][-2:] == ["goods came back", "canceled"]
    assert TEXTS["store_app.returns.none"] in counter.open("/store/returns").text
    story = Person(market.server, "dispatcher").open(f"/console/orders/{market.slug}/{order_id}").text
    assert [text in story for text in (counter.person.name, TEXTS["console.step.goods_came_back"])] == [True, True]


def test_return_is_sent_twice_then_only_once(market: Market) -> None:
    counter, order_id = Counter(market), at_the_door(market)
    bring_back(market, order_id, "customer_refused")
    counter.order(order_id, "return")
    form = counter.form(f"/store/orders/{order_id}/return")
    assert counter.http.post(form.action, data={**form, "bags": "1"}).status_code == 303
    with nothing_written(market.server):
        assert counter.http.post(form.action, data={**form, "bags": "2"}).status_code == 409


def test_only_the_alcohol_comes_back_then_counted_and_the_rest_goes_on(market: Market) -> None:
    items = [
        {"line_num": "1", "count": 2, "item": {"rrc": "wine"}},
        {"line_num": "2", "count": 1, "item": {"rrc": "milk"}},
    ]
    order_id = at_the_door(market, "delivery", user_id=market.customer(), items=items, user={"birthday": GROWN_UP})
    counter = Counter(market)
    assert order_id not in counter.open("/store/returns").text
    bring_back(market, order_id, "alcohol_only")
    page = counter.open("/store/returns").text
    assert [order_id in page, TEXTS["store_app.reason.alcohol_only"] in page] == [True, True]
    assert refused(counter.do(order_id, "return", bags="1", alcohol="").text) == "count"
    is_page(counter.do(order_id, "return", bags="1", alcohol="2"))
    row = market.row(order_id)
    assert (row["status"], row["details"]["came_back"]["alcohol_count"]) == ("delivering", 2)
    assert order_id not in counter.open("/store/returns").text


def test_nothing_comes_back_then_the_form_is_not_there(market: Market) -> None:
    counter, order_id = Counter(market), at_the_door(market)
    page = is_page(counter.order(order_id, "return")).text
    assert f'action="/store/orders/{order_id}/return"' not in page
