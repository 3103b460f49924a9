"""The items of an order, and the answers to replacements."""

import concurrent.futures
from typing import Any

import pytest

from handcart.core.secret import Keys
from handcart.stores import items
from handcart.stores.models import Item
from tests.support.contents import nothing_written
from tests.support.orders import Market, line, refusals
from tests.support.picking import Picking, item_id
from tests.support.post_checkout import NO_USER, NOT_FOUND, Customer
from tests.support.server import LiveServer
from tests.support.shop import error

UNSPECIFIED = "SUBSTITUTION_STATUS_UNSPECIFIED"
ALREADY = (400, "Order item change already responded to", 4001, None)
BREAD = {"rrc": "bread", "count": 1}
APPROVED, REJECTED = {"status": "APPROVED"}, {"status": "REJECTED"}


def proposed(market: Market, **fields: Any) -> Picking:
    """An order with three times milk, for which soap is proposed."""
    picking = Picking(market, **fields)
    picking.says(replacement_item={"rrc": "soap"})
    return picking


def answer(picking: Picking, body: Any, caller: Customer | None = None) -> Any:
    caller = caller or customer(picking)
    listed = caller.get(picking.id, "/items").json()["line_items"]
    return caller.put(picking.id, f"/items/{listed[0]['id']}/replacement", body)


def customer(picking: Picking) -> Customer:
    return Customer(picking.market, picking.user_id)


def listed(picking: Picking) -> list[dict[str, Any]]:
    """The items, without their ids."""
    found = customer(picking).get(picking.id, "/items").raise_for_status().json()
    assert list(found) == ["line_items"]
    return [{name: value for name, value in one.items() if name != "id"} for one in found["line_items"]]


def test_items_then_each_has_its_documented_fields(market: Market) -> None:
    pictured = Item(rrc="milk", upc="400000000015", name="Milk", image_url="https://pictures.example/milk.png")
    market.server.write(items.save, market.retailer.id, [pictured])
    picking = proposed(market)
    picking.adds(item={"rrc": "apples"}, delivered_weight=1.5)
    assert listed(picking) == [
        {
            "line_num": "1",
            "status": "REPLACED",
            "replacement_status": "PENDING",
            "certified_delivery": False,
            "item": {
                "name": "Milk",
                "image_url": "https://pictures.example/milk.png",
                "quantity": "3",
                "cost_unit": "each",
            },
            "replacement": {"name": "Soap", "quantity": "3", "cost_unit": "each"},
        },
        {
            "line_num": "2",
            "status": "FOUND",
            "replacement_status": UNSPECIFIED,
            "certified_delivery": False,
            "item": {"name": "Apples", "quantity": "1.5", "cost_unit": "kg"},
        },
    ]


def test_shopper_reports_then_statuses_and_quantities_follow(market: Market) -> None:
    picking = Picking(market)

    def shown(**fields: Any) -> Any:
        picking.says(**fields)
        (one,) = listed(picking)
        other = one.get("replacement")
        amounts = [part and (part["quantity"], part["cost_unit"]) for part in (one["item"], other)]
        return one["status"], one["replacement_status"], *amounts

    three = ("3", "each")
    assert shown(status="found", delivered_count=2) == ("FOUND", UNSPECIFIED, ("2", "each"), None)
    assert shown(replacement_item={"rrc": "bread"}, delivered_count=1) == ("REPLACED", "PENDING", three, ("1", "each"))
    by_weight = ("REPLACED", "PENDING", three, ("0.75", "lb"))
    picking.says(status="not_found")
    assert shown(replacement_item={"rrc": "ham"}, delivered_weight=0.75) == by_weight
    assert shown(status="to_refund") == ("TO_REFUND", UNSPECIFIED, three, None)
    assert shown(status="not_found") == ("NOT_PICKED", UNSPECIFIED, three, None)


def test_order_has_no_items_of_ours_then_the_list_is_empty(market: Market) -> None:
    user_id = market.customer()
    for kind in ("last_mile", "dispatch"):
        order_id = market.order(kind, user_id)["id"]
        assert Customer(market, user_id).get(order_id, "/items").json() == {"line_items": []}


def test_ids_of_items_then_they_stay_and_no_two_orders_share_one(market: Market) -> None:
    user_id, ids = market.customer(), []
    for _ in range(2):
        order_id = market.order(user_id=user_id, items=[line("1", "milk"), line("2", "soap")])["id"]
        found = [item_id(market, order_id, line_num) for line_num in ("1", "2")]
        market.put(market.path(user_id, order_id), {"items": [line("2", "soap", count=5)]}).raise_for_status()
        assert item_id(market, order_id, "2") == found[1]
        ids += found
    assert len({*ids}) == 4
    assert all(len(one) == 32 for one in ids)


def test_customer_answers_then_the_item_shows_it(market: Market) -> None:
    for body, status, decision in (
        (APPROVED, "REPLACED", "APPROVED"),
        (REJECTED, "TO_REFUND", "REJECTED"),
        ({**REJECTED, "alternative_item": {"rrc": "bread", "count": 1}}, "NOT_PICKED", "REJECTED"),
        ({**REJECTED, "alternative_item": {"upc": 400000000022, "count": 1}}, "NOT_PICKED", "REJECTED"),
        ({**REJECTED, "alternative_item": None}, "TO_REFUND", "REJECTED"),
    ):
        for user in (True, False):
            picking = proposed(market)
            caller = Customer(market, picking.user_id if user else None)
            answered = answer(picking, body, caller)
            assert (answered.status_code, answered.json()) == (200, {})
            (shown,) = listed(picking)
            assert (shown["status"], shown["replacement_status"]) == (status, decision)
            assert ("replacement" in shown) is (status == "REPLACED")
            with nothing_written(market.server):
                assert error(answer(picking, body, caller)) == ALREADY


def test_answer_is_wrong_then_each_documented_refusal_comes(market: Market) -> None:
    picking = proposed(market)
    caller = customer(picking)
    code, amount = "must include exactly one of rrc or upc", "must include exactly one of count or weight"
    key = "alternative_item"
    rows: list[tuple[Any, list[tuple[str, int | None, str | None]]]] = [
        ({"rrc": "bread", "upc": "400000000022", "count": 1}, [(code, 1001, key)]),
        ({"count": 1}, [(code, 1001, key)]),
        ({"rrc": "bread", "count": 1, "weight": 1}, [(amount, 1001, key)]),
        ({"rrc": "bread"}, [(amount, 1001, key)]),
        ({"rrc": "bread", "count": 0}, [("count must be greater than 0", 1001, key)]),
        ({"rrc": "bread", "count": -2}, [("count must be greater than 0", 1001, key)]),
        ({"rrc": "ham", "weight": 0}, [("weight must be greater than 0", 1001, key)]),
        ({"rrc": "ham", "weight": -0.5}, [("weight must be greater than 0", 1001, key)]),
        ({"rrc": "nothing", "count": 1}, [("Could not resolve alternative item to a valid product", 1001, None)]),
        ({"rrc": "bread", "count": "many"}, [("is invalid", 1001, f"{key}.count")]),
        ({}, [(code, 1001, key), (amount, 1001, key)]),
        ("bread", [("is invalid", 1001, key)]),
    ]
    with nothing_written(market.server):
        for alternative, expected in rows:
            refused = answer(picking, {**REJECTED, key: alternative}, caller)
            assert (refused.status_code, refusals(refused)) == (400, expected), alternative
        with_approval = answer(picking, {**APPROVED, key: {"rrc": "bread", "count": 1}}, caller)
        assert error(with_approval) == (400, "must be blank", 1001, key)


def test_status_is_missing_or_unknown_then_the_documented_refusal_comes(market: Market) -> None:
    picking = proposed(market)
    caller = customer(picking)
    not_included = ("is not included in the list", 1001, "status")
    with nothing_written(market.server):
        for body in ({}, {"status": None}, {"status": ""}):
            refused = answer(picking, body, caller)
            assert refusals(refused) == [("can't be blank", 1001, "status"), not_included]
            outer = refused.json()["error"]
            assert (outer["message"], outer["code"]) == ("There were issues with your request", 9999)
        for status in ("PENDING", "approved", "x" * 1000):
            assert refusals(answer(picking, {"status": status}, caller)) == [not_included]
        assert error(answer(picking, {"status": True}, caller)) == (400, "is invalid", 1001, "status")


def test_order_or_item_is_not_the_callers_then_it_is_not_found(market: Market, server: LiveServer) -> None:
    picking, other = proposed(market), proposed(market)
    mine = Customer(market, picking.user_id)
    its_item = item_id(market, other.id)
    stranger, client = Customer(Market(server)), Customer(market)
    without_user = str(market.order("dispatch")["id"])
    with nothing_written(server):
        for caller in (mine, stranger):
            assert error(caller.get(other.id, "/items")) == NOT_FOUND
            assert error(caller.put(other.id, f"/items/{its_item}/replacement", APPROVED)) == NOT_FOUND
        for wrong in (its_item, "1", "1111", "%E2%80%AE"):
            refused = mine.put(picking.id, f"/items/{wrong}/replacement", APPROVED)
            assert (refused.status_code, refused.json()["error"]["code"]) == (404, 4000)
            if wrong.isascii() and "%" not in wrong:
                assert refused.json()["error"]["message"] == f"Order item {wrong} not found"
        assert error(client.get(without_user, "/items")) == NO_USER
        assert error(client.put(without_user, "/items/1/replacement", APPROVED)) == NO_USER


def test_two_answers_come_at_once_then_one_of_them_counts(market: Market) -> None:
    for first, second in ((APPROVED, REJECTED), (REJECTED, {**REJECTED, "alternative_item": BREAD})):
        picking = proposed(market)
        callers = [customer(picking) for _ in range(6)]
        with concurrent.futures.ThreadPoolExecutor(len(callers)) as pool:
            results = list(pool.map(answer, [picking] * 6, [first, second] * 3, callers))
        assert sorted(one.status_code for one in results) == [200, 400, 400, 400, 400, 400]
        assert {error(one) for one in results if one.status_code == 400} == {ALREADY}


def test_secret_key_is_rotated_then_earlier_ids_still_work(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    picking = proposed(market)
    before = item_id(market, picking.id)
    macs = Keys.link_macs

    def rotated(self: Keys, *subject: str) -> list[bytes]:
        return [macs(self, "newer", *subject)[0], *macs(self, *subject)]

    monkeypatch.setattr(Keys, "link_macs", rotated)
    assert item_id(market, picking.id) != before
    answered = Customer(market, picking.user_id).put(picking.id, f"/items/{before}/replacement", APPROVED)
    assert answered.json() == {}
