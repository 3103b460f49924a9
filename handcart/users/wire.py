"""Request and response bodies of the user endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/users/create_user, .../users/create_user_and_address,
.../users/create_user_deletion_request, .../lastmile/validate_address, .../lastmile/create_user_and_validate_address.
"""

from typing import Annotated

from msgspec import Meta, Struct

UserId = Annotated[
    str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
Name = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=r"^[^/:<>$%?\x00-\x1f\x7f]*[^\s/:<>$%?\x00-\x1f\x7f][^/:<>$%?\x00-\x1f\x7f]*$",
        description="Without any of / : < > $ % ?",
    ),
]
OptionalName = Annotated[str, Meta(max_length=100, pattern=r"^[^/:<>$%?\x00-\x1f\x7f]*$")]
PhoneNumber = Annotated[
    str, Meta(max_length=32, pattern=r"^\+?([ ().-]*[0-9]){7,15}$", description="E.164, or 7 to 15 digits as written")
]
LocaleTag = Annotated[str, Meta(max_length=35, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]
AddressLine = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
OptionalLine = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
PostalCode = Annotated[
    str,
    Meta(
        pattern=r"^\s*([0-9]{5}(-?[0-9]{4})?|[A-Za-z][0-9][A-Za-z][ -]?[0-9][A-Za-z][0-9])\s*$",
        description="US ZIP code or Canadian postal code",
    ),
]


class CreateUserRequest(Struct):
    """A user to create."""

    user_id: UserId
    first_name: Name
    last_name: OptionalName | None = None
    phone_number: PhoneNumber | None = None
    locale: LocaleTag | None = None


class UserResponse(Struct, omit_defaults=True):
    """A created user; what was not given is left out."""

    user_id: str
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None


class AddressRequest(Struct):
    """The four address fields of the deprecated check."""

    address_line_1: AddressLine
    postal_code: PostalCode
    address_line_2: OptionalLine | None = None
    address_type: OptionalLine | None = None


class CreateUserAndAddressRequest(AddressRequest):
    """An address to check, for a user who is created if need be."""

    city: OptionalLine | None = None
    first_name: OptionalName | None = None
    last_name: OptionalName | None = None
    phone_number: PhoneNumber | None = None
    locale: LocaleTag | None = None


class ValidateAddressRequest(AddressRequest, kw_only=True):
    """The deprecated form that names the user in the body."""

    user_id: UserId


class AddressFlags(Struct):
    """What is to be known about an address."""

    long_distance_delivery: Annotated[bool, Meta(description="More than 30 minutes from the nearest stores")]


class AddressResponse(Struct):
    """A checked address; use it in this form when ordering."""

    user_id: str
    address_line_1: str
    postal_code: str
    flags: AddressFlags
