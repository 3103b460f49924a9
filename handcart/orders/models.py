"""The data of orders that other domains use."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from handcart.core.web.wire import ID_PATTERN, NUMBER_TOO
from handcart.slots.models import Place
from handcart.stores.models import Address, ItemName, Point

OrderId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=ID_PATTERN,
        description="The retailer's own id of an order: unique and case-sensitive",
        examples=["ORD-77120"],
    ),
    NUMBER_TOO,
]
Phone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z",
        description="E.164, such as +13125550188; lenient retailers accept any form",
    ),
]
Timestamp = Annotated[
    str, Meta(max_length=40, description="ISO 8601 with an offset", extra_json_schema={"format": "date-time"})
]

DELIVERY = "delivery"
PICKUP = "pickup"
LAST_MILE = "last_mile"
DISPATCH = "dispatch"
# Kinds of orders that the retailer picks and the platform only delivers.
CARRIED = (LAST_MILE, DISPATCH)
# Kinds of orders whose items a shopper of the platform picks.
SHOPPED = (DELIVERY, PICKUP)


# From the worst to the best.
RATINGS = ("STARS1", "STARS2", "STARS3", "STARS4", "STARS5")
HIGHLIGHTS = (
    *("QUALITY_ITEMS", "SMART_BAGGING", "EXTRA_EFFORT", "HELPFUL_CHAT", "GOOD_REPLACEMENTS"),
    *("SMOOTH_DELIVERY", "FAST_PICKUP", "CLEAR_PICKUP_INSTRUCTIONS", "EASY_PARKING", "SMOOTH_HANDOFF"),
)
VEHICLE_TYPES = ("hatchback", "minivan", "sedan", "suv", "truck", "other")
WEIGHT_CLASSES = ("light", "medium", "heavy")
COLORS = ("black", "blue", "brown", "gray", "green", "yellow", "orange", "red", "silver", "white")


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


# The customer's answer to a shopper's replacement; a line without a replacement has none.
PENDING = "PENDING"
APPROVED = "APPROVED"
REJECTED = "REJECTED"


class Alternative(Struct, omit_defaults=True):
    """An item that the customer wants in place of a refused replacement, and how much of it: pieces or a weight."""

    item: ItemName
    count: int | None = None
    weight: float | None = None


class OrderLine(Struct, omit_defaults=True):
    """A line of an order. Lines with the same `product` want the same item; a removed line keeps its number.

    The fields from `status` on record what the shopper did; `substitute` is delivered in place of the product.
    `unscanned`: how the shopper knew a product that was not scanned, `digits` or `picture`. `version` counts the line's
    changes by shoppers and by the customer; `chosen_version` is the one at which the customer last chose replacements
    or answered, `answered_version` the one of the last answer. `picked_by`: the operator's shopper who handled the
    line last.

    `is_edited`: the line came, or its quantity changed, after the order was placed.

    `replacement_status`: PENDING, APPROVED or REJECTED. `proposed_at`: when the replacement was proposed; it also
    names the proposal, because no two proposals of a line have the same time. `refused`: the replacement that the
    customer refused last, `alternative`: what the customer named in its place.
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
    is_edited: bool = False
    version: int = 0
    chosen_version: int = 0
    answered_version: int = 0
    picked_by: int | None = None
    picked_at: int | None = None
    replacement_status: str | None = None
    proposed_at: int | None = None
    refused: ItemName | None = None
    alternative: Alternative | None = None

    def clear(self) -> None:
        """Delete what the shopper delivered: amounts, the replacement, scans. The status stays."""
        self.delivered_count = self.delivered_weight = self.substitute = self.unscanned = None
        self.scans = ()


class Bag(Struct, omit_defaults=True):
    """A bag of an order. `kind`: ambient, cold, frozen or hot. `place`: where in the staging area it stands."""

    code: str
    kind: str = "ambient"
    place: str | None = None


class Proof(Struct, omit_defaults=True):
    """How an order was given to the customer. `act_id`: the act of `person_id` that says so; its picture has this id.
    `has_photo`: the shopper says that there is a picture; it may come later, or never.

    `how`: handed_over or left. `age`: how the customer's age was checked, scanned or looked_at; no document is kept.
    `signer`: who signed for it. `signature_picture`: the signature was drawn, not typed.
    """

    act_id: str
    how: str
    age: str | None = None
    received_by: str | None = None
    has_photo: bool = False
    has_pin: bool = False
    person_id: int | None = None
    signer: str | None = None
    signature_picture: bool = False


class Signature(Struct, omit_defaults=True):
    """The customer's signature for an order that needs one. `is_drawn`: not only the name was typed."""

    name: str
    at: int
    is_drawn: bool = False


class Vehicle(Struct, omit_defaults=True):
    """The car in which a pickup order is fetched. `is_delegate`: it is the delegate's."""

    id: int
    model: str = ""
    vehicle_type: str = ""
    license_plate: str | None = None
    color: str = ""
    is_delegate: bool = False


class Delegate(Struct, omit_defaults=True):
    """Somebody who fetches a pickup order for its customer. `has_arrived`: it is the delegate who is at the store."""

    name: str
    phone_number: str
    has_arrived: bool = False


class CameBack(Struct, omit_defaults=True):
    """What came back to the store: bottles and cans of alcohol, and bags, as `by` counted them there."""

    at: int
    by: str
    alcohol_count: int = 0
    bag_count: int = 0


class Rating(Struct, omit_defaults=True):
    """What the customer thinks of an order. `value`: one of `RATINGS`; `highlights`: some of `HIGHLIGHTS`."""

    value: str
    highlights: Sequence[str] = ()
    thank_you_note: str = ""
    at: int = 0


class OrderDetails(Struct, omit_defaults=True):
    """Details of an order, stored as JSON; no query selects by them. Most come from the retailer.

    Weights in pounds, `cart_total` in dollars; `items_count` and the like are for orders that the retailer picks.
    `weight_class`: one of `WEIGHT_CLASSES`, by the people of the store. From
    `bags` on, what shoppers reported: the receipt of the till, when the customer could not be reached, why the order is
    on its way back to the store, how it was given to the customer, how many wrong PINs were given for that. From
    `vehicle` on, what the customer said: how a pickup order is fetched and by whom, when they want to be at the store
    and when they were there, how they rate the order, and how they signed for it. `came_back`: the goods that the
    people of the store took back. `is_test`: the operator placed the order as a test; it counts in no money and report.
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
    weight_class: str | None = None
    cart_total: float | None = None
    bag_label: str | None = None
    bag_scan_codes: Sequence[str] = ()
    staged_at: int | None = None
    with_handoff_time: bool = False
    warnings: Sequence[dict[str, Any]] = ()
    cancellation_type: str | None = None
    canceled_at: int | None = None
    bags: Sequence[Bag] = ()
    receipt_number: str | None = None
    receipt_cents: int | None = None
    verified_at: int | None = None
    missing_at: int | None = None
    returning: str | None = None
    proof: Proof | None = None
    wrong_pins: int = 0
    vehicle: Vehicle | None = None
    delegate: Delegate | None = None
    coming_at: int | None = None
    arrived_at: int | None = None
    rating: Rating | None = None
    signature: Signature | None = None
    came_back: CameBack | None = None
    is_test: bool = False


class Courier(Struct, frozen=True):
    """The shopper who has an order. `point`: where the shopper is, None if unknown.

    `is_person`: one of the operator's shoppers. Others stand for nobody: only a development server has them.
    """

    first_name: str | None = None
    point: Point | None = None
    is_person: bool = False


class Order(Struct, kw_only=True):
    """An order. `place`: its booked place, None after that was released. Times in microseconds, tips in cents.

    `courier` is not stored: an operation sets it before it emits events about the shopper.

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
    courier: Courier | None = None

    @property
    def is_instacartplus(self) -> bool:
        return self.member_since is not None
