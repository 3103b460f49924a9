"""The data of reports that other domains use."""

from msgspec import Struct

# The columns that are summed for each day, in the order of the tables.
COUNTS = (
    *("orders", "canceled", "late", "lines", "found", "replaced", "refunded", "refund_cents", "units", "picked_units"),
    *("picking", "store_waits", "store_wait", "pickup_waits", "pickup_wait", "door_waits", "door_wait"),
)


# Who the sum of a store and day is of: besides the rows of shoppers there is one of all together.
EVERYBODY = -1


class Counts(Struct, kw_only=True):
    """Figures of one order, or sums of them. Times in microseconds.

    `orders`: completed ones; `late`: of them, those completed after their window. `lines`: those that a shopper
    handled; `found`, `replaced`, `refunded`: of them. `refund_cents`: by the catalog's prices. `units`: pieces that the
    customer got, `picked_units` those of orders whose time of `picking` is known. `store_wait`: shoppers at the store
    until the bags were checked; `pickup_wait`: customers at the store until the hand-over; `door_wait`: since the
    shopper could not reach the customer.
    """

    orders: int = 0
    canceled: int = 0
    late: int = 0
    lines: int = 0
    found: int = 0
    replaced: int = 0
    refunded: int = 0
    refund_cents: int = 0
    units: int = 0
    picked_units: int = 0
    picking: int = 0
    store_waits: int = 0
    store_wait: int = 0
    pickup_waits: int = 0
    pickup_wait: int = 0
    door_waits: int = 0
    door_wait: int = 0


class Ended(Struct, kw_only=True):
    """An ended order. `day` is in the store's time zone; `person_id`: who picked it, or carried it; 0: nobody known.

    `goods_cents`: the total of the till's receipt, None if unknown. `miles`: hundredths of a mile along a straight line
    from the store to the customer; None if unknown, or if the customer came.
    """

    order_id: str
    store_number: int
    person_id: int
    kind: str
    ended_at: int
    day: str
    tip_cents: int
    goods_cents: int | None
    miles: int | None
    counts: Counts


class Day(Struct, frozen=True):
    """The figures of a day, or of a group of orders named by `key`."""

    key: str
    counts: Counts
