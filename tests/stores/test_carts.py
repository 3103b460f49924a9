"""Reading a cart: units, notes, duplicate products, limits; by ops, on both databases."""

from typing import Any

import msgspec
import pytest

from handcart.core.errors import ApiError, SeveralErrors
from handcart.retailers import ops as retailers
from handcart.stores import carts, items
from handcart.stores.carts import Cart, Lines
from handcart.stores.models import DELIVERY, LAST_MILE, PICKUP, Item
from tests.support.shop import Shop
from tests.support.stores import store

CATALOG = (
    Item(rrc="milk", upc="400000000015", name="Milk"),
    Item(rrc="ham", name="Ham", cost_unit="lb"),
    Item(rrc="apples", upc="4011", name="Apples", cost_unit="kg", par_weight=0.2),
    Item(rrc="wine", name="Wine", alcohol_kind="wine"),
    Item(rrc="syrup", name="Cough syrup", restricted_reasons=("DXM",)),
    Item(rrc="water", name="Water", beverage_weight=2.6),
    Item(rrc="juice", name="Juice", beverage_weight=0.1),
    Item(rrc="chair", name="Garden chair", is_bulky=True),
)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.server.write(items.save, shop.retailer.id, CATALOG)
    return shop


def read(shop: Shop, *asked: dict[str, Any], kind: str = DELIVERY, sells_alcohol: bool = True) -> Cart:
    numbered = [{"line_num": str(place), **one} for place, one in enumerate(asked, 1)]
    lines = msgspec.convert(numbered, Lines)
    at = store("s", sells_alcohol=sells_alcohol)
    retailer = shop.server.read(retailers.retailer, shop.retailer.id)  # read again: tests change its rules
    found: Cart = shop.server.read(carts.read, retailer, at, kind, lines)
    return found


def wanted(rrc: str, **fields: Any) -> dict[str, Any]:
    return {"item": {"rrc": rrc}, **fields}


def said(errors: Any) -> list[tuple[str, Any]]:
    return [(error.message, error.more.get("line_nums")) for error in errors]


@pytest.mark.parametrize(
    ("asked", "qty", "unit", "note"),
    [
        (wanted("milk", count=3), 3, "each", ""),
        (wanted("milk", count=3, special_instructions="cold"), 3, "each", "cold"),
        (wanted("milk", count=3, weight=1.5), 3, "each", "weight: 1.5"),
        (wanted("milk", count=3, weight=2.0, special_instructions="cold"), 3, "each", "cold (weight: 2)"),
        (wanted("ham", weight=0.75), 0.75, "lb", ""),
        (wanted("ham", weight=0.75, count=4), 0.75, "lb", "count: 4"),
        (wanted("ham", weight=0.75, count=4, special_instructions="thin"), 0.75, "lb", "thin (count: 4)"),
        (wanted("apples", count=5), 5, "each", ""),
        (wanted("apples", weight=1.2), 1.2, "kg", ""),
        (wanted("apples", count=5, weight=1.2), 5, "each", "weight: 1.2"),
        ({"item": {"upc": "0400000000015"}, "count": 1}, 1, "each", ""),
        ({"item": {"upc": "4011", "rrc": "milk"}, "weight": 2}, 2, "kg", ""),
    ],
)
def test_line_is_read_then_how_it_is_sold_decides_and_the_rest_is_told(
    stocked: Shop, asked: dict[str, Any], qty: float, unit: str, note: str
) -> None:
    cart = read(stocked, asked)
    (line,) = cart.lines
    assert (line.qty, line.qty_unit, line.special_instructions) == (qty, unit, note)
    assert (cart.refusals, cart.warnings) == ([], [])


def test_item_not_in_the_catalog_then_a_lenient_retailer_takes_it_as_sent(stocked: Shop) -> None:
    asked = [wanted("caviar", count=2), {"item": {"upc": "123"}, "weight": 0.5}, wanted("ice", count=2, weight=5)]
    assert said(read(stocked, *asked).refusals) == [("Invalid items", ["1", "2", "3"])]
    stocked.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, stocked.slug)
    cart = read(stocked, *asked)
    assert [(line.qty, line.qty_unit) for line in cart.lines] == [(2, "each"), (0.5, "lb"), (2, "each")]
    assert (said(cart.refusals), said(cart.warnings)) == ([], [("Invalid items", ["1", "2", "3"])])
    without_amount = read(stocked, wanted("caviar"), wanted("milk"), wanted("ice", count=0))
    assert said(without_amount.refusals) == [("Invalid items", ["1", "2", "3"])]


@pytest.mark.parametrize(
    ("asked", "again"),
    [
        ([wanted("milk", count=1), wanted("milk", count=1)], ["2"]),
        ([wanted("milk", count=1), {"item": {"upc": "400000000015"}, "count": 1}], ["2"]),
        ([{"item": {"upc": "00400000000015"}, "count": 1}, {"item": {"upc": "400000000015"}, "count": 1}], ["2"]),
        ([wanted("milk", count=1), wanted("ham", weight=1, line_num="1")], ["1"]),
        ([wanted("milk", count=1)] * 3, ["2", "3"]),
        ([wanted("ham", weight=1), wanted("ham", weight=2)], ["2"]),
    ],
)
def test_product_or_number_comes_twice_then_the_later_line_is_named(
    stocked: Shop, asked: list[dict[str, Any]], again: list[str]
) -> None:
    assert said(read(stocked, *asked).refusals) == [("Duplicate items were provided", again)]


def test_lines_name_no_product_then_each_is_blank(stocked: Shop) -> None:
    with pytest.raises(ApiError) as alone:
        read(stocked, wanted("milk", count=1), {"item": {}, "count": 1})
    assert (alone.value.message, alone.value.code, alone.value.key) == ("can't be blank", 1001, "items[1].item")
    with pytest.raises(SeveralErrors) as both:
        read(stocked, {"item": {}}, {"item": {}})
    assert [error.key for error in both.value.errors] == ["items[0].item", "items[1].item"]


LIMITS = [
    ("Maximum total quantity of items exceeded", wanted("milk", count=250), wanted("apples", count=1)),
    ("Maximum total weight of beverage items exceeded", wanted("water", count=92), wanted("juice", count=9)),
    ("Maximum quantity of large or bulky items exceeded", wanted("chair", count=10), wanted("chair", count=11)),
]


def test_delivery_reaches_a_limit_then_it_may_and_over_it_is_refused(stocked: Shop) -> None:
    units, beverages, bulky = LIMITS
    exactly = [units[1], wanted("ham", weight=500), wanted("apples", weight=90)]
    assert said(read(stocked, *exactly).refusals) == []
    assert said(read(stocked, units[1], units[2]).refusals) == [(units[0], None)]
    # 92 x 2.6 + 8 x 0.1 are 240 pounds, for floating point a hair more
    assert said(read(stocked, beverages[1], wanted("juice", count=8)).refusals) == []
    assert said(read(stocked, beverages[1], beverages[2]).refusals) == [(beverages[0], None)]
    assert said(read(stocked, bulky[1]).refusals) == []
    assert said(read(stocked, bulky[2]).refusals) == [(bulky[0], None)]
    everything = [units[1], units[2], beverages[1], beverages[2], bulky[2]]
    assert said(read(stocked, *everything).refusals) == [(message, None) for message, _, _ in LIMITS]
    for kind in (PICKUP, LAST_MILE):
        assert read(stocked, *everything, kind=kind).refusals == []


def test_alcohol_or_restricted_items_then_said_and_the_cart_works_without(
    stocked: Shop,
) -> None:
    asked = [wanted(rrc, count=1) for rrc in ("milk", "wine", "syrup")]
    cart = read(stocked, *asked)
    assert (cart.has_alcohol, cart.is_restricted, said(cart.refusals)) == (True, True, [])
    for kind in (DELIVERY, PICKUP):
        dry = read(stocked, *asked, kind=kind, sells_alcohol=False)
        assert said(dry.refusals) == [("Some items are not deliverable", ["2"])]
    left = carts.without(cart, [line for line in cart.lines if line.is_restricted])
    assert [line.asked.line_num for line in left.lines] == ["1"]
    assert (left.has_alcohol, left.is_restricted) == (False, False)
    assert said(left.warnings) == [("Some items were removed", ["2", "3"])]
    assert (read(stocked, asked[2]).has_alcohol, read(stocked, asked[2]).is_restricted) == (False, True)
