"""What others see of users."""

from typing import Annotated

from msgspec import Meta, Struct

from handcart.core.wire import ID_PATTERN

UserId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=ID_PATTERN,
        description="The retailer's own id of a user: a login name, a loyalty id, ...",
        examples=["38b15dd0-150d-40cf-9c8a-963b0e6c6b9f"],
    ),
]


class User(Struct, frozen=True):
    """A Connect user."""

    user_id: str
    first_name: str | None
    last_name: str | None
    phone_number: str | None
    locale: str | None


class Address(Struct, frozen=True):
    """A checked address."""

    address_line_1: str
    address_line_2: str
    postal_code: str
    city: str | None
    address_type: str | None
