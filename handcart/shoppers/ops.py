"""Create shoppers."""

import re

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.email import is_address
from handcart.core.errors import raise_any
from handcart.core.phone import PHONE_PATTERN
from handcart.shoppers import errors, queries
from handcart.shoppers.models import Shopper

_US_DIGITS = 10
_PHONE = re.compile(PHONE_PATTERN)


async def create(tx: Tx, retailer_id: int, email: str | None = None, phone: str | None = None) -> Shopper:
    """Create a shopper. Phone numbers (plain digits or E.164) are unique. Raises the documented errors."""
    raise_any(
        [
            errors.invalid_email() if email is not None and not is_address(email) else None,
            errors.invalid_phone() if phone is not None and not _PHONE.match(phone) else None,
        ]
    )
    digits = None if phone is None else _digits(phone)
    while True:
        shopper = Shopper(ids.new_id(), email, digits)
        made = await tx.run(
            "INSERT INTO retailer_shoppers (retailer_id, id, email, phone, created_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT DO NOTHING",
            retailer_id,
            shopper.id,
            shopper.email,
            shopper.phone,
            clock.now(),
        )
        if made:
            return shopper
        if digits is not None and await queries.has_phone(tx, retailer_id, digits):
            raise errors.phone_taken()


def _digits(phone: str) -> str:
    """A phone number in its normal form; ten digits are taken as a US number without its country code."""
    digits = re.sub(r"[^0-9]", "", phone)
    return f"1{digits}" if len(digits) == _US_DIGITS else digits
