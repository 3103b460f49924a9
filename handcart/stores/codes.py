"""Parse product codes, the same way for imports, requests and comparisons.

GS1 General Specifications 5.2 (EAN-13, UPC-A, EAN-8, and UPC-E, which leaves zeros out) and 7.9 (check digits);
price look-up codes (PLU) of produce: International Federation for Produce Standards.
"""

import re

_GTIN = 14
# Conventional 3000 to 4999, organic and other kinds with a leading 8 or 9; scales and lists pad them with zeros.
_PLU = re.compile(r"0*([89]?[34][0-9]{3})")
# The position of the zeros that UPC-E omits, within the ten middle digits, by its last digit before the check digit.
_ZEROS_OF_UPC_E = {
    **{last: (2, f"{last}0000") for last in "012"},
    "3": (3, "00000"),
    "4": (4, "00000"),
    **{last: (5, f"0000{last}") for last in "56789"},
}


def read(text: str) -> str | None:
    """The code in a normal form: a GTIN as 14 digits, a PLU as 4 or 5 digits; None for other codes.

    - A PLU is recognized by its number, with or without leading zeros.
    - 8 digits that begin with 0 (or 7, if a spreadsheet dropped the 0) are UPC-E if the check digit is valid for that.
    - 8, 12, 13 and 14 digits are a GTIN if their check digit is valid.
    - 11 digits are a GTIN-12 without its first 0, if the check digit is valid for that; otherwise a GTIN-12 without its
      check digit, which is added.
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > _GTIN:
        return None
    if plu := _PLU.fullmatch(digits):
        return plu[1]
    upc_e = digits.zfill(8)
    if len(digits) in (7, 8) and upc_e.startswith("0") and (whole := _from_upc_e(upc_e)):
        return whole.zfill(_GTIN)
    if len(digits) == 11:
        is_whole = digits[0] != "0" and has_check_digit(digits)
        return (digits if is_whole else digits + check_digit(digits)).zfill(_GTIN)
    if len(digits) in (8, 12, 13, 14) and has_check_digit(digits):
        return digits.zfill(_GTIN)
    return digits if len(digits) in (4, 5) else None


def check_digit(digits: str) -> str:
    """The last digit of a GTIN, from those before it (GS1 General Specifications 7.9)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def has_check_digit(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    return digits[-1] == check_digit(digits[:-1])


def _from_upc_e(digits: str) -> str | None:
    """Expand 8 digits of UPC-E to 12 digits; None if the check digit is wrong."""
    body, check = digits[1:7], digits[7]
    kept, zeros = _ZEROS_OF_UPC_E[body[5]]
    whole = digits[0] + body[:kept] + zeros + body[kept:5] + check
    return whole if has_check_digit(whole) else None
