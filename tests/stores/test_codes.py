"""Parsing product codes: all spellings of a product's code give the same result."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handcart.stores import codes, items
from handcart.stores.models import Item
from tests.support.shop import Shop

MILK, PEN, CANDY, BANANA = "00400000000015", "04006381333931", "00042100005264", "4011"
READ = {
    "400000000015": MILK,
    "0400000000015": MILK,
    "00400000000015": MILK,
    " 400000000015 ": MILK,
    "40000000001": MILK,  # without its check digit
    "4006381333931": PEN,
    "036000291452": "00036000291452",
    "36000291452": "00036000291452",  # a spreadsheet dropped the 0
    "03600029145": "00036000291452",  # without its check digit
    "04252614": CANDY,  # UPC-E
    "4252614": CANDY,
    "042100005264": CANDY,
    "96385074": "00000096385074",  # EAN-8
    "4011": BANANA,
    "04011": BANANA,
    "000000004011": BANANA,
    "0000000004011": BANANA,
    "94011": "94011",
    "0000000094011": "94011",
    "000000004046": "4046",  # its check digit is right for a GTIN as well
    "12345": "12345",
}
UNREADABLE = (
    "",
    "milk",
    "400000000016",
    "04252615",
    "123456",
    "1234567",
    "400000000",
    "4000000001",
    "4" * 15,
    "٤٠١١",
    "4.0E11",
)
# Each last digit of UPC-E stands for other zeros (GS1 General Specifications 5.2).
UPC_E = {
    "01234505": "012000003455",
    "01234514": "012100003454",
    "01234523": "012200003453",
    "01234531": "012300000451",
    "01234543": "012340000053",
    "01234558": "012345000058",
    "01234590": "012345000096",
}


@pytest.mark.parametrize("text", READ)
def test_code_is_written_in_some_way_then_it_has_its_one_form(text: str) -> None:
    assert codes.read(text) == READ[text]


@pytest.mark.parametrize("text", UNREADABLE)
def test_text_that_is_no_code_then_not_read(text: str) -> None:
    assert codes.read(text) is None


@pytest.mark.parametrize("text", UPC_E)
def test_upc_e_is_read_then_its_zeros_are_put_back(text: str) -> None:
    body = UPC_E[text][:11]
    assert codes.read(text[:7] + codes.check_digit(body)) == (body + codes.check_digit(body)).zfill(14)


@given(st.text(max_size=16) | st.from_regex(r"[0-9]{1,15}", fullmatch=True))
def test_read_code_is_read_again_then_it_stays(text: str) -> None:
    found = codes.read(text)
    assert found is None or items.plain_upc(found) == found


def test_item_is_imported_then_every_way_to_write_its_code_finds_it(shop: Shop) -> None:
    """Import, API and validation agree."""
    shop.server.write(items.save, shop.retailer.id, [Item(rrc="banana", upc="000000004011", name="Banana")])
    shop.server.write(items.save, shop.retailer.id, [Item(rrc="candy", upc="042100005264", name="Candy")])
    asked = [{"item": {"upc": upc}, "count": 1} for upc, code in READ.items() if code in (BANANA, CANDY)]
    answer = shop.post("/v2/fulfillment/validate_items", {"items": asked})
    assert answer.json() == {"validation_failures": []}
