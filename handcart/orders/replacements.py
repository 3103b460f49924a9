"""Replacements: what the customer chooses before, what the shopper proposes, and how the customer answers.

https://docs.instacart.com/connect/post-checkout_guide/concepts/replacement_flow,
.../api/post_checkout/order_items/handle_order_item_replacement, .../api/fulfillment/delivery/set_item_replacements
"""

from collections.abc import Sequence

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import raise_any
from handcart.orders import checks, errors, lines, ops, states, storage
from handcart.orders.models import (
    APPROVED,
    FOUND,
    NOT_FOUND,
    PENDING,
    REJECTED,
    SHOPPED,
    TO_REFUND,
    Alternative,
    Order,
    OrderLine,
)
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.stores import items
from handcart.stores.items import Wanted
from handcart.stores.models import Item, ItemCode, ItemName
from handcart.users import ops as users


class Selection(Struct, frozen=True):
    """The replacements that a customer accepts for a line's item, best first, and their quantity."""

    line_num: str
    replacement_items: Sequence[ItemName] = ()
    count: int | None = None
    weight: float | None = None


async def choose(tx: Tx, caller: Caller, user_id: str, order_id: str, selections: Sequence[Selection]) -> Order:
    """Store the replacements that the customer accepts; earlier choices are overwritten.

    A proposal that waits for an answer is approved if its item is among them.
    """
    await users.require(tx, caller.isolation_id, user_id)
    order = checks.of_user(user_id, await storage.lock(tx, caller.retailer_id, order_id), SHOPPED)
    if not states.may(order.kind, order.status, states.CHOOSE_REPLACEMENTS):
        raise errors.too_late()
    present = {line.line_num: line for line in order.lines if not line.is_removed}
    unknown = [one.line_num for one in selections if one.line_num not in present]
    if unknown:
        raise errors.unknown_lines(unknown)
    wished = {one.line_num: list(one.replacement_items) for one in selections}
    chosen = await lines.eligible(tx, caller.retailer_id, wished, ebt_only=order.details.paid_with_ebt)
    for one in selections:
        line = present[one.line_num]
        line.replacement_items, line.alternative = chosen[one.line_num], None
        line.replacement_count, line.replacement_weight = one.count, one.weight
        _notice(line)
        if line.replacement_items:
            line.replacement_policy = "users_choice"
        if line.replacement_status == PENDING and line.substitute is not None and is_wish(line, line.substitute):
            line.replacement_status = APPROVED
    raise_any([checks.size(order, "selections")])
    await ops.note(tx, caller.retailer_id, order, states.REPLACEMENTS_CHOSEN)
    return order


def pending(order: Order) -> list[OrderLine]:
    """The lines whose replacement waits for the customer's answer, and may still be answered."""
    if not states.may(order.kind, order.status, states.ANSWER):
        return []
    return [line for line in order.lines if line.replacement_status == PENDING and not line.is_removed]


def wishes(line: OrderLine) -> Sequence[ItemName]:
    """The items that the customer wants in place of a line's product, the best first."""
    return line.replacement_items if line.alternative is None else [line.alternative.item, *line.replacement_items]


def is_same(one: ItemName, other: ItemName) -> bool:
    """Whether two names of products have a code in common."""
    has_rrc = one.rrc is not None and one.rrc == other.rrc
    return has_rrc or (
        one.upc is not None and other.upc is not None and items.plain_upc(one.upc) == items.plain_upc(other.upc)
    )


def is_wish(line: OrderLine, item: ItemName) -> bool:
    """Whether the customer wants an item in place of a line's product."""
    return any(is_same(item, one) for one in wishes(line))


def is_refused(line: OrderLine, item: ItemName) -> bool:
    """Whether the customer refused an item in place of a line's product, and does not wish it since."""
    return line.refused is not None and is_same(item, line.refused) and not is_wish(line, item)


def propose(line: OrderLine, item: ItemName) -> None:
    """Record the item that a shopper puts in place of a line's product. The caller has set the other fields.

    The customer's own choice is approved at once, any other item waits for the answer. The same item again, in
    another amount for example, is the same proposal.
    """
    if line.substitute is not None and (item == line.substitute or is_same(item, line.substitute)):
        return
    line.substitute = item
    line.replacement_status = APPROVED if is_wish(line, item) else PENDING
    line.proposed_at = max(clock.now(), (line.proposed_at or 0) + 1)
    if line.alternative is not None and is_same(item, line.alternative.item):
        line.delivered_count, line.delivered_weight = line.alternative.count, line.alternative.weight


def withdraw(line: OrderLine, status: str) -> None:
    """Forget the proposal of a line that a shopper gives another status than replaced.

    What the customer refused and named before stays, until the product itself is found.
    """
    if status == FOUND:
        line.refused = line.alternative = None
    line.replacement_status = None if line.refused is None else REJECTED


async def answer(
    tx: Tx,
    retailer_id: int,
    order: Order,
    line_num: str,
    approved: bool,
    alternative: Alternative | None = None,
    proposed_at: int | None = None,
) -> None:
    """Record the customer's answer to the replacement of a line of a locked order.

    Approved, it is kept. Refused, the line is refunded; with an alternative, the shopper looks for that instead.
    `proposed_at`: the line's, as the customer saw it; None answers the newest proposal.
    Raises `order_item_not_found`, `already_answered`, `nothing_to_answer` and `unresolved_alternative`.
    """
    line = next((line for line in order.lines if line.line_num == line_num and not line.is_removed), None)
    if line is None:
        raise errors.order_item_not_found(line_num)
    if line.replacement_status in (APPROVED, REJECTED) or proposed_at not in (None, line.proposed_at):
        raise errors.already_answered()
    if line not in pending(order):
        raise errors.nothing_to_answer()
    if approved:
        line.replacement_status, line.alternative, what = APPROVED, None, states.APPROVED
    else:
        named = None if alternative is None else await _resolved(tx, retailer_id, order, line, alternative)
        line.replacement_status, line.refused, line.alternative = REJECTED, line.substitute, named
        line.clear()
        if named is None:
            line.status, line.delivered_count, what = TO_REFUND, 0, states.REJECTED
        else:
            line.status, line.picked_by, line.picked_at, what = NOT_FOUND, None, None, states.ALTERNATIVE_NAMED
    _notice(line)
    line.answered_version = line.version
    await ops.note(tx, retailer_id, order, what, [line_num])


def _notice(line: OrderLine) -> None:
    """Count a change of a line by the customer."""
    line.version += 1
    line.chosen_version = line.version


async def _resolved(tx: Tx, retailer_id: int, order: Order, line: OrderLine, alternative: Alternative) -> Alternative:
    """The alternative with both its codes; refuses one that the customer cannot have, or that was not there."""
    name = alternative.item
    codes = [ItemCode(name.upc, name.rrc), ItemCode(line.upc, line.rrc)]
    item, ordered = await items.find(tx, retailer_id, codes)
    if item is None:
        if not (await retailers.retailer(tx, retailer_id)).is_lenient:
            raise errors.unresolved_alternative()
    else:
        name = ItemName(None if item.upc is None else items.shown_upc(item.upc), item.rrc)
        if not _may_have(order, ordered, item, alternative):
            raise errors.unresolved_alternative()
    gone = [ItemName(line.upc, line.rrc), *([] if line.substitute is None else [line.substitute])]
    if any(is_same(name, one) for one in gone):
        raise errors.unresolved_alternative()
    return Alternative(name, alternative.count, alternative.weight)


def _may_have(order: Order, ordered: Item | None, item: Item, alternative: Alternative) -> bool:
    """Whether an order can have an item in place of the ordered one.

    In this unit; alcohol only beside other alcohol, another product for adults only in place of such a product, because
    the customer's age was checked for them; with EBT only what is eligible.
    """
    is_for_adults = ordered is not None and bool(ordered.restricted_reasons)
    wanted = Wanted(ItemCode(None, item.rrc), alternative.count, alternative.weight)
    return (
        items.quantity_problem(item, wanted) is None
        and (item.alcohol_kind is None or order.has_alcohol)
        and (not item.restricted_reasons or is_for_adults)
        and (item.is_ebt_eligible or not order.details.paid_with_ebt)
    )
