"""Fees, pay and tips of orders; months that are closed once."""

import pytest

from handcart.core import clock
from handcart.money import ops, queries
from handcart.money.models import MoneyRefused, Statement
from handcart.staff.models import SYSTEM
from tests.support.money import ZONE, complete, count, ended, faults, set_fees, set_pay
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.working import Working


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, capacity=200)


def at(text: str) -> int:
    return clock.from_wire(text, "time")


def statement(market: Market, month: str) -> Statement:
    found: Statement = market.server.read(queries.statement, market.retailer.id, month, ZONE)
    return found


def close(market: Market, month: str) -> Statement:
    made: Statement = market.server.write(ops.close, SYSTEM, market.retailer.id, month, ZONE)
    return made


def amounts(found: Statement) -> dict[str, tuple[int, int]]:
    return {kind: (one.quantity, one.cents) for kind, one in found.sums.items()}


def test_order_is_delivered_then_fees_tip_and_pay_are_lines(market: Market, server: LiveServer) -> None:
    ana = Working(server, "Ana")
    set_fees(market, delivery_cents=700, goods_basis_points=150)
    set_pay(market, ana.id, delivery_cents=500, item_cents=10)
    order_id = market.order("delivery", initial_tip_cents=333)["id"]
    complete(market, ana, order_id)
    ended(market, order_id, at("2024-03-05T12:00:00Z"))
    count(market)
    found = statement(market, "2024-03")
    assert amounts(found) == {
        "fee_order": (1, 700),
        "tip": (1, 333),
        "pay_batch": (1, 500),
        "pay_item": (2, 20),
    }
    assert (found.orders, found.due, found.operator) == (1, 1033, 180)
    assert [(share.person_id, share.tips, share.pay) for share in found.shares] == [(ana.id, 333, 520)]
    assert found.due == sum(share.cents for share in found.shares) + found.operator
    assert not faults(market)


def test_month_is_closed_then_later_changes_are_corrections(market: Market, server: LiveServer) -> None:
    ana = Working(server, "Ana")
    set_fees(market, delivery_cents=700, minimum_cents=1000)
    order_id = market.order("delivery", initial_tip_cents=100)["id"]
    complete(market, ana, order_id)
    ended(market, order_id, at("2024-03-31T23:00:00-05:00"))
    count(market)
    assert statement(market, "2024-03").cents("fee_minimum") == 300
    closed = close(market, "2024-03")
    assert (closed.due, closed.operator) == (1100, 1000)
    ended(market, order_id, at("2024-03-31T23:00:00-05:00"), tip_cents=250)
    count(market)
    assert close(market, "2024-03") == closed == statement(market, "2024-03")
    after = statement(market, "2024-04")
    assert amounts(after) == {"tip": (0, 150), "fee_minimum": (1, 1000)}
    count(market)
    assert statement(market, "2024-04") == after
    assert not faults(market)


@pytest.mark.parametrize(
    ("month", "rule"), [("2024-3", "month"), ("2999-01", "month"), ("2098-12", "not_over"), ("2024-04", "earlier_open")]
)
def test_month_cannot_be_closed_then_the_sentence_says_why(
    market: Market, server: LiveServer, month: str, rule: str
) -> None:
    order_id = market.order("delivery")["id"]
    complete(market, Working(server, "Ana"), order_id)
    ended(market, order_id, at("2024-03-05T12:00:00Z"))
    count(market)
    with pytest.raises(MoneyRefused) as refused:
        close(market, month)
    assert refused.value.reason == rule
