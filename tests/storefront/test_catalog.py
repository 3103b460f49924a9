"""The shop's products, against the catalog of the demo."""

from pathlib import Path

import pytest

import storefront
from handcart.stores import samples
from storefront.catalog import ITEMS

DEMO = {item.rrc: item for item in samples.items(60)}


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_product_of_the_shop_then_the_demo_sells_it_in_the_same_unit(item):
    found = DEMO.get(item.rrc) or next(one for one in DEMO.values() if one.upc == item.upc)
    assert (item.upc is None) != (item.rrc is None)
    assert item.is_alcohol == (found.alcohol_kind is not None)
    # By weight where the catalog knows no average piece, else by the count or what a piece weighs.
    assert item.pounds or found.cost_unit == "each" or found.par_weight
    assert not (item.pounds and found.cost_unit == "each")
    assert (Path(storefront.__file__).parent / "static" / "items" / item.picture).exists()
