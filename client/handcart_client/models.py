"""What the server answers, in the wire's own words. Fields that a newer server adds are ignored."""

from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, ValidationError, field

HIDDEN = "[hidden]"


class User(Struct, frozen=True, kw_only=True):
    """A Connect user account: the identity that the retailer chose for a customer."""

    user_id: str
    first_name: str
    last_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None


class AddressFlags(Struct, frozen=True, kw_only=True):
    """long_distance_delivery: more than 30 minutes from the nearest stores; None when the server does not say."""

    long_distance_delivery: bool | None = None


class ValidatedAddress(Struct, frozen=True, kw_only=True):
    """An address in the form to use when ordering. `user_id` is None where a deprecated endpoint leaves it out."""

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
    """A store of the retailer; the other calls want its `location_code`."""

    name: str
    location_code: str
    flags: StoreFlags


class FoundStores(Struct, frozen=True, kw_only=True):
    """Stores, the nearest first. is_partial: they serve a part of the postal code; None when it is not said."""

    stores: tuple[Store, ...] = ()
    is_partial: bool | None = None


class ItemName(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product by one of its codes: the UPC, or the retailer's own (rrc)."""

    upc: str | None = None
    rrc: str | None = None


class ItemToValidate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product and how much of it. line_num: any mark that the answer repeats, on servers that do."""

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
    """No failures: all items are good. warnings: unknown items that a lenient Handcart retailer lets pass."""

    validation_failures: tuple[ItemFailure, ...] = ()
    warnings: tuple[ItemFailure, ...] = ()


class Address(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an order goes. latitude, longitude: degrees."""

    address_line_1: str
    postal_code: str
    address_line_2: str | None = None
    address_type: str | None = None
    city: str | None = None
    state: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class OrderItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a cart or an order, as it is sent.

    line_num: the line's own name within the order. count: pieces. weight: in the unit that the catalog sells it by.
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
    """What the customer would take in place of a line's item, the dearest wish first, and how much of it."""

    line_num: str
    count: int | None = None
    weight: float | None = None
    replacement_items: tuple[ItemName, ...] = ()


class Scan(Struct, frozen=True):
    """A barcode that the shopper scanned."""

    scanned_string: str
    scanned_string_type: str = "upca"


class Batch(Struct, frozen=True):
    """A shopper's batch and where it stands."""

    id: int
    workflow_state: str


class IdAnswer(Struct, frozen=True):
    """What was made, by its id."""

    id: int


class OrderUser(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an order says of its customer, in place of what is known of the user.

    birthday: ISO 8601 date, needed for alcohol. phone_number: E.164.
    """

    birthday: str | None = None
    phone_number: str | None = None
    sms_opt_in: bool | None = None


class DesiredWindow(Struct, frozen=True):
    """A window of the retailer's own: an hour at least, on the hour at both ends. Times need a time zone."""

    starts_at: datetime
    ends_at: datetime


class WarningDetail(Struct, frozen=True, kw_only=True):
    """What is to be known about a cart or an order though nothing stands in its way. meta: such as the line numbers."""

    error: ItemProblem
    meta: dict[str, Any] = {}


class Window(Struct, frozen=True, kw_only=True):
    """When an order is served, with the offset of the store's clock.

    type: "scheduled", "immediate", "eta" or "priority_eta".
    """

    start_at: datetime
    end_at: datetime
    type: str = "scheduled"


class Availability(Struct, frozen=True, kw_only=True):
    """Whether a slot can be had, and if not, why. Handcart's reasons: docs/wire-choices.md."""

    available: bool
    reasons: tuple[str, ...] = ()


class SlotFlags(Struct, frozen=True, kw_only=True):
    """long_distance_delivery: the store is 30 to 60 minutes away; None when the server does not say."""

    long_distance_delivery: bool | None = None


class ServiceOption(Struct, frozen=True, kw_only=True):
    """A time slot.

    date: of the service, ISO 8601. service_option_reference: opaque, where desired windows were asked for.
    handoff_at: when the shopper should reach the counter, where that was asked for.
    """

    id: int
    window: Window
    availability: Availability
    date: str | None = None
    flags: SlotFlags = field(default_factory=SlotFlags)
    service_option_reference: str | None = None
    handoff_at: datetime | None = None


class ServiceOptions(Struct, frozen=True, kw_only=True):
    """Slots in the order of their start, those that cannot be had among them."""

    service_options: tuple[ServiceOption, ...] = ()
    warnings: tuple[WarningDetail, ...] = ()


class ServiceOptionHold(Struct, frozen=True, kw_only=True):
    """A place kept until `expires_at`, ten minutes; an order takes its `id`. Expired, it still books where room is."""

    id: int
    expires_at: datetime
    service_option: ServiceOption


class FulfillmentDetails(Struct, frozen=True, kw_only=True):
    """Where and when an order is served. store_location: location code of the store that really fills it."""

    window_starts_at: datetime
    window_ends_at: datetime
    store_location: str | None = None
    delivered_at: datetime | None = None
    bag_count: int | None = None


class OrderedItem(Struct, frozen=True, kw_only=True):
    """The codes of a product, as asked for and as delivered; empty where nothing is known."""

    upc: str | None = None
    rrc: str | None = None
    requested_upc: str | None = None
    requested_rrc: str | None = None
    delivered_upc: str | None = None
    delivered_rrc: str | None = None


class OrderLine(Struct, frozen=True, kw_only=True):
    """A line of an order, as the server answers it. qty: as delivered, once it is. qty_unit: "each", "lb" or "kg"."""

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

    id: the retailer's own. status: "brand_new" until a shopper takes it; only until then may it change.
    is_instacartplus: the membership's benefit applies, decided at creation; is_express: its older name.
    order_url: the status page, None or empty without one. cancellation_reason: of canceled orders only.
    pos_payment_method: where one order was asked for.
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


class Link(Struct, frozen=True, kw_only=True):
    """The platform account linked to a Connect user.

    instacartplus_member: the membership is active now.
    express_member: the older name of the same flag, which newer servers may leave out.
    expired_at: end of the current membership period in UTC, None when there is none.
    """

    instacartplus_member: bool
    express_member: bool | None = None
    expired_at: datetime | None = None


# A value that goes into an Authorization header: visible ASCII, RFC 6749 appendix A.12 without the space.
Secret = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]+\Z")]


class CodeAnswer(Struct, frozen=True):
    """An authorization code."""

    code: Secret


class Token(Struct, frozen=True, kw_only=True):
    """An access token. Its repr hides the value.

    expires_in: seconds from `created_at`. created_at: seconds since 1970 UTC. scope: None when the server left it out.
    """

    access_token: Secret
    token_type: str
    expires_in: Annotated[int, Meta(le=2**53)]
    created_at: int | None = None
    scope: str | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes one by one; servers separate them by comma or by space."""
        return tuple((self.scope or "").replace(",", " ").split())

    def __repr__(self) -> str:
        return f"Token(access_token={HIDDEN}, expires_in={self.expires_in}, scope={self.scope!r})"


class Introspection(Struct, frozen=True, kw_only=True):
    """What a server tells about a token (RFC 7662 section 2.2). exp and iat: seconds since 1970 UTC."""

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
    """The OAuth endpoints of a server and what they can do (RFC 8414 section 2)."""

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
    """A link as servers of any age send it."""

    instacartplus_member: bool | None = None
    express_member: bool | None = None
    expired_at: datetime | None = None

    def link(self) -> Link:
        member = self.express_member if self.instacartplus_member is None else self.instacartplus_member
        if member is None:
            raise ValidationError("Object has neither `instacartplus_member` nor `express_member`")
        return Link(instacartplus_member=member, express_member=self.express_member, expired_at=in_utc(self.expired_at))


class HoldAnswer(Struct, frozen=True):
    """The answer of every reservation."""

    service_option_hold: ServiceOptionHold


class OrdersAnswer(Struct, frozen=True):
    """The answer of the deprecated list of orders."""

    orders: tuple[Order, ...] = ()


class Success(Struct, frozen=True):
    """The answer of calls that only act."""

    success: bool


def in_utc(time: datetime | None) -> datetime | None:
    """The documented times are UTC, so one without an offset is read as UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
