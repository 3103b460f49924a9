"""Decisions of the engine about orders, kept for a number of days (`HANDCART_DECISION_DAYS`).

A cycle that decides as the one before stores nothing, and one that only has other reasons, within `REPEATED`, replaces
the reasons; so a decision says since when it holds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.assignment.planning import Why
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.jobs import Purge

REPEATED = 10 * clock.MINUTE
MOST_SHOWN = 20


class Decision(Struct, frozen=True):
    """A decision at `at`, on the retailer's clock. `person_id` None: nobody. `ruled_out`: shoppers by rule.

    `given_at`: when the shopper got the order; `refused`: the rule of `assignment.errors` that prevented it.
    """

    at: int
    person_id: int | None
    starts_by: int | None
    given_at: int | None
    refused: str | None
    ruled_out: Mapping[str, Sequence[int]]


async def keep(tx: Tx, now: int, whys: Sequence[Why]) -> None:
    """Store the decisions of a cycle that differ from those before."""
    made_at = clock.of_process()
    for why in whys:
        row = await tx.one(
            "SELECT person_id, ruled_out, at FROM assignment_decisions WHERE retailer_id = $1 AND order_id = $2"
            " ORDER BY at DESC LIMIT 1",
            *(why.retailer_id, why.order_id),
        )
        text = msgspec.json.encode(why.ruled_out).decode()
        at = now
        if row is not None and row["person_id"] == why.person_id:
            if row["ruled_out"] == text:
                continue
            at = row["at"] if row["at"] > now - REPEATED else now
        await tx.run(
            "INSERT INTO assignment_decisions (retailer_id, order_id, at, person_id, starts_by, ruled_out, made_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (retailer_id, order_id, at) DO UPDATE"
            " SET person_id = excluded.person_id, starts_by = excluded.starts_by, ruled_out = excluded.ruled_out",
            *(why.retailer_id, why.order_id, at, why.person_id, why.starts_by, text, made_at),
        )


async def end(tx: Tx, retailer_id: int, order_ids: Sequence[str], at: int, refused: str | None = None) -> None:
    """Record that the newest decision about orders was carried out, or the rule that prevented it."""
    for order_id in order_ids:
        await tx.run(
            "UPDATE assignment_decisions SET given_at = $3, refused = $4 WHERE retailer_id = $1 AND order_id = $2"
            " AND at = (SELECT max(d.at) FROM assignment_decisions d WHERE d.retailer_id = $1 AND d.order_id = $2)",
            *(retailer_id, order_id, None if refused else at, refused),
        )


async def of_order(tx: Tx, retailer_id: int, order_id: str, most: int = MOST_SHOWN) -> Sequence[Decision]:
    """The decisions about an order, the newest first."""
    rows = await tx.all(
        "SELECT at, person_id, starts_by, given_at, refused, ruled_out FROM assignment_decisions"
        " WHERE retailer_id = $1 AND order_id = $2 ORDER BY at DESC LIMIT $3",
        *(retailer_id, order_id, most),
    )
    return [_read(row) for row in rows]


def purges(days: int) -> Sequence[Purge]:
    """The purge of decisions that are older than some days."""

    async def purge(tx: Tx, most: int) -> int:
        return await tx.run(
            "DELETE FROM assignment_decisions WHERE (retailer_id, order_id, at) IN"
            " (SELECT retailer_id, order_id, at FROM assignment_decisions WHERE made_at <= $1 LIMIT $2)",
            *(clock.of_process() - days * clock.DAY, most),
        )

    return [purge]


def _read(row: Any) -> Decision:
    return Decision(**{**dict(row), "ruled_out": msgspec.json.decode(row["ruled_out"], type=dict[str, list[int]])})
