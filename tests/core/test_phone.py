"""The normal form of phone numbers."""

import pytest

from handcart.core import phone


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("(312) 555-0182", "13125550182"),
        ("1 312 555 0182", "13125550182"),
        ("+1 312 555 0182", "13125550182"),
        # Ten digits with the country code: another person has +1 471 234 5678.
        ("+47 12 34 56 78", "4712345678"),
        (" +4512345678", "4512345678"),
        ("+44 20 7946 0018", "442079460018"),
    ],
)
def test_number_then_its_digits_with_the_country_code(written: str, normal: str) -> None:
    assert phone.normal(written) == normal
