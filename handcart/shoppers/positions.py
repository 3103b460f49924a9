"""Where shoppers are: reported by the app while they have work, and deleted after `KEPT`.

A position belongs to the operator's shopper. `batches.queries.courier` says to which orders it may be shown.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.shoppers.models import Position

#: How long positions are kept.
KEPT = 7 * clock.DAY
#: An older position says nothing about where the shopper is now.
FRESH = 15 * clock.MINUTE
#: A position that a device reports later than this is not taken.
OLDEST = clock.HOUR
# How far the clock of a device may be ahead.
_AHEAD = 2 * clock.MINUTE
# A position that is less exact than this says nothing.
_MOST_METERS = 5_000.0
# The columns of a shopper's newest position after $1. A join reads all positions, whatever the databases know of them.
_NEWEST = ", ".join(
    f"(SELECT p.{column} FROM shopper_positions p WHERE p.person_id = s.id AND p.at > $1"  # noqa: S608
    f" ORDER BY p.at DESC LIMIT 1) AS {column}"
    for column in ("at", "latitude", "longitude", "accuracy")
)


async def report(tx: Tx, person_id: int, points: Sequence[Position]) -> int:
    """Keep the positions of an open shopper that can be true; returns their number.

    Left out are positions that are older than `OLDEST`, from the future, outside the map, or inexact.
    """
    open_one = "SELECT id FROM shoppers WHERE id = $1 AND closed_at IS NULL FOR UPDATE"
    if await tx.one(open_one, person_id) is None:
        return 0
    now = clock.of_process()
    taken = [(one, min(one.at, now)) for one in points if _is_possible(one, now)]
    for one, at in taken:
        await tx.run(
            "INSERT INTO shopper_positions (person_id, at, received_at, latitude, longitude, accuracy)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (person_id, at) DO NOTHING",
            *(person_id, at, now, float(one.latitude), float(one.longitude), one.accuracy),
        )
    return len(taken)


async def latest(tx: Tx, person_id: int) -> Position | None:
    """The newest position of a shopper; None if there is none that is `FRESH`."""
    row = await tx.one(
        "SELECT at, latitude, longitude, accuracy FROM shopper_positions WHERE person_id = $1 AND at > $2"
        " ORDER BY at DESC LIMIT 1",
        *(person_id, clock.of_process() - FRESH),
    )
    return None if row is None else _position(row)


async def newest(tx: Tx, since: int) -> Mapping[int, Position]:
    """The newest position of each open shopper who was seen after `since`, by person; reads none from before."""
    rows = await tx.all(
        f"SELECT s.id, {_NEWEST} FROM shoppers s WHERE s.closed_at IS NULL",  # noqa: S608 (columns)
        since,
    )
    return {row["id"]: _position(row) for row in rows if row["at"] is not None}


async def forget(tx: Tx, person_id: int) -> None:
    """Delete all positions of a shopper."""
    await tx.run("DELETE FROM shopper_positions WHERE person_id = $1", person_id)


async def purge(tx: Tx, most: int) -> int:
    """Delete positions that were received before `KEPT`; returns their number."""
    return await tx.run(
        "DELETE FROM shopper_positions WHERE (person_id, at) IN"
        " (SELECT person_id, at FROM shopper_positions WHERE received_at <= $1 LIMIT $2)",
        *(clock.of_process() - KEPT, most),
    )


def _is_possible(one: Position, now: int) -> bool:
    numbers = (one.latitude, one.longitude, one.accuracy or 0.0)
    return (
        all(map(isfinite, numbers))
        and abs(one.latitude) <= 90
        and abs(one.longitude) <= 180
        and 0 <= (one.accuracy or 0.0) <= _MOST_METERS
        and now - OLDEST <= one.at <= now + _AHEAD
    )


def _position(row: Any) -> Position:
    return Position(row["at"], row["latitude"], row["longitude"], row["accuracy"])
