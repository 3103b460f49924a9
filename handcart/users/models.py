"""What others see of users."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A Connect user."""

    user_id: str
    first_name: str | None
    last_name: str | None
    phone_number: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address."""

    address_line_1: str
    address_line_2: str
    postal_code: str
    city: str | None
    address_type: str | None
