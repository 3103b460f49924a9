"""Request and response bodies of the order endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/create_order, .../delivery/get_order,
.../delivery/update_order, .../delivery/update_tip, .../delivery/cancel_order, .../last_mile/create_order,
.../last_mile/stage_order, .../lastmile/create_order_single_call, and their twins.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.core.web.wire import NUMBER_TOO, WireId
from handcart.orders.models import OrderId, Phone, Timestamp
from handcart.stores.carts import Instructions, LineNum, Lines
from handcart.stores.models import Address, Code, ItemName, OptionalLine
from handcart.users.models import UserId

IdempotencyKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=r"^[!#-~]+\Z",
        description="For 24 hours, a repeated request with the same key gets the first answer.",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]
Cents = Annotated[int, Meta(ge=0, le=100_000_000)]
Quantity = Annotated[int, Meta(ge=0, le=1_000_000)]
Pounds = Annotated[float, Meta(ge=0, le=1_000_000)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000_000)]
Locale = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        description="IETF language tag: en-US, en-CA or fr-CA. Any other means the default of the store's country",
    ),
]
Label = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z"), NUMBER_TOO]
Name = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z")
]
AppliedInstacartplus = Annotated[
    bool, Meta(description="Whether the retailer gave the customer the membership's benefit. Accepted, but not used")
]
Metadata = Annotated[dict[str, Any], Meta(max_length=50)]

_ADDRESS = {"address_line_1": "350 W Oak St", "address_type": "residential", "postal_code": "60610"}
_USER = {"birthday": "1991-03-05", "phone_number": "+13125550188", "sms_opt_in": True}
_ITEMS = [
    {
        "line_num": "1",
        "count": 3,
        "item": {"upc": "400000000015"},
        "replacement_policy": "users_choice",
        "replacement_items": [{"upc": "400000000022"}],
    }
]


class OrderUser(Struct):
    """Facts about the customer for this order. They override those of the user."""

    birthday: Annotated[str, Meta(min_length=1, max_length=40, description="ISO 8601 date")] | None = None
    phone_number: Phone | None = None
    sms_opt_in: bool | None = None


class CreateDeliveryRequest(Struct, kw_only=True):
    """A delivery order for a held slot."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "An order": {
            "order_id": "ORD-77120",
            "service_option_hold_id": 5512209,
            "initial_tip_cents": 600,
            "location_code": "SM-0014",
            "locale": "en-US",
            "user": _USER,
            "address": _ADDRESS,
            "items": _ITEMS,
        }
    }

    order_id: OrderId
    service_option_hold_id: WireId
    address: Address
    items: Lines
    user: OrderUser | None = None
    location_code: Code | None = None
    initial_tip_cents: Cents | None = None
    loyalty_number: Label | None = None
    applied_instacartplus: AppliedInstacartplus | None = None
    leave_unattended: bool | None = None
    special_instructions: Instructions | None = None
    paid_with_ebt: bool | None = None
    locale: Locale | None = None
    metadata: Metadata | None = None


class CreatePickupRequest(Struct, kw_only=True):
    """A pickup order for a held slot."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "An order": {
            "order_id": "ORD-77121",
            "service_option_hold_id": 5512210,
            "location_code": "SM-0014",
            "user": _USER,
            "items": _ITEMS,
        }
    }

    order_id: OrderId
    service_option_hold_id: WireId
    location_code: Code
    items: Lines
    user: OrderUser | None = None
    loyalty_number: Label | None = None
    applied_instacartplus: AppliedInstacartplus | None = None
    special_instructions: Instructions | None = None
    paid_with_ebt: bool | None = None
    locale: Locale | None = None
    metadata: Metadata | None = None


class CreateLastMileRequest(Struct, kw_only=True):
    """A last mile order for a held slot: the retailer picks, a shopper collects and delivers."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "An order": {
            "order_id": "ORD-77122",
            "service_option_hold_id": 5512211,
            "location_code": "SM-0014",
            "first_name": "Sample",
            "last_name": "Member",
            "user_phone": "+13125550188",
            "items_count": 7,
            "items_weight": 12.5,
            "cart_total": 42.5,
            "address": _ADDRESS,
        }
    }

    service_option_hold_id: WireId
    location_code: Code
    first_name: Name
    last_name: Name
    user_phone: Phone
    items_count: Quantity
    items_weight: Pounds
    address: Address
    order_id: OrderId | None = None
    locale: Locale | None = None
    start_at: Timestamp | None = None
    end_at: Timestamp | None = None
    initial_tip_cents: Cents | None = None
    bags_count: Quantity | None = None
    cart_total: Dollars | None = None
    bag_label: Label | None = None
    bag_scan_codes: Annotated[list[Label], Meta(max_length=200)] | None = None
    alcoholic: bool | None = None
    leave_unattended: bool | None = None
    special_instructions: Instructions | None = None
    customer_sms_opt_out: bool | None = None
    with_handoff_time: bool | None = None
    metadata: Metadata | None = None


class CreateDispatchRequest(Struct, kw_only=True):
    """A dispatch last mile order: without a list of slots and without a hold. The caller chooses the window."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "An order": {
            "order_id": "ORD-77123",
            "location_code": "SM-0014",
            "start_at": "2026-06-11T17:00:00-05:00",
            "end_at": "2026-06-11T19:00:00-05:00",
            "first_name": "Sample",
            "last_name": "Member",
            "user_phone": "+13125550188",
            "items_count": 7,
            "items_weight": 12.5,
            "address": _ADDRESS,
        }
    }

    order_id: OrderId
    location_code: Code
    start_at: Timestamp
    end_at: Timestamp
    first_name: Name
    last_name: Name
    user_phone: Phone
    items_count: Quantity
    items_weight: Pounds
    address: Address
    fallback_to_soonest_sameday: bool | None = None
    user_id: UserId | None = None
    locale: Locale | None = None
    email: OptionalLine | None = None
    initial_tip_cents: Cents | None = None
    bags_count: Quantity | None = None
    cart_total: Dollars | None = None
    bag_label: Label | None = None
    alcoholic: bool | None = None
    leave_unattended: bool | None = None
    special_instructions: Instructions | None = None
    customer_sms_opt_out: bool | None = None
    metadata: Metadata | None = None


class UpdateOrderRequest(Struct, kw_only=True):
    """The fields to change of a delivery or pickup order. `items` is the whole list: missing lines are removed."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "The tip": {"initial_tip_cents": 800},
        "The slot and the items": {"service_option_hold_id": 5512213, "items": _ITEMS},
    }

    service_option_hold_id: WireId | None = None
    initial_tip_cents: Cents | None = None
    special_instructions: Instructions | None = None
    user: OrderUser | None = None
    items: Lines | None = None


class UpdateCarriedRequest(Struct, kw_only=True):
    """The fields to change of a last mile or dispatch order. A window needs both its ends."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "The totals": {"items_count": 9, "items_weight": 14.25, "bags_count": 3},
        "The window": {
            "service_option_id": 1280750203,
            "start_at": "2026-06-11T18:00:00-05:00",
            "end_at": "2026-06-11T19:00:00-05:00",
        },
    }

    start_at: Timestamp | None = None
    end_at: Timestamp | None = None
    service_option_id: WireId | None = None
    initial_tip_cents: Cents | None = None
    items_count: Quantity | None = None
    bags_count: Quantity | None = None
    items_weight: Pounds | None = None
    cart_total: Dollars | None = None
    alcoholic: bool | None = None
    bag_label: Label | None = None
    special_instructions: Instructions | None = None


class UpdateTipRequest(Struct):
    """The tip of a completed order."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A tip": {"tip_amount_cents": 900}}

    tip_amount_cents: Annotated[int, Meta(le=100_000_000)]


class OrderItemSelection(Struct):
    """Items that may replace a line's item, the preferred one first, and their quantity."""

    line_num: LineNum
    count: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    weight: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    replacement_items: Annotated[list[ItemName], Meta(max_length=10)] | None = None


class ReplacementSelectionsRequest(Struct):
    """The customer's choices for some lines. They replace earlier choices."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "One line": {
            "selections": [{"line_num": "1", "count": 2, "replacement_items": [{"upc": "400000000022"}]}],
        }
    }

    selections: Annotated[list[OrderItemSelection], Meta(min_length=1, max_length=10)]


class StageOrderRequest(Struct):
    """The bags in the staging area, and how the shopper finds them."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Two bags": {"items_count": 7, "bags_count": 2, "bag_label": "7120", "bag_scan_codes": ["0071201", "0071202"]}
    }

    items_count: Quantity | None = None
    bags_count: Quantity | None = None
    items_weight: Pounds | None = None
    bag_label: Label | None = None
    bag_scan_codes: Annotated[list[Label], Meta(max_length=200)] | None = None


class CancelDispatchRequest(Struct):
    """The user, if the order has one."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Nothing": {}, "A user": {"user_id": "38b15dd0"}}

    user_id: UserId | None = None


class FulfillmentDetails(Struct, omit_defaults=True):
    """Where and when an order is served."""

    window_starts_at: str
    window_ends_at: str
    store_location: str | None = None
    delivered_at: str | None = None
    bag_count: int | None = None


class OrderedItem(Struct):
    """The requested and the delivered product. Unknown codes are empty."""

    upc: str = ""
    rrc: str = ""
    requested_upc: str = ""
    requested_rrc: str = ""
    delivered_upc: str = ""
    delivered_rrc: str = ""


class OrderItemAnswer(Struct, omit_defaults=True):
    """A line of an order."""

    line_num: str
    qty: float
    qty_unit: str
    item: OrderedItem
    replacement_policy: str
    special_instructions: str = ""
    metadata: dict[str, Any] | None = None
    replaced: Annotated[bool, Meta(description="Another product was delivered")] | None = None
    refunded: Annotated[bool, Meta(description="Nothing was delivered")] | None = None
    scan_code: Annotated[str, Meta(description="The barcode that the shopper scanned")] | None = None


class OrderWarning(Struct):
    """A problem of the order that does not stop it: an error in the single form."""

    error: dict[str, Any]
    meta: dict[str, Any]


_ANSWER = {
    "id": "ORD-77122",
    "status": "brand_new",
    "order_url": "https://fulfillment.example/o/AAQdJ6ChQAFpFNnV7dzm8m8cbPbp2Xu0",
    "created_at": "2026-06-11T15:36:02Z",
    "is_express": True,
    "is_instacartplus": True,
    "locale": "en_US",
    "fulfillment_details": {"window_starts_at": "2026-06-12T00:00:00Z", "window_ends_at": "2026-06-12T02:00:00Z"},
}

_LINE = {
    "line_num": "1",
    "qty": 3,
    "qty_unit": "each",
    "item": {
        "upc": "400000000015",
        "rrc": "SM-000001",
        "requested_upc": "400000000015",
        "requested_rrc": "SM-000001",
        "delivered_upc": "",
        "delivered_rrc": "",
    },
    "replacement_policy": "users_choice",
    "replaced": False,
}


class CarriedOrderResponse(Struct, omit_defaults=True, kw_only=True):
    """An order, without its items."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"An order": _ANSWER}

    id: str
    status: str
    order_url: Annotated[
        str | None, Meta(description="The order's status page. Left out if the retailer's orders have none")
    ] = None
    created_at: str
    is_express: Annotated[bool, Meta(description="Deprecated; use is_instacartplus")]
    is_instacartplus: Annotated[bool, Meta(description="Whether the membership's benefit applies. Decided at creation")]
    fulfillment_details: FulfillmentDetails
    cancellation_reason: str | None = None
    locale: str | None = None
    metadata: dict[str, Any] | None = None


class OrderResponse(CarriedOrderResponse, kw_only=True):
    """An order with its items and warnings. Last mile orders have neither."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"An order": {**_ANSWER, "items": [_LINE], "warnings": []}}

    items: list[OrderItemAnswer] | None = None
    warnings: list[OrderWarning] | None = None


class GetOrderResponse(OrderResponse, kw_only=True):
    """An order, and how the shopper pays in the store."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "An order": {**_ANSWER, "items": [_LINE], "warnings": [], "pos_payment_method": "UNSPECIFIED"}
    }

    pos_payment_method: str


class OrdersResponse(Struct):
    """Orders, the newest first. At most 100 orders and 1 MiB."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"None": {"orders": []}}

    orders: list[OrderResponse]
