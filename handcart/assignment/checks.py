"""What every operation of a dispatcher checks and records: the order, what the person saw of it, the reason."""

from typing import Any

from handcart.assignment import queries
from handcart.assignment.errors import WorkRefused
from handcart.assignment.models import Row
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.orders import ops as orders
from handcart.orders.models import Order
from handcart.staff import audit, roles
from handcart.staff.models import Actor

MOST_REASON = 500


async def lock(tx: Tx, actor: Actor, operation: str, retailer_id: int, order_id: str) -> Order:
    """The order, locked; refused if it does not exist, or the actor may not do the operation at its store."""
    try:
        order = await orders.lock(tx, retailer_id, order_id)
    except ApiError:
        raise WorkRefused("unknown_order") from None
    roles.require(actor, operation, retailer_id, order.store_number)
    return order


async def row(tx: Tx, retailer_id: int, order: Order, seen: str | None) -> Row:
    """The row of a locked order; refused if it is no longer as the person saw it."""
    found = await queries.order(tx, retailer_id, order.order_id)
    assert found is not None
    if seen is not None and seen != found.seen:
        raise WorkRefused("changed")
    return found


def reason_of(given: str) -> str:
    """A reason on one line, without invisible characters."""
    reason = "".join(filter(str.isprintable, " ".join(given[: 2 * MOST_REASON].split())))
    if not reason or len(given) > MOST_REASON:
        raise WorkRefused("reason")
    return reason


async def record(tx: Tx, actor: Actor, operation: str, row: Row, reason: str | None, detail: dict[str, Any]) -> None:
    """Record a change of an order in the audit log."""
    subject = f"order/{row.slug}/{row.order_id}"
    await audit.record(tx, actor, operation, subject, retailer_id=row.retailer_id, reason=reason, detail=detail)
