"""Request and response bodies of the store endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/find_stores, .../pickup/find_stores,
.../last_mile/find_stores, .../lastmile/find_stores_dispatch.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

AddressLine = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)")
]
OptionalLine = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
# Canadian codes never hold D, F, I, O, Q, U, and begin with neither W nor Z.
PostalCode = Annotated[
    str,
    Meta(
        pattern=r"^\s*([0-9]{5}(-?[0-9]{4})?"
        r"|[A-CEGHJ-NPR-TVXYa-ceghj-npr-tvxy][0-9][A-CEGHJ-NPR-TV-Za-ceghj-npr-tv-z][ -]?"
        r"[0-9][A-CEGHJ-NPR-TV-Za-ceghj-npr-tv-z][0-9])\s*$",
        description="US ZIP code or Canadian postal code",
    ),
]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


class FindBy(Struct):
    """Coordinates, or a postal code with or without an address; coordinates win."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    address_line_1: AddressLine | None = None
    address_line_2: OptionalLine | None = None
    address_type: OptionalLine | None = None
    city: OptionalLine | None = None
    postal_code: PostalCode | None = None


_SHAPES = [
    {
        "required": ["latitude", "longitude"],
        "properties": {"latitude": {"type": "number"}, "longitude": {"type": "number"}},
    },
    {"required": ["postal_code"], "properties": {"postal_code": {"type": "string"}}},
]


class FindStoresRequest(Struct):
    """Where the customer is."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Coordinates": {"find_by": {"latitude": 41.9028, "longitude": -87.6345}},
        "An address": {"find_by": {"address_line_1": "350 W Oak St", "postal_code": "60610"}},
        "A postal code": {"find_by": {"postal_code": "60610"}},
    }

    find_by: Annotated[FindBy, Meta(extra_json_schema={"anyOf": _SHAPES})]


class StoreFlags(Struct):
    """What a store offers."""

    alcohol: Annotated[bool, Meta(description="Takes alcohol orders")]
    pickup: Annotated[bool, Meta(description="Takes pickup orders")]
    pickup_only: Annotated[bool, Meta(description="Does not deliver")]
    long_distance_delivery: Annotated[bool, Meta(description="Delivers to addresses 30 to 60 minutes away")]


class StoreAnswer(Struct):
    """A store. `location_code` is what the other calls want."""

    name: str
    location_code: str
    flags: StoreFlags


_STORE = {
    "name": "Sample Market Chicago",
    "location_code": "SM-0014",
    "flags": {"alcohol": True, "pickup": True, "pickup_only": False, "long_distance_delivery": False},
}


class StoresResponse(Struct):
    """Stores, the nearest first; none where none is in range."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A store": {"stores": [_STORE]}, "None in range": {"stores": []}}

    stores: list[StoreAnswer]


class PartialStoresResponse(StoresResponse):
    """Stores, the nearest first, and how much of a postal code they serve."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A store": {"stores": [_STORE], "is_partial": False},
        "None in range": {"stores": [], "is_partial": False},
    }

    is_partial: Annotated[
        bool, Meta(description="The stores serve a part of the postal code only: ask again with an address")
    ]
