"""Who may have an order: what it needs of a shopper, and the first rule that speaks against one."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.core.db import Tx
from handcart.orders.models import PICKUP, Order, OrderLine
from handcart.shoppers import queries as shoppers
from handcart.shoppers.models import Person
from handcart.stores import items
from handcart.stores.models import Item, ItemCode

# From this weight on, an order is heavy, or a line; so is one with an item that the catalog calls bulky. In pounds.
HEAVY = 40.0
HEAVY_LINE = 20.0
_POUNDS = {"lb": 1.0, "kg": 2.2046}
_MOST_PEOPLE = 500


class Needs(Struct, frozen=True):
    """What an order needs. `skills`: as in `shoppers.models.SKILLS`."""

    retailer_id: int
    store_number: int
    kind: str
    skills: frozenset[str]


class Candidate(Struct, frozen=True):
    """A shopper, the number of orders that they have now, and the first rule against one order more; None: it fits."""

    person: Person
    orders: int
    rule: str | None


async def needs(tx: Tx, retailer_id: int, order: Order) -> Needs:
    """What an order needs of its shopper."""
    skills = {"alcohol"} if order.has_alcohol else set()
    lines = [line for line in order.lines if not line.is_removed]
    found = await items.find(tx, retailer_id, [ItemCode(line.upc, line.rrc) for line in lines])
    if is_heavy(order, list(zip(lines, found, strict=True))):
        skills.add("heavy")
    return Needs(retailer_id, order.store_number, order.kind, frozenset(skills))


def misfit(person: Person, wanted: Sequence[Needs], orders_now: int) -> str | None:
    """The first rule that speaks against a shopper who would have these orders too; None if there is none."""
    if person.closed_at is not None:
        return "closed"
    if person.blocked_at is not None:
        return "blocked"
    for one in wanted:
        if person.vehicle == "none":
            if (person.home_retailer_id, person.home_store_number) != (one.retailer_id, one.store_number):
                return "other_store"
            if one.kind != PICKUP:
                return "no_vehicle"
        for skill in sorted(one.skills - set(person.skills)):
            return f"lacks_{skill}"
    return "over_capacity" if orders_now + len(wanted) > person.most_orders else None


async def candidates(tx: Tx, wanted: Needs, text: str = "") -> Sequence[Candidate]:
    """The shoppers whose name or phone number contains `text`: first those that fit.

    Of those, the ones of the order's store come first, then the ones with fewer orders.
    """
    busy = await loads(tx)
    people = await shoppers.people(tx, text=text, limit=_MOST_PEOPLE)
    found = [Candidate(one, busy.get(one.id, 0), misfit(one, [wanted], busy.get(one.id, 0))) for one in people]
    home = (wanted.retailer_id, wanted.store_number)

    def rank(one: Candidate) -> tuple[bool, bool, int, str]:
        is_here = (one.person.home_retailer_id, one.person.home_store_number) == home
        return one.rule is not None, not is_here, one.orders, one.person.name

    return sorted(found, key=rank)


async def loads(tx: Tx, person_id: int | None = None) -> Mapping[int, int]:
    """The number of orders that each shopper has now, at all retailers."""
    one = "" if person_id is None else " AND s.person_id = $1"
    rows = await tx.all(
        "SELECT s.person_id, count(*) AS many FROM batches b JOIN batch_orders l ON l.retailer_id = b.retailer_id"  # noqa: S608
        " AND l.batch_id = b.id AND l.is_live JOIN retailer_shoppers s ON s.retailer_id = b.retailer_id"
        " AND s.id = b.shopper_id JOIN orders o ON o.retailer_id = l.retailer_id AND o.order_id = l.order_id"
        " AND o.status NOT IN ('completed', 'canceled')"
        f" WHERE b.ended_at IS NULL AND s.person_id IS NOT NULL{one} GROUP BY s.person_id",
        *(() if person_id is None else (person_id,)),
    )
    return {row["person_id"]: int(row["many"]) for row in rows}


def is_heavy(order: Order, lines: Sequence[tuple[OrderLine, Item | None]]) -> bool:
    """Whether an order is heavy: by what the store or the retailer says of its weight, else by the catalog's items."""
    if order.details.weight_class is not None:
        return order.details.weight_class == "heavy"
    if order.details.items_weight is not None:
        return order.details.items_weight >= HEAVY
    return any(_is_bulky(item) for _, item in lines) or sum(_weight(*one) for one in lines) >= HEAVY


def is_heavy_line(line: OrderLine, item: Item | None) -> bool:
    """Whether the items of a line are heavy together, or bulky, as far as the catalog knows."""
    return _is_bulky(item) or _weight(line, item) >= HEAVY_LINE


def _is_bulky(item: Item | None) -> bool:
    return item is not None and item.is_bulky


def _weight(line: OrderLine, item: Item | None) -> float:
    """The weight of a line in pounds: of what is sold by weight, and of beverages."""
    beverage = item.beverage_weight if item is not None and line.qty_unit == "each" else 0.0
    return line.qty * (_POUNDS.get(line.qty_unit, 0.0) + beverage)
