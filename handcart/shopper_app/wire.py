"""The bodies of the app's API: what its screens show, and keep on the device.

Times are ISO 8601 in UTC. Ids of batches are texts, because JavaScript's numbers are too short for them.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

# The status of an order on its way back to the store: to the retailer it is still `delivering`.
RETURNING = "returning"
# Whether the customer signs for an order on its page, and has done so.
NONE, NEEDED, SIGNED = "none", "needed", "signed"


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


class Alternative(Struct):
    """What the customer wants in place of a refused replacement: pieces or a weight."""

    product: Product
    count: int | None
    weight: float | None


class Line(Struct):
    """A line of an order. `suggestions`: products for a replacement if the customer named none that is there.

    `replacement_status`: PENDING, APPROVED, REJECTED, or null. `refused`: the replacement that was refused last.
    """

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
    is_heavy: bool
    is_added: bool
    picked_by: str | None
    replacement_status: str | None
    proposed_at: str | None
    refused: Product | None
    alternative: Alternative | None


class Customer(Struct):
    """What a shopper may know of a customer before the way to the door. `first_name`: empty if it is unknown."""

    first_name: str


class Door(Struct):
    """Where an order is handed over."""

    address: str
    latitude: float | None
    longitude: float | None
    phone: str | None


class Car(Struct):
    """The car in which a pickup order is fetched; empty where nothing is known. `delegate`: comes for the customer."""

    model: str
    vehicle_type: str
    color: str
    license_plate: str
    delegate: str


class Bag(Struct):
    """A bag of an order. `kind`: ambient, cold, frozen or hot. `place`: where in the staging area it is."""

    code: str
    kind: str
    place: str | None


class ChatMessage(Struct):
    """A message between the customer and the shoppers of an order.

    `sender`: customer or shopper. `act_id`: of the act with which this shopper wrote it. `picture`: the address of its
    picture; empty if the picture has not come yet, or its time is over.
    """

    id: str
    sender: str
    phrase: str | None
    text: str | None
    picture: str | None
    at: str
    is_read: bool
    act_id: str | None


class Chat(Struct):
    """The chat of an order. `unread`: the number of the customer's messages that the shopper has not read."""

    is_open: bool
    unread: int
    messages: Sequence[ChatMessage]


class Order(Struct):
    """An order. `letter` tells the orders of a batch apart. `version` counts the order's changes.

    `is_verified`: its bags were checked before they leave the store. `needs_code`: the customer says the last four
    digits of the phone number. `signature`: `none`, `needed`, or `signed` on the order's page.
    """

    id: str
    letter: str
    kind: str
    status: str
    version: int
    units: int
    has_alcohol: bool
    is_heavy: bool
    leave_unattended: bool
    tip_cents: int
    is_member: bool
    customer: Customer
    special_instructions: str
    door: Door | None
    car: Car | None
    needs_code: bool
    signature: str
    bags: Sequence[Bag]
    bag_label: str | None
    bag_scan_codes: Sequence[str]
    is_staged: bool
    is_verified: bool
    bag_count: int | None
    chat: Chat
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
    """What the retailer asks for at the door. `legal_age`: of a person who takes alcohol.

    Alcohol is handed over from `alcohol_from_hour` until `alcohol_until_hour` by the store's clock; if the first is
    larger, over midnight.
    """

    door_photo: bool
    legal_age: int
    alcohol_from_hour: int
    alcohol_until_hour: int


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
    answer_minutes: int
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


class Shift(Struct):
    """A planned shift. `where`: the store or the area, empty if neither is planned. `time_zone`: of its times."""

    starts_at: str
    ends_at: str
    where: str
    time_zone: str


class Run(Struct):
    """A shopper's work at all retailers, and the next shifts.

    `version` is another one whenever `batches`, `removed` or `shifts` are others.
    """

    version: str
    now: str
    batches: Sequence[Batch]
    removed: Sequence[Removed]
    shifts: Sequence[Shift] = ()


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


class UnlockOptions(Struct):
    """What the browser needs to ask for a passkey; None: the shopper has none, or none can be used at this address."""

    options: dict[str, Any] | None


class UnlockWithPasskey(Struct):
    """Unlock the device with the answer of a passkey."""

    credential: dict[str, Any]


class Passkey(Struct):
    """One of the shopper's passkeys."""

    id: str
    name: str
    created_at: str
    used_at: str | None


class Passkeys(Struct):
    """The shopper's passkeys, and what the browser needs to make one; None: none can be used at this address."""

    options: dict[str, Any] | None
    passkeys: Sequence[Passkey]


class AddPasskey(Struct):
    """Keep a passkey that the browser has made."""

    credential: dict[str, Any]


class RemovePasskey(Struct):
    """Remove a passkey."""

    id: Annotated[str, Meta(max_length=1400)]


class ChangePin(Struct):
    """Replace the PIN."""

    old: Pin
    new: Pin


class Settings(Struct):
    """What shoppers may change themselves. Without `languages`, those stay."""

    locale: Annotated[str, Meta(max_length=10)]
    languages: Annotated[list[Annotated[str, Meta(max_length=3)]], Meta(max_length=10)] | None = None


class Done(Struct):
    """The operation is done."""
