"""The progress of an order: its steps, and the result for each item."""

from collections.abc import Sequence
from dataclasses import dataclass

from handcart_client import Order, OrderLine
from handcart_client.receiver import Event, EventName

from storefront.carts import Placed
from storefront.catalog import ITEMS, Item, lines

# The text and the step of each status. An unknown status counts as being shopped.
STEPS = {
    True: ("Ordered", "Shopping", "Paid", "On its way", "Delivered"),
    False: ("Ordered", "Shopping", "Packed", "Ready for you", "Picked up"),
}
STATUSES = {
    "brand_new": ("Waiting for a shopper", 0),
    "created": ("Waiting for a shopper", 0),
    "acknowledged": ("A shopper has your order", 0),
    "picking": ("Being shopped", 1),
    "verifying_replacements": ("Your shopper is checking the changes", 1),
    "checkout": ("At the checkout", 2),
    "bags_check": ("Being packed", 2),
    "staged": ("Ready for you", 3),
    "runner_awaiting": ("Somebody will bring it out to you", 3),
    "user_at_store": ("On its way out to you", 3),
    "bags_verified": ("Handed to you now", 3),
    "delivering": ("On its way to you", 3),
    "delivered": ("Delivered", 4),
    "completed": ("Completed", 4),
    "canceled": ("Canceled", None),
}
IN_WORK = ("Being shopped", 1)
OVER = ("delivered", "completed", "canceled")
CANCELED = "canceled"

# Why an order was canceled: by the type in its event, which is more precise, else by the reason. Other values exist.
WHY_OF_TYPE = {
    "customer mia": "Nobody was there to receive it.",
    "change payment method": "You canceled it to pay another way.",
    "incorrect customer information (phone/address)": "Your address or phone number was incorrect.",
    "store early closure": "The store closed early.",
    "store outage": "The store had to close.",
    "too many out of stock items": "Too many items were out of stock.",
    "single item order out of stock": "It was out of stock.",
    "shopper initiated out of stock": "It was out of stock.",
    "card decline on reauth": "Your card was declined.",
    "shopper unable to complete order": "Your shopper could not finish it.",
    "shopper could not find address": "Your shopper did not find your address.",
    "unable to access location": "Your shopper could not get to your door.",
}
WHY_OF_REASON = {
    "customer_driven": "You canceled it.",
    "instacart_driven": "The delivery service canceled it.",
    "retailer_driven": "The store canceled it.",
    "shopper_driven": "Your shopper could not finish it.",
    "unbatchable": "No shopper was free to take it.",
}


@dataclass(frozen=True)
class Step:
    """A step of an order; `state` is "done", "now" or "ahead"."""

    name: str
    state: str


@dataclass(frozen=True)
class Shown:
    """A line of the bill. `note`: the result for the item, empty while there is none."""

    name: str
    count: int
    price_cents: int
    note: str = ""


def text_of(order: Order) -> str:
    return STATUSES.get(order.status, IN_WORK)[0]


def why_canceled(order: Order, events: Sequence[Event]) -> str:
    """Why an order was canceled, in words; empty if unknown. `events`: the order's events."""
    kinds = [event.metadata.cancellation_type for event in events if event.event_name == EventName.CANCELED]
    if order.cancellation_reason == "customer_driven" and not kinds:
        return ""  # the customer canceled, or was not there: only the event says which
    return WHY_OF_TYPE.get(next(iter(kinds), None) or "") or WHY_OF_REASON.get(order.cancellation_reason or "", "")


def steps_of(order: Order, *, is_delivery: bool) -> list[Step]:
    """The steps of an order, each with its state; none for a canceled order."""
    at = STATUSES.get(order.status, IN_WORK)[1]
    if at is None:
        return []
    is_over = order.status in OVER
    return [
        Step(name, "done" if place < at or is_over else "now" if place == at else "ahead")
        for place, name in enumerate(STEPS[is_delivery])
    ]


def bill_of(counts: dict[str, int], order: Order | None) -> list[Shown]:
    """The lines that the customer gets and pays for: from the platform's order if known, else from the counts."""
    found = {line.line_num: line for line in order.items} if order else {}
    known = [_shown(item, count, found.get(item.key)) for item, count in lines(counts)]
    return known + [_added(line) for number, line in found.items() if number not in counts]


def items_cents(bill: Sequence[Shown]) -> int:
    return sum(line.price_cents for line in bill)


def total_cents(placed: Placed, order: Order | None) -> int:
    """The price of an order, including the tip."""
    if order is not None and order.status == CANCELED:
        return 0
    return items_cents(bill_of(placed.cart.counts, order)) + placed.fee_cents + placed.tip_cents


def _shown(item: Item, count: int, line: OrderLine | None) -> Shown:
    if line is None:
        return Shown(item.name, count, item.price_cents * count)
    if line.refunded:
        return Shown(item.name, count, 0, "Not in stock today: you do not pay for it.")
    got = count if item.pounds or line.qty is None else int(line.qty)
    if line.replaced:
        other = _delivered(line)
        name, price = (other.name, other.price_cents) if other else ("another product", item.price_cents)
        return Shown(item.name, got, price * got, f"Replaced by {name}.")
    note = f"Only {got} of {count} were in stock." if got < count else ""
    return Shown(item.name, got, item.price_cents * got, note)


def _added(line: OrderLine) -> Shown:
    item, count = _delivered(line), int(line.qty or 1)
    return Shown(item.name if item else "Another product", count, item.price_cents * count if item else 0, "Added.")


def _delivered(line: OrderLine) -> Item | None:
    """The shop's product with a code of the delivered item; None if the shop has no such product."""
    got = line.item
    codes = {got.delivered_rrc, got.delivered_upc} - {None, ""}
    return next((item for item in ITEMS.values() if {item.rrc, item.upc} & codes), None)
