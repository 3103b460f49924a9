"""The server's responses, with the names of the wire. Fields added by newer servers are ignored."""

from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, ValidationError, field

HIDDEN = "[hidden]"


class User(Struct, frozen=True, kw_only=True):
    """A Connect user account: a customer under the retailer's own id."""

    user_id: str
    first_name: str
    last_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None


class AddressFlags(Struct, frozen=True, kw_only=True):
    """long_distance_delivery: more than 30 minutes from the nearest stores; None if the server does not say."""

    long_distance_delivery: bool | None = None


class ValidatedAddress(Struct, frozen=True, kw_only=True):
    """An address in the form to use in orders. `user_id` is None if a deprecated endpoint leaves it out."""

    address_line_1: str
    postal_code: str
    user_id: str | None = None
    flags: AddressFlags = field(default_factory=AddressFlags)


class StoreFlags(Struct, frozen=True, kw_only=True):
    """pickup_only: no delivery. long_distance_delivery: delivers to addresses 30 to 60 minutes away."""

    alcohol: bool
    pickup: bool
    pickup_only: bool = False
    long_distance_delivery: bool | None = None


class Store(Struct, frozen=True, kw_only=True):
    """A store of the retailer; other calls need its `location_code`."""

    name: str
    location_code: str
    flags: StoreFlags


class FoundStores(Struct, frozen=True, kw_only=True):
    """Stores, nearest first. is_partial: they serve a part of the postal code; None if the server does not say."""

    stores: tuple[Store, ...] = ()
    is_partial: bool | None = None


class ItemName(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product by one of its codes: the UPC, or the retailer's own code (rrc)."""

    upc: str | None = None
    rrc: str | None = None


class ItemToValidate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product and its quantity. line_num: any text; servers that support it repeat it in the response."""

    item: ItemName
    count: int | None = None
    weight: float | None = None
    line_num: str | None = None


class ItemProblem(Struct, frozen=True, kw_only=True):
    """What is wrong with an item."""

    message: str
    code: int | None = None


class ItemFailure(Struct, frozen=True, kw_only=True):
    """An item that failed, and why."""

    item: ItemName
    error: ItemProblem
    line_num: str | None = None


class ValidatedItems(Struct, frozen=True, kw_only=True):
    """Without failures, all items are valid. warnings: unknown items that a lenient Handcart retailer accepts."""

    validation_failures: tuple[ItemFailure, ...] = ()
    warnings: tuple[ItemFailure, ...] = ()


class Address(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The address of an order. latitude, longitude: degrees."""

    address_line_1: str
    postal_code: str
    address_line_2: str | None = None
    address_type: str | None = None
    city: str | None = None
    state: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class OrderItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a cart or an order, in a request.

    line_num: the line's id within the order. count: pieces. weight: in the item's unit in the catalog.
    replacement_policy: "no_replacements", "users_choice" or "shoppers_choice".
    """

    line_num: str
    item: ItemName
    count: int | None = None
    weight: float | None = None
    special_instructions: str | None = None
    replacement_policy: str | None = None
    replacement_items: tuple[ItemName, ...] | None = None
    metadata: dict[str, Any] | None = None


class ReplacementSelection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The replacements that the customer accepts for a line's item, best first, and their quantity."""

    line_num: str
    count: int | None = None
    weight: float | None = None
    replacement_items: tuple[ItemName, ...] = ()


class Scan(Struct, frozen=True):
    """A barcode that the shopper scanned."""

    scanned_string: str
    scanned_string_type: str = "upca"


class Batch(Struct, frozen=True):
    """A shopper's batch and its state."""

    id: int
    workflow_state: str


class IdAnswer(Struct, frozen=True):
    """The id of a created object."""

    id: int


class OrderUser(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order's data about its customer; overrides the user's data.

    birthday: ISO 8601 date, needed for alcohol. phone_number: E.164.
    """

    birthday: str | None = None
    phone_number: str | None = None
    sms_opt_in: bool | None = None


class DesiredWindow(Struct, frozen=True):
    """A window chosen by the retailer: at least an hour, on the hour at both ends. Times need a time zone."""

    starts_at: datetime
    ends_at: datetime


class WarningDetail(Struct, frozen=True, kw_only=True):
    """A warning about a cart or an order, which is accepted all the same. meta: such as the line numbers."""

    error: ItemProblem
    meta: dict[str, Any] = {}


class Window(Struct, frozen=True, kw_only=True):
    """The time window of an order, with the UTC offset of the store.

    type: "scheduled", "immediate", "eta" or "priority_eta".
    """

    start_at: datetime
    end_at: datetime
    type: str = "scheduled"


class Availability(Struct, frozen=True, kw_only=True):
    """Whether a slot is available, and if not, why. Handcart's reasons: docs/wire-choices.md."""

    available: bool
    reasons: tuple[str, ...] = ()


class SlotFlags(Struct, frozen=True, kw_only=True):
    """long_distance_delivery: the store is 30 to 60 minutes away; None if the server does not say."""

    long_distance_delivery: bool | None = None


class ServiceOption(Struct, frozen=True, kw_only=True):
    """A time slot.

    date: date of the service, ISO 8601. service_option_reference: opaque; only if desired windows were requested.
    handoff_at: when the shopper should reach the counter; only if requested.
    """

    id: int
    window: Window
    availability: Availability
    date: str | None = None
    flags: SlotFlags = field(default_factory=SlotFlags)
    service_option_reference: str | None = None
    handoff_at: datetime | None = None


class ServiceOptions(Struct, frozen=True, kw_only=True):
    """Slots sorted by start, including unavailable ones."""

    service_options: tuple[ServiceOption, ...] = ()
    warnings: tuple[WarningDetail, ...] = ()


class ServiceOptionHold(Struct, frozen=True, kw_only=True):
    """A place held until `expires_at` (ten minutes); an order needs its `id`. Expired, it works if there is room."""

    id: int
    expires_at: datetime
    service_option: ServiceOption


class FulfillmentDetails(Struct, frozen=True, kw_only=True):
    """Place and time of an order. store_location: location code of the store that actually fills it."""

    window_starts_at: datetime
    window_ends_at: datetime
    store_location: str | None = None
    delivered_at: datetime | None = None
    bag_count: int | None = None


class OrderedItem(Struct, frozen=True, kw_only=True):
    """The codes of a product, as ordered and as delivered; empty if unknown."""

    upc: str | None = None
    rrc: str | None = None
    requested_upc: str | None = None
    requested_rrc: str | None = None
    delivered_upc: str | None = None
    delivered_rrc: str | None = None


class OrderLine(Struct, frozen=True, kw_only=True):
    """A line of an order, in a response. qty: ordered, later delivered quantity. qty_unit: "each", "lb" or "kg"."""

    line_num: str
    item: OrderedItem = field(default_factory=OrderedItem)
    qty: float | None = None
    qty_unit: str | None = None
    replaced: bool | None = None
    refunded: bool | None = None
    replacement_policy: str | None = None
    special_instructions: str | None = None
    scan_code: str | None = None
    metadata: dict[str, Any] | None = None


class Order(Struct, frozen=True, kw_only=True):
    """An order. `items` and `warnings` are empty for last mile and dispatch orders.

    id: the retailer's own. status: "brand_new" until a shopper takes the order; it can be changed only until then.
    is_instacartplus: the membership's benefit applies, decided at creation; is_express: its older name.
    order_url: the status page, None or empty if there is none. cancellation_reason: only for canceled orders.
    pos_payment_method: only if a single order was requested.
    """

    id: str
    status: str
    created_at: datetime | None = None
    is_instacartplus: bool = False
    is_express: bool = False
    fulfillment_details: FulfillmentDetails | None = None
    items: tuple[OrderLine, ...] = ()
    warnings: tuple[WarningDetail, ...] = ()
    order_url: str | None = None
    cancellation_reason: str | None = None
    locale: str | None = None
    metadata: dict[str, Any] | None = None
    pos_payment_method: str | None = None


class PostCheckoutOrder(Struct, frozen=True, kw_only=True):
    """An order as its customer follows it.

    workflow_state: such as "picking", "ready_for_pickup" or "delivering". fulfillment_type: "delivery",
    "last_mile_delivery" or "pickup". pickup_category: such as "curbside", only for pickup.
    """

    workflow_state: str
    fulfillment_type: str
    id: str | None = None
    created_at: datetime | None = None
    pickup_category: str | None = None
    window_starts_at: datetime | None = None
    window_ends_at: datetime | None = None


class Coordinates(Struct, frozen=True, kw_only=True):
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


class HandlingAddress(Struct, frozen=True, kw_only=True):
    """Where an order goes, or is picked up."""

    address_line_1: str
    postal_code: str
    country_code: str
    address_line_2: str | None = None
    locality: str | None = None
    administrative_area: str | None = None


class HandlingShopper(Struct, frozen=True, kw_only=True):
    """The shopper who has an order now."""

    first_name: str | None = None
    avatar_url: str | None = None


class Handling(Struct, frozen=True, kw_only=True):
    """How an order is handed over. shopper: None while nobody has it, and if the retailer hides its shoppers."""

    address: HandlingAddress
    coordinates: Coordinates
    instructions: str = ""
    shopper: HandlingShopper | None = None
    dropoff_location: str | None = None
    notes: str | None = None
    leave_unattended: bool = False
    alcoholic: bool = False
    certified_delivery: bool = False


class LineItemProduct(Struct, frozen=True, kw_only=True):
    """A product of a line. quantity: a text, as on the wire. cost_unit: such as "each" or "lb"."""

    name: str
    quantity: str
    cost_unit: str
    image_url: str | None = None


class LineItem(Struct, frozen=True, kw_only=True):
    """A line of an order as its customer follows it.

    status: "NOT_PICKED", "FOUND", "REPLACED" or "TO_REFUND". replacement_status: "PENDING" while a proposed
    replacement waits for the customer's answer, then "APPROVED" or "REJECTED".
    """

    id: str
    status: str
    item: LineItemProduct
    line_num: str | None = None
    replacement: LineItemProduct | None = None
    replacement_status: str | None = None
    certified_delivery: bool = False


class ChatMessage(Struct, frozen=True, kw_only=True):
    """A message of a chat. sender_type, recipient_type: "user" or "driver". body: empty for a picture without text."""

    id: int
    created_at: datetime
    sender_type: str
    recipient_type: str
    read: bool
    order_id: int | None = None
    sender_id: int | None = None
    recipient_id: int | None = None
    type: str | None = None
    body: str = ""


class ChatMetadata(Struct, frozen=True, kw_only=True):
    """is_expired: the order ended a day ago, and its messages can no longer be read."""

    is_expired: bool = False


class ChatMessages(Struct, frozen=True, kw_only=True):
    """The messages between customer and shopper, the oldest first."""

    chat_messages: tuple[ChatMessage, ...] = ()
    metadata: ChatMetadata = field(default_factory=ChatMetadata)


class LifecycleMessage(Struct, frozen=True, kw_only=True):
    """An automated message about the way of an order."""

    id: int
    body: str
    created_at: datetime | None = None


class OrderMessages(ChatMessages, frozen=True, kw_only=True):
    """Messages between customer and shopper, and automated ones, each from the oldest."""

    lifecycle_messages: tuple[LifecycleMessage, ...] = ()


class SentMessage(Struct, frozen=True, kw_only=True):
    """A message that was sent. timezone: the store's, such as "America/Chicago"."""

    id: int
    created_at: datetime
    type: str | None = None
    timezone: str | None = None


class InstructionImage(Struct, frozen=True, kw_only=True):
    """A picture of pickup instructions. value: what it shows."""

    url: str
    value: str | None = None


class PickupInstruction(Struct, frozen=True, kw_only=True):
    """How to pick up. category: "curbside", "locker" or "in_store"."""

    category: str
    instruction: str
    instruction_images: tuple[InstructionImage, ...] = ()


class Vehicle(Struct, frozen=True, kw_only=True):
    """The vehicle that comes for an order; empty where nothing is known."""

    id: int
    model: str = ""
    vehicle_type: str = ""
    color: str = ""
    license_plate: str | None = None
    color_hex: str | None = None


class Link(Struct, frozen=True, kw_only=True):
    """The platform account linked to a Connect user.

    instacartplus_member: the membership is active now.
    express_member: the older name of the same flag, which newer servers may leave out.
    expired_at: end of the current membership period in UTC, None if there is none.
    """

    instacartplus_member: bool
    express_member: bool | None = None
    expired_at: datetime | None = None


# A value for an Authorization header: visible ASCII, RFC 6749 appendix A.12 without the space.
Secret = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]+\Z")]


class CodeAnswer(Struct, frozen=True):
    """An authorization code."""

    code: Secret


class Token(Struct, frozen=True, kw_only=True):
    """An access token. Its repr hides the value.

    expires_in: seconds from `created_at`. created_at: seconds since 1970 UTC. scope: None if the server omitted it.
    """

    access_token: Secret
    token_type: str
    expires_in: Annotated[int, Meta(le=2**53)]
    created_at: int | None = None
    scope: str | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes as a tuple; servers separate them by commas or spaces."""
        return tuple((self.scope or "").replace(",", " ").split())

    def __repr__(self) -> str:
        return f"Token(access_token={HIDDEN}, expires_in={self.expires_in}, scope={self.scope!r})"


class Introspection(Struct, frozen=True, kw_only=True):
    """A server's data about a token (RFC 7662 section 2.2). exp and iat: seconds since 1970 UTC."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    username: str | None = None
    token_type: str | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    iss: str | None = None


class ServerMetadata(Struct, frozen=True, kw_only=True):
    """The OAuth endpoints of a server and what they support (RFC 8414 section 2)."""

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    revocation_endpoint: str | None = None
    introspection_endpoint: str | None = None
    scopes_supported: tuple[str, ...] = ()
    response_types_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False


class LinkAnswer(Struct, frozen=True):
    """A link as sent by old and new servers."""

    instacartplus_member: bool | None = None
    express_member: bool | None = None
    expired_at: datetime | None = None

    def link(self) -> Link:
        member = self.express_member if self.instacartplus_member is None else self.instacartplus_member
        if member is None:
            raise ValidationError("Object has neither `instacartplus_member` nor `express_member`")
        return Link(instacartplus_member=member, express_member=self.express_member, expired_at=in_utc(self.expired_at))


class HoldAnswer(Struct, frozen=True):
    """The response of every reservation."""

    service_option_hold: ServiceOptionHold


class LocationAnswer(Struct, frozen=True):
    """Where an order is; empty unless it is on its way."""

    coordinates: Coordinates | None = None


class LineItemsAnswer(Struct, frozen=True):
    """The lines of an order after checkout."""

    line_items: tuple[LineItem, ...]


class ReadAnswer(Struct, frozen=True):
    """The number of messages that were marked as read."""

    messages_read_count: int


class PickupDetailsAnswer(Struct, frozen=True):
    """The instructions of a store."""

    pickup_instructions: tuple[PickupInstruction, ...] = ()


class VehicleAnswer(Struct, frozen=True):
    """A vehicle, if one was named."""

    vehicle_info: Vehicle | None = None


class OrdersAnswer(Struct, frozen=True):
    """The response of the deprecated list of orders."""

    orders: tuple[Order, ...] = ()


class Success(Struct, frozen=True):
    """The response of calls without a result."""

    success: bool


def in_utc(time: datetime | None) -> datetime | None:
    """A time with its offset; without one it is read as UTC, as documented."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
