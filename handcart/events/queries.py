"""Read events."""

from collections.abc import Sequence
from typing import Any

from handcart.core import ids
from handcart.core.db import Tx, within
from handcart.events.errors import unknown_event_id
from handcart.events.models import Event

LAST_ID = 2**63 - 1

_EVENT = "SELECT event_id, name, subject, body, created_at FROM events WHERE retailer_id = $1"
_WITHOUT_BODY = "SELECT event_id, name, subject, '' AS body, created_at FROM events WHERE retailer_id = $1"
# The retailers after $1 that have events that a reader has not taken: one index lookup for each.
_WITH_NEW = (
    "WITH RECURSIVE found(id) AS (SELECT min(retailer_id) FROM events WHERE NOT {flag} AND retailer_id > $1"
    " UNION ALL SELECT (SELECT min(e.retailer_id) FROM events e WHERE NOT e.{flag} AND e.retailer_id > found.id)"
    " FROM found WHERE found.id IS NOT NULL)"
    " SELECT id FROM found WHERE id IS NOT NULL LIMIT $2"
)
_ANY_NEW = "SELECT 1 AS found FROM events WHERE NOT {flag} ORDER BY retailer_id, event_id LIMIT 1"
_QUEUED, _TOLD = "is_queued", "is_told"


async def events(
    tx: Tx,
    retailer_id: int,
    *,
    after: int | None = None,
    subject: str | None = None,
    limit: int = 100,
) -> Sequence[Event]:
    """A retailer's events with ids over `after` (None: the newest), sorted by id; of one order if `subject` is given.

    At most `limit`, and at most `MOST_LISTED_BYTES` of bodies.
    """

    async def fetch(last: Any, few: int) -> Sequence[Any]:
        since, until = after or 0, LAST_ID
        if last is not None and after is None:
            until = last["event_id"] - 1
        elif last is not None:
            since = last["event_id"]
        return await _events(tx, _EVENT, retailer_id, since, until, subject, few, newest_first=after is None)

    rows = await within(limit, fetch, lambda row: len(row["body"].encode()))
    found = [Event(**dict(row)) for row in rows]
    return found[::-1] if after is None else found


async def without_bodies(
    tx: Tx, retailer_id: int, after: int, until: int, subject: str | None, limit: int
) -> Sequence[Event]:
    """A retailer's events with ids over `after`, up to `until`, oldest first, without their bodies."""
    rows = await _events(tx, _WITHOUT_BODY, retailer_id, after, until, subject, limit)
    return [Event(**dict(row)) for row in rows]


async def event(tx: Tx, retailer_id: int, event_id: int) -> Event:
    """One of a retailer's events; raises `UnknownEvent`."""
    row = await tx.one(f"{_EVENT} AND event_id = $2", retailer_id, event_id)
    if row is None:
        raise unknown_event_id(event_id)
    return Event(**dict(row))


def id_before(at: int) -> int:
    """The highest id that an event before a time can have; the time is of the process's clock (microseconds)."""
    return min(ids.event_ids_from(at), LAST_ID) - 1


async def exists(tx: Tx, retailer_id: int, subject: str, name: str) -> bool:
    """Whether an event of this kind was written about an order."""
    found = "SELECT 1 AS found FROM events WHERE retailer_id = $1 AND subject = $2 AND name = $3 LIMIT 1"
    return await tx.one(found, retailer_id, subject, name) is not None


async def last_event_id(tx: Tx, retailer_id: int) -> int:
    """The highest event id of a retailer; 0 if it has no events."""
    row = await tx.one("SELECT max(event_id) AS last FROM events WHERE retailer_id = $1", retailer_id)
    return 0 if row is None else row["last"] or 0


async def count(tx: Tx, retailer_id: int, after: int, until: int = LAST_ID, most: int | None = None) -> int:
    """The number of events with ids over `after`, up to `until`; counts no further than `most`, if it is given."""
    found = "SELECT 1 FROM events WHERE retailer_id = $1 AND event_id > $2 AND event_id <= $3"
    limit = "" if most is None else f" LIMIT {int(most)}"
    row = await tx.one(f"SELECT count(*) AS count FROM ({found}{limit}) AS found", retailer_id, after, until)  # noqa: S608
    return 0 if row is None else int(row["count"])


async def any_unqueued(tx: Tx) -> bool:
    """Whether there are events that the reader "webhooks" has not taken."""
    return await tx.one(_ANY_NEW.format(flag=_QUEUED)) is not None


async def retailers_with_unqueued(tx: Tx, after: int, limit: int) -> Sequence[int]:
    """The retailers with ids over `after` that have events that the reader "webhooks" has not taken, sorted by id."""
    return [row["id"] for row in await tx.all(_WITH_NEW.format(flag=_QUEUED), after, limit)]


async def unqueued(tx: Tx, retailer_id: int, limit: int) -> Sequence[Event]:
    """A retailer's oldest events that the reader "webhooks" has not taken, without their bodies."""
    rows = await tx.all(f"{_WITHOUT_BODY} AND NOT is_queued ORDER BY event_id LIMIT $2", retailer_id, limit)
    return [Event(**dict(row)) for row in rows]


async def any_untold(tx: Tx) -> bool:
    """Whether there are events that the reader "customers" has not taken."""
    return await tx.one(_ANY_NEW.format(flag=_TOLD)) is not None


async def retailers_with_untold(tx: Tx, after: int, limit: int) -> Sequence[int]:
    """The retailers with ids over `after` that have events that the reader "customers" has not taken, sorted by id."""
    return [row["id"] for row in await tx.all(_WITH_NEW.format(flag=_TOLD), after, limit)]


async def untold(tx: Tx, retailer_id: int, limit: int) -> Sequence[Event]:
    """A retailer's oldest events that the reader "customers" has not taken."""
    rows = await tx.all(f"{_EVENT} AND NOT is_told ORDER BY event_id LIMIT $2", retailer_id, limit)
    return [Event(**dict(row)) for row in rows]


async def _events(
    tx: Tx,
    select: str,
    retailer_id: int,
    after: int,
    until: int,
    subject: str | None,
    limit: int,
    *,
    newest_first: bool = False,
) -> Sequence[Any]:
    of_subject = "" if subject is None else " AND subject = $5"
    order = " DESC" if newest_first else ""
    return await tx.all(
        f"{select}{of_subject} AND event_id > $2 AND event_id <= $3 ORDER BY event_id{order} LIMIT $4",
        *(retailer_id, after, until, limit),
        *(() if subject is None else (subject,)),
    )
