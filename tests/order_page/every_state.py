"""Orders in every state that their pages can show."""

from collections.abc import Iterator
from typing import Any

from tests.order_page.customer import Customer, path_of
from tests.support.orders import MILK, Market, line
from tests.support.sandbox import Shopping

_ITEMS = [MILK, line("2", "soap"), line("3", "ham", count=None, weight=1.25), line("4", "soda")]


def every_state(market: Market, shopping: Shopping) -> Iterator[tuple[str, str]]:
    """The name of each state, and the path of the page of an order in it; the order stays in it until the next."""
    yield from _delivery(market, shopping)
    yield from _pickup(market, shopping)
    yield from _carried(market, shopping)
    canceled = market.order("delivery", items=_ITEMS)
    shopping.simulate(canceled["id"], "canceled").raise_for_status()
    yield "canceled", path_of(canceled)


def _delivery(market: Market, shopping: Shopping) -> Iterator[tuple[str, str]]:
    order = market.order("delivery", items=_ITEMS)
    order_id, path = order["id"], path_of(order)
    yield "delivery-got", path
    shopper = shopping.shopper()
    batch = shopping.generate(shopper, order_id).json()["id"]
    shopping.reach(batch, "picking")
    _pick(shopping, shopper, order_id)
    yield "delivery-shopping", path
    _say(market, path, "Ripe bananas, please.")
    shopping.reach(batch, "verifying_replacements")
    yield "delivery-review", path
    shopping.reach(batch, "checkout")
    yield "delivery-complete", path
    shopping.reach(batch, "delivering")
    yield "delivery-out", path
    shopping.reach(batch, "completed")
    yield "delivery-delivered", path


def _pickup(market: Market, shopping: Shopping) -> Iterator[tuple[str, str]]:
    order = market.order("pickup", items=_ITEMS)
    order_id, path = order["id"], path_of(order)
    shopping.reach(shopping.batch(order_id), "staged")
    yield "pickup-ready", path
    customer = Customer(market)
    customer.submit(customer.http.get(path), "/pickup/here")
    yield "pickup-looking", path
    runner = shopping.batch(order_id)
    shopping.reach(runner, "at_store")
    yield "pickup-runner", path
    shopping.reach(runner, "completed")
    yield "pickup-picked-up", path


def _carried(market: Market, shopping: Shopping) -> Iterator[tuple[str, str]]:
    order = market.order("last_mile")
    order_id, path = order["id"], path_of(order)
    yield "last-mile-got", path
    batch = shopping.batch(order_id)
    shopping.reach(batch, "delivering")
    yield "last-mile-out", path
    shopping.reach(batch, "completed")
    yield "last-mile-delivered", path


def _pick(shopping: Shopping, shopper: Any, order_id: str) -> None:
    shopping.item(shopper, order_id, "1", status="replaced", replacement_item={"rrc": "bread"}).raise_for_status()
    shopping.item(shopper, order_id, "2", status="found").raise_for_status()
    shopping.item(shopper, order_id, "4", status="to_refund").raise_for_status()


def _say(market: Market, path: str, text: str) -> None:
    customer = Customer(market)
    customer.submit(customer.http.get(path), "/chat", body=text)
