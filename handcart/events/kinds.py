"""The kinds of events, as data. docs/callbacks-events.md is generated from it.

Connect documents the titles, and which fulfillment has which callback
(https://docs.instacart.com/connect/api/fulfillment/communications/event_callbacks), but only few names and keys.
`known` is the source of a name: `documented`, `clients` (expected by integrators' code), `reported` (by third
parties), or `guessed` from the title. An event of Handcart's own has no title of that page: it has the prefix
`handcart.` and `handcart` as `known`, and webhooks get it only if they name it. `_of_own` makes it.

An event has these places; to add or rename an event, change all of them:

- here: its name, its title, the kinds of orders that have it, and the keys of its metadata;
- `orders/states.py`: when it is sent;
- `orders/payloads.py`: the value of each key that no event had before;
- `client/handcart_client/receiver/events.py`: its name in `EventName`, and each new key in `Metadata`;
- `storefront/story.py`: its text for the customer, or its name in `UNTOLD`;
- `is_told`, and a template in `notifications/templates.py`, if customers get a message about it;
- `tests/events/documented.py`, and `COLUMNS` in `tests/batches/test_states.py`: the expected kinds of orders;
- `make docs`: the pages that are generated from these tables.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

DELIVERY = "delivery"
PICKUP = "pickup"
LAST_MILE = "last_mile"  # dispatch orders too: all of `orders.models.CARRIED`
_ALL = (DELIVERY, PICKUP, LAST_MILE)
_TO_ADDRESS = (DELIVERY, LAST_MILE)  # delivered to the customer's address
_SHOPPED = (DELIVERY, PICKUP)  # as `orders.models.SHOPPED`
_OWN = "handcart"


class Kind(Struct, frozen=True):
    """A kind of events. `name`: the bare name. `keys`: the known keys of its metadata, besides `order_id`.

    `is_about_item`: it is about one line of the order, given by `line_num`. `is_about_shopper`: it tells who the
    shopper is, or where, so it is not sent under shopper information removal. `is_told`: the customer gets a message.
    """

    name: str
    title: str
    options: Sequence[str]
    when: str
    keys: Sequence[str] = ()
    known: str = "guessed"
    prefix: str = "fulfillment."
    has_order_id: bool = True
    is_about_item: bool = False
    is_about_shopper: bool = False
    is_told: bool = False

    @property
    def wire_name(self) -> str:
        return self.prefix + self.name

    @property
    def is_own(self) -> bool:
        """Whether it is an event of Handcart's own, which no documented callback reports."""
        return self.known == _OWN


def _of_own(name: str, options: Sequence[str], when: str, *keys: str) -> Kind:
    title = name.replace("_", " ").capitalize()
    return Kind(name, title, options, when, keys, _OWN, "handcart.", is_told=True)


def _of_item(name: str, title: str, when: str, *keys: str) -> Kind:
    return Kind(name, title, _SHOPPED, when, ("line_num", "item_name", *keys), "reported", is_about_item=True)


_TABLE = (
    Kind(
        "brand_new",
        "Brand new",
        _ALL,
        "the order was created",
        ("delivery_window", "store_location", "order_url", "is_instacartplus"),
        "documented",
        is_told=True,
    ),
    Kind("acknowledged", "Acknowledged", _ALL, "a shopper took the order", (), "clients", is_told=True),
    Kind("picking", "Picking", _SHOPPED, "shopping started", ("order_url", "store_location"), "clients", is_told=True),
    _of_item("item_found", "Item found", "the shopper found an item"),
    _of_item(
        "item_replaced",
        "Item replaced",
        "the shopper replaced an item",
        "replacement_line_num",
        "replacement_name",
    ),
    _of_item("item_refunded", "Item refunded", "an item was not found and is refunded"),
    _of_item("item_not_picked", "Item not picked", "the shopper put a found item back"),
    Kind(
        "order_item_replacement",
        "Order item replacement",
        _SHOPPED,
        "the shopper replaced an item; lists all items of the order",
        ("order_items",),
        "reported",
        is_told=True,
    ),
    Kind(
        "order_item_refund",
        "Order item refund",
        _SHOPPED,
        "an item was not found and is refunded; lists all items of the order",
        ("order_items",),
        "reported",
        is_told=True,
    ),
    Kind(
        "checkout",
        "Checkout",
        _SHOPPED,
        "all items of the order are picked, and the shopper has paid",
        ("order_items",),
        "reported",
        is_told=True,
    ),
    Kind(
        "delivering",
        "Delivering",
        _TO_ADDRESS,
        "the shopper is on the way to the customer",
        ("delivery_window", "order_items"),
        "clients",
        is_told=True,
    ),
    Kind(
        "order_location",
        "Order location",
        _TO_ADDRESS,
        "reports where the shopper is",
        ("latitude", "longitude"),
        is_about_shopper=True,
    ),
    Kind(
        "late_delivery",
        "Late delivery",
        _TO_ADDRESS,
        "the delivery will be late",
        ("new_window",),
        "clients",
        is_told=True,
    ),
    Kind("customer_missing", "Customer missing", _TO_ADDRESS, "nobody is at the address", (), "reported", is_told=True),
    Kind(
        "staged",
        "Staged",
        _ALL,
        "the order is in the staging area; for a delivery, only if another shopper brings it",
        ("status_link", "pickup_link", "order_items"),
        "clients",
        is_told=True,
    ),
    Kind(
        "customer_acknowledged",
        "Customer acknowledged",
        (PICKUP,),
        "an employee has noticed that the customer waits",
        ("shopper_name",),
        is_about_shopper=True,
        is_told=True,
    ),
    Kind("pickup_runner_started", "Pickup runner started", (PICKUP,), "an employee carries the order out"),
    Kind(
        "unable_to_find_customer",
        "Unable to find customer",
        (PICKUP,),
        "the employee cannot find the customer",
        is_told=True,
    ),
    Kind("runner_not_found", "Runner not found", (PICKUP,), "nobody can carry the order out", is_told=True),
    Kind("pickup_geofence_reached", "Pickup geofence reached", (PICKUP,), "the customer is near the store"),
    Kind(
        "late_pickup",
        "Late pickup",
        (PICKUP,),
        "the order will be ready late",
        ("new_window",),
        "clients",
        is_told=True,
    ),
    Kind(
        "delivered",
        "Delivered",
        _ALL,
        "the customer has the order",
        ("order_items", "delivery_photo_url", "certified_delivery_name"),
        "clients",
        is_told=True,
    ),
    Kind(
        "rescheduled",
        "Rescheduled",
        _ALL,
        "the order gets another time or another shopper",
        ("new_window",),
        "clients",
        is_told=True,
    ),
    Kind(
        "canceled",
        "Canceled",
        _ALL,
        "the order was canceled",
        ("cancellation_reason", "cancellation_type"),
        "clients",
        is_told=True,
    ),
    Kind(
        "tip_adjustment",
        "Tip adjustment",
        _TO_ADDRESS,
        "the tip was set after completion, also to the same amount",
        ("tip_amount_cents",),
    ),
    Kind("at_store", "At store", (LAST_MILE,), "the shopper is at the store", (), "reported"),
    Kind(
        "acknowledged_for_delivery",
        "Acknowledged for delivery",
        (LAST_MILE,),
        "a shopper is on the way to the store",
        (),
        "reported",
    ),
    Kind("bags_verified", "Bags verified", (LAST_MILE,), "the shopper has checked all bags", (), "reported"),
    Kind("arrival_at_customer", "Arrival at customer", (LAST_MILE,), "the shopper is at the address", (), "reported"),
    Kind(
        "at_store_eta",
        "At store ETA",
        (LAST_MILE,),
        "reports when the shopper will be at the store",
        ("bag_label", "eta"),
    ),
    Kind(
        "rating_updated",
        "Rating updated",
        _ALL,
        "the customer rated the order",
        ("rating_value", "highlights", "thank_you_note"),
    ),
    Kind("rating_reminder", "Rating reminder", _ALL, "the customer can rate the order", is_told=True),
    Kind(
        "chat_message_created",
        "Chat message created",
        _ALL,
        "the customer wrote to the shopper; the metadata has no order_id",
        ("topic_id",),
        "documented",
        "",
        has_order_id=False,
    ),
    _of_own("shopper_message_created", _ALL, "the shopper wrote to the customer", "message_id"),
    _of_own("replacement_reminder", _SHOPPED, "the shopper has waited two minutes for an answer to a replacement"),
    _of_own("shopper_arriving", _TO_ADDRESS, "the shopper will be at the address within minutes"),
    _of_own("pickup_reminder", (PICKUP,), "the window of an order that is ready has begun"),
    _of_own("pickup_closing", (PICKUP,), "the window of an order that is ready ends in half an hour"),
    _of_own("pickup_closed", (PICKUP,), "the window of an order that is ready has ended"),
    _of_own("pickup_last_chance", (PICKUP,), "an order that is ready was not picked up for two hours after its window"),
)
# Keys that say who the shopper or the person at the door was; left out under shopper information removal.
# https://docs.instacart.com/connect/post-checkout_guide/concepts/shopper_information_removal
PERSONAL_KEYS = ("delivery_photo_url", "certified_delivery_name")
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _TABLE}


def bare(name: str) -> str:
    """The bare name of an event, given its name with or without the prefix."""
    return name.removeprefix("fulfillment.").removeprefix("handcart.")
