"""Stores for a test's retailer, around the middle of Chicago."""

from typing import Any

from handcart.stores import ops
from handcart.stores.models import Point, Store
from tests.support.shop import Shop

CHICAGO = Point(41.8781, -87.6298)
AT_CHICAGO = {"latitude": CHICAGO.latitude, "longitude": CHICAGO.longitude}


def store(location_code: str, *, north: float = 0.0, **fields: Any) -> Store:
    """A store `north` kilometres north of Chicago's centre."""
    return Store(
        **{
            "location_code": location_code,
            "name": f"Store {location_code}",
            "address_line_1": "1 State St",
            "city": "Chicago",
            "region": "IL",
            "postal_code": "60601",
            "country": "US",
            "point": Point(CHICAGO.latitude + north / 111.195, CHICAGO.longitude),
            "time_zone": "America/Chicago",
            **fields,
        }
    )


def keep(shop: Shop, *stores: Store) -> None:
    shop.server.write(ops.save, shop.retailer.id, stores)
