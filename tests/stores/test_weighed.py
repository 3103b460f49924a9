"""Codes that scales print, with a price or a weight inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handcart.stores import weighed
from handcart.stores.codes import check_digit

# The examples of the GS1 General Specifications 7.9.3, and two that were worked out by hand with its tables.
VERIFIERS = {"2875": "9", "0000": "0", "1995": "7", "0138": "1"}


def code(digits: str) -> str:
    return digits + check_digit(digits)


def test_price_of_four_digits_then_its_verifier() -> None:
    assert {price: weighed.verifier(price) for price in VERIFIERS} == VERIFIERS


@pytest.mark.parametrize("spelled", [code("21234571995"), "0" + code("21234571995"), f" {code('21234571995')} "])
def test_upc_of_a_scale_then_number_price_and_the_range_of_its_codes(spelled: str) -> None:
    found = weighed.read(spelled)
    assert found == weighed.WeighedCode("00212345000000", "00212345999999", "12345", 1995, 71995)
    assert found.first <= spelled.strip().zfill(14) <= found.last


def test_verifier_is_0_or_wrong_then_the_price_is_read_or_not() -> None:
    is_zero, is_wrong = (weighed.read(code(digits)) for digits in ("21234501995", "21234581995"))
    assert is_zero is not None
    assert is_wrong is not None
    assert (is_zero.price_cents, is_wrong.price_cents, is_wrong.number) == (1995, None, "12345")


def test_ean_of_a_scale_then_its_price_has_five_digits() -> None:
    found = weighed.read(code("201234519895"))
    assert found == weighed.WeighedCode("02012345000000", "02012345999999", "12345", 19895, 19895)


OTHERS = ("", "2", "abc", "212345719950x", "400000000015", "4006381333931", "٢12345119957", "212345719951", "2" * 14)


@pytest.mark.parametrize("text", OTHERS)
def test_code_is_not_of_a_scale_then_nothing(text: str) -> None:
    assert weighed.read(text) is None


@given(st.integers(0, 99_999), st.integers(0, 9999))
def test_any_number_and_price_then_they_are_read_again(number: int, price: int) -> None:
    digits = f"{price:04}"
    found = weighed.read(code(f"2{number:05}{weighed.verifier(digits)}{digits}"))
    assert found is not None
    assert (int(found.number), found.price_cents) == (number, price)
