"""Request and response bodies of the store endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/find_stores, .../pickup/find_stores,
.../last_mile/find_stores, .../lastmile/find_stores_dispatch, .../delivery/validate_items.
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


def _all_of(kind: str, *names: str) -> dict[str, Any]:
    """The JSON Schema of an object that has these fields, and not as null."""
    return {"required": names, "patternProperties": {f"^({'|'.join(names)})$": {"type": kind}}}


class FindStoresRequest(Struct):
    """Where the customer is."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Coordinates": {"find_by": {"latitude": 41.9028, "longitude": -87.6345}},
        "An address": {"find_by": {"address_line_1": "350 W Oak St", "postal_code": "60610"}},
        "A postal code": {"find_by": {"postal_code": "60610"}},
    }

    find_by: Annotated[
        FindBy,
        Meta(
            extra_json_schema={"anyOf": [_all_of("number", "latitude", "longitude"), _all_of("string", "postal_code")]}
        ),
    ]


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


Code = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)")
]


class ItemName(Struct, omit_defaults=True):
    """A product by its UPC or by the retailer's own code (rrc)."""

    upc: Code | None = None
    rrc: Code | None = None


class ItemToValidate(Struct):
    """A product and how much of it."""

    item: Annotated[ItemName, Meta(extra_json_schema={"anyOf": [_all_of("string", "upc"), _all_of("string", "rrc")]})]
    line_num: Code | None = None
    count: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    weight: Annotated[float, Meta(ge=0, le=1e6)] | None = None


class ExpandedAddress(Struct):
    """An address with what else may be known about it."""

    address_line_1: AddressLine
    postal_code: PostalCode
    address_line_2: OptionalLine | None = None
    address_type: OptionalLine | None = None
    city: OptionalLine | None = None
    state: OptionalLine | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class ValidateItemsRequest(Struct):
    """Items to check against the catalog of a store: the one named, or the nearest to the address."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Items of a store": {
            "items": [{"item": {"upc": "400000000015"}, "count": 2}, {"item": {"rrc": "SM-000002"}, "weight": 1.5}],
            "location_code": "SM-0014",
        },
        "Items near an address": {
            "items": [{"line_num": "1", "item": {"upc": "400000000015"}, "count": 2}],
            "address": {"address_line_1": "350 W Oak St", "postal_code": "60610"},
        },
    }

    items: Annotated[list[ItemToValidate], Meta(min_length=1, max_length=1000)]
    address: ExpandedAddress | None = None
    location_code: Code | None = None


class ItemProblem(Struct):
    """What is wrong with an item."""

    message: str
    code: int


class ItemFailure(Struct, omit_defaults=True):
    """An item as it was sent, and what is wrong with it."""

    item: ItemName
    error: ItemProblem
    line_num: str | None = None


class ValidateItemsResponse(Struct, omit_defaults=True):
    """What failed, one entry for each item; empty when all pass."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "All pass": {"validation_failures": []},
        "An item that is not in the catalog": {
            "validation_failures": [
                {"item": {"upc": "400000000015"}, "error": {"message": "Item not found", "code": 2000}}
            ]
        },
    }

    validation_failures: list[ItemFailure]
    warnings: Annotated[
        list[ItemFailure],
        Meta(description="Items that the retailer's lenient setting lets pass; Handcart's own addition"),
    ] = []
