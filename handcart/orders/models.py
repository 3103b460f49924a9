"""The data of orders that other domains use."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.slots.models import Place
from handcart.stores.models import Address, ItemName

DELIVERY = "delivery"
PICKUP = "pickup"
LAST_MILE = "last_mile"
DISPATCH = "dispatch"
# Kinds of orders that the retailer picks and the platform only delivers.
CARRIED = (LAST_MILE, DISPATCH)
# Kinds of orders whose items a shopper of the platform picks.
SHOPPED = (DELIVERY, PICKUP)


class HistoryStep(Struct, frozen=True):
    """A step of an order's history: the new state, what happened, and the events to send for it.

    `about`: the numbers of the lines concerned; events about an item are sent for each.
    """

    status: str
    what: str
    events: Sequence[str] = ()
    about: Sequence[str] = ()


class PastStep(Struct, frozen=True):
    """A stored step of an order's history: its number from 1, its time, and the rest as in `HistoryStep`."""

    number: int
    at: int
    status: str
    what: str
    events: Sequence[str]


# What the shopper did with a line.
NOT_FOUND = "not_found"
FOUND = "found"
REPLACED = "replaced"
TO_REFUND = "to_refund"


class Scan(Struct, omit_defaults=True):
    """A barcode that the shopper scanned, such as one of the type `upca`."""

    scanned_string: str
    scanned_string_type: str


class OrderLine(Struct, omit_defaults=True):
    """A line of an order. Lines with the same `product` want the same item; a removed line keeps its number.

    The fields from `status` on record what the shopper did; `substitute` was delivered in place of the product.
    `unscanned`: how the shopper knew a product that was not scanned, `digits` or `picture`. `version` counts the line's
    changes by shoppers and by the customer, `chosen_version` is the one at which the customer chose replacements.
    `picked_by`: the operator's shopper who handled the line last.
    """

    line_num: str
    qty: float
    qty_unit: str
    product: str
    upc: str | None = None
    rrc: str | None = None
    special_instructions: str = ""
    replacement_policy: str = "shoppers_choice"
    replacement_items: Sequence[ItemName] = ()
    is_alcohol: bool = False
    count: int | None = None
    weight: float | None = None
    metadata: dict[str, Any] | None = None
    is_removed: bool = False
    replacement_count: int | None = None
    replacement_weight: float | None = None
    status: str = NOT_FOUND
    delivered_count: int | None = None
    delivered_weight: float | None = None
    substitute: ItemName | None = None
    scans: Sequence[Scan] = ()
    unscanned: str | None = None
    is_added: bool = False
    version: int = 0
    chosen_version: int = 0
    picked_by: int | None = None
    picked_at: int | None = None


class Bag(Struct, omit_defaults=True):
    """A bag of an order. `kind`: ambient, cold, frozen or hot. `place`: where in the staging area it stands."""

    code: str
    kind: str = "ambient"
    place: str | None = None


class Proof(Struct, omit_defaults=True):
    """How an order was given to the customer. `act_id`: the act of `person_id` that says so; its picture has this id.

    `how`: handed_over or left. `age`: how the customer's age was checked, scanned or looked_at; no document is kept.
    """

    act_id: str
    how: str
    age: str | None = None
    received_by: str | None = None
    has_photo: bool = False
    has_pin: bool = False
    person_id: int | None = None


class OrderDetails(Struct, omit_defaults=True):
    """Details of an order, stored as JSON; no query selects by them. Most come from the retailer.

    Weights in pounds, `cart_total` in dollars; `items_count` and the like are for orders that the retailer picks. From
    `bags` on, what shoppers reported: the receipt of the till, when the customer could not be reached, why the order is
    on its way back to the store, how it was given to the customer, how many wrong PINs were given for that.
    """

    locale: str | None = None
    special_instructions: str | None = None
    loyalty_number: str | None = None
    metadata: dict[str, Any] | None = None
    address: Address | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    birthday: str | None = None
    sms_opt_in: bool = False
    paid_with_ebt: bool = False
    items_count: int | None = None
    bags_count: int | None = None
    items_weight: float | None = None
    cart_total: float | None = None
    bag_label: str | None = None
    bag_scan_codes: Sequence[str] = ()
    staged_at: int | None = None
    with_handoff_time: bool = False
    warnings: Sequence[dict[str, Any]] = ()
    cancellation_type: str | None = None
    bags: Sequence[Bag] = ()
    receipt_number: str | None = None
    receipt_cents: int | None = None
    verified_at: int | None = None
    missing_at: int | None = None
    returning: str | None = None
    proof: Proof | None = None
    wrong_pins: int = 0


class Order(Struct, kw_only=True):
    """An order. `place`: its booked place, None after that was released. Times in microseconds, tips in cents.

    `member_since` and `member_until`: the membership period whose benefit the order has; None if it has none.
    """

    order_id: str
    number: int
    isolation_id: int
    user_id: str | None
    kind: str
    status: str
    created_at: int
    cancellation_reason: str | None = None
    store_number: int
    window_starts_at: int
    window_ends_at: int
    window_type: str
    place: Place | None
    delivered_at: int | None = None
    bag_count: int | None = None
    tip_cents: int = 0
    has_alcohol: bool = False
    leave_unattended: bool = False
    member_since: int | None = None
    member_until: int | None = None
    lines: list[OrderLine] = []
    details: OrderDetails = msgspec.field(default_factory=OrderDetails)
    fingerprint: bytes = b""

    @property
    def is_instacartplus(self) -> bool:
        return self.member_since is not None
