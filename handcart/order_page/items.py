"""The items of an order as its customer sees them, in groups: replacements, found, in progress, refunded."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from handcart.core.db import Tx
from handcart.order_page.words import amount
from handcart.orders import lines, replacements
from handcart.orders.models import APPROVED, FOUND, NOT_FOUND, REPLACED, TO_REFUND, Order, OrderLine
from handcart.stores import items
from handcart.stores.models import ItemCode, ItemName

GROUPS: Mapping[str, str] = {
    REPLACED: "replacements",
    FOUND: "found",
    NOT_FOUND: "in_progress",
    TO_REFUND: "refunded",
}


class ShownLine(Struct, frozen=True):
    """A line: the name of the ordered product, of the one that replaces it, and the amount in words.

    `answer`: the key of what the customer said about the replacement, if that must be said.
    """

    line: OrderLine
    name: str
    substitute: str | None
    amount: str
    answer: str | None = None


async def groups(tx: Tx, retailer_id: int, order: Order, locale: str) -> Sequence[tuple[str, Sequence[ShownLine]]]:
    """The lines of an order in their groups; a group without lines is left out."""
    waiting = {line.line_num for line in replacements.pending(order)}
    there = [line for line in order.lines if not line.is_removed]
    shown = await _shown(tx, retailer_id, there, waiting, locale)
    found = [(group, [one for one in shown if one.line.status == status]) for status, group in GROUPS.items()]
    return [(group, some) for group, some in found if some]


async def _shown(
    tx: Tx, retailer_id: int, there: Sequence[OrderLine], waiting: Collection[str], locale: str
) -> Sequence[ShownLine]:
    asked = [ItemName(line.upc, line.rrc) for line in there]
    got = [line.substitute or ItemName() for line in there]
    names = await names_of(tx, retailer_id, [*asked, *got])
    return [
        ShownLine(
            line,
            name,
            substitute if line.status == REPLACED else None,
            amount(locale, lines.qty(line) if line.status != TO_REFUND else line.qty, line.qty_unit),
            _answer(line, waiting),
        )
        for line, name, substitute in zip(there, names, names[len(there) :], strict=False)
    ]


def _answer(line: OrderLine, waiting: Collection[str]) -> str | None:
    if line.line_num in waiting:
        return "pending"
    if line.status == REPLACED and line.replacement_status == APPROVED:
        return "approved"
    if line.status == NOT_FOUND and line.alternative is not None:
        return "alternative"
    return None


async def names_of(tx: Tx, retailer_id: int, named: Sequence[ItemName]) -> Sequence[str]:
    """The catalog's names of products; the code of a product that the catalog does not have."""
    found = await items.find(tx, retailer_id, [ItemCode(one.upc, one.rrc) for one in named])
    return [item.name if item is not None else one.upc or one.rrc or "" for one, item in zip(named, found, strict=True)]
