"""What others see of stores and items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DELIVERY = "delivery"
PICKUP = "pickup"
LAST_MILE = "last_mile"
KINDS = (DELIVERY, PICKUP, LAST_MILE)


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a postal code lies: the middle of its area."""

    point: Point
    time_zone: str
    city: str
    region: str


# Minutes since midnight, [open, close], for each weekday from Monday; None: around the clock.
OpeningHours = Sequence[Sequence[Sequence[int]]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A location of a retailer. `number` stands for it in slot ids; `service_area` is a GeoJSON polygon."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product of a retailer's catalog. Weights in pounds, except `par_weight`, which is in the cost unit.

    `cost_unit`: each, lb or kg. `par_weight`: what one piece of a product sold by weight weighs about.
    `alcohol_kind`: wine, beer or spirits. `restricted_reasons`: any of DXM, NRT, spray_paint.
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


@dataclass(frozen=True, slots=True)
class ItemCode:
    """How a request names an item: by one of the two."""

    upc: str | None
    rrc: str | None
