"""Move a brand new order to another time, without its customer: by a dispatcher, or because nobody took it."""

import contextlib
from collections.abc import Sequence

from handcart.core.db import Tx
from handcart.core.errors import ApiError, invalid
from handcart.orders import errors, ops, states
from handcart.orders.models import DISPATCH, LAST_MILE, Order
from handcart.retailers import ops as retailers
from handcart.slots import ledger, listing
from handcart.slots import ops as slots
from handcart.slots.models import SCHEDULED, Slot
from handcart.stores import queries as stores

# Windows that are tried for an order that takes the next one: more than one, since windows may fill up meanwhile.
_NEXT = 3
_KEY = "service_option_id"


async def offers(tx: Tx, retailer_id: int, order: Order) -> Sequence[Slot]:
    """The two-hour slots to which an order could move now: those of its store and kind that have a free place."""
    retailer = await retailers.retailer(tx, retailer_id)
    store = await stores.store_by_number(tx, retailer_id, order.store_number)
    assert store is not None
    found = await listing.offers(tx, retailer, store, _kind(order), listing.Wishes(has_alcohol=order.has_alcohol))
    free = [slot for slot in found.all() if slot.window.type == SCHEDULED and not slot.reasons]
    return [slot for slot in free if slots.place_of(slot) != order.place]


async def to_slot(tx: Tx, retailer_id: int, order: Order, option_id: int) -> None:
    """Move a locked order to a slot of its store, and emit `rescheduled`. The slot's lead time does not apply.

    Raises `too_late` if the order is no longer brand new, and the errors of slots: of another store, full, passed.
    """
    slot = await slots.find(tx, retailer_id, option_id)
    if slot.kind != _kind(order) or slot.store.number != order.store_number:
        raise invalid(_KEY)
    await _lock(tx, retailer_id, order, [slot])
    await _take(tx, retailer_id, order, slot)


async def to_next(tx: Tx, retailer_id: int, order: Order) -> bool:
    """Move a locked order to the next slot that has a free place, and emit `rescheduled`; False if there is none."""
    found = (await offers(tx, retailer_id, order))[:_NEXT]
    await _lock(tx, retailer_id, order, found)
    for slot in found:
        with contextlib.suppress(ApiError):
            await _take(tx, retailer_id, order, slot)
            return True
    return False


async def _lock(tx: Tx, retailer_id: int, order: Order, found: Sequence[Slot]) -> None:
    if not states.may(order.kind, order.status, states.UPDATE):
        raise errors.too_late()
    own = [order.place] if order.place else []
    await ledger.lock(tx, retailer_id, [*own, *map(slots.place_of, found)])


async def _take(tx: Tx, retailer_id: int, order: Order, slot: Slot) -> None:
    booking = await slots.book(tx, retailer_id, slot, _KEY, has_alcohol=order.has_alcohol, has_lead=False)
    await ops.rebook(tx, retailer_id, order, booking)
    await ops.note(tx, retailer_id, order, states.RESCHEDULED)


def _kind(order: Order) -> str:
    """The kind of slots that an order takes."""
    return LAST_MILE if order.kind == DISPATCH else order.kind
