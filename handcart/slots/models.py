"""What others see of time slots."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.core import clock
from handcart.stores.models import Store

SCHEDULED = "scheduled"
IMMEDIATE = "immediate"
ETA = "eta"
PRIORITY_ETA = "priority_eta"

WINDOW = 2 * clock.HOUR
# Windows that begin with the order begin at full five minutes.
SOON_STEP = 5 * clock.MINUTE
# How long a window may be that the retailer wishes for.
DESIRED = range(clock.HOUR, 12 * clock.HOUR + 1, clock.HOUR)
# When a window that begins with the order ends: the first of these moments that has a place, counted from the order.
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
    """When an order is to be served, in microseconds; `type` as on the wire.

    `ledger_starts_at`: the two hours whose places it draws on.
    """

    type: str
    starts_at: int
    ends_at: int
    ledger_starts_at: int


def two_hours(starts_at: int) -> Window:
    """The scheduled window that starts then."""
    return Window(SCHEDULED, starts_at, starts_at + WINDOW, starts_at)


class Slot(Struct, frozen=True):  # a struct, since a list makes hundreds of them
    """A window that a store offers; it can be had when there are no reasons against it.

    `has_alcohol`: it was listed for a cart with alcohol. `ignores_lead`: it was listed in place of an ETA. `id`: 0 for
    a window that no list holds.
    """

    id: int
    store: Store
    kind: str
    window: Window
    reasons: Sequence[str] = ()
    has_alcohol: bool = False
    ignores_lead: bool = False


class Offers(Struct, frozen=True):
    """What a store offers of a kind: slots one by one, then a scheduled one of two hours from each of `starts` on.

    Lists are long and most of it is free, so that only `against` says what is not: reasons by the start.
    """

    store: Store
    kind: str
    slots: Sequence[Slot]
    starts: Sequence[int] = ()
    ids: Sequence[int] = ()
    against: Mapping[int, Sequence[str]] = {}

    def all(self) -> list[Slot]:
        """Every slot by itself."""
        scheduled = [
            Slot(option_id, self.store, self.kind, two_hours(at), self.against.get(at, ()))
            for at, option_id in zip(self.starts, self.ids, strict=True)
        ]
        return [*self.slots, *scheduled]


class Hold(Struct, frozen=True):
    """A place kept for a user until `expires_at`; after that it may be gone."""

    id: int
    expires_at: int
    slot: Slot


class Place(Struct, frozen=True):
    """A booked place, as it has to be named to give it back."""

    store_number: int
    kind: str
    ledger_starts_at: int


class Booking(Struct, frozen=True):
    """What an order gets out of a hold or a window: where and when."""

    store: Store
    window: Window
    place: Place
