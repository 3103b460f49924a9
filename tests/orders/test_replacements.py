"""The customer's choice of replacements: when, how many, and how they are used."""

from typing import Any

import pytest

from handcart.orders.states import WORKFLOWS
from tests.support.orders import SHOPPED, Market, line
from tests.support.shop import error

CHOICE = {"line_num": "1", "count": 2, "replacement_items": [{"rrc": "bread"}, {"upc": "400000000015"}]}
MISSING = (404, "Resource not found", 4000, None)
MAY = {"brand_new", "acknowledged", "picking"}


def choose(market: Market, user_id: str, order_id: str, *selections: Any) -> Any:
    return market.put(market.path(user_id, order_id, "/replacement_selections"), {"selections": list(selections)})


@pytest.mark.parametrize("kind", SHOPPED)
def test_customer_chooses_then_it_is_kept_until_shopping_is_over(market: Market, kind: str) -> None:
    user_id = market.customer()
    first = market.order(kind, user_id, items=[line("1", "milk"), line("2", "soap")])
    order_id = first["id"]
    for status in WORKFLOWS[kind].states:
        market.set_status(order_id, status)
        before = market.row(order_id)
        answer = choose(market, user_id, order_id, CHOICE)
        if status in MAY:
            lines = answer.json()["items"]
            assert [one["replacement_policy"] for one in lines] == ["users_choice", "shoppers_choice"]
            stored = market.row(order_id)["items"]
            assert stored[0]["replacement_items"] == CHOICE["replacement_items"]
            assert (stored[0]["replacement_count"], "replacement_count" in stored[1]) == (2, False)
        else:
            assert error(answer) == (400, "too_late", 1001, "order_id")
            assert market.row(order_id) == before


def test_customer_chooses_again_then_the_new_choice_counts(market: Market) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id, items=[line("1", "milk"), line("2", "soap")])["id"]
    for _ in range(2):
        choose(market, user_id, order_id, CHOICE).raise_for_status()
    chosen = market.row(order_id)["items"]
    assert chosen[0]["replacement_items"] == CHOICE["replacement_items"]
    other = {"line_num": "1", "weight": 1.5, "replacement_items": [{"rrc": "ham"}]}
    choose(market, user_id, order_id, other, {"line_num": "2"}).raise_for_status()
    row = market.row(order_id)["items"][0]
    assert (row["replacement_items"], row["replacement_weight"]) == ([{"rrc": "ham"}], 1.5)
    assert "replacement_count" not in row
    choose(market, user_id, order_id, {"line_num": "1", "replacement_items": []}).raise_for_status()
    assert market.row(order_id)["items"][0].get("replacement_items", []) == []


def test_order_is_paid_with_ebt_then_only_eligible_items_are_kept(market: Market) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id, paid_with_ebt=True)["id"]
    wished = [{"rrc": "soap"}, {"rrc": "bread"}]
    choose(market, user_id, order_id, {"line_num": "1", "replacement_items": wished}).raise_for_status()
    assert market.row(order_id)["items"][0]["replacement_items"] == [{"rrc": "bread"}]


def test_choice_is_wrong_then_nothing_is_chosen(market: Market) -> None:
    user_id, neighbour = market.customer(), market.customer()
    order_id = market.order("delivery", user_id, items=[line("1", "milk"), line("2", "soap")])["id"]
    market.put(market.path(user_id, order_id), {"items": [line("1", "milk")]}).raise_for_status()
    before = market.row(order_id)
    rows: list[tuple[list[Any], Any]] = [
        ([], (400, "can't be blank", 1001, "selections")),
        ([CHOICE] * 11, (400, "is invalid", 1001, "selections")),
        ([{**CHOICE, "line_num": "9"}], (400, "Unknown line_num: 9", 1001, "selections")),
        ([CHOICE, {"line_num": "2"}, {"line_num": "8"}], (400, "Unknown line_num: 2, 8", 1001, "selections")),
        ([{**CHOICE, "count": 0}], (400, "is invalid", 1001, "selections[0].count")),
        ([{**CHOICE, "count": 1.5}], (400, "is invalid", 1001, "selections[0].count")),
        ([{**CHOICE, "weight": 0}], (400, "is invalid", 1001, "selections[0].weight")),
        ([{**CHOICE, "weight": -1}], (400, "is invalid", 1001, "selections[0].weight")),
        ([{"count": 1}], (400, "can't be blank", 1001, "selections[0].line_num")),
        ([{**CHOICE, "line_num": True}], (400, "is invalid", 1001, "selections[0].line_num")),
        (
            [{**CHOICE, "replacement_items": [{"rrc": "a\n"}]}],
            (400, "is invalid", 1001, "selections[0].replacement_items[0].rrc"),
        ),
        ([{**CHOICE, "replacement_items": [{}] * 11}], (400, "is invalid", 1001, "selections[0].replacement_items")),
    ]
    for selections, expected in rows:
        assert error(choose(market, user_id, order_id, *selections)) == expected
    assert error(choose(market, neighbour, order_id, CHOICE)) == MISSING
    assert error(choose(market, user_id, "unknown", CHOICE)) == MISSING
    assert error(choose(market, "nobody", order_id, CHOICE)) == (400, "User Not Found", 1001, "user_id")
    assert market.row(order_id) == before
    for kind in ("last_mile", "dispatch"):
        assert error(choose(market, user_id, market.order(kind, user_id)["id"], CHOICE)) == MISSING
