"""The data of shoppers that other domains use."""

from collections.abc import Sequence

from msgspec import Struct

#: What some orders need of a shopper.
SKILLS = ("alcohol", "heavy")
#: How a shopper travels; `none`: an associate who picks and stages at the home store.
VEHICLES = ("car", "bicycle", "on_foot", "none")
#: The languages of the shopper's app.
LOCALES = ("en-US", "en-CA", "fr-CA", "es-US")


# The person of the retailer's shopper whose batches wait until a dispatcher gives them to somebody.
NOBODY = 0


class Shopper(Struct, frozen=True):
    """The shopper as one retailer's client sees it."""

    id: int
    email: str | None
    phone: str | None


class Person(Struct, frozen=True, kw_only=True):
    """One of the operator's shoppers.

    `most_orders` is the maximum number of orders at once. `languages` are ISO 639 codes. A blocked shopper's devices
    stay locked. A closed shopper has neither phone number nor e-mail address.
    """

    id: int
    name: str
    phone: str | None = None
    email: str | None = None
    locale: str = LOCALES[0]
    languages: Sequence[str] = ()
    skills: Sequence[str] = ()
    vehicle: str = VEHICLES[0]
    most_orders: int = 3
    home_retailer_id: int | None = None
    home_store_number: int | None = None
    created_at: int = 0
    blocked_at: int | None = None
    blocked_reason: str | None = None
    closed_at: int | None = None
    has_pin: bool = False

    @property
    def first_name(self) -> str:
        """The name that customers see."""
        return self.name.split()[0]

    @property
    def may_work(self) -> bool:
        """Whether the shopper is neither blocked nor closed."""
        return self.blocked_at is None and self.closed_at is None


class Position(Struct, frozen=True):
    """Where a shopper was. `at`: microseconds; `accuracy`: meters, None if unknown."""

    at: int
    latitude: float
    longitude: float
    accuracy: float | None = None


class Invitation(Struct, frozen=True):
    """A link that signs a shopper's device in, once, until `ends_at` (microseconds)."""

    person: Person
    url: str
    ends_at: int
