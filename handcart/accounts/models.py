"""The data of accounts that other domains use."""

from msgspec import Struct


class Account(Struct, frozen=True):
    """A customer of the platform."""

    id: int
    email: str
    password_hash: str


class Membership(Struct, frozen=True):
    """Whether an account is a member now, and when its current or last period ends (microseconds)."""

    is_active: bool
    ends_at: int | None
