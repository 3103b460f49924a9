"""Request and response bodies of the slot endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/preview_service_options,
.../delivery/list_cart_service_options, .../delivery/create_service_option_hold,
.../delivery/create_desired_window_hold, and their pickup and last_mile twins.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.stores.carts import Lines
from handcart.stores.models import Address, Code, PostalCode

Amount = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Quantity = Annotated[float, Meta(ge=0, le=2**53 - 1)]
Timestamp = Annotated[
    str, Meta(max_length=40, description="ISO 8601 with an offset", extra_json_schema={"format": "date-time"})
]
OptionId = Annotated[
    int, Meta(ge=0, le=2**53 - 1, description="The id of a slot, from a list of slots", examples=[1280750203])
]

_ADDRESS = {"address_line_1": "350 W Oak St", "postal_code": "60610"}
_ITEMS = [{"line_num": "1", "count": 3, "item": {"upc": "400000000015"}}]


class DesiredWindow(Struct):
    """A window that the retailer asks for: at least one hour long, starting and ending on the hour."""

    starts_at: Timestamp
    ends_at: Timestamp


DesiredWindows = Annotated[list[DesiredWindow], Meta(max_length=100)]


class PreviewDeliveryRequest(Struct, kw_only=True):
    """Slots of the nearest store that delivers to a postal code."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A postal code": {"postal_code": "60610", "items_count": 3}}

    postal_code: PostalCode
    cart_total_cents: Amount | None = None
    items_count: Amount | None = None
    with_eta_options: bool | None = None
    with_priority_eta_options: bool | None = None
    desired_windows: DesiredWindows | None = None


class PreviewPickupRequest(Struct, kw_only=True):
    """Slots of a store for pickup."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A store": {"location_code": "SM-0014"}}

    location_code: Code
    cart_total_cents: Amount | None = None
    items_count: Amount | None = None
    with_eta_options: bool | None = None
    with_priority_eta_options: bool | None = None


class PreviewLastMileRequest(Struct, kw_only=True):
    """Slots of a store, or of the store nearest to a postal code."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A store": {"location_code": "SM-0014", "items_count": 3},
        "A postal code": {"postal_code": "60610"},
    }

    location_code: Code | None = None
    postal_code: PostalCode | None = None
    cart_total_cents: Amount | None = None
    items_count: Amount | None = None
    earliest_option_start_at: Timestamp | None = None
    units_count: Quantity | None = None
    with_eta_options: bool | None = None
    with_priority_eta_options: bool | None = None


class ListDeliveryRequest(Struct, kw_only=True):
    """The whole cart, the delivery address, and the store."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A cart": {"address": _ADDRESS, "location_code": "SM-0014", "items": _ITEMS}
    }

    address: Address
    location_code: Code
    items: Lines
    desired_windows: DesiredWindows | None = None
    with_eta_options: bool | None = None
    with_priority_eta_options: bool | None = None


class ListPickupRequest(Struct, kw_only=True):
    """The whole cart, and the store."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A cart": {"location_code": "SM-0014", "items": _ITEMS}}

    location_code: Code
    items: Lines
    with_eta_options: bool | None = None


class ListLastMileRequest(Struct, kw_only=True):
    """A cart that the retailer picks: its totals, the delivery address, and the store that it is collected from."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A cart": {"address": _ADDRESS, "location_code": "SM-0014", "cart_total_cents": 4250, "items_count": 7}
    }

    address: Address
    location_code: Code
    cart_total_cents: Amount
    items_count: Amount
    units_count: Quantity | None = None
    earliest_option_start_at: Timestamp | None = None
    with_eta_options: bool | None = None
    with_priority_eta_options: bool | None = None
    with_handoff_time: bool | None = None


class WindowAnswer(Struct):
    """When the order is served, on the store's clock."""

    start_at: str
    end_at: str
    type: str


class Availability(Struct):
    """Whether the slot is available, and if not, why."""

    available: bool
    reasons: list[str] = []


class SlotFlags(Struct):
    """More facts about a slot."""

    long_distance_delivery: Annotated[bool, Meta(description="The store is 30 to 60 minutes away")]


class ServiceOption(Struct, omit_defaults=True):
    """A slot. `handoff_at`: when the shopper should reach the counter."""

    id: int
    date: str
    window: WindowAnswer
    availability: Availability
    flags: SlotFlags | None = None
    service_option_reference: str | None = None
    handoff_at: str | None = None


_WINDOW = {"start_at": "2026-06-11T17:00:00.000-05:00", "end_at": "2026-06-11T19:00:00.000-05:00", "type": "scheduled"}
_OPTION = {
    "id": 1280750203,
    "date": "2026-06-11",
    "window": _WINDOW,
    "availability": {"available": True, "reasons": []},
}


class Warning(Struct):
    """A problem of the cart that does not stop the request: an error in the single form."""

    error: dict[str, Any]
    meta: dict[str, Any]


class ServiceOptionsResponse(Struct, omit_defaults=True):
    """Slots in the order of their start."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A slot": {"service_options": [_OPTION]}, "None": {"service_options": []}}

    service_options: list[ServiceOption]


class CartServiceOptionsResponse(ServiceOptionsResponse, omit_defaults=True):
    """Slots in the order of their start, and warnings about the cart."""

    warnings: list[Warning] = []


class HoldAnswer(Struct):
    """A hold. Until `expires_at` no other customer gets the place.

    An order may still use the hold later, if a place is free.
    """

    id: int
    expires_at: str
    service_option: ServiceOption


class HoldResponse(Struct):
    """The hold. An order needs its id."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A hold": {
            "service_option_hold": {
                "id": 5512209,
                "expires_at": "2026-06-11T15:42:10.000Z",
                "service_option": _OPTION,
            }
        }
    }

    service_option_hold: HoldAnswer


class ReserveReferenceRequest(Struct):
    """The reference of a slot, from a list with desired windows."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A reference": {"service_option_reference": "eyJpZCI6MTI4MDc1MDIwM30="}}

    service_option_reference: Annotated[str, Meta(max_length=1000, pattern=r"^[A-Za-z0-9+/]+=*\Z")]


class ReserveWithCartRequest(Struct):
    """The cart that the slot is for."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A cart": {"address": _ADDRESS, "items": _ITEMS, "location_code": "SM-0014"}
    }

    address: Address
    items: Lines
    location_code: Code | None = None
