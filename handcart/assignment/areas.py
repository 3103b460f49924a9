"""Areas that one engine plans at a time, each with its newest plan.

An engine holds an area by a lease. It is checked again in each transaction that changes something, so an engine whose
lease has expired changes nothing any more.
"""

import msgspec

from handcart.assignment.planning import Planned
from handcart.core import clock
from handcart.core.db import Tx

#: The area of all retailers that have no clock of their own.
NETWORK = "network"
# A lease is renewed by each change, and a plan is made in a few seconds.
LEASE = 60 * clock.SECOND
# Time between two plans of an area.
EVERY = 30 * clock.SECOND


class LeaseEnded(Exception):
    """Another engine may plan the area now; nothing was changed."""


async def take(tx: Tx, area: str, holder: str, *, at_once: bool = False) -> bool:
    """Take an area; False if another engine holds it, or its plan is new enough and `at_once` is not set."""
    now = clock.of_process()
    await tx.run(
        "INSERT INTO assignment_areas (area, held_until, planned_at) VALUES ($1, 0, 0) ON CONFLICT (area) DO NOTHING",
        area,
    )
    latest = now if at_once else now - EVERY
    taken = await tx.run(
        "UPDATE assignment_areas SET holder = $2, held_until = $3, planned_at = $4"
        " WHERE area = $1 AND held_until <= $4 AND planned_at <= $5",
        *(area, holder, now + LEASE, now, latest),
    )
    return taken == 1


async def hold(tx: Tx, area: str, holder: str) -> None:
    """Renew a lease; raises `LeaseEnded`, also if nobody has taken the area since."""
    now = clock.of_process()
    renewed = await tx.run(
        "UPDATE assignment_areas SET held_until = $3 WHERE area = $1 AND holder = $2 AND held_until > $4",
        *(area, holder, now + LEASE, now),
    )
    if not renewed:
        raise LeaseEnded(area)


async def give_back(tx: Tx, area: str, holder: str) -> None:
    """End a lease."""
    await tx.run(
        "UPDATE assignment_areas SET holder = NULL, held_until = 0 WHERE area = $1 AND holder = $2", area, holder
    )


async def keep(tx: Tx, area: str, planned: Planned) -> None:
    """Store the newest plan of an area that is held."""
    await tx.run("UPDATE assignment_areas SET plan = $2 WHERE area = $1", area, msgspec.json.encode(planned).decode())


async def newest(tx: Tx, area: str) -> Planned | None:
    """The newest plan of an area; None if there is none."""
    row = await tx.one("SELECT plan FROM assignment_areas WHERE area = $1", area)
    return None if row is None or row["plan"] is None else msgspec.json.decode(row["plan"], type=Planned)
