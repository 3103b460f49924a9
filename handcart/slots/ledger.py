"""The count of places: one row for each two hours of a store and kind.

Every change is one conditional statement; a CHECK keeps held and booked places within the capacity all the same. The
row's capacity follows the plan, but never below what is taken already: when an operator lowers it, nothing is
cancelled, and nothing new comes in.
"""

from collections.abc import Iterable, Mapping

from handcart.core import clock
from handcart.core.db import Tx
from handcart.slots.models import Place

_ROW = "retailer_id = $1 AND store_number = $2 AND kind = $3 AND starts_at = $4"
_LOCK = f"SELECT held FROM slot_ledger WHERE {_ROW} FOR UPDATE"  # noqa: S608 (the names above)
_TAKE = {
    counter: f"UPDATE slot_ledger SET {counter} = {counter} + 1"  # noqa: S608 (the two below)
    f" WHERE {_ROW} AND capacity = $5 AND held + booked < capacity"
    for counter in ("held", "booked")
}
_GIVE_BACK = {
    counter: f"UPDATE slot_ledger SET {counter} = {counter} - $5 WHERE {_ROW}"  # noqa: S608 (the two below)
    for counter in ("held", "booked")
}


# A UNION that we sum up: a join costs PostgreSQL a hundred times as much, once its plan is a general one.
_OF_WINDOWS = "retailer_id = $1 AND store_number = $2 AND kind = $3 AND {0} >= $4 AND {0} < $5"
_FREE = f"SELECT ledger_starts_at, -1, 0 FROM holds WHERE {_OF_WINDOWS.format('ledger_starts_at')} AND is_counted"  # noqa: S608
_COUNTS = (
    f"SELECT starts_at, held, booked FROM slot_ledger WHERE {_OF_WINDOWS.format('starts_at')}"  # noqa: S608
    " AND held + booked >= $9"
    f" UNION ALL {_FREE} AND expires_at <= $6"
    f" UNION ALL {_FREE} AND expires_at > $6 AND isolation_id = $7 AND user_id = $8"
)


async def take(tx: Tx, retailer_id: int, place: Place, counter: str, capacity: int) -> bool:
    """Take a place, as `held` or `booked`, if fewer than `capacity` are taken; that is what the plan says now."""
    row = (retailer_id, place.store_number, place.kind, place.ledger_starts_at)
    if await tx.run(_TAKE[counter], *row, capacity):
        return True
    # No row yet, another plan than when it was made, or full: perhaps of holds that have expired.
    await _make(tx, row, capacity)
    await _drop_expired(tx, row)
    await _follow(tx, row, capacity)
    return bool(await tx.run(_TAKE[counter], *row, capacity))


async def book_held(tx: Tx, retailer_id: int, place: Place) -> None:
    """Turn a held place into a booked one."""
    await tx.run(
        f"UPDATE slot_ledger SET held = held - 1, booked = booked + 1 WHERE {_ROW}",  # noqa: S608
        retailer_id,
        place.store_number,
        place.kind,
        place.ledger_starts_at,
    )


async def give_back(tx: Tx, retailer_id: int, place: Place, counter: str, count: int = 1) -> None:
    """Give places back that were `held` or `booked`."""
    await tx.run(_GIVE_BACK[counter], retailer_id, place.store_number, place.kind, place.ledger_starts_at, count)


async def lock(tx: Tx, retailer_id: int, places: Iterable[Place]) -> None:
    """Hold the rows of several places, always in the same order, so that nobody waits in a circle.

    A row that is not there yet is made, without capacity: nobody else may make it meanwhile and wait for another.
    """
    keys = sorted({(place.store_number, place.kind, place.ledger_starts_at) for place in places})
    for key in keys:
        if await tx.one(_LOCK, retailer_id, *key) is None:
            await _make(tx, (retailer_id, *key), 0)


async def taken(
    tx: Tx,
    retailer_id: int,
    store_number: int,
    kind: str,
    since: int,
    until: int,
    *,
    least: int,
    user: tuple[int, str] | None = None,
) -> Mapping[int, int]:
    """How many places are gone, by the start of their two hours: gone for a user (isolation, id), if one is named.

    Where fewer than `least` are gone, the answer may be less: hundreds of rows that say nothing stay where they are.
    """
    found = await counts(tx, retailer_id, store_number, kind, since, until, least=least, user=user)
    # A hold of the user's own is less than none, where the row that counts it was left out.
    return {starts_at: max(held + booked, 0) for starts_at, (held, booked) in found.items()}


async def counts(
    tx: Tx,
    retailer_id: int,
    store_number: int,
    kind: str,
    since: int,
    until: int,
    *,
    least: int = 0,
    user: tuple[int, str] | None = None,
) -> Mapping[int, tuple[int, int]]:
    """How many places are held and booked, by the start of their two hours; neither expired holds nor the user's.

    One statement, so that a hold that is dropped meanwhile counts in neither or in both of its halves.
    """
    place = (retailer_id, store_number, kind, since, until)
    rows = await tx.all(_COUNTS, *place, clock.now(), *(user or (None, None)), least)
    found: dict[int, tuple[int, int]] = {}
    for starts_at, held, booked in rows:
        there = found.get(starts_at, (0, 0))
        found[starts_at] = (there[0] + held, there[1] + booked)
    return found


async def _make(tx: Tx, row: tuple[int, int, str, int], capacity: int) -> None:
    await tx.run(
        "INSERT INTO slot_ledger (retailer_id, store_number, kind, starts_at, capacity, held, booked)"
        " VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT DO NOTHING",
        *row,
        capacity,
    )
    await tx.one(_LOCK, *row)


async def _drop_expired(tx: Tx, row: tuple[int, int, str, int]) -> None:
    dropped = await tx.run(
        "UPDATE holds SET is_counted = false WHERE retailer_id = $1 AND store_number = $2 AND kind = $3"
        " AND ledger_starts_at = $4 AND is_counted AND expires_at <= $5",
        *row,
        clock.now(),
    )
    if dropped:
        await tx.run(_GIVE_BACK["held"], *row, dropped)


async def _follow(tx: Tx, row: tuple[int, int, str, int], capacity: int) -> None:
    await tx.run(
        "UPDATE slot_ledger SET capacity = CASE WHEN held + booked > $5 THEN held + booked ELSE $5 END"  # noqa: S608
        f" WHERE {_ROW} AND capacity <> $5",
        *row,
        capacity,
    )
