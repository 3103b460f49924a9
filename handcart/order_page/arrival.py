"""When an order that is on its way arrives: the earliest and the latest time, and the age of the estimate.

The estimate is made from the shopper's position, else from the time at which the shopper set out.
"""

from collections.abc import Sequence

from msgspec import Struct

from handcart.core import clock
from handcart.orders import states
from handcart.orders.models import Order, PastStep
from handcart.stores import distance
from handcart.stores.models import Point, Store

# At the door, and between the car and the door.
_STOP = 2 * clock.MINUTE
# The shortest and the longest drive, as parts of the expected one; and the least time between earliest and latest.
_FASTEST, _SLOWEST = 0.8, 1.6
_LEAST_SPAN = 10 * clock.MINUTE
_STEP = 5 * clock.MINUTE


class Arrival(Struct, frozen=True):
    """The earliest and the latest time of arrival, and when they were estimated; microseconds."""

    earliest: int
    latest: int
    said_at: int


class Seen(Struct, frozen=True):
    """Where the shopper was seen, and when."""

    point: Point
    at: int


def expected(
    order: Order, history: Sequence[PastStep], store: Store, to: Point | None, seen: Seen | None
) -> Arrival | None:
    """When an order arrives; None if it is not on its way, or its address has no known place."""
    left = [step.at for step in history if step.status == states.DELIVERING]
    if order.status != states.DELIVERING or not left or to is None:
        return None
    last = seen if seen is not None and seen.at >= left[0] else Seen(store.point, left[0])
    return _span(last, to)


def _span(last: Seen, to: Point) -> Arrival:
    drive = distance.minutes(last.point, to) * clock.MINUTE
    now = clock.now()
    earliest = max(int(last.at + _FASTEST * drive + _STOP), now)
    latest = max(int(last.at + _SLOWEST * drive + _STOP), earliest + _LEAST_SPAN)
    # Rounded outwards: a span that is said must be true.
    return Arrival(earliest // _STEP * _STEP, -(-latest // _STEP) * _STEP, last.at)
