"""The bodies of the app's API: what its screens show, and keep on the device.

Times are ISO 8601 in UTC. Ids of batches are texts, because JavaScript's numbers are too short for them.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

# The status of an order on its way back to the store: to the retailer it is still `delivering`.
RETURNING = "returning"


class Product(Struct):
    """An item of the catalog. One that the catalog does not have has its code as name.

    `par_weight`: the typical weight of a piece, in the cost unit. `price_cents`: of one cost unit, 0 if unknown.
    """

    upc: str | None
    rrc: str | None
    name: str
    cost_unit: str = "each"
    par_weight: float | None = None
    price_cents: int = 0
    image_url: str | None = None
    department: str | None = None
    aisle: str | None = None
    shelf: str | None = None
    temperature: str | None = None
    is_alcohol: bool = False


class Catalog(Struct):
    """Items that a search found; `weight`: what the scanned label of a scale says, in the cost unit of the item."""

    items: Sequence[Product]
    weight: float | None


class Line(Struct):
    """A line of an order. `suggestions`: products for a replacement if the customer named none that is there."""

    line_num: str
    version: int
    status: str
    qty: float
    qty_unit: str
    count: int | None
    weight: float | None
    product: Product
    special_instructions: str
    replacement_policy: str
    replacement_items: Sequence[Product]
    suggestions: Sequence[Product]
    delivered_count: int | None
    delivered_weight: float | None
    substitute: Product | None
    is_alcohol: bool
    is_added: bool
    picked_by: str | None


class Customer(Struct):
    """What a shopper may know of a customer before the way to the door. `first_name`: empty if it is unknown."""

    first_name: str


class Door(Struct):
    """Where an order is handed over. `last_four_digits_needed`: the customer says those of the phone number."""

    address: str
    latitude: float | None
    longitude: float | None
    phone: str | None
    last_four_digits_needed: bool


class Bag(Struct):
    """A bag of an order. `kind`: ambient, cold, frozen or hot. `place`: where in the staging area it is."""

    code: str
    kind: str
    place: str | None


class Order(Struct):
    """An order. `letter` tells the orders of a batch apart. `version` counts the order's changes.

    `is_verified`: its bags were checked before they leave the store.
    """

    id: str
    letter: str
    kind: str
    status: str
    version: int
    units: int
    has_alcohol: bool
    leave_unattended: bool
    tip_cents: int
    is_member: bool
    customer: Customer
    special_instructions: str
    door: Door | None
    bags: Sequence[Bag]
    bag_label: str | None
    bag_scan_codes: Sequence[str]
    is_staged: bool
    is_verified: bool
    bag_count: int | None
    lines: Sequence[Line]


class Retailer(Struct):
    """A retailer."""

    slug: str
    name: str


class Window(Struct):
    """The time in which the customers expect their orders."""

    starts_at: str
    ends_at: str


class Store(Struct):
    """The store of a batch."""

    location_code: str
    name: str
    address: str
    time_zone: str
    latitude: float
    longitude: float


class Needs(Struct):
    """What the retailer asks for at the door. `legal_age`: of a person who takes alcohol."""

    door_photo: bool
    delivery_pin: bool
    legal_age: int


class Batch(Struct):
    """Orders that the shopper handles together. `subject` names it in acts; `last_act` is its newest act."""

    id: str
    subject: str
    retailer: Retailer
    type: str
    state: str
    is_accepted: bool
    window: Window
    store: Store
    needs: Needs
    scale_codes: str
    orders: Sequence[Order]
    last_act: str | None


class Removed(Struct):
    """Work that was taken away from the shopper.

    `kind`: unassigned, canceled or dropped_out. `goods`: nothing, put_back, hand_to_store or
    keep_for_next.
    """

    batch_id: str
    retailer: Retailer
    order_ids: Sequence[str]
    kind: str
    reason: str | None
    by: str | None
    at: str
    goods: str


class Run(Struct):
    """A shopper's work at all retailers. `version` is another one whenever `batches` or `removed` are others."""

    version: str
    now: str
    batches: Sequence[Batch]
    removed: Sequence[Removed]


class DeviceRef(Struct):
    """The device that asks."""

    id: str
    name: str


class ListedDevice(Struct):
    """One of the shopper's devices."""

    id: str
    name: str
    seen_at: str
    is_this: bool


class Me(Struct):
    """The shopper, and the devices."""

    id: str
    name: str
    locale: str
    languages: Sequence[str]
    skills: Sequence[str]
    vehicle: str
    device: DeviceRef
    devices: Sequence[ListedDevice]
    is_locked: bool


# The digits 0 to 9: `isdecimal` and `\d` would also take those of other scripts.
Pin = Annotated[str, Meta(pattern=r"^[0-9]{4,8}\Z")]


class Unlock(Struct):
    """Unlock the device."""

    pin: Pin


class ChangePin(Struct):
    """Replace the PIN."""

    old: Pin
    new: Pin


class Settings(Struct):
    """What shoppers may change themselves."""

    locale: Annotated[str, Meta(max_length=10)]
    languages: Annotated[list[Annotated[str, Meta(max_length=3)]], Meta(max_length=10)]


class Done(Struct):
    """The operation is done."""
