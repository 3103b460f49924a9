"""Request and response bodies of the store endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/delivery/find_stores, .../pickup/find_stores,
.../last_mile/find_stores, .../lastmile/find_stores_dispatch, .../delivery/validate_items.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.stores.models import (
    Address,
    AddressLine,
    Code,
    Count,
    ItemName,
    Latitude,
    Longitude,
    OptionalLine,
    PostalCode,
    Weight,
)


class FindBy(Struct):
    """Coordinates, or a postal code with or without an address. Coordinates take precedence."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    address_line_1: AddressLine | None = None
    address_line_2: OptionalLine | None = None
    address_type: OptionalLine | None = None
    city: OptionalLine | None = None
    postal_code: PostalCode | None = None


class FindStoresRequest(Struct):
    """Where the customer is."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Coordinates": {"find_by": {"latitude": 41.9028, "longitude": -87.6345}},
        "An address": {"find_by": {"address_line_1": "350 W Oak St", "postal_code": "60610"}},
        "A postal code": {"find_by": {"postal_code": "60610"}},
    }

    find_by: FindBy


class StoreFlags(Struct):
    """What a store offers."""

    alcohol: Annotated[bool, Meta(description="Takes alcohol orders")]
    pickup: Annotated[bool, Meta(description="Takes pickup orders")]
    pickup_only: Annotated[bool, Meta(description="Does not deliver")]
    long_distance_delivery: Annotated[bool, Meta(description="Delivers to addresses 30 to 60 minutes away")]


class StoreAnswer(Struct):
    """A store. Other calls name it by its `location_code`."""

    name: str
    location_code: str
    flags: StoreFlags


_STORE = {
    "name": "Sample Market Chicago",
    "location_code": "SM-0014",
    "flags": {"alcohol": True, "pickup": True, "pickup_only": False, "long_distance_delivery": False},
}


class StoresResponse(Struct):
    """Stores in range, the nearest first."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A store": {"stores": [_STORE]}, "None in range": {"stores": []}}

    stores: list[StoreAnswer]


class PartialStoresResponse(StoresResponse):
    """Stores, the nearest first, and how much of a postal code they serve."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A store": {"stores": [_STORE], "is_partial": False},
        "None in range": {"stores": [], "is_partial": False},
    }

    is_partial: Annotated[
        bool, Meta(description="The stores serve only a part of the postal code: ask again with an address")
    ]


class ItemToValidate(Struct):
    """A product and how much of it."""

    item: ItemName
    line_num: Code | None = None
    count: Count | None = None
    weight: Weight | None = None


class ValidateItemsRequest(Struct):
    """Items to check against the catalog of a store: the given one, or the one nearest to the address."""

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
    address: Address | None = None
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
    """The items that failed, one entry each. Empty if all pass."""

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
        Meta(description="Items that pass only because the retailer is lenient; Handcart's own addition"),
    ] = []
