"""How an order is going: the steps of its way, and what became of each item."""

from collections.abc import Sequence
from dataclasses import dataclass

from handcart_client import Order, OrderLine

from storefront.catalog import ITEMS, Item, lines

# The statuses of an order's way, for people, and the step that each belongs to; an unknown one is being shopped.
STEPS = {
    True: ("Ordered", "Shopping", "Paid", "On its way", "Delivered"),
    False: ("Ordered", "Shopping", "Packed", "Ready for you", "Picked up"),
}
STATUSES = {
    "brand_new": ("Waiting for a shopper", 0),
    "created": ("Waiting for a shopper", 0),
    "acknowledged": ("A shopper has your order", 0),
    "picking": ("Being shopped", 1),
    "verifying_replacements": ("Your shopper looks over the changes", 1),
    "checkout": ("At the till", 2),
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


@dataclass(frozen=True)
class Step:
    """A step of the way; `state` is "done", "now" or "ahead"."""

    name: str
    state: str


@dataclass(frozen=True)
class Shown:
    """A line of the bill. `note`: what became of it, empty while there is nothing to say."""

    name: str
    count: int
    price_cents: int
    note: str = ""


def text_of(order: Order) -> str:
    return STATUSES.get(order.status, IN_WORK)[0]


def steps_of(order: Order, *, is_delivery: bool) -> list[Step]:
    """The steps with the one that the order is at; none for a canceled one."""
    at = STATUSES.get(order.status, IN_WORK)[1]
    if at is None:
        return []
    is_over = order.status in OVER
    return [
        Step(name, "done" if place < at or is_over else "now" if place == at else "ahead")
        for place, name in enumerate(STEPS[is_delivery])
    ]


def bill_of(counts: dict[str, int], order: Order | None) -> list[Shown]:
    """What the customer gets and pays for, by the word of the platform where there is one."""
    found = {line.line_num: line for line in order.items} if order else {}
    known = [_shown(item, count, found.get(item.key)) for item, count in lines(counts)]
    return known + [_added(line) for number, line in found.items() if number not in counts]


def total_cents(bill: Sequence[Shown]) -> int:
    return sum(line.price_cents for line in bill)


def _shown(item: Item, count: int, line: OrderLine | None) -> Shown:
    if line is None:
        return Shown(item.name, count, item.price_cents * count)
    if line.refunded:
        return Shown(item.name, count, 0, "Not there today: you do not pay for it.")
    got = count if item.pounds or line.qty is None else int(line.qty)
    if line.replaced:
        other = _delivered(line)
        name, price = (other.name, other.price_cents) if other else ("another product", item.price_cents)
        return Shown(item.name, got, price * got, f"Replaced by {name}.")
    note = f"Only {got} of {count} were there." if got < count else ""
    return Shown(item.name, got, item.price_cents * got, note)


def _added(line: OrderLine) -> Shown:
    item, count = _delivered(line), int(line.qty or 1)
    return Shown(item.name if item else "Another product", count, item.price_cents * count if item else 0, "Added.")


def _delivered(line: OrderLine) -> Item | None:
    """The shop's own product that was delivered, by the code that the shop knows it by."""
    got = line.item
    codes = {got.delivered_rrc, got.delivered_upc} - {None, ""}
    return next((item for item in ITEMS.values() if {item.rrc, item.upc} & codes), None)
