"""Request and response bodies of the user endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/users/create_user, .../users/create_user_and_address,
.../users/create_user_deletion_request, .../lastmile/validate_address, .../lastmile/create_user_and_validate_address.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.core.phone import PHONE_PATTERN
from handcart.core.web.wire import NUMBER_TOO, read_again
from handcart.stores.models import AddressLine, OptionalLine
from handcart.users.models import UserId, plain_phone_number

Name = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=r"^[^/:<>$%?\x00-\x1f\x7f]*[^\s/:<>$%?\x00-\x1f\x7f][^/:<>$%?\x00-\x1f\x7f]*\Z",
        description="Without any of / : < > $ % ?",
    ),
]
OptionalName = Annotated[str, Meta(max_length=100, pattern=r"^[^/:<>$%?\x00-\x1f\x7f]*\Z")]
PhoneNumber = Annotated[
    str,
    Meta(max_length=32, pattern=PHONE_PATTERN, description="E.164, or 7 to 15 digits as written"),
    read_again(plain_phone_number),
]
LocaleTag = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        description="IETF language tag. The user's orders are always in en-US, en-CA or fr-CA",
    ),
]
PostalCode = Annotated[
    str,
    Meta(
        pattern=r"^\s*([0-9]{5}(-?[0-9]{4})?|[A-Za-z][0-9][A-Za-z][ -]?[0-9][A-Za-z][0-9])\s*$",
        max_length=20,
        description="US ZIP code or Canadian postal code",
    ),
    NUMBER_TOO,
]


_USER = {
    "user_id": "38b15dd0-150d-40cf-9c8a-963b0e6c6b9f",
    "first_name": "Sample",
    "last_name": "Member",
    "phone_number": "+13125550188",
    "locale": "en-US",
}
_ADDRESS = {
    "address_line_1": "50 Beale St",
    "address_line_2": "Suite 600",
    "address_type": "residential",
    "postal_code": "94105",
}


class CreateUserRequest(Struct):
    """A user to create."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A user": _USER}

    user_id: UserId
    first_name: Name
    last_name: OptionalName | None = None
    phone_number: PhoneNumber | None = None
    locale: LocaleTag | None = None


class UserResponse(Struct, omit_defaults=True):
    """A created user. Fields that were not given are left out."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"The user": _USER}

    user_id: str
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None


class AddressRequest(Struct):
    """The four address fields of the deprecated check."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"An address": _ADDRESS}

    address_line_1: AddressLine
    postal_code: PostalCode
    address_line_2: OptionalLine | None = None
    address_type: OptionalLine | None = None


class CreateUserAndAddressRequest(AddressRequest):
    """An address to check. The user is created if it does not exist."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "An address": _ADDRESS,
        "A user and an address": {**_ADDRESS, "city": "San Francisco", "first_name": "Sample", "last_name": "Member"},
    }

    city: OptionalLine | None = None
    first_name: OptionalName | None = None
    last_name: OptionalName | None = None
    phone_number: PhoneNumber | None = None
    locale: LocaleTag | None = None


class UserAddressRequest(AddressRequest, kw_only=True):
    """The deprecated form that names the user in the body."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A user and an address": {"user_id": _USER["user_id"], **_ADDRESS}}

    user_id: UserId


class AddressFlags(Struct):
    """More facts about an address."""

    long_distance_delivery: Annotated[bool, Meta(description="More than 30 minutes from the nearest stores")]


class AddressResponse(Struct):
    """A checked address. Send it in this form with orders."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "The address": {
            "user_id": _USER["user_id"],
            "address_line_1": _ADDRESS["address_line_1"],
            "postal_code": _ADDRESS["postal_code"],
            "flags": {"long_distance_delivery": False},
        }
    }

    user_id: str
    address_line_1: str
    postal_code: str
    flags: AddressFlags
