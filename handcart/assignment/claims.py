"""Who is on an order that needs a person, so that two people do not work on the same one.

A claim ends by itself at its `until`, by the process's clock. It tells colleagues; it forbids nothing.
"""

from collections.abc import Sequence

from handcart.assignment import checks
from handcart.assignment.errors import WorkRefused
from handcart.assignment.models import Claim
from handcart.core import clock
from handcart.core.db import Tx
from handcart.staff import roles
from handcart.staff.models import Actor

#: For how many minutes a person can be on an order.
MINUTES = (10, 30, 60)
# Claims that have ended and are deleted when a new one is made.
_MOST_ENDED = 100


async def claim(
    tx: Tx, actor: Actor, retailer_id: int, order_id: str, minutes: int, *, takes_from: int | None = None
) -> Claim:
    """Record that a person is on an order for some minutes from now; again: for these minutes.

    Refused if another person is on it, unless that is the person `takes_from`.
    """
    roles.require(actor, "see_exceptions", retailer_id, actor.store_number)
    assert actor.id is not None
    order = await checks.lock(tx, actor, "see_exceptions", retailer_id, order_id)
    row = await checks.row(tx, retailer_id, order, None)
    now = clock.of_process()
    there = await of_order(tx, retailer_id, order_id)
    if there is not None and there.person_id not in (actor.id, takes_from):
        raise WorkRefused("claimed")
    await tx.run(
        "DELETE FROM order_claims WHERE (retailer_id, order_id) IN"
        " (SELECT retailer_id, order_id FROM order_claims WHERE until <= $1 LIMIT $2)",
        *(now, _MOST_ENDED),
    )
    made = Claim(retailer_id, order_id, actor.id, actor.name, now + min(max(minutes, 1), MINUTES[-1]) * clock.MINUTE)
    await tx.run(
        "INSERT INTO order_claims (retailer_id, order_id, person_id, name, until) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (retailer_id, order_id) DO UPDATE SET person_id = excluded.person_id, name = excluded.name,"
        " until = excluded.until",
        *(retailer_id, order_id, made.person_id, made.name, made.until),
    )
    detail = {"until": made.until, "from": None if there is None else there.name}
    await checks.record(tx, actor, "claim_order", row, None, detail)
    return made


async def release(tx: Tx, actor: Actor, retailer_id: int, order_id: str) -> None:
    """End the person's own claim of an order."""
    roles.require(actor, "see_exceptions", retailer_id, actor.store_number)
    order = await checks.lock(tx, actor, "see_exceptions", retailer_id, order_id)
    row = await checks.row(tx, retailer_id, order, None)
    ended = await tx.run(
        "DELETE FROM order_claims WHERE retailer_id = $1 AND order_id = $2 AND person_id = $3 AND until > $4",
        *(retailer_id, order_id, actor.id, clock.of_process()),
    )
    if not ended:
        raise WorkRefused("not_claimed")
    await checks.record(tx, actor, "release_order", row, None, {})


async def of_order(tx: Tx, retailer_id: int, order_id: str) -> Claim | None:
    """Who is on an order now; None for nobody."""
    row = await tx.one(
        "SELECT retailer_id, order_id, person_id, name, until FROM order_claims"
        " WHERE retailer_id = $1 AND order_id = $2 AND until > $3",
        *(retailer_id, order_id, clock.of_process()),
    )
    return None if row is None else Claim(**dict(row))


async def live(tx: Tx) -> Sequence[Claim]:
    """All claims that have not ended: a few for each person."""
    rows = await tx.all(
        "SELECT retailer_id, order_id, person_id, name, until FROM order_claims WHERE until > $1", clock.of_process()
    )
    return [Claim(**dict(row)) for row in rows]
