"""The form of phone numbers, and their normal form."""

import re

# 7 to 15 digits in a usual notation, with or without a plus: E.164 is one of the forms.
PHONE_PATTERN = r"^\+?([ ().-]*[0-9]){7,15}\Z"
_US_DIGITS = 10


def normal(phone: str) -> str:
    """A phone number in its normal form: digits. Ten digits without a plus are a US number without its country code."""
    digits = re.sub(r"[^0-9]", "", phone)
    return f"1{digits}" if len(digits) == _US_DIGITS and not phone.lstrip().startswith("+") else digits
