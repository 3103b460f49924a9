"""The database as the domains see it: plain SQL in a portable subset, behind one small interface with two drivers.

SQL uses `$1`, `$2`... An op is `async def op(tx, ...)`: it awaits nothing but `tx`, so that on SQLite, where no
await suspends, a whole op runs in one go. What an op returns is committed, what it raises is rolled back.

`FOR UPDATE` at the end of a statement (or `FOR NO KEY UPDATE`, with `SKIP LOCKED` or without) holds its rows on
PostgreSQL; on SQLite a writer has them all to itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from handcart.core.secret import Keys

Row = Any  # sqlite3.Row or asyncpg.Record: read by row["column"], or unpacked in order
T = TypeVar("T")
P = ParamSpec("P")


class Unavailable(Exception):
    """The store did not answer, or did not take the write, in time. Nothing was acknowledged."""


class Tx(Protocol):
    """One open transaction (or, for reads, one connection)."""

    keys: Keys

    async def one(self, sql: str, *args: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        """All rows."""
        ...

    async def run(self, sql: str, *args: Any) -> int:
        """The number of rows changed."""
        ...

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement with each of these arguments, without a round trip for each."""
        ...


# The most bytes of rows that one list reads and answers; the next page has the rest.
MOST_LISTED_BYTES = 1 << 20
_FIRST_ROWS = 20


async def within(
    most: int, fetch: Callable[[Row | None, int], Awaitable[Sequence[Row]]], size: Callable[[Row], int]
) -> list[Row]:
    """The first rows of a list: `most` of them, or as many as fit in `MOST_LISTED_BYTES`, and one in any case.

    `fetch(last, few)` reads the next `few` rows after `last`, where None stands for the beginning. `size` tells the
    bytes of a row.
    """
    found: list[Row] = []
    few, bytes_so_far, longest = _FIRST_ROWS, 0, 1
    while True:
        few = min(few, most - len(found))
        rows = await fetch(found[-1] if found else None, few)
        for row in rows:
            bytes_so_far += size(row)
            longest = max(longest, size(row))
            if found and bytes_so_far > MOST_LISTED_BYTES:
                return found
            found.append(row)
        if len(rows) < few or len(found) == most:
            return found
        # As many more as fit if none is longer than the longest so far.
        few = max(1, (MOST_LISTED_BYTES - bytes_so_far) // longest)


Op = Callable[Concatenate[Tx, P], Awaitable[T]]


class Database(Protocol):
    """A store. `kind` is `sqlite` or `postgresql`."""

    kind: str
    keys: Keys

    async def read(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a reading op; each of its statements sees what is committed by then."""
        ...

    async def write(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an op in one transaction and answer once that is durable."""
        ...

    async def write_statement(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an op of one single statement, and answer once that is durable.

        Where a transaction costs round trips, the statement goes without one. Raises `RuntimeError` at a second one.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
