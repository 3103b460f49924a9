"""Save stores."""

from collections.abc import Iterable
from typing import Any

import msgspec

from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.stores import distance
from handcart.stores.models import MOST_STORES, Store
from handcart.stores.queries import COLUMNS

_UPDATED = [column for column in COLUMNS if column not in ("location_code", "number")]
_REACH = ("reach_south", "reach_north", "reach_west", "reach_east")


async def save(tx: Tx, retailer_id: int, stores: Iterable[Store]) -> int:
    """Add or update stores, matched by location code; existing stores keep their numbers.

    Returns the number of new stores. Raises `Refused`.
    """
    there = await tx.all("SELECT location_code, number FROM stores WHERE retailer_id = $1", retailer_id)
    known = {row["location_code"] for row in there}
    number = max((row["number"] for row in there), default=0)
    for one in stores:
        if one.location_code not in known:
            known.add(one.location_code)
            number += 1
        if number >= MOST_STORES:
            raise Refused(f"a retailer can have {MOST_STORES - 1} stores: slot ids have no room for more")
        await tx.run(_SAVE, retailer_id, number, one.location_code, *_values(one))
    return len(known) - len(there)


def _save_statement() -> str:
    columns = ["retailer_id", "number", "location_code", *_UPDATED, *_REACH]
    values = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    changes = ", ".join(f"{column} = excluded.{column}" for column in (*_UPDATED, *_REACH))
    inserted = f"INSERT INTO stores ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 (the names above)
    return f"{inserted} ON CONFLICT (retailer_id, location_code) DO UPDATE SET {changes}"


_SAVE = _save_statement()


def _values(store: Store) -> list[Any]:
    return [
        store.name,
        store.address_line_1,
        store.city,
        store.region,
        store.postal_code,
        store.country,
        store.point.latitude,
        store.point.longitude,
        store.time_zone,
        store.takes_delivery,
        store.takes_pickup,
        store.takes_last_mile,
        store.sells_alcohol,
        store.delivers_long_distance,
        None if store.opening_hours is None else msgspec.json.encode(store.opening_hours).decode(),
        None if store.service_area is None else msgspec.json.encode(store.service_area).decode(),
        *distance.reach(store.point, store.service_area),
    ]
