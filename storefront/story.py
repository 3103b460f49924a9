"""The events of an order, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from handcart_client.receiver import Event, EventItem, EventName, Metadata

from storefront.catalog import ITEMS

# {items}, {who} and {tip} are filled in from the event.
TEXTS = {
    EventName.BRAND_NEW: "We got your order",
    EventName.ACKNOWLEDGED: "A shopper took your order",
    EventName.PICKING: "Shopping started",
    EventName.ORDER_ITEM_REPLACEMENT: "Replaced: {items}",
    EventName.ORDER_ITEM_REFUND: "Not in stock today: {items}",
    EventName.CHECKOUT: "Paid at the checkout",
    EventName.DELIVERING: "On its way to you",
    EventName.LATE_DELIVERY: "It will be later than planned",
    EventName.CUSTOMER_MISSING: "Your shopper did not find you",
    EventName.CUSTOMER_ACKNOWLEDGED: "{who} knows that you are here",
    EventName.PICKUP_RUNNER_STARTED: "Somebody is on the way out to you",
    EventName.UNABLE_TO_FIND_CUSTOMER: "We could not find you at the store",
    EventName.RUNNER_NOT_FOUND: "Nobody can bring it out just now: please come in",
    EventName.PICKUP_GEOFENCE_REACHED: "You are close to the store",
    EventName.LATE_PICKUP: "It will be ready later than planned",
    EventName.RESCHEDULED: "Another time or another shopper is needed",
    EventName.CANCELED: "Canceled",
    EventName.TIP_ADJUSTMENT: "The tip is now {tip}",
    EventName.AT_STORE: "Your shopper is at the store",
    EventName.ACKNOWLEDGED_FOR_DELIVERY: "A shopper is on the way to the store",
    EventName.BAGS_VERIFIED: "All bags are checked",
    EventName.ARRIVAL_AT_CUSTOMER: "Your shopper is at your door",
    EventName.RATING_UPDATED: "You rated this order",
}
OF_KIND = {
    EventName.STAGED: {True: "Packed, and waiting for a shopper", False: "Ready for you at the store"},
    EventName.DELIVERED: {True: "Delivered", False: "Picked up"},
}
# Events that are not shown to customers.
UNTOLD = (
    EventName.ITEM_FOUND,
    EventName.ITEM_REPLACED,  # ORDER_ITEM_REPLACEMENT and ORDER_ITEM_REFUND say the same
    EventName.ITEM_REFUNDED,
    EventName.ITEM_NOT_PICKED,
    EventName.ORDER_LOCATION,
    EventName.AT_STORE_ETA,
    EventName.RATING_REMINDER,
    EventName.CHAT_MESSAGE_CREATED,
)
ELSE = "There is news about your order"  # for unknown names of events


@dataclass(frozen=True)
class Told:
    """One line of the story, on the store's clock. `window`: the order's new or first window, if the event has one."""

    at: datetime
    text: str
    window: tuple[datetime, datetime] | None


def told(events: Iterable[Event], clock: tzinfo | None, *, is_delivery: bool) -> list[Told]:
    """The story of an order, from its events in chronological order."""
    return [
        Told(event.event_timestamp.astimezone(clock), _text(event, is_delivery), _window(event.metadata, clock))
        for event in events
        if event.event_name not in UNTOLD
    ]


def _text(event: Event, is_delivery: bool) -> str:
    name, metadata = event.event_name, event.metadata
    if name in OF_KIND:
        return OF_KIND[EventName(name)][is_delivery]
    if name not in TEXTS:
        return ELSE
    is_replacement = name == EventName.ORDER_ITEM_REPLACEMENT
    return TEXTS[EventName(name)].format(
        items=_names([item for item in metadata.order_items if (item.replaced if is_replacement else item.refunded)]),
        who=metadata.shopper_name or "Somebody",
        tip=f"${(metadata.tip_amount_cents or 0) / 100:.2f}",
    )


def _names(items: list[EventItem]) -> str:
    """The shop's names of the items."""
    known = [ITEMS[item.line_num].name for item in items if item.line_num in ITEMS]
    return ", ".join(known) or "one of your items"


def _window(metadata: Metadata, clock: tzinfo | None) -> tuple[datetime, datetime] | None:
    window = metadata.new_window or metadata.delivery_window
    if window is None or window.starts_at is None or window.ends_at is None:
        return None
    return window.starts_at.astimezone(clock), window.ends_at.astimezone(clock)
