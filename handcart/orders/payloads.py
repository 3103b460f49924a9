"""The metadata of events about an order: `events.kinds` lists the keys of each event, this module their values.

A value is made from the order, its store, the catalog and the clock. `ops` saves the changed order and then
emits, so an event cannot report a value from before the change. To report one, the operation stores it in a field of
`OrderDetails` before it calls `ops.note` or `ops.move`, as `ops.cancel_for` stores `cancellation_type`.

`_OF_ORDER` and `_OF_STORE` give a key the same value in each event; `_OF_ONE` gives it another value in one event, and
is keyed by the names of the event and the key. A key whose value is None is left out; receivers must accept that
(https://docs.instacart.com/connect/api/fulfillment/communications/event_callbacks).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.events import ops as events
from handcart.events.kinds import KINDS, PERSONAL_KEYS
from handcart.orders import lines, links
from handcart.orders.models import CARRIED, PICKUP, REPLACED, TO_REFUND, Courier, Order, OrderLine
from handcart.retailers import ops as retailers
from handcart.stores import distance, items
from handcart.stores import queries as stores
from handcart.stores.models import ItemCode, ItemName, Point, Store

# Keys with what customers wrote themselves.
PERSONAL = ("thank_you_note", "certified_delivery_name")
# The delay reported for a late order.
LATE_BY = 30 * clock.MINUTE
# The time that a shopper needs to the store, if nobody knows where the shopper is.
UNDER_WAY = 20 * clock.MINUTE


async def emit(
    tx: Tx, retailer_id: int, order: Order, names: Sequence[str], about: Sequence[str] = ()
) -> Sequence[int]:
    """Emit those events about an order in its current state that are `told`; returns their ids.

    An event about an item is emitted for each line in `about` (line numbers), or for the first line if that is empty.
    """
    present = [line for line in order.lines if not line.is_removed]
    about_them = [line for line in present if line.line_num in about] or present[:1]
    return [
        await events.emit(tx, retailer_id, name, order.order_id, await metadata(tx, retailer_id, order, name, line))
        for name in await told(tx, retailer_id, order, names)
        for line in (about_them if KINDS[name].is_about_item else (None,))
    ]


async def told(tx: Tx, retailer_id: int, order: Order, names: Sequence[str]) -> Sequence[str]:
    """The events of `names` that are sent.

    Under shopper information removal, none is sent that tells who the shopper is, or where. `order_location` is not
    sent while nobody knows where the shopper is, and while the order goes back to the store; a shopper who stands for
    nobody is at the store.
    """
    if not any(KINDS[name].is_about_shopper for name in names):
        return names
    if (await retailers.retailer(tx, retailer_id)).rules.shopper_information_removal:
        return [name for name in names if not KINDS[name].is_about_shopper]
    is_lost = order.courier is not None and order.courier.is_person and order.courier.point is None
    has_place = not is_lost and order.details.returning is None
    return [name for name in names if has_place or name != "order_location"]


async def metadata(
    tx: Tx, retailer_id: int, order: Order, name: str, line: OrderLine | None = None
) -> Mapping[str, Any]:
    """The `event_metadata` of an event about an order, or about a line of it."""
    kind = KINDS[name]
    told: dict[str, Any] = {"order_id": order.order_id} if kind.has_order_id else {}
    if line is not None:
        of_line = await _of_line(tx, retailer_id, line)
        return told | {key: of_line[key] for key in kind.keys if of_line[key] is not None}
    keys, link = kind.keys, None
    if set(keys) & {*PERSONAL_KEYS, *_LINKS}:
        retailer = await retailers.retailer(tx, retailer_id)
        link = links.shown(tx, retailer, order)
        if retailer.rules.shopper_information_removal:
            keys = [key for key in keys if key not in PERSONAL_KEYS]
    for key in keys:
        said = await _value(tx, retailer_id, order, name, key, link)
        if said is not None:
            told[key] = said
    return told


async def _value(tx: Tx, retailer_id: int, order: Order, name: str, key: str, link: str | None) -> Any:
    """The value of a key. `link`: to the order's page, for keys with links."""
    if key == "store_location":
        return await stores.location_code(tx, retailer_id, order.store_number)
    if key in _OF_STORE:
        return _OF_STORE[key](order.courier, await _store(tx, retailer_id, order))
    if key in _LINKS:
        return _LINKS[key](order, link)
    return (_OF_ONE.get((name, key)) or _OF_ORDER[key])(order)


async def _of_line(tx: Tx, retailer_id: int, line: OrderLine) -> Mapping[str, str | None]:
    """The metadata of events about an item. Names come from the catalog; a replacement keeps the number of its line."""
    named = [ItemCode(line.upc, line.rrc)]
    if line.substitute is not None:
        named.append(ItemCode(line.substitute.upc, line.substitute.rrc))
    item, *other = await items.find(tx, retailer_id, named)
    return {
        "line_num": line.line_num,
        "item_name": None if item is None else item.name,
        "replacement_line_num": line.line_num,
        "replacement_name": other[0].name if other and other[0] is not None else None,
    }


async def _store(tx: Tx, retailer_id: int, order: Order) -> Store:
    store = await stores.store_by_number(tx, retailer_id, order.store_number)
    assert store is not None
    return store


def _has_photo(order: Order) -> bool:
    """Whether the shopper took a photo. It may arrive after the act that says so."""
    return order.details.proof is not None and order.details.proof.has_photo


def _point(courier: Courier | None, store: Store) -> Point:
    return store.point if courier is None or courier.point is None else courier.point


def _eta(courier: Courier | None, store: Store) -> str:
    """When the shopper will be at the store: by the distance, or else `UNDER_WAY` from now."""
    under_way = UNDER_WAY
    if courier is not None and courier.point is not None:
        under_way = round(distance.minutes(courier.point, store.point) * clock.MINUTE)
    return clock.to_wire(clock.now() + under_way)


def _window(starts_at: int, ends_at: int) -> Mapping[str, str]:
    return {"starts_at": clock.to_wire(starts_at), "ends_at": clock.to_wire(ends_at)}


def _delivery_window(order: Order) -> Mapping[str, str]:
    return _window(order.window_starts_at, order.window_ends_at)


def _new_window(order: Order) -> Mapping[str, str]:
    """The half hour after the promised window, or from now if that has passed."""
    starts_at = max(clock.now(), order.window_ends_at)
    return _window(starts_at, starts_at + LATE_BY)


def _items(order: Order) -> Sequence[Mapping[str, Any]]:
    return [_item(line) for line in order.lines if not line.is_removed]


def _item(line: OrderLine) -> dict[str, Any]:
    there = lines.delivered(line) or ItemName(line.upc, line.rrc)
    return {
        "line_num": line.line_num,
        "qty": lines.qty(line),
        "qty_unit": line.qty_unit,
        "replaced": line.status == REPLACED,
        "refunded": line.status == TO_REFUND,
        "item_upc": there.upc or "",
        "item_rrc": there.rrc or "",
        "scan_code": line.scans[0].scanned_string if line.scans else "",
    }


def _checkout_items(order: Order) -> Sequence[Mapping[str, Any]]:
    return [_checkout_item(line) for line in order.lines if not line.is_removed]


def _checkout_item(line: OrderLine) -> dict[str, Any]:
    delivered = lines.delivered(line) or ItemName()
    return {
        **_item(line),
        "requested_item_upc": line.upc or "",
        "requested_item_rrc": line.rrc or "",
        "delivered_item_upc": delivered.upc or "",
        "delivered_item_rrc": delivered.rrc or "",
    }


def _rated(name: str) -> Callable[[Order], Any]:
    """A field of the order's rating; left out if there is none, or it is empty."""
    return lambda order: (order.details.rating and getattr(order.details.rating, name)) or None


def _nothing(order: Order) -> None:
    """The value of a key that is left out."""


# The value of each key of `kinds.Kind.keys`: from the order, from its store, or for one event only.
_OF_ORDER: Mapping[str, Callable[[Order], Any]] = {
    "delivery_window": _delivery_window,
    "new_window": _new_window,
    "order_items": _items,
    "is_instacartplus": lambda order: order.is_instacartplus if order.kind in CARRIED else None,
    "cancellation_reason": lambda order: order.cancellation_reason,
    "cancellation_type": lambda order: order.details.cancellation_type,
    "tip_amount_cents": lambda order: order.tip_cents,
    "bag_label": lambda order: order.details.bag_label,
    "certified_delivery_name": lambda order: order.details.proof.signer if order.details.proof else None,
    "shopper_name": lambda order: order.courier.first_name if order.courier else None,
    "topic_id": lambda order: str(order.number),  # each order has one chat
    "message_id": _nothing,  # only the domain `chat` knows it
    "rating_value": _rated("value"),
    "highlights": _rated("highlights"),
    "thank_you_note": _rated("thank_you_note"),
}
_OF_STORE: Mapping[str, Callable[[Courier | None, Store], Any]] = {
    "latitude": lambda courier, store: _point(courier, store).latitude,
    "longitude": lambda courier, store: _point(courier, store).longitude,
    "eta": _eta,
}
# Links to the order's page, from the link that answers have; None if the retailer's orders have no page.
_LINKS: Mapping[str, Callable[[Order, str | None], str | None]] = {
    "order_url": lambda order, link: link,
    "status_link": lambda order, link: link,
    "pickup_link": lambda order, link: link and (link + links.PICKUP if order.kind == PICKUP else None),
    "delivery_photo_url": lambda order, link: link and (link + links.PHOTO if _has_photo(order) else None),
}
_OF_ONE: Mapping[tuple[str, str], Callable[[Order], Any]] = {("checkout", "order_items"): _checkout_items}
