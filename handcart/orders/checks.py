"""Checks shared by reading, creating and changing an order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import ApiError, invalid
from handcart.core.web import wire
from handcart.orders import customers, errors, storage
from handcart.orders.models import CARRIED, Order
from handcart.retailers.models import Caller, Retailer
from handcart.slots import errors as slot_errors
from handcart.slots import ops as slots
from handcart.slots import windows
from handcart.slots.models import Slot
from handcart.stores import carts
from handcart.stores.carts import Cart, OrderItem
from handcart.stores.models import Store

# Maximum bytes as JSON. Lists of orders, callbacks and stored responses repeat the metadata.
MOST_METADATA = 16 << 10
MOST_ORDER = 256 << 10
# Maximum levels of objects and lists in metadata: encoders and decoders give up at some hundreds.
MOST_LEVELS = 32


async def held_slot(tx: Tx, caller: Caller, user_id: str, hold_id: int, kind: str) -> Slot:
    """The slot of a user's hold, which must be for orders of this kind."""
    slot = await slots.held_slot(tx, caller, user_id, hold_id)
    if slot.kind != kind:
        raise slot_errors.invalid_hold()
    return slot


def of_user(user_id: str, order: Order | None, kinds: Sequence[str] | None = None) -> Order:
    """The order, if it is the user's and of one of these kinds; raises `order_not_found`."""
    if order is None or order.user_id != user_id or (kinds is not None and order.kind not in kinds):
        raise errors.order_not_found()
    return order


def carried(order: Order | None, user_id: str | None) -> Order:
    """The order, if it is a last mile or dispatch order, and the user's if one is named; raises `order_not_found`."""
    if order is None or order.kind not in CARRIED or (user_id is not None and order.user_id != user_id):
        raise errors.order_not_found()
    return order


def outside(starts_at: int, ends_at: int, window: tuple[int, int] | None) -> ApiError | None:
    """The error if a wanted window is not within its slot."""
    if window is None or starts_at <= window[0] < window[1] <= ends_at:
        return None
    return invalid("start_at")


def metadata(of_order: Mapping[str, Any] | None, items: Sequence[OrderItem] = ()) -> list[ApiError]:
    """The errors for metadata of an order or of its lines that is nested too deeply or too large."""
    found = []
    for key, one in _metadata(of_order, items):
        if _is_deep(one):
            found.append(errors.too_deep(key, MOST_LEVELS))
        elif len(wire.encode(one)) > MOST_METADATA:
            found.append(errors.too_large(key, MOST_METADATA))
    return found


def depth(of_order: Mapping[str, Any] | None, items: Sequence[Any] = ()) -> list[ApiError]:
    """The errors for metadata of an order or of its lines that is nested too deeply to be encoded."""
    return [errors.too_deep(key, MOST_LEVELS) for key, one in _metadata(of_order, items) if _is_deep(one)]


def _metadata(of_order: Mapping[str, Any] | None, items: Sequence[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if of_order is not None:
        yield "metadata", of_order
    for place, one in enumerate(items):
        if one.metadata is not None:
            yield f"items[{place}].metadata", one.metadata


def _is_deep(value: Any) -> bool:
    """Whether a JSON value has more than `MOST_LEVELS` levels of objects and lists."""
    level = [value]
    for _ in range(MOST_LEVELS):
        nested = [one for one in level if isinstance(one, dict | list)]
        if not nested:
            return False
        level = [inner for one in nested for inner in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(one, dict | list) for one in level)


def size(order: Order, key: str = "items") -> ApiError | None:
    """The error if an order's lines are too large in total to be stored. The error names `key`."""
    return errors.too_large(key, MOST_ORDER) if storage.size(order) > MOST_ORDER else None


def of_age(retailer: Retailer, store: Store, cart: Cart, birthday: str | None) -> tuple[Cart, ApiError | None]:
    """The cart without what the customer is too young for, and the error if the retailer refuses such carts."""
    if birthday is None and not cart.is_restricted:
        return cart, None
    today = date.fromisoformat(windows.start_of(store.time_zone, clock.now()).date)
    if not cart.is_restricted:
        return cart, customers.form_refusal(retailer, birthday, today)
    refusal = customers.birthday_refusal(retailer, birthday, store, today)
    if refusal is None or retailer.rules.underage == "refuse":
        return cart, refusal
    allowed = carts.without(cart, [line for line in cart.lines if line.is_restricted])
    return allowed, None if allowed.lines else carts.nothing_to_order()
