"""The data of the operator's people that other domains use."""

import getpass

from msgspec import Struct

from handcart.core.errors import Refused


class Person(Struct, frozen=True, kw_only=True):
    """A person of the operator, of a retailer or of a store. Times are in microseconds.

    `retailer_id` and `store_number` say where the role counts; None: everywhere. Without `password_hash` the person
    has not accepted the invitation yet.
    """

    id: int
    email: str
    name: str
    role: str
    retailer_id: int | None
    store_number: int | None
    password_hash: str | None
    created_at: int
    closed_at: int | None


class Invited(Struct, frozen=True):
    """A person and the token of a one-time link for them. `purpose`: `invitation` or `new-password`."""

    person: Person
    purpose: str
    token: str

    def url(self, issuer: str) -> str:
        """The page at which the person chooses a password; raises `Refused` without the server's public URL."""
        return link_url(issuer, self.purpose, self.token)


def link_url(issuer: str, purpose: str, token: str) -> str:
    """The page of a one-time link; raises `Refused` without the server's public URL."""
    if not issuer:
        raise Refused(
            "the public URL is not known: set HANDCART_PUBLIC_URL, or start `handcart serve --public-url URL`"
        )
    return f"{issuer}/console/{purpose}/{token}"


class Actor(Struct, frozen=True):
    """Somebody or something that does an operation. `kind`: `staff`, `shopper`, `command` or `system`.

    Of staff, `role` says what they may do, at the retailer and the store given here; None: everywhere.
    """

    kind: str
    id: int | None
    name: str
    role: str | None = None
    retailer_id: int | None = None
    store_number: int | None = None

    @property
    def is_operator(self) -> bool:
        """Whether it acts for the operator of the network: its staff, a command, or the server itself."""
        return self.kind != "shopper" and self.retailer_id is None


class Tablet(Struct, frozen=True, kw_only=True):
    """A tablet of a store. `person_id`: who uses it now, until it locks itself after `used_at`. Times in microseconds.

    `joined_at`: when a device was signed in with the tablet's link, last; None: no device yet.
    """

    id: int
    retailer_id: int
    store_number: int
    name: str
    created_at: int
    joined_at: int | None = None
    ended_at: int | None = None
    person_id: int | None = None
    used_at: int | None = None


class Worker(Struct, frozen=True):
    """A person who may use the tablets of a store. `is_locked`: too many wrong PINs."""

    person: Person
    has_pin: bool
    is_locked: bool


# What the server does by itself, such as ending what took too long.
SYSTEM = Actor("system", None, "Handcart")


def command_line() -> Actor:
    """The user of this machine who runs a command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "command line"
    return Actor("command", None, name)
