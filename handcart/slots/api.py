"""Preview and list slots, and hold one."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from handcart.core import clock, errors, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.web import wire
from handcart.core.web.call import Answer, Call
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.slots import listing, ops, rules, windows
from handcart.slots.listing import Wishes
from handcart.slots.models import ETA, PRIORITY_ETA, Hold, Offers, Slot, Window, two_hours
from handcart.slots.wire import (
    Availability,
    CartServiceOptionsResponse,
    DesiredWindow,
    HoldAnswer,
    HoldResponse,
    ListDeliveryRequest,
    ListLastMileRequest,
    ListPickupRequest,
    OptionId,
    PreviewDeliveryRequest,
    PreviewLastMileRequest,
    PreviewPickupRequest,
    ReserveReferenceRequest,
    ReserveWithCartRequest,
    ServiceOption,
    ServiceOptionsResponse,
    SlotFlags,
    Warning,
    WindowAnswer,
)
from handcart.stores import carts, distance, postal
from handcart.stores import queries as stores
from handcart.stores.carts import Cart
from handcart.stores.models import DELIVERY, LAST_MILE, PICKUP, Point, Store
from handcart.users import ops as users

# From the shopper at the counter to the customer's door.
_HANDOFF = 30 * clock.MINUTE


async def preview_delivery(tx: Tx, call: Call) -> ServiceOptionsResponse:
    body: PreviewDeliveryRequest = call.body
    store, point = await _nearest(tx, call, DELIVERY, body.postal_code)
    wishes = _wishes(body, store)
    if store is None:
        return ServiceOptionsResponse([])
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    return await _list(tx, call, retailer, store, DELIVERY, wishes, point=point)


async def preview_pickup(tx: Tx, call: Call) -> ServiceOptionsResponse:
    body: PreviewPickupRequest = call.body
    store = await stores.serving(tx, call.caller.retailer_id, PICKUP, body.location_code)
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    return await _list(tx, call, retailer, store, PICKUP, _wishes(body, store))


async def preview_last_mile(tx: Tx, call: Call) -> ServiceOptionsResponse:
    body: PreviewLastMileRequest = call.body
    if body.location_code is not None:
        store: Store | None = await stores.serving(tx, call.caller.retailer_id, LAST_MILE, body.location_code)
    elif body.postal_code is not None:
        store, _ = await _nearest(tx, call, LAST_MILE, body.postal_code)
    else:
        raise errors.blank("location_code")
    wishes = _wishes(body, store)
    if store is None:
        return ServiceOptionsResponse([])
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    return await _list(tx, call, retailer, store, LAST_MILE, wishes)


async def list_delivery(tx: Tx, call: Call) -> ServiceOptionsResponse:
    body: ListDeliveryRequest = call.body
    await users.get(tx, call.caller.isolation_id, call.path["user_id"])
    store = await stores.serving(tx, call.caller.retailer_id, DELIVERY, body.location_code)
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    point = await stores.locate(tx, retailer, DELIVERY, store, body.address)
    cart = await _cart(tx, retailer, store, DELIVERY, body.items)
    wishes = _wishes(body, store, cart.has_alcohol)
    return await _list(tx, call, retailer, store, DELIVERY, wishes, cart=cart, point=point)


async def list_pickup(tx: Tx, call: Call) -> ServiceOptionsResponse:
    body: ListPickupRequest = call.body
    await users.get(tx, call.caller.isolation_id, call.path["user_id"])
    store = await stores.serving(tx, call.caller.retailer_id, PICKUP, body.location_code)
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    cart = await _cart(tx, retailer, store, PICKUP, body.items)
    return await _list(tx, call, retailer, store, PICKUP, _wishes(body, store, cart.has_alcohol), cart=cart)


async def list_last_mile(tx: Tx, call: Call) -> ServiceOptionsResponse:
    body: ListLastMileRequest = call.body
    await users.get(tx, call.caller.isolation_id, call.path["user_id"])
    store = await stores.serving(tx, call.caller.retailer_id, LAST_MILE, body.location_code)
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    point = await stores.locate(tx, retailer, LAST_MILE, store, body.address)
    handoff = bool(body.with_handoff_time)
    wishes = _wishes(body, store)
    return await _list(tx, call, retailer, store, LAST_MILE, wishes, point=point, with_handoff=handoff)


async def reserve(tx: Tx, call: Call) -> Answer:
    return _hold_answer(await ops.hold(tx, call.caller, call.path["user_id"], _option_id(call)))


async def reserve_reference(tx: Tx, call: Call) -> Answer:
    body: ReserveReferenceRequest = call.body
    hold = await ops.hold(tx, call.caller, call.path["user_id"], _referred(body.service_option_reference))
    return _hold_answer(hold, with_reference=True)


async def reserve_with_cart(tx: Tx, call: Call) -> Answer:
    body: ReserveWithCartRequest = call.body
    await users.require(tx, call.caller.isolation_id, call.path["user_id"])
    slot = await ops.find(tx, call.caller.retailer_id, _option_id(call))
    if body.location_code is not None and body.location_code != slot.store.location_code:
        raise errors.invalid("location_code")
    retailer = await retailers.retailer(tx, call.caller.retailer_id)
    if slot.kind != PICKUP:
        await stores.locate(tx, retailer, slot.kind, slot.store, body.address)
    cart = await _cart(tx, retailer, slot.store, slot.kind, body.items)
    return _hold_answer(await ops.hold(tx, call.caller, call.path["user_id"], slot.id, has_alcohol=cart.has_alcohol))


async def _nearest(tx: Tx, call: Call, kind: str, postal_code: str) -> tuple[Store | None, Point]:
    place = await postal.locate(tx, postal_code)
    if place is None:
        raise errors.invalid("postal_code")
    found = await stores.find(tx, call.caller.retailer_id, kind, [place.point])
    return (found.stores[0] if found.stores else None), place.point


async def _cart(tx: Tx, retailer: Retailer, store: Store, kind: str, items: Any) -> Cart:
    cart = await carts.read(tx, retailer, store, kind, items)
    if cart.refusals:
        raise errors.combine(cart.refusals)
    return cart


async def _list(
    tx: Tx,
    call: Call,
    retailer: Retailer,
    store: Store,
    kind: str,
    wishes: Wishes,
    *,
    cart: Cart | None = None,
    point: Point | None = None,
    with_handoff: bool = False,
) -> ServiceOptionsResponse:
    flags = SlotFlags(distance.is_far(store, point)) if point is not None else None
    user = (call.caller.isolation_id, call.path["user_id"]) if "user_id" in call.path else None
    offered = await listing.offers(tx, retailer, store, kind, wishes, user)
    shown = {"with_reference": bool(wishes.desired), "with_handoff": with_handoff}
    options: list[Any] = [_option(slot, flags, **shown) for slot in offered.slots]
    if offered.starts:
        options.append(_scheduled(store.time_zone, offered, flags))
    if cart is None:
        return ServiceOptionsResponse(options)
    return CartServiceOptionsResponse(options, [Warning(**error.body()) for error in cart.warnings])


def _wishes(body: Any, store: Store | None, has_alcohol: bool = False) -> Wishes:
    earliest = getattr(body, "earliest_option_start_at", None)
    desired = getattr(body, "desired_windows", None) or ()
    return Wishes(
        with_eta=bool(body.with_eta_options),
        with_priority_eta=bool(getattr(body, "with_priority_eta_options", None)),
        has_alcohol=has_alcohol,
        earliest_start=0 if earliest is None else clock.from_wire(earliest, "earliest_option_start_at"),
        desired=[_desired(one, place, store) for place, one in enumerate(desired)],
    )


def _desired(wish: DesiredWindow, place: int, store: Store | None) -> tuple[int, int]:
    key = f"desired_windows[{place}]"
    starts_at = clock.from_wire(wish.starts_at, f"{key}.starts_at")
    ends_at = clock.from_wire(wish.ends_at, f"{key}.ends_at")
    if store is not None and not rules.is_desirable(store, starts_at, ends_at):
        raise errors.invalid("desired_windows")
    return starts_at, ends_at


def _option(
    slot: Slot, flags: SlotFlags | None = None, *, with_reference: bool = False, with_handoff: bool = False
) -> ServiceOption:
    option = _plain_option(slot.id, slot.store.time_zone, slot.window, slot.reasons, flags)
    if with_reference:
        option.service_option_reference = _reference(slot.id, option.window)
    if with_handoff and slot.window.type in (ETA, PRIORITY_ETA):
        option.handoff_at = windows.to_wire(slot.store.time_zone, slot.window.ends_at - _HANDOFF)
    return option


def _plain_option(
    option_id: int, time_zone: str, window: Window, reasons: Sequence[str], flags: SlotFlags | None
) -> ServiceOption:
    starts, ends = windows.to_wire(time_zone, window.starts_at), windows.to_wire(time_zone, window.ends_at)
    shown = WindowAnswer(starts, ends, window.type)
    return ServiceOption(option_id, starts[:10], shown, Availability(not reasons, list(reasons)), flags)


def _scheduled(time_zone: str, offered: Offers, flags: SlotFlags | None) -> msgspec.Raw:
    """The scheduled slots of a list as JSON, with commas between: there are hundreds, which differ in little."""
    is_far = None if flags is None else flags.long_distance_delivery
    if not offered.against:
        return msgspec.Raw(_available_json(time_zone, offered.starts, is_far) % offered.ids)
    pieces = [
        _scheduled_json(time_zone, start, is_far, tuple(offered.against.get(start, ()))) for start in offered.starts
    ]
    return msgspec.Raw(b",".join(pieces) % offered.ids)


@lru_cache(64)  # two weeks of slots take 80 KB
def _available_json(time_zone: str, starts: tuple[int, ...], is_far: bool | None) -> bytes:
    """Available slots with these starts, with places for their ids: all the stores of a time zone share it."""
    return b",".join(_scheduled_json(time_zone, start, is_far, ()) for start in starts)


@lru_cache(1 << 15)
def _scheduled_json(time_zone: str, starts_at: int, is_far: bool | None, reasons: tuple[str, ...]) -> bytes:
    """A slot that starts then, with a place for its id: all the stores of a time zone share it."""
    flags = None if is_far is None else SlotFlags(is_far)
    return wire.encode(_plain_option(0, time_zone, two_hours(starts_at), reasons, flags)).replace(
        b'"id":0', b'"id":%d', 1
    )


def _reference(option_id: int, window: WindowAnswer) -> str:
    """As the documented example: base64 of JSON, opaque to clients."""
    said = {"id": option_id, "hold_id": None, "starts_at": window.start_at, "ends_at": window.end_at}
    return b64encode(msgspec.json.encode(said)).decode()


class _Reference(msgspec.Struct):
    id: OptionId


def _referred(reference: str) -> int:
    """The slot id in a reference; the rest of the reference is ignored."""
    try:
        return msgspec.json.decode(b64decode(reference, validate=True), type=_Reference).id
    except ValueError:  # what b64decode and msgspec raise
        raise errors.invalid("service_option_reference") from None


def _option_id(call: Call) -> int:
    option_id = ids.parse(call.path["service_option_id"])
    if option_id is None:
        raise errors.invalid("service_option_id")
    return option_id


def _hold_answer(hold: Hold | ApiError, *, with_reference: bool = False) -> Answer:
    if isinstance(hold, ApiError):
        return hold
    expires_at = windows.to_wire("UTC", hold.expires_at).replace("+00:00", "Z")
    return HoldResponse(HoldAnswer(hold.id, expires_at, _option(hold.slot, with_reference=with_reference)))
