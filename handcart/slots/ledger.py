"""The ledger counts places: one row for each two hours of a store and kind.

Every change is one conditional statement; in addition, a CHECK keeps held and booked places within the capacity. The
row's capacity follows the plan, but never drops below the places already taken: when an operator lowers it, no order
is canceled, but no new one is accepted. A change of plans marks the rows, so that the next taker reads the plan again.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from handcart.core import clock
from handcart.core.db import Tx
from handcart.slots.models import Place
from handcart.stores.models import KINDS

_ROW = "retailer_id = $1 AND store_number = $2 AND kind = $3 AND starts_at = $4"
# The capacity of a row whose plan must be read again; no plan has as many places.
UNREAD = 1 << 60
_LOCK = f"SELECT capacity FROM slot_ledger WHERE {_ROW} FOR UPDATE"  # noqa: S608 (the names above)
_TAKE = {
    counter: f"UPDATE slot_ledger SET {counter} = {counter} + 1"  # noqa: S608 (the two below)
    f" WHERE {_ROW} AND capacity = $5 AND held + booked < capacity"
    for counter in ("held", "booked")
}
_GIVE_BACK = {
    counter: f"UPDATE slot_ledger SET {counter} = {counter} - $5 WHERE {_ROW}"  # noqa: S608 (the two below)
    for counter in ("held", "booked")
}


# A UNION, summed up here: a join costs PostgreSQL a hundred times as much once it uses a generic plan.
_OF_WINDOWS = "retailer_id = $1 AND store_number = $2 AND kind = $3 AND {0} >= $4 AND {0} < $5"
_FREE = f"SELECT ledger_starts_at, -1, 0 FROM holds WHERE {_OF_WINDOWS.format('ledger_starts_at')} AND is_counted"  # noqa: S608
_COUNTS = (
    f"SELECT starts_at, held, booked FROM slot_ledger WHERE {_OF_WINDOWS.format('starts_at')}"  # noqa: S608
    " AND held + booked >= $9"
    f" UNION ALL {_FREE} AND expires_at <= $6"
    f" UNION ALL {_FREE} AND expires_at > $6 AND isolation_id = $7 AND user_id = $8"
)


async def take(
    tx: Tx, retailer_id: int, place: Place, counter: str, capacity: int, current: Callable[[], Awaitable[int]]
) -> bool:
    """Take a place, as `held` or `booked`, if fewer than `capacity` are taken.

    `capacity`: from the plan as this transaction read it. `current` reads it again: it is called if the row does not
    confirm this capacity, once the row is locked.
    """
    row = (retailer_id, place.store_number, place.kind, place.ledger_starts_at)
    if await tx.run(_TAKE[counter], *row, capacity):
        return True
    # There is no row yet, or the plan has changed, or the row is full, perhaps with expired holds.
    confirmed = await _make(tx, row)
    await _free_expired(tx, row)
    if confirmed != capacity:
        capacity = await current()
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
    """Free places that were `held` or `booked`."""
    await tx.run(_GIVE_BACK[counter], retailer_id, place.store_number, place.kind, place.ledger_starts_at, count)


async def lock(tx: Tx, retailer_id: int, places: Iterable[Place]) -> None:
    """Lock the rows of several places, always in the same order, to avoid deadlocks.

    A missing row is created, so that no other transaction can create it and wait for another row.
    """
    keys = sorted({(place.store_number, place.kind, place.ledger_starts_at) for place in places})
    for key in keys:
        if await tx.one(_LOCK, retailer_id, *key) is None:
            await _make(tx, (retailer_id, *key))


async def lock_span(tx: Tx, retailer_id: int, store_number: int, kind: str, since: int, until: int) -> None:
    """Lock the rows of a span that exist, in the order of `lock`."""
    where = _OF_WINDOWS.format("starts_at")
    statement = f"SELECT held FROM slot_ledger WHERE {where} ORDER BY starts_at FOR UPDATE"  # noqa: S608
    await tx.all(statement, retailer_id, store_number, kind, since, until)


async def renew(
    tx: Tx, retailer_id: int, store_number: int | None, kinds: Sequence[str], since: int, until: int
) -> None:
    """After a change of plans: let the rows of a span confirm no capacity. `store_number`: None for every store.

    A booking that has read the old plan reads the new one. The rows are locked in the order of `lock`.
    """
    where = "retailer_id = $1 AND kind IN ($2, $3, $4) AND starts_at >= $5 AND starts_at < $6"
    args = [retailer_id, *(kinds[place % len(kinds)] for place in range(len(KINDS))), since, until]
    if store_number is not None:
        where, args = f"{where} AND store_number = $7", [*args, store_number]
    await tx.all(
        f"SELECT held FROM slot_ledger WHERE {where} ORDER BY store_number, kind, starts_at FOR UPDATE",  # noqa: S608
        *args,
    )
    await tx.run(f"UPDATE slot_ledger SET capacity = {UNREAD} WHERE {where}", *args)  # noqa: S608


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
    """The number of taken places by the start of their two hours. A hold of `user` (isolation, id) counts as free.

    Rows with fewer than `least` taken places may be left out, which saves reading hundreds of irrelevant rows.
    """
    found = await counts(tx, retailer_id, store_number, kind, since, until, least=least, user=user)
    # The sum is negative if the row that counts the user's own hold was left out.
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
    """The number of held and booked places by the start of their two hours, without expired holds and the user's hold.

    One statement, so that both parts of the query see the same state of a hold that is deleted meanwhile.
    """
    place = (retailer_id, store_number, kind, since, until)
    rows = await tx.all(_COUNTS, *place, clock.now(), *(user or (None, None)), least)
    found: dict[int, tuple[int, int]] = {}
    for starts_at, held, booked in rows:
        there = found.get(starts_at, (0, 0))
        found[starts_at] = (there[0] + held, there[1] + booked)
    return found


async def _make(tx: Tx, row: tuple[int, int, str, int]) -> int:
    """Lock a row, which is made if it is missing; returns its capacity."""
    await tx.run(
        "INSERT INTO slot_ledger (retailer_id, store_number, kind, starts_at, capacity, held, booked)"
        " VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT DO NOTHING",
        *row,
        UNREAD,
    )
    locked = await tx.one(_LOCK, *row)
    assert locked is not None
    return int(locked["capacity"])


async def _free_expired(tx: Tx, row: tuple[int, int, str, int]) -> None:
    freed = await tx.run(
        "UPDATE holds SET is_counted = false WHERE retailer_id = $1 AND store_number = $2 AND kind = $3"
        " AND ledger_starts_at = $4 AND is_counted AND expires_at <= $5",
        *row,
        clock.now(),
    )
    if freed:
        await tx.run(_GIVE_BACK["held"], *row, freed)


async def _follow(tx: Tx, row: tuple[int, int, str, int], capacity: int) -> None:
    await tx.run(
        "UPDATE slot_ledger SET capacity = CASE WHEN held + booked > $5 THEN held + booked ELSE $5 END"  # noqa: S608
        f" WHERE {_ROW} AND capacity <> $5",
        *row,
        capacity,
    )
