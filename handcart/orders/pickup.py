"""How a pickup order is fetched: the vehicle, a delegate, when the customer wants to come, and that they are there.

https://docs.instacart.com/connect/api/post_checkout/pickup/create_update_vehicle_info,
.../create_update_pickup_delegate, .../schedule_pickup, .../record_user_arrival
"""

from typing import Any

from msgspec import structs

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import blank, invalid
from handcart.orders import customers, errors, later, ops, states
from handcart.orders.models import COLORS, PICKUP, VEHICLE_TYPES, Delegate, Order, Vehicle
from handcart.retailers import ops as retailers
from handcart.users.models import plain_phone_number

# How far ahead, and how long ago, a customer may want to be at the store.
FURTHEST = clock.DAY
LATEST = 5 * clock.MINUTE


async def set_vehicle(
    tx: Tx,
    retailer_id: int,
    order: Order,
    *,
    model: str | None = None,
    vehicle_type: str | None = None,
    license_plate: str | None = None,
    color: str | None = None,
    is_delegate: bool = False,
) -> Vehicle:
    """Name the vehicle that comes for a locked order, or change what is known of it; None changes nothing."""
    require_pickup(order)
    if vehicle_type is not None and vehicle_type not in VEHICLE_TYPES:
        raise errors.not_included("vehicle_type")
    if color is not None and color not in COLORS:
        raise errors.not_included("color")
    if is_delegate and order.details.delegate is None:
        raise invalid("is_pickup_delegate")
    given = {
        "model": _line(model, "model"),
        "vehicle_type": vehicle_type,
        "license_plate": _line(license_plate, "license_plate"),
        "color": color,
    }
    known = order.details.vehicle or Vehicle(ids.new_id())
    changes = {name: value for name, value in given.items() if value is not None}
    vehicle = structs.replace(known, **changes, is_delegate=is_delegate)
    await _note(tx, retailer_id, order, states.VEHICLE_NAMED, vehicle=vehicle)
    return vehicle


async def set_delegate(tx: Tx, retailer_id: int, order: Order, name: str, phone_number: str) -> None:
    """Name the person who fetches a locked order for its customer, or another one."""
    require_pickup(order)
    plain = plain_phone_number(phone_number)
    refusal = customers.phone_refusal(await retailers.retailer(tx, retailer_id), plain, "phone_number")
    if refusal is not None:
        raise refusal
    named = _line(name, "name")
    if not named:
        raise blank("name")
    await _note(tx, retailer_id, order, states.DELEGATE_NAMED, delegate=Delegate(named, plain))


async def schedule(tx: Tx, retailer_id: int, order: Order, coming_at: int) -> None:
    """Store when the customer of a locked order that is staged wants to be at the store. Another call replaces it.

    At that time the store is told that the customer should be there.
    """
    require_pickup(order)
    if order.status != states.STAGED:
        raise errors.not_staged()
    if order.details.delegate is not None:
        raise errors.has_delegate()
    if not clock.now() - LATEST <= coming_at <= clock.now() + FURTHEST:
        raise invalid("schedule_pickup_eta")
    await _note(tx, retailer_id, order, states.COMING, coming_at=coming_at)
    await later.expect(tx, retailer_id, order, max(coming_at, clock.now()))


async def arrive(tx: Tx, retailer_id: int, order: Order, *, is_delegate: bool = False) -> None:
    """Record that the customer of a locked order that is staged, or the delegate, is at the store."""
    if order.kind != PICKUP:
        raise errors.no_pickup_status()
    if order.status != states.STAGED:
        raise errors.not_staged()
    delegate = order.details.delegate
    if is_delegate and delegate is None:
        raise invalid("is_pickup_delegate")
    if delegate is not None:
        delegate = structs.replace(delegate, has_arrived=is_delegate)
    await _note(tx, retailer_id, order, states.ARRIVED, arrived_at=clock.now(), delegate=delegate)


def require_pickup(order: Order) -> None:
    """Raise the documented error for an order of another kind, and `too_late` for one that has ended."""
    if order.kind != PICKUP:
        raise errors.not_pickup()
    if order.status in states.TERMINAL:
        raise errors.too_late()


async def _note(tx: Tx, retailer_id: int, order: Order, what: str, **details: Any) -> None:
    order.details = structs.replace(order.details, **details)
    await ops.note(tx, retailer_id, order, what)


def _line(text: str | None, key: str) -> str | None:
    """A text on one line; refused if it has invisible characters, or such that change the direction of text."""
    if text is None:
        return None
    line = " ".join(text.split())
    if not line.isprintable():
        raise invalid(key)
    return line
