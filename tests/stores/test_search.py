"""Searching a catalog by words, by codes and by the last digits of codes."""

from collections.abc import Sequence
from typing import Any

import pytest

from handcart.retailers import ops as retailers
from handcart.stores import items, search, weighed
from handcart.stores.codes import check_digit
from handcart.stores.models import Item
from tests.support.server import LiveServer
from tests.support.shop import Shop

CATALOG = (
    Item(rrc="whole", upc="400000000015", name="Whole Milk"),
    Item(rrc="skimmed", upc="400000000022", name="Skimmed milk, 1 L"),
    Item(rrc="brulee", name="Crème Brûlée"),
    Item(rrc="percent", name="100% Juice_of 'oranges' <b>"),
    Item(rrc="banana", upc="4011", name="Bananas", cost_unit="lb", price_cents=69),
    Item(rrc="ham", upc="212345000000"[:11] + check_digit("21234500000"), name="Ham", cost_unit="lb", price_cents=899),
    Item(rrc="SKU-77123", name="Kitchen sponge"),
)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.server.write(items.save, shop.retailer.id, CATALOG)
    return shop


def named(shop: Shop, text: str, most: int = 20) -> Sequence[str]:
    found = shop.server.read(search.by_name, shop.retailer.id, text, most)
    return [item.rrc for item in found.items]


def coded(shop: Shop, code: str) -> tuple[Sequence[str], float | None]:
    retailer = shop.server.read(retailers.retailer, shop.retailer.id)
    found = shop.server.read(search.by_code, retailer, code, 20)
    return [item.rrc for item in found.items], found.weight


NAMED = {
    "milk": ["skimmed", "whole"],
    "MILK  whole": ["whole"],
    "mil": ["skimmed", "whole"],
    "ilk": [],
    "brulee creme": ["brulee"],
    "CRÈME": ["brulee"],
    "milk banana": [],
    "milk milk milk milk milk": ["skimmed", "whole"],
    "100%": ["percent"],
    "juice_of": ["percent"],
    "%": [],
    "_": [],
    "'": [],
    "' OR 1=1 --": ["percent"],  # its words begin with `or` and `1`
    "<": [],
    "<5100": [],
    "\U0010ffff": [],
    "400000000015": ["whole"],
    "4000 0000 0015": ["whole"],
    "0022": ["skimmed"],
    "77123": ["SKU-77123"],
}


def test_words_searched_then_items_with_all_of_them_by_name(stocked: Shop) -> None:
    assert {text: named(stocked, text) for text in NAMED} == NAMED
    assert named(stocked, "milk", most=1) == ["skimmed"]


CODED = {
    "400000000015": ["whole"],
    "0400000000015": ["whole"],
    "00400000000015": ["whole"],
    "40000000001": ["whole"],
    "SKU-77123": ["SKU-77123"],
    "4011": ["banana"],
    "04011": ["banana"],
    "015": ["whole"],
    "15": [],
    "sku": [],
    "%015": [],
    "": [],
}


def test_code_in_any_length_then_its_item_or_those_that_end_so(stocked: Shop) -> None:
    assert {code: coded(stocked, code) for code in CODED} == {code: (rrcs, None) for code, rrcs in CODED.items()}


def label(number: str, price: str) -> str:
    digits = f"2{number}{weighed.verifier(price)}{price}"
    return digits + check_digit(digits)


def test_label_of_a_scale_then_its_item_and_weight(stocked: Shop) -> None:
    assert coded(stocked, label("12345", "1995")) == (["ham"], 2.22)
    assert coded(stocked, "0" + label("12345", "1995")) == (["ham"], 2.22)
    assert coded(stocked, label("04011", "0138")) == (["banana"], 2.0)
    assert coded(stocked, label("99999", "0138")) == ([], None)
    unverified = "21234581995"
    assert coded(stocked, unverified + check_digit(unverified)) == (["ham"], None)


def test_scales_print_weights_then_the_label_says_it_in_the_cost_unit(stocked: Shop) -> None:
    stocked.server.write(retailers.change, stocked.slug, {"scale_codes": "weight"})
    digits = "21234502215"
    assert coded(stocked, digits + check_digit(digits)) == (["ham"], 2.215)


def test_item_changes_its_name_then_only_the_new_one_is_found(stocked: Shop) -> None:
    stocked.server.write(items.save, stocked.retailer.id, [Item(rrc="whole", name="Fresh cream")])
    assert (named(stocked, "whole"), named(stocked, "cream"), named(stocked, "400000000015")) == ([], ["whole"], [])


def test_two_retailers_then_each_finds_its_own_items(stocked: Shop, server: LiveServer) -> None:
    other = Shop(server)
    assert (named(other, "milk"), coded(other, "400000000015")) == ([], ([], None))


def test_thousands_of_items_saved_at_once_then_all_are_found(shop: Shop) -> None:
    catalog: Any = (Item(rrc=f"r{number}", name=f"Thing n{number}") for number in range(2100))
    assert shop.server.write(items.save, shop.retailer.id, catalog) == 2100
    assert (named(shop, "n2099 thing"), len(named(shop, "thing"))) == (["r2099"], 20)
