"""The values of placeholders in messages about an order. Names from outside are cleaned."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.batches import queries as batches
from handcart.chat import queries as chat
from handcart.chat.models import SHOPPER
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.text import visible
from handcart.core.web import pages
from handcart.messages import texts
from handcart.notifications.reach import store_of
from handcart.orders import links, replacements
from handcart.orders.models import REPLACED, TO_REFUND, Order, OrderLine
from handcart.retailers.models import Retailer
from handcart.stores import items
from handcart.stores.models import ItemCode, ItemName

MOST_NAME, MOST_ITEM, MOST_SAID = 40, 40, 300
# Items that a message names; it counts the others.
MOST_ITEMS = 4


async def of(
    tx: Tx, retailer: Retailer, order: Order, template: str, locale: str, metadata: Mapping[str, Any]
) -> Mapping[str, str] | None:
    """The values of a template's placeholders; None if the chat message that it quotes is gone."""
    wanted = texts.placeholders(template)
    found = {"retailer": visible(retailer.name, MOST_NAME), "link": links.shown(tx, retailer, order) or ""}
    if "shopper" in wanted:
        found["shopper"] = await _shopper(tx, retailer, order, locale)
    if wanted & {"store", "window", "when", "credit"}:
        store = await store_of(tx, retailer.id, order)
        found["credit"] = pages.money(locale, store.country, retailer.rules.appeasement_cents or 0)
        found["store"] = visible(store.name, MOST_NAME)
        zone = store.time_zone
        found["window"] = pages.window(locale, order.window_starts_at, order.window_ends_at, zone)
        if "when" in wanted:
            found["when"] = pages.window(locale, *_times(metadata["new_window"]), zone)
    if "items" in wanted:
        found["items"] = await items_of(tx, retailer, order, template, locale)
    if "message" in wanted:
        said = await chat.find(tx, retailer.id, order, int(metadata.get("message_id", 0)))
        if said is None or said.sender != SHOPPER:
            return None
        found["message"] = visible(chat.text(said, locale), MOST_SAID) or texts.word(locale, "photo")
    return found


async def items_of(tx: Tx, retailer: Retailer, order: Order, template: str, locale: str) -> str:
    """The lines that a message names: those that wait for an answer, were replaced or are refunded."""
    present = [line for line in order.lines if not line.is_removed]
    if template == "refund":
        names = await _names(tx, retailer, [_name(line) for line in present if line.status == TO_REFUND], locale)
        return _listed(names, locale)
    if template == "replaced":
        told = await swaps(tx, retailer, [line for line in present if line.status == REPLACED], locale)
        return _listed(told, locale)
    lines = waiting(order)
    told = await swaps(tx, retailer, list(lines.values()), locale)
    if len(told) == 1:
        return told[0]
    return "; ".join(f"{number}) {one}" for number, one in zip(lines, told, strict=True))


def waiting(order: Order) -> Mapping[int, OrderLine]:
    """The lines whose replacement waits for an answer, by the number that messages give them: their place in the order.

    The number of a line stays the same when others are answered.
    """
    numbers = {line.line_num: number for number, line in enumerate(order.lines, 1)}
    return {numbers[line.line_num]: line for line in replacements.pending(order)}


async def products(tx: Tx, retailer: Retailer, lines: Sequence[OrderLine], locale: str) -> str:
    """The names of the replacements of lines."""
    return _listed(await _names(tx, retailer, [line.substitute or _name(line) for line in lines], locale), locale)


async def swaps(tx: Tx, retailer: Retailer, lines: Sequence[OrderLine], locale: str) -> list[str]:
    """Phrases such as "Milk instead of Bread", for lines with a replacement."""
    old = await _names(tx, retailer, [_name(line) for line in lines], locale)
    new = await _names(tx, retailer, [line.substitute or ItemName() for line in lines], locale)
    return [texts.word(locale, "instead", new=one, old=other) for one, other in zip(new, old, strict=True)]


async def _shopper(tx: Tx, retailer: Retailer, order: Order, locale: str) -> str:
    """The first name of the shopper who has the order; "your shopper" if customers may not know it."""
    courier = None
    if not retailer.rules.shopper_information_removal:
        courier = await batches.courier(tx, retailer.id, order.order_id)
    name = "" if courier is None else visible(courier.first_name or "", MOST_NAME)
    return name or texts.word(locale, "shopper")


async def _names(tx: Tx, retailer: Retailer, wanted: Sequence[ItemName], locale: str) -> list[str]:
    """The names of products as the catalog has them; a general word for unknown ones."""
    found = await items.find(tx, retailer.id, [ItemCode(one.upc, one.rrc) for one in wanted])
    return [visible(one.name if one is not None else "", MOST_ITEM) or texts.word(locale, "item") for one in found]


def _name(line: OrderLine) -> ItemName:
    return ItemName(line.upc, line.rrc)


def _listed(names: Sequence[str], locale: str) -> str:
    rest = len(names) - MOST_ITEMS
    more = [texts.word(locale, "more", count=str(rest))] if rest > 0 else []
    return ", ".join([*names[:MOST_ITEMS], *more])


def _times(window: Mapping[str, str]) -> tuple[int, int]:
    return clock.from_wire(window["starts_at"], "starts_at"), clock.from_wire(window["ends_at"], "ends_at")
