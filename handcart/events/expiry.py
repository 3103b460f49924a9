"""Delete the oldest rows of a table whose key begins with a retailer and an event id.

Event ids rise with the real time, so a retailer's oldest rows come first.
"""

from collections.abc import Awaitable, Callable, Sequence

from handcart.core import clock, ids
from handcart.core.db import Tx

# Deletes other rows about a retailer's events, up to an event id; returns their number.
DeleteUpTo = Callable[[Tx, int, int], Awaitable[int]]

# The first row of each retailer, by the primary key: fast with any number of rows.
_WITH_OLDER = (
    "SELECT id FROM (SELECT r.id, (SELECT min(o.event_id) FROM {table} o WHERE o.retailer_id = r.id) AS oldest"
    " FROM retailers r) AS first_rows WHERE oldest < $1"
)
_OLDEST = "SELECT event_id FROM {table} WHERE retailer_id = $1 AND event_id < $2 ORDER BY event_id LIMIT $3"
_DELETE = "DELETE FROM {table} WHERE retailer_id = $1 AND event_id <= $2"


async def delete_older(tx: Tx, table: str, age: int, most: int, before: Sequence[DeleteUpTo] = ()) -> int:
    """Delete about `most` of the rows about events older than `age` (microseconds), the oldest of each retailer first.

    `before` deletes the rows that must go together with these. Returns the number of all deleted rows.
    """
    until = ids.event_ids_from(clock.of_process() - age)
    deleted = 0
    for retailer in await tx.all(_WITH_OLDER.format(table=table), until):
        oldest: Sequence[int] = [
            row["event_id"] for row in await tx.all(_OLDEST.format(table=table), retailer["id"], until, most - deleted)
        ]
        for delete_up_to in before:
            deleted += await delete_up_to(tx, retailer["id"], oldest[-1])
        deleted += await tx.run(_DELETE.format(table=table), retailer["id"], oldest[-1])
        if deleted >= most:
            break
    return deleted
