"""Check that the stored data keeps the invariants of every domain: `handcart check --data`.

Independent of the code that writes. Each invariant is one statement of plain SQL, so it sees a consistent state even
while servers run. Every row that the statement returns is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handcart.assignment import invariants as assignment
from handcart.batches import invariants as batches
from handcart.callbacks import invariants as callbacks
from handcart.chat import invariants as chat
from handcart.core.db import Tx
from handcart.core.db.connect import connect
from handcart.core.db.migrate import check_version
from handcart.core.invariants import Invariant
from handcart.core.secret import KEY_BYTES, Keys
from handcart.events import invariants as events
from handcart.messages import invariants as messages
from handcart.money import invariants as money
from handcart.orders import invariants as orders
from handcart.reports import invariants as reports
from handcart.shoppers import invariants as shoppers
from handcart.slots import invariants as slots
from handcart.users import invariants as users

MOST_EXAMPLES = 5
_DOMAINS = (slots, orders, shoppers, batches, chat, assignment, users, events, callbacks, messages, reports, money)
INVARIANTS: Sequence[Invariant] = [one for domain in _DOMAINS for one in domain.INVARIANTS]
_COUNTED = {name: table for domain in _DOMAINS for name, table in domain.COUNTED.items()}
_COUNT = ", ".join(f"(SELECT count(*) FROM {table}) AS {name}" for name, table in _COUNTED.items())  # noqa: S608


@dataclass(frozen=True, slots=True)
class Fault:
    """An invariant that does not hold: the number of violations, and a few examples."""

    sentence: str
    places: int
    examples: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """The number of rows that were checked, by their names, and the faults."""

    counts: dict[str, int]
    faults: Sequence[Fault]


async def check(database_url: str) -> Report:
    """Check the data of an installation, without its key. Servers may run meanwhile.

    Raises `Unavailable` if the database cannot be opened or has another schema.
    """
    database = await connect(database_url, Keys(bytes(KEY_BYTES)), pool_size=1, may_only_read=True)
    try:
        await database.read(check_version)
        return Report(await database.read(counts), await database.read(faults))
    finally:
        await database.close()


async def faults(tx: Tx) -> list[Fault]:
    """Check every invariant; returns those that do not hold."""
    found = []
    for invariant in INVARIANTS:
        rows = await tx.all(invariant.sql)
        if rows:
            found.append(Fault(invariant.sentence, len(rows), [dict(row) for row in rows[:MOST_EXAMPLES]]))
    return found


async def counts(tx: Tx) -> dict[str, int]:
    """The number of checked rows, by their names in `COUNTED` of the domains."""
    row = await tx.one(f"SELECT {_COUNT}")
    assert row is not None
    return dict(row)
