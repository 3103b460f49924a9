"""Event callbacks as types. `Event.raw` also has fields that are new or have other types than expected.

Source: https://docs.instacart.com/connect/api/fulfillment/communications/event_callbacks
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

S = TypeVar("S", bound=Struct)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)


class EventName(StrEnum):
    """The documented callbacks. Events may have other names: `Event.event_name` is the text as sent."""

    BRAND_NEW = "fulfillment.brand_new"
    ACKNOWLEDGED = "fulfillment.acknowledged"
    PICKING = "fulfillment.picking"
    ITEM_FOUND = "fulfillment.item_found"
    ITEM_REPLACED = "fulfillment.item_replaced"
    ITEM_REFUNDED = "fulfillment.item_refunded"
    ITEM_NOT_PICKED = "fulfillment.item_not_picked"
    ORDER_ITEM_REPLACEMENT = "fulfillment.order_item_replacement"
    ORDER_ITEM_REFUND = "fulfillment.order_item_refund"
    CHECKOUT = "fulfillment.checkout"
    DELIVERING = "fulfillment.delivering"
    ORDER_LOCATION = "fulfillment.order_location"
    LATE_DELIVERY = "fulfillment.late_delivery"
    CUSTOMER_MISSING = "fulfillment.customer_missing"
    STAGED = "fulfillment.staged"
    CUSTOMER_ACKNOWLEDGED = "fulfillment.customer_acknowledged"
    PICKUP_RUNNER_STARTED = "fulfillment.pickup_runner_started"
    UNABLE_TO_FIND_CUSTOMER = "fulfillment.unable_to_find_customer"
    RUNNER_NOT_FOUND = "fulfillment.runner_not_found"
    PICKUP_GEOFENCE_REACHED = "fulfillment.pickup_geofence_reached"
    LATE_PICKUP = "fulfillment.late_pickup"
    DELIVERED = "fulfillment.delivered"
    RESCHEDULED = "fulfillment.rescheduled"
    CANCELED = "fulfillment.canceled"
    TIP_ADJUSTMENT = "fulfillment.tip_adjustment"
    AT_STORE = "fulfillment.at_store"
    ACKNOWLEDGED_FOR_DELIVERY = "fulfillment.acknowledged_for_delivery"
    BAGS_VERIFIED = "fulfillment.bags_verified"
    ARRIVAL_AT_CUSTOMER = "fulfillment.arrival_at_customer"
    AT_STORE_ETA = "fulfillment.at_store_eta"
    RATING_UPDATED = "fulfillment.rating_updated"
    RATING_REMINDER = "fulfillment.rating_reminder"
    CHAT_MESSAGE_CREATED = "chat_message_created"


class EventWindow(Struct, frozen=True, kw_only=True):
    """The time window of an order. A time without an offset is read as UTC."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Coordinates(Struct, frozen=True, kw_only=True):
    """The shopper's location, in degrees."""

    latitude: float
    longitude: float


class EventItem(Struct, frozen=True, kw_only=True):
    """A line of an order. qty_unit: "each" or a unit of weight. The last four fields: only in events about checkout."""

    line_num: str | None = None
    qty: float | None = None
    qty_unit: str | None = None
    replaced: bool = False
    refunded: bool = False
    item_upc: str | None = None
    item_rrc: str | None = None
    scan_code: str | None = None
    requested_item_upc: str | None = None
    requested_item_rrc: str | None = None
    delivered_item_upc: str | None = None
    delivered_item_rrc: str | None = None


class Metadata(Struct, frozen=True, kw_only=True):
    """The content of an event. Any field may be missing in any event; it is then None or empty.

    order_id: the retailer's own; a chat message has a topic_id instead. tip_amount_cents: the current tip.
    is_instacartplus: whether the order has the membership's benefit. eta: when the shopper is at the store.
    line_num, item_name: the item, for events about an item. store_location: location code.
    rating_value: "STARS1" to "STARS5".
    """

    order_id: str | None = None
    topic_id: str | None = None
    retailer_id: str | None = None
    store_location: str | None = None
    order_url: str | None = None
    is_instacartplus: bool | None = None
    status_link: str | None = None
    pickup_link: str | None = None
    order_items: tuple[EventItem, ...] = ()
    line_num: str | None = None
    item_name: str | None = None
    replacement_line_num: str | None = None
    replacement_name: str | None = None
    delivery_window: EventWindow | None = None
    new_window: EventWindow | None = None
    cancellation_reason: str | None = None
    cancellation_type: str | None = None
    coordinates: Coordinates | None = None
    shopper_name: str | None = None
    delivery_photo_url: str | None = None
    certified_delivery_name: str | None = None
    tip_amount_cents: int | None = None
    bag_label: str | None = None
    eta: datetime | None = None
    rating_value: str | None = None
    highlights: tuple[str, ...] = ()
    thank_you_note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `raw`: its JSON as received, including unknown fields.

    Events may arrive in any order and more than once: `event_id` is the same each time; sort by
    (event_timestamp, event_id) for the order in which things happened.
    """

    event_id: int
    event_name: str
    event_timestamp: datetime
    metadata: Metadata
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def order_id(self) -> str | None:
        return self.metadata.order_id


class NotAnEvent(ValueError):
    """The body is not an event. The text says what is missing or wrong, and contains no value of the body."""


def read_event(body: bytes) -> Event:
    """Parse a callback's body. Raises NotAnEvent if id, name, time or metadata are missing or wrong."""
    raw = _json(body)
    if not isinstance(raw, dict):
        raise NotAnEvent("the body is not a JSON object")
    metadata, name = raw.get("event_metadata"), raw.get("event_name")
    if not isinstance(name, str) or not name:
        raise NotAnEvent("event_name is not a text")
    if not isinstance(metadata, dict):
        raise NotAnEvent("event_metadata is not an object")
    happened_at = _moment(raw.get("event_timestamp"))
    if happened_at is None:
        raise NotAnEvent("event_timestamp is not a time")
    return Event(
        event_id=_event_id(raw.get("event_id")),
        event_name=name,
        event_timestamp=happened_at,
        metadata=_metadata(metadata),
        raw=raw,
    )


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(_mended(body))
    except UNREADABLE:
        raise NotAnEvent("the body is not JSON") from None


def _mended(body: bytes) -> bytes:
    r"""The body with U+FFFD for each unpaired surrogate escape: JSON may contain "\ud83d", text cannot."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["half"] else found[0], body)


_HEX = rb"[0-9a-fA-F]{2}"
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]" + _HEX + rb"\\u[dD][c-fC-F]" + _HEX + rb"|(?P<half>u[dD][89a-fA-F]" + _HEX + rb")|.)",
    re.DOTALL,
)


def _event_id(value: object) -> int:
    """The id from a number, or from a text of digits, which suits JavaScript."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise NotAnEvent("event_id is not a 64-bit integer")
    return value


def _moment(value: object) -> datetime | None:
    try:
        moment = msgspec.convert(value, datetime)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except msgspec.ValidationError:
        return None


def _metadata(raw: dict[str, Any]) -> Metadata:
    items = raw.get("order_items")
    nested = {
        "order_items": tuple(_known(EventItem, one) for one in items if isinstance(one, dict))
        if isinstance(items, list)
        else (),
        "delivery_window": _window(raw.get("delivery_window")),
        "new_window": _window(raw.get("new_window")),
        "coordinates": _coordinates(raw.get("coordinates", raw)),
        "eta": _moment(raw.get("eta")),
    }
    return _known(Metadata, {**raw, **nested})


def _window(raw: object) -> EventWindow | None:
    if not isinstance(raw, dict):
        return None
    return EventWindow(starts_at=_moment(raw.get("starts_at")), ends_at=_moment(raw.get("ends_at")))


def _coordinates(raw: object) -> Coordinates | None:
    """Coordinates from `coordinates`, or from the metadata itself: the documentation shows neither."""
    try:
        return msgspec.convert(raw, Coordinates)
    except msgspec.ValidationError:
        return None


def _known(kind: type[S], raw: Mapping[str, Any]) -> S:
    """A struct of the readable fields; a field of an unexpected type is left out."""
    values = {}
    for each in msgspec.structs.fields(kind):
        if raw.get(each.encode_name) is not None:
            try:
                values[each.name] = msgspec.convert(raw[each.encode_name], each.type, strict=False)
            except msgspec.ValidationError:
                continue
    return kind(**values)
