"""The data of accounts that other domains use."""

from msgspec import Struct


class Account(Struct, frozen=True):
    """A customer of the platform. `organization_id`: the organization whose calls made it, if any."""

    id: int
    email: str
    password_hash: str
    organization_id: int | None = None


class PasswordLink(Struct, frozen=True):
    """A page on which a customer sets a new password; it works once, until `ends_at` (microseconds)."""

    url: str
    ends_at: int


class Membership(Struct, frozen=True):
    """Whether an account is a member now, and when its current or last period ends (microseconds)."""

    is_active: bool
    ends_at: int | None
