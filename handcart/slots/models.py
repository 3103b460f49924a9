"""The data of time slots that other domains use."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.core import clock
from handcart.stores.models import Store

SCHEDULED = "scheduled"
IMMEDIATE = "immediate"
ETA = "eta"
PRIORITY_ETA = "priority_eta"

WINDOW = 2 * clock.HOUR
# Windows that begin with the order are rounded to five minutes.
SOON_STEP = 5 * clock.MINUTE
# Allowed lengths of a desired window.
DESIRED = range(clock.HOUR, 12 * clock.HOUR + 1, clock.HOUR)
# Lengths of windows that begin with the order: the first one that has a free place is used.
# https://docs.instacart.com/connect/fulfillment_guide/concepts/service_options
IMMEDIATES = (2 * clock.HOUR, 5 * clock.HOUR)
PRIORITY_ETAS = range(60 * clock.MINUTE, 5 * clock.HOUR + 1, 15 * clock.MINUTE)  # documented: from 45 minutes
ETAS = range(150 * clock.MINUTE, 5 * clock.HOUR + 1, 15 * clock.MINUTE)  # documented: from 2 hours

NO_CAPACITY = "no_capacity"
ALCOHOL_NOT_ALLOWED = "alcohol_not_allowed"
STORE_CLOSED = "store_closed"
TOO_SOON = "too_soon"
TOO_FAR = "too_far_ahead"
CUTOFF_PASSED = "cutoff_passed"


class Window(Struct, frozen=True):
    """The time window of an order, in microseconds; `type` as on the wire.

    `ledger_starts_at`: the start of the two hours in the ledger whose capacity it uses.
    """

    type: str
    starts_at: int
    ends_at: int
    ledger_starts_at: int


def two_hours(starts_at: int) -> Window:
    """The scheduled window that starts at `starts_at`."""
    return Window(SCHEDULED, starts_at, starts_at + WINDOW, starts_at)


class Slot(Struct, frozen=True):  # a struct, since a list makes hundreds of them
    """A window that a store offers; it is available when there are no reasons against it.

    `has_alcohol`: it was listed for a cart with alcohol. `ignores_lead`: it was listed in place of an ETA. `id`: 0 for
    a window that is not in any list.
    """

    id: int
    store: Store
    kind: str
    window: Window
    reasons: Sequence[str] = ()
    has_alcohol: bool = False
    ignores_lead: bool = False


class Offers(Struct, frozen=True):
    """The slots that a store offers for a kind: single slots, then two-hour scheduled slots that start at `starts`.

    Lists are long and most slots are available, so `against` holds reasons (by start) only for the others.
    """

    store: Store
    kind: str
    slots: Sequence[Slot]
    starts: tuple[int, ...] = ()
    ids: tuple[int, ...] = ()
    against: Mapping[int, Sequence[str]] = {}

    def all(self) -> list[Slot]:
        """All slots as separate objects."""
        scheduled = [
            Slot(option_id, self.store, self.kind, two_hours(at), self.against.get(at, ()))
            for at, option_id in zip(self.starts, self.ids, strict=True)
        ]
        return [*self.slots, *scheduled]


class Hold(Struct, frozen=True):
    """A place kept for a user until `expires_at`; after that another hold or order may take it."""

    id: int
    expires_at: int
    slot: Slot


class Place(Struct, frozen=True):
    """A booked place: what `release` needs to free it."""

    store_number: int
    kind: str
    ledger_starts_at: int


class Booking(Struct, frozen=True):
    """The result of booking a hold or a window: place and time."""

    store: Store
    window: Window
    place: Place
