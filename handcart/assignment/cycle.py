"""One cycle of the engine: read an area, plan it outside of any transaction, keep the plan, give out what is due.

Each group of orders is given in a transaction of its own, by the operation that dispatchers use. Killed anywhere, a
cycle has given whole groups and recorded them; the next cycle reads what is true then, and plans the rest.
"""

import asyncio
from collections.abc import Sequence
from secrets import token_hex

from msgspec import Struct

from handcart.assignment import areas, decisions, ops, planning, situation
from handcart.assignment.errors import WorkRefused
from handcart.assignment.planning import Planned, Proposal
from handcart.batches import ops as batches
from handcart.core import clock, log
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx
from handcart.staff.models import SYSTEM, Actor

_MOVED = "a better plan"


class Area(Struct, frozen=True):
    """Retailers that are planned together. `virtual`: their clock; None: the process's."""

    name: str
    retailer_ids: Sequence[int]
    virtual: VirtualClock | None = None

    def now(self) -> int:
        """Microseconds on the area's clock."""
        return clock.of_process() if self.virtual is None else self.virtual.now()


class Done(Struct, frozen=True):
    """What a cycle did: its plan, what it gave, and what could not be given, with the rule."""

    planned: Planned
    given: Sequence[Proposal]
    refused: Sequence[tuple[Proposal, str]]


async def run(
    database: Database, area: Area, kmh: int, *, gives: bool = True, at_once: bool = False, actor: Actor = SYSTEM
) -> Done | None:
    """Plan an area, and give out what is due if `gives`; None if another engine plans it, or its plan is new.

    Raises `areas.LeaseEnded` if another engine took over in the meantime.
    """
    holder = token_hex(8)
    if not await database.write(areas.take, area.name, holder, at_once=at_once):
        return None
    try:
        now = area.now()
        found = await database.read(situation.read, area.retailer_ids, now)
        planned, whys = await asyncio.to_thread(planning.plan, found, kmh)
        await database.write(_keep, area, holder, now, planned, whys)
        given: list[Proposal] = []
        refused: list[tuple[Proposal, str]] = []
        for one in planned.proposals if gives else ():
            if one.due_at <= now:
                rule = await _try(database, area, holder, actor, one)
                if rule is None:
                    given.append(one)
                else:
                    refused.append((one, rule))
        return Done(planned, given, refused)
    finally:
        await database.write(areas.give_back, area.name, holder)


async def _keep(tx: Tx, area: Area, holder: str, now: int, planned: Planned, whys: Sequence[planning.Why]) -> None:
    await areas.hold(tx, area.name, holder)
    await areas.keep(tx, area.name, planned)
    await decisions.keep(tx, now, whys)


async def _try(database: Database, area: Area, holder: str, actor: Actor, one: Proposal) -> str | None:
    """Give out a proposal; returns the rule if that is refused, because the world has changed."""
    try:
        await database.write(_give, area, holder, actor, one)
    except WorkRefused as refusal:
        await database.write(decisions.end, one.retailer_id, one.order_ids, area.now(), refusal.rule)
        log.info("work not given", retailer=one.retailer_id, orders=list(one.order_ids), rule=refusal.rule)
        return refusal.rule
    return None


async def _give(tx: Tx, area: Area, holder: str, actor: Actor, one: Proposal) -> None:
    await areas.hold(tx, area.name, holder)
    if area.virtual is None:
        await give(tx, actor, one)
    else:
        with clock.using(area.virtual):
            await give(tx, actor, one)


async def give(tx: Tx, actor: Actor, one: Proposal) -> None:
    """Give the orders of a proposal to its shopper, and take them from the one who has them and has not accepted.

    Raises `WorkRefused` if an order, its shopper or its batch is no longer as it was planned.
    """
    first = one.order_ids[0]
    if one.taken_from is not None:
        batch = await batches.lock_of_order(tx, one.retailer_id, first)
        if batch is None or batch.id != one.taken_from or batch.accepted_at is not None:
            raise WorkRefused("changed")
        await ops.unassign(tx, actor, one.retailer_id, first, _MOVED)
    seen = one.seen[0] if len(one.order_ids) == 1 and one.taken_from is None else None
    await ops.assign(tx, actor, one.retailer_id, one.order_ids, one.person_id, seen)
    await decisions.end(tx, one.retailer_id, one.order_ids, clock.now())
