"""The data of stores and items that other domains use."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from handcart.core.web.wire import ID_PATTERN, NUMBER_TOO

DELIVERY = "delivery"
PICKUP = "pickup"
LAST_MILE = "last_mile"
KINDS = (DELIVERY, PICKUP, LAST_MILE)

# How a product is kept: in the store, and in a bag.
FROZEN = "frozen"
HOT = "hot"
TEMPERATURES = ("ambient", "cold", FROZEN, HOT)

# Maximum per retailer: store numbers have 16 bits in slot ids.
MOST_STORES = 1 << 16


class Point(Struct, frozen=True):
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


class PostalArea(Struct, frozen=True):
    """The location of a postal code: the center of its area."""

    point: Point
    time_zone: str
    city: str
    region: str


# Minutes since midnight, [open, close], for each weekday from Monday; None: around the clock.
OpeningHours = Sequence[Sequence[Sequence[int]]] | None


class Store(Struct, frozen=True, kw_only=True):
    """A location of a retailer. `number` identifies it in slot ids; `service_area` is a GeoJSON polygon.

    `closed_from`, `closed_until`: a span in which it is closed although it has opening hours (microseconds), and why.
    """

    location_code: str
    number: int = 0
    name: str
    address_line_1: str
    city: str
    region: str
    postal_code: str
    country: str
    point: Point
    time_zone: str
    takes_delivery: bool = True
    takes_pickup: bool = True
    takes_last_mile: bool = True
    sells_alcohol: bool = False
    delivers_long_distance: bool = False
    opening_hours: OpeningHours = None
    service_area: Mapping[str, Any] | None = None
    closed_from: int | None = None
    closed_until: int | None = None
    closed_reason: str | None = None

    def is_closed(self, starts_at: int, ends_at: int) -> bool:
        """Whether the store is closed, outside its usual hours, at any time of a span."""
        if self.closed_from is None or self.closed_until is None:
            return False
        return starts_at < self.closed_until and ends_at > self.closed_from

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of orders that the store takes."""
        return [kind for kind in KINDS if getattr(self, f"takes_{kind}")]


class Item(Struct, frozen=True, kw_only=True):
    """A product of a retailer's catalog. Weights in pounds, except `par_weight`, which is in the cost unit.

    `cost_unit`: each, lb or kg. `par_weight`: typical weight of one piece of a product sold by weight.
    `alcohol_kind`: wine, beer or spirits. `restricted_reasons`: any of DXM, NRT, spray_paint.
    `price_cents`: price of one `cost_unit` in cents; 0 if unknown. Orders do not store prices.
    `department`, `aisle`, `shelf`: where a shopper finds it, as the signs in the store have it.
    `temperature`: one of `TEMPERATURES`, None if unknown. `image_url`: https.
    """

    rrc: str
    upc: str | None = None
    name: str
    cost_unit: str = "each"
    par_weight: float | None = None
    alcohol_kind: str | None = None
    restricted_reasons: Sequence[str] = ()
    is_ebt_eligible: bool = False
    is_bulky: bool = False
    beverage_weight: float = 0.0
    price_cents: int = 0
    department: str | None = None
    aisle: str | None = None
    shelf: str | None = None
    temperature: str | None = None
    image_url: str | None = None


class ItemCode(Struct, frozen=True):
    """An item code in a request: one of the two fields is set."""

    upc: str | None
    rrc: str | None


# Fields that several requests share.
AddressLine = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z")
]
OptionalLine = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
# Canadian codes never contain D, F, I, O, Q, U, and never begin with W or Z.
PostalCode = Annotated[
    str,
    Meta(
        pattern=r"^\s*([0-9]{5}(-?[0-9]{4})?"
        r"|[A-CEGHJ-NPR-TVXYa-ceghj-npr-tvxy][0-9][A-CEGHJ-NPR-TV-Za-ceghj-npr-tv-z][ -]?"
        r"[0-9][A-CEGHJ-NPR-TV-Za-ceghj-npr-tv-z][0-9])\s*$",
        max_length=20,
        description="US ZIP code or Canadian postal code",
    ),
    NUMBER_TOO,
]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=ID_PATTERN), NUMBER_TOO]


class ItemName(Struct, omit_defaults=True):
    """A product by its UPC or by the retailer's own code (rrc). One of the two is required; the UPC wins."""

    upc: Annotated[Code, Meta(description="UPC, EAN or GTIN")] | None = None
    rrc: Annotated[Code, Meta(description="The retailer's own code of the product")] | None = None


Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Weight = Annotated[float, Meta(ge=0, le=1e6)]


class Address(Struct):
    """A delivery address (the documentation calls its longer form ExpandedAddress)."""

    address_line_1: AddressLine
    postal_code: PostalCode
    address_line_2: OptionalLine | None = None
    address_type: OptionalLine | None = None
    city: OptionalLine | None = None
    state: OptionalLine | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
