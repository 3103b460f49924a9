"""Pins: a dispatcher says which shopper gets an order that waits, so that the engine gives it to nobody else."""

from collections.abc import Mapping, Sequence

from handcart.assignment import checks
from handcart.assignment.errors import WorkRefused
from handcart.core import clock
from handcart.core.db import Tx
from handcart.shoppers import queries as shoppers
from handcart.staff.models import Actor

_MOST_PURGED_AFTER = 30 * clock.DAY


async def pin(tx: Tx, actor: Actor, retailer_id: int, order_id: str, person_id: int, seen: str | None = None) -> None:
    """Choose the only shopper who may get an order; a second pin replaces the first."""
    order = await checks.lock(tx, actor, "assign_orders", retailer_id, order_id)
    row = await checks.row(tx, retailer_id, order, seen)
    person = await shoppers.person(tx, person_id)
    if person is None or not person.may_work:
        raise WorkRefused("unknown_shopper")
    if row.batch_id is not None:
        raise WorkRefused("has_shopper")
    await tx.run(
        "INSERT INTO assignment_pins (retailer_id, order_id, person_id, by_name, at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (retailer_id, order_id) DO UPDATE SET person_id = excluded.person_id,"
        " by_name = excluded.by_name, at = excluded.at",
        *(retailer_id, order_id, person_id, actor.name, clock.of_process()),
    )
    await checks.record(tx, actor, "pin_order", row, None, {"shopper": person_id, "name": person.name})


async def unpin(tx: Tx, actor: Actor, retailer_id: int, order_id: str) -> None:
    """Let any shopper get an order again."""
    order = await checks.lock(tx, actor, "assign_orders", retailer_id, order_id)
    row = await checks.row(tx, retailer_id, order, None)
    if await tx.run("DELETE FROM assignment_pins WHERE retailer_id = $1 AND order_id = $2", retailer_id, order_id):
        await checks.record(tx, actor, "unpin_order", row, None, {})


async def of_retailers(tx: Tx, retailer_ids: Sequence[int]) -> Mapping[tuple[int, str], int]:
    """The pinned shopper of each pinned order of these retailers, by retailer and order id."""
    found = {}
    for retailer_id in retailer_ids:
        rows = await tx.all("SELECT order_id, person_id FROM assignment_pins WHERE retailer_id = $1", retailer_id)
        found.update({(retailer_id, row["order_id"]): row["person_id"] for row in rows})
    return found


async def purge(tx: Tx, most: int) -> int:
    """Delete old pins; returns their number."""
    return await tx.run(
        "DELETE FROM assignment_pins WHERE (retailer_id, order_id) IN"
        " (SELECT retailer_id, order_id FROM assignment_pins WHERE at <= $1 LIMIT $2)",
        *(clock.of_process() - _MOST_PURGED_AFTER, most),
    )
