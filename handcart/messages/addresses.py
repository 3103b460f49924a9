"""Addresses of people: their normal form, by which they are known in suppressions and replies."""

import re

from handcart.core import phone
from handcart.core.email import is_address
from handcart.core.secret import Keys
from handcart.messages.models import MAIL, SMS

_DIGITS = range(8, 16)  # of a phone number with its country code
# Brackets, commas, quotes and comments are left out: mail programs would find another address in such a text.
_PLAIN_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def normal(channel: str, address: str) -> str:
    """The form in which equal addresses are equal: an e-mail address in lower case, the digits of a phone number."""
    if channel == SMS:
        return phone.normal(address)
    return address.strip().lower() if channel == MAIL else address


def hash_of(keys: Keys, channel: str, address: str) -> bytes:
    """The hash by which an address is looked up."""
    return keys.hash(f"{channel}\x1f{normal(channel, address)}")


def fault(channel: str, address: str) -> str | None:
    """Why no message can be sent to an address; None if one can."""
    if channel == MAIL and not (is_address(address) and _PLAIN_MAIL.fullmatch(address)):
        return "not an e-mail address"
    if channel == MAIL and "=?" in address:  # the library for mail would decode it
        return "not an e-mail address: it contains =?"
    if channel == SMS and len(phone.normal(address)) not in _DIGITS:
        return "not a phone number"
    return None
