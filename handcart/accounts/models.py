"""What others see of accounts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A customer of the platform."""

    id: int
    email: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether an account is a member now, and when its current or last period ends (microseconds)."""

    is_active: bool
    ends_at: int | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A started session: the cookie, and what this browser shows next time."""

    session: str
    device: str
