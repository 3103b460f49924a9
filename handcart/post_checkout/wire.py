"""The documented bodies of the Post-checkout API and of Order Feedback.

Sources: https://docs.instacart.com/connect/api/post_checkout/order/get_order, .../order/get_handling_details,
.../order/get_order_location, .../pickup/get_order_pickup_details, .../pickup/get_vehicle_info,
.../pickup/create_update_vehicle_info, .../pickup/record_user_arrival, .../pickup/schedule_pickup,
.../pickup/create_update_pickup_delegate,
https://docs.instacart.com/connect/api/fulfillment/order_feedback/backend/create_or_update_order_feedback.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.core.web.wire import ID_PATTERN
from handcart.orders.models import COLORS, HIGHLIGHTS, RATINGS, VEHICLE_TYPES, Phone, Timestamp

# One line with a visible character; control characters, and such that change the direction of text, are refused.
Line = Annotated[str, Meta(min_length=1, max_length=100, pattern=ID_PATTERN)]


def _one_of(values: Sequence[str]) -> Meta:
    """Describe a value that the operation itself compares with a list, because the refusal has a text of its own."""
    return Meta(max_length=64, pattern=r"^[^\x00]*\Z", extra_json_schema={"enum": list(values)})


VehicleType = Annotated[str, _one_of(VEHICLE_TYPES)]
Color = Annotated[str, _one_of(COLORS)]
RatingValue = Annotated[str, _one_of(RATINGS)]
Highlight = Annotated[str, _one_of(HIGHLIGHTS)]


class PostCheckoutOrderResponse(Struct, omit_defaults=True, kw_only=True):
    """An order as its customer follows it."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A delivery": {
            "id": "ORD-77120",
            "created_at": "2026-06-11T15:36:02Z",
            "workflow_state": "picking",
            "fulfillment_type": "delivery",
            "window_starts_at": "2026-06-12T00:00:00Z",
            "window_ends_at": "2026-06-12T02:00:00Z",
        },
        "A pickup": {
            "id": "ORD-77121",
            "created_at": "2026-06-11T15:36:02Z",
            "workflow_state": "ready_for_pickup",
            "fulfillment_type": "pickup",
            "pickup_category": "curbside",
            "window_starts_at": "2026-06-12T00:00:00Z",
            "window_ends_at": "2026-06-12T02:00:00Z",
        },
    }

    id: str
    created_at: str
    workflow_state: str
    fulfillment_type: Annotated[str, Meta(description="delivery, last_mile_delivery or pickup")]
    pickup_category: Annotated[str | None, Meta(description="curbside; only pickup orders have it")] = None
    window_starts_at: str
    window_ends_at: str


class Coordinates(Struct):
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


class HandlingAddress(Struct, omit_defaults=True, kw_only=True):
    """The address that an order goes to, or of the store where it is picked up."""

    address_line_1: str
    address_line_2: str | None = None
    locality: str | None = None
    administrative_area: str | None = None
    postal_code: str
    country_code: str


class HandlingShopper(Struct, omit_defaults=True):
    """The shopper who has the order now."""

    first_name: str
    avatar_url: str | None = None


class HandlingResponse(Struct, omit_defaults=True, kw_only=True):
    """Where an order goes, and how it is handed over."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A delivery": {
            "address": {
                "address_line_1": "350 W Oak St",
                "locality": "Chicago",
                "administrative_area": "IL",
                "postal_code": "60610",
                "country_code": "US",
            },
            "coordinates": {"latitude": 41.9028, "longitude": -87.6361},
            "shopper": {"first_name": "Noor"},
            "instructions": "Ring once",
            "leave_unattended": False,
            "alcoholic": False,
            "certified_delivery": False,
        }
    }

    address: HandlingAddress
    coordinates: Coordinates
    shopper: Annotated[
        HandlingShopper | None, Meta(description="Left out while nobody has the order, and if the retailer hides it")
    ] = None
    instructions: str
    leave_unattended: bool
    alcoholic: bool
    certified_delivery: bool


class OrderLocationResponse(Struct, omit_defaults=True):
    """Where an order is now. Empty unless it is on its way to the customer."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "On its way": {"coordinates": {"latitude": 41.9028, "longitude": -87.6361}},
        "Before and after": {},
    }

    coordinates: Coordinates | None = None


class InstructionImage(Struct):
    """A picture of pickup instructions, and what it shows."""

    url: str
    value: str


class PickupInstruction(Struct):
    """How to pick up in one way: curbside, locker or in_store."""

    category: str
    instruction: str
    instruction_images: list[InstructionImage]


class PickupDetailsResponse(Struct):
    """The instructions of the store, one set for each category that it has."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A store with bays": {
            "pickup_instructions": [
                {
                    "category": "curbside",
                    "instruction": "Park in bays 1 to 6",
                    "instruction_images": [{"url": "https://shop.example/bays.png", "value": "The sign of the bays"}],
                }
            ]
        }
    }

    pickup_instructions: list[PickupInstruction]


class VehicleInfo(Struct, omit_defaults=True, kw_only=True):
    """The vehicle that comes for an order. What nobody has said is empty."""

    id: int
    model: str
    vehicle_type: str
    license_plate: str | None = None
    color: str
    color_hex: Annotated[str | None, Meta(description="The color as #RRGGBB")] = None


_VEHICLE = {
    "vehicle_info": {
        "id": 904,
        "model": "Hatch 200",
        "vehicle_type": "hatchback",
        "license_plate": "7ABC123",
        "color": "silver",
        "color_hex": "#E8E8E8",
    }
}


class GetVehicleResponse(Struct, omit_defaults=True):
    """The vehicle, if one was named."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A vehicle": _VEHICLE, "None": {}}

    vehicle_info: VehicleInfo | None = None


class VehicleResponse(Struct):
    """The vehicle as it is now known."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A vehicle": _VEHICLE}

    vehicle_info: VehicleInfo


class VehicleRequest(Struct, kw_only=True):
    """What is known of the vehicle. Fields that are left out keep their earlier values."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A vehicle": {
            "model": "Hatch 200",
            "vehicle_type": "hatchback",
            "license_plate": "7ABC123",
            "color": "silver",
        }
    }

    model: Annotated[Line | None, Meta(description="Make and model")] = None
    vehicle_type: VehicleType | None = None
    license_plate: Line | None = None
    color: Color | None = None
    is_pickup_delegate: Annotated[bool | None, Meta(description="Whether it is the delegate's. Default: false")] = None


class ArrivalRequest(Struct):
    """Who is at the store. Without a body: the customer."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"The customer": {}, "The delegate": {"is_pickup_delegate": True}}

    is_pickup_delegate: Annotated[bool | None, Meta(description="Whether it is the delegate. Default: false")] = None


class SchedulePickupRequest(Struct):
    """When the customer wants to be at the store: at most five minutes ago, at most a day ahead."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A time": {"schedule_pickup_eta": "2026-06-12T00:20:00Z"}}

    schedule_pickup_eta: Timestamp


class PickupDelegateRequest(Struct):
    """The person who fetches the order for its customer."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A delegate": {"name": "Kim Sample", "phone_number": "+13125550199"}}

    name: Line
    phone_number: Phone


class RatingRequest(Struct, kw_only=True):
    """What the customer thinks of the order. It replaces an earlier rating."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A rating": {
            "rating_value": "STARS4",
            "highlights": ["SMART_BAGGING", "SMOOTH_DELIVERY"],
            "thank_you_note": "Careful with the eggs, thanks",
        }
    }

    rating_value: RatingValue
    highlights: Annotated[list[Highlight], Meta(max_length=20)] | None = None
    thank_you_note: Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*\Z")] | None = None
