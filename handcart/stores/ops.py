"""Save stores; add and change one, close one for some hours."""

from collections.abc import Iterable
from typing import Any

import msgspec

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web.versions import Changed, version_of
from handcart.retailers import ops as retailers
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import distance, files, queries
from handcart.stores.errors import StoreRefused
from handcart.stores.models import MOST_STORES, Store
from handcart.stores.queries import COLUMNS

MOST_REASON = 200
_LONGEST_CLOSING = 2 * clock.DAY
# Imports change none of these.
_KEPT = ("location_code", "number", "closed_from", "closed_until", "closed_reason")
_UPDATED = [column for column in COLUMNS if column not in _KEPT]
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


def version(store: Store) -> str:
    """The version of a store's facts, which `change` compares; closing the store does not change it."""
    return version_of(files.store_values(store))


async def add(tx: Tx, actor: Actor, retailer_id: int, store: Store) -> Store:
    """Add a store; raises `StoreRefused`."""
    roles.require(actor, "change_stores", retailer_id, actor.store_number)
    await tx.one("SELECT id FROM retailers WHERE id = $1 FOR UPDATE", retailer_id)  # numbers are given one by one
    if await queries.store(tx, retailer_id, store.location_code) is not None:
        raise StoreRefused("taken")
    await save(tx, retailer_id, [store])
    return await recorded(tx, actor, "add_store", retailer_id, store.location_code)


async def change(tx: Tx, actor: Actor, retailer_id: int, store: Store, seen: str) -> Store:
    """Change a store's facts. `seen`: their version as the person saw them; raises `Changed` if it is no longer so."""
    there = await lock(tx, actor, "change_stores", retailer_id, store.location_code)
    if version(there) != seen:
        raise Changed
    await save(tx, retailer_id, [store])
    before, after = files.store_values(there), files.store_values(store)
    changed = {name: value for name, value in after.items() if value != before[name] and name != "service_area"}
    if before["service_area"] != after["service_area"]:
        changed["service_area"] = "changed"
    return await recorded(tx, actor, "change_store", retailer_id, store.location_code, detail=changed)


async def close(tx: Tx, actor: Actor, retailer_id: int, location_code: str, until: int, reason: str) -> Store:
    """Close a store from now until a time: its windows until then are no longer offered. Orders stay as they are.

    A store that is closed already is closed until the new time. Raises `StoreRefused`, also for a person of the
    retailer while the operator's closing lasts.
    """
    now = clock.now()
    there = await lock(tx, actor, "close_stores", retailer_id, location_code)
    reason = "".join(filter(str.isprintable, " ".join(reason.split())))
    if not 0 < len(reason) <= MOST_REASON:
        raise StoreRefused("reason")
    if not now < until <= now + _LONGEST_CLOSING:
        raise StoreRefused("until")
    await _check_operator(tx, actor, retailer_id, there, now)
    since = there.closed_from if there.is_closed(now, now + 1) else now
    await tx.run(
        "UPDATE stores SET closed_from = $3, closed_until = $4, closed_reason = $5, closed_by_operator = $6"
        " WHERE retailer_id = $1 AND location_code = $2",
        *(retailer_id, location_code, since, until, reason, actor.is_operator),
    )
    detail = {"until": clock.to_wire(until)}
    return await recorded(tx, actor, "close_store", retailer_id, location_code, reason=reason, detail=detail)


async def reopen(tx: Tx, actor: Actor, retailer_id: int, location_code: str) -> Store:
    """End the closing of a store.

    Raises `StoreRefused` if it is not closed, and for a person of the retailer if the operator closed it.
    """
    now = clock.now()
    there = await lock(tx, actor, "close_stores", retailer_id, location_code)
    if not there.is_closed(now, now + 1):
        raise StoreRefused("open")
    await _check_operator(tx, actor, retailer_id, there, now)
    await tx.run(
        "UPDATE stores SET closed_from = NULL, closed_until = NULL, closed_reason = NULL"
        " WHERE retailer_id = $1 AND location_code = $2",
        *(retailer_id, location_code),
    )
    return await recorded(tx, actor, "reopen_store", retailer_id, location_code)


async def _check_operator(tx: Tx, actor: Actor, retailer_id: int, store: Store, now: int) -> None:
    """Raise `StoreRefused` if the operator's closing of a locked store lasts, and the actor is not the operator."""
    if actor.is_operator or not store.is_closed(now, now + 1):
        return
    found = await tx.one(
        "SELECT closed_by_operator FROM stores WHERE retailer_id = $1 AND number = $2", retailer_id, store.number
    )
    if found is not None and found["closed_by_operator"]:
        raise StoreRefused("by_operator")


async def lock(tx: Tx, actor: Actor, operation: str, retailer_id: int, location_code: str) -> Store:
    """The store, locked, if the actor may do an operation there; raises `StoreRefused` if there is none."""
    await tx.one(
        "SELECT number FROM stores WHERE retailer_id = $1 AND location_code = $2 FOR UPDATE", retailer_id, location_code
    )
    found = await queries.store(tx, retailer_id, location_code)
    roles.require(actor, operation, retailer_id, actor.store_number if found is None else found.number)
    if found is None:
        raise StoreRefused("unknown")
    return found


async def recorded(tx: Tx, actor: Actor, operation: str, retailer_id: int, location_code: str, **more: Any) -> Store:
    """Record an operation on a store in the audit log; returns the store as it is now."""
    slug = (await retailers.retailer(tx, retailer_id)).slug
    subject = f"store/{slug}/{location_code}"
    await audit.record(tx, actor, operation, subject, retailer_id=retailer_id, **more)
    found = await queries.store(tx, retailer_id, location_code)
    assert found is not None
    return found


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
