"""The data of users that other domains use."""

import unicodedata
from typing import Annotated, Any

from msgspec import Meta, Struct

from handcart.core.web.wire import ID_PATTERN, NUMBER_TOO

UserId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=ID_PATTERN,
        description="The retailer's own id of a user: a login name, a loyalty id, ...",
        examples=["38b15dd0-150d-40cf-9c8a-963b0e6c6b9f"],
    ),
    NUMBER_TOO,
]


# Format characters such as U+202A, and non-ASCII spaces and dashes: copied numbers contain them.
_NOISE = ("Cf", "Zs", "Pd")


def plain_phone_number(text: Any) -> Any:
    """A phone number without invisible characters. ASCII characters, and values that are not text, are left unchanged.

    >>> plain_phone_number("\u202a+1\u00a0312\u2011555\u20110188")
    '+13125550188'
    """
    if not isinstance(text, str) or text.isascii():
        return text
    return "".join(one for one in text if one.isascii() or unicodedata.category(one) not in _NOISE)


class User(Struct, frozen=True):
    """A Connect user."""

    user_id: str
    first_name: str | None
    last_name: str | None
    phone_number: str | None
    locale: str | None


class UserAddress(Struct, frozen=True):
    """An address of a user, validated."""

    address_line_1: str
    address_line_2: str
    postal_code: str
    city: str | None
    address_type: str | None
