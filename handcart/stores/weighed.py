"""Read the codes that a store's scale prints: restricted circulation numbers with the price or the weight inside.

GS1 General Specifications 2.1.12 (restricted circulation numbers for variable measure), 1.4.3 (prefixes 02 and 20 to
29) and 7.9.2 to 7.9.4 (the verifier of a price). In the United States and Canada, scales print UPC-A with number
system 2: `2 IIIII V PPPP C`, the item's number at the scale, the verifier of the price, the price in cents and the
check digit. Scales that need longer prices print EAN-13 with a prefix from 20 to 29: `2x IIIII PPPPP C`. Some print
thousandths of a pound or kilogram in the five digits before the check digit instead; only the retailer knows that.
"""

from msgspec import Struct

from handcart.stores.codes import has_check_digit

_LENGTH = 13
# The weights of the digits in a verifier. 2-: the digit times 2, less its tens. 3: times 3. 5-: times 5, less its tens.
_TWO_MINUS = "0246891357"
_THREE = "0369258147"
_FIVE_MINUS = "0594837261"


class WeighedCode(Struct, frozen=True):
    """A scale's code. `first` and `last`: all codes of the item, as stored, lie between these.

    `number`: the item's number at the scale, often a PLU with zeros before it. `price_cents`: None if the verifier does
    not fit. `thousandths`: the five digits, for scales that print the weight.
    """

    first: str
    last: str
    number: str
    price_cents: int | None
    thousandths: int


def read(text: str) -> WeighedCode | None:
    """The parts of a scale's code of 12 or 13 digits; None for any other code.

    >>> read("212345719954").price_cents
    1995
    """
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()):
        return None
    ean = digits.zfill(_LENGTH) if len(digits) in (12, _LENGTH) else ""
    if not (ean.startswith(("02", "2")) and has_check_digit(ean)):
        return None
    measure = ean[7:12]
    is_upc = ean.startswith("0")
    is_price = not is_upc or measure[0] in ("0", verifier(measure[1:]))
    return WeighedCode(
        first=f"0{ean[:7]}000000",
        last=f"0{ean[:7]}999999",
        number=ean[2:7],
        price_cents=(int(measure[1:]) if is_upc else int(measure)) if is_price else None,
        thousandths=int(measure),
    )


def verifier(price: str) -> str:
    """The verifier of a price of four digits.

    >>> verifier("2875")
    '9'
    """
    tables = (_TWO_MINUS, _TWO_MINUS, _THREE, _FIVE_MINUS)
    total = sum(int(table[int(digit)]) for table, digit in zip(tables, price, strict=True))
    return str(total * 3 % 10)
