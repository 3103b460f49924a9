"""Pickup on the page: the vehicle, the person who picks up, when they come, and that they are at the store."""

from collections.abc import Mapping
from typing import Any

from handcart.batches import ops as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.order_page.browser import OrderBrowser
from handcart.order_page.words import clock_time
from handcart.orders import pickup, states
from handcart.orders.models import COLORS, PICKUP, VEHICLE_TYPES, Order
from handcart.stores import pickup as store_pickup
from handcart.stores.models import Store

# Minutes after which customers say that they are at the store.
_MINUTES = (5, 10, 15, 20, 30, 45, 60, 90)
_MOST_CHARACTERS = 60
# Why an operation refuses a form, by the field that it names.
_WHY = {"phone_number": "delegate_phone", "name": "delegate_name", "schedule_pickup_eta": "coming"}


async def context(tx: Tx, browser: OrderBrowser, store: Store) -> Mapping[str, Any]:
    """What the page says about the pickup; None for orders of other kinds, and for those that have ended."""
    order = browser.order
    if order.kind != PICKUP or order.status in states.TERMINAL:
        return {"instructions": None}
    found = await store_pickup.instructions(tx, browser.retailer.id, store.location_code)
    browser.pictures_from = [image.url for one in found for image in one.images]
    coming_at = order.details.coming_at
    return {
        "instructions": found,
        "is_staged": order.status == states.STAGED,
        "vehicle_types": VEHICLE_TYPES,
        "vehicle_colors": COLORS,
        "coming_at": None if coming_at is None else clock_time(browser.locale, coming_at, store.time_zone),
        "coming_minutes": _MINUTES,
        "most_characters_of_name": _MOST_CHARACTERS,
    }


async def set_vehicle(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Take the form about the car."""
    return await _do(browser, _vehicle, form)


async def set_delegate(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Take the form about the person who comes."""
    return await _do(browser, _delegate, form)


async def come(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Take the form that says when the customer comes."""
    return await _do(browser, _come, form)


async def arrive(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Take the form that says that the customer is there."""
    return await _do(browser, _arrive, form)


async def _do(browser: OrderBrowser, op: Any, form: Mapping[str, str]) -> str | None:
    try:
        await browser.write(op, form)
    except ApiError as refused:
        if refused.status not in (400, 404):
            raise
        is_about_text = refused.key in ("model", "license_plate", "vehicle_type", "color")
        return _WHY.get(refused.key or "", "vehicle" if is_about_text else "changed")
    return None


async def _vehicle(tx: Tx, retailer_id: int, order: Order, form: Mapping[str, str]) -> None:
    await pickup.set_vehicle(
        tx,
        retailer_id,
        order,
        model=form.get("model", "")[:_MOST_CHARACTERS],
        vehicle_type=form.get("vehicle_type") or None,
        license_plate=form.get("license_plate", "")[:_MOST_CHARACTERS],
        color=form.get("color") or None,
        is_delegate=order.details.delegate is not None,
    )


async def _delegate(tx: Tx, retailer_id: int, order: Order, form: Mapping[str, str]) -> None:
    name, phone_number = form.get("name", "")[:_MOST_CHARACTERS], form.get("phone_number", "")[:_MOST_CHARACTERS]
    await pickup.set_delegate(tx, retailer_id, order, name, phone_number)


async def _come(tx: Tx, retailer_id: int, order: Order, form: Mapping[str, str]) -> None:
    minutes = form.get("minutes", "")
    chosen = int(minutes) if minutes in map(str, _MINUTES) else -clock.DAY
    await pickup.schedule(tx, retailer_id, order, clock.now() + chosen * clock.MINUTE)


async def _arrive(tx: Tx, retailer_id: int, order: Order, form: Mapping[str, str]) -> None:
    await batches.arrive(tx, retailer_id, order, is_delegate=order.details.delegate is not None)
